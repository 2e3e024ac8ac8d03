"""Step 6, prediction generator: read-only on its inputs; a calibrated pool for the next draw, or a uniform one that says so.

Survivors whose evidence carries a claim are weighed by it; where only the model beats chance, by the model; where the draws are
biased and no generator explains them, their frequencies stand; otherwise nothing is named.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from engine.compute.task import Task
from engine.evidence.evalue import required_bits
from engine.pipeline import content, varying
from engine.pipeline.artifacts import MODEL_META, POOL, SCORED, WINDOW, ModelMeta, Pool, WindowConfig
from engine.pipeline.bias import Bias, bias_of
from engine.pipeline.calibrate import shrunk
from engine.pipeline.calls import call
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress, StepRefused
from engine.pipeline.gains import weights
from engine.pipeline.pool import (
    PRIOR_DRAWS,
    Basis,
    Believer,
    calibrated,
    evidence_trust,
    make,
    make_biased,
    reissue,
)
from engine.pipeline.replay import NONE, Lines, next_position, predictions, tally
from engine.pipeline.scored import Scored
from engine.pipeline.shelf import Shelf

__all__ = ["reissue", "run"]


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Load the model, state hit rates for the next draw, mix the pool, seal it."""
    shelf = Shelf(ctx, "6")
    config, scored, meta, model = await asyncio.to_thread(_read, shelf)
    rates = await state_rates(ctx, scored, meta, model)
    progress(StepProgress("6", 1, 2, "hit rates stated"))
    pool = await asyncio.to_thread(publish, ctx, config, scored, meta, rates)
    await asyncio.to_thread(shelf.write, POOL, pool)
    outcome = StepOutcome("6", artifacts=shelf.written)
    _measure(outcome, pool)
    progress(StepProgress("6", 2, 2, outcome.note))
    return outcome


def _read(shelf: Shelf) -> tuple[WindowConfig, Scored, ModelMeta, bytes]:
    config, scored = shelf.read(WINDOW, WindowConfig), shelf.scored(SCORED)
    meta = shelf.read(MODEL_META, ModelMeta)
    model = shelf.raw(meta.file)
    _same_model(shelf, meta, scored)
    return config, scored, meta, model


def _same_model(shelf: Shelf, meta: ModelMeta, scored: Scored) -> None:
    if shelf.sha(meta.file) != meta.model:
        raise StepRefused(f"{meta.file}: is not the model that {MODEL_META} describes; run step 5 again")
    if meta.features != scored.head.features or meta.names != scored.head.names:
        raise StepRefused(
            f"{MODEL_META}: was trained on other features than {SCORED} holds; run step 5 again"
        )


async def state_rates(ctx: RunContext, scored: Scored, meta: ModelMeta, model: bytes) -> np.ndarray:
    """Return the model's calibrated hit rate for each survivor at the next draw, float (real,)."""
    params = {"job": "predict", "family": meta.family, "chance": meta.chance}
    rows = np.ascontiguousarray(scored.x[-1])
    arrays = {"model": np.frombuffer(model, dtype=np.uint8).copy(), "rows": rows}
    result = await call(ctx, Task("train", f"{ctx.run}/6/rates", params, arrays, isolate=True))
    return shrunk(result.arrays["rates"][: scored.real], meta.calibration, meta.chance)


def publish(
    ctx: RunContext, config: WindowConfig, scored: Scored, meta: ModelMeta, rates: np.ndarray
) -> Pool:
    """Return the pool; it is uniform unless a claim, a tested signal or a proven bias stands behind it."""
    basis, trust = trust_of(config, scored, meta, rates)
    skew = bias_of(ctx.history.values, config.range)
    if basis == "uniform, no evidence" and proven(skew, ctx.space.alpha):
        return make_biased(
            skew.counts,
            skew.prior,
            history=ctx.history.digest,
            for_draw=len(ctx.history),
            span=config.range,
            model=meta.model,
        )
    believers = _believers(ctx, config, scored, rates, trust) if basis != "uniform, no evidence" else []
    session = next((one.alignment.session for one in sorted(believers, key=lambda one: -one.trust)), None)
    return make(
        [one for one in believers if one.alignment.session in (None, session)],
        history=ctx.history.digest,
        for_draw=len(ctx.history),
        session=session,
        span=config.range,
        basis=basis,
        model=meta.model,
        heads=ctx.parameters.heads,
    )


def proven(skew: Bias, alpha: float) -> bool:
    """Say whether draws are biased beyond what chance explains at the run's error rate."""
    return skew.bits >= required_bits(alpha)


def trust_of(
    config: WindowConfig, scored: Scored, meta: ModelMeta, rates: np.ndarray
) -> tuple[Basis, np.ndarray]:
    """Return what the pool rests on, and the trust in each survivor."""
    bits, signal = scored.survivors["evidence_bits"], meta.signal
    identified, required = config.identified, config.required_bits
    if identified and bool((bits >= required).any()):
        claimed = np.where(bits >= required, bits, -np.inf)
        return "evidence", evidence_trust(claimed, rates, meta.chance)
    if signal and bool((rates > meta.chance).any()):
        return "model", weights(rates, meta.chance)
    return "uniform, no evidence", np.zeros(scored.real)


def _believers(
    ctx: RunContext, config: WindowConfig, scored: Scored, rates: np.ndarray, trust: np.ndarray
) -> list[Believer]:
    lines = Lines.of(ctx.history)
    alignments = list(scored.survivors)
    searched, overlap = config.search, scored.head.overlap
    after = 0 if overlap == "search" else searched[1]
    matched, scored_draws = tally(predictions(alignments, lines), lines.values, after, len(lines))
    sure = calibrated(rates, matched, scored_draws)
    made: list[Believer] = []
    for at, one in enumerate(alignments):
        told = Believer(
            one,
            next_position(one, lines),
            float(trust[at]),
            float(sure[at]),
            int(matched[at]),
            int(scored_draws[at]),
        )
        made += spread(told, lines, after) if one.gap.law == "range" and told.trust > 0 else [told]
    return made


def spread(one: Believer, lines: Lines, after: int) -> list[Believer]:
    """Share the trust in a stream of varying gaps among the calls that its next draw may be; the rate is that of right draws."""
    places = lines.places(one.alignment.session)
    drawn = lines.values[places]
    gone = varying.walk(one.alignment, drawn)
    judged = (places >= after) & (drawn != NONE)
    right, scored = float(gone.right[judged].sum()), int(judged.sum())
    rate = (PRIOR_DRAWS * varying.RIGHT / (varying.RIGHT + varying.WRONG) + right) / (PRIOR_DRAWS + scored)
    return [
        replace(one, alignment=fork, trust=one.trust * share, rate=rate, matched=round(right), scored=scored)
        for fork, share in gone.forks()
    ]


def _measure(outcome: StepOutcome, pool: Pool) -> None:
    outcome.findings += content.pool(pool)
    outcome.measure("probability_sum", pool.total(), "<=", 1.0 + content.SUM_TOLERANCE)
    outcome.measure("for_draw", pool.for_draw, ">=", 1)
    outcome.measure("named_values", len(pool.heads))
    for line in pool.pools:
        outcome.measure(
            f"pool_{line.size}", line.stated, note=f"stated; by chance {line.chance:.3g} of the draws"
        )
    outcome.metrics |= {
        "basis": pool.basis,
        "uniform": pool.uniform,
        "sha256": pool.sha256,
        "top": [list(head) for head in pool.heads[:5]],
        "pools": {str(line.size): [line.stated, line.chance] for line in pool.pools},
    }
    if pool.uniform:
        outcome.note = f"uniform, no evidence: draw {pool.for_draw}"
    else:
        outcome.note = (
            f"draw {pool.for_draw}: {pool.heads[0][0]} with {pool.heads[0][1]:.3g}, on {pool.basis}"
        )
