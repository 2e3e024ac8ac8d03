"""What step 5 writes: the models, their sidecar with every number and interval, the verdict in words, and the figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compute.task import TaskResult
from engine.pipeline import content, health
from engine.pipeline.artifacts import MODEL_META, ModelMeta
from engine.pipeline.baselines import SINGLE
from engine.pipeline.context import RunContext, StepOutcome
from engine.pipeline.intervals import Interval
from engine.pipeline.scored import Scored
from engine.pipeline.selection import CHANCE
from engine.pipeline.shelf import Shelf
from engine.pipeline.step4_architecture import skips
from engine.pipeline.trainers import TRAINERS
from engine.pipeline.training import Trained


def write(
    ctx: RunContext,
    shelf: Shelf,
    scored: Scored,
    trained: Trained,
    decoys: Interval,
    verdict: TaskResult,
    opened: int,
) -> StepOutcome:
    """Write the models and what is known of them; `opened` is how many questions were put to the final block."""
    final = dict(zip(trained.results, verdict.meta["models"], strict=True))
    for answer in final.values():
        answer["p"] = min(1.0, answer["permutation_p"] * opened)
    mine = final[trained.stored]
    signal = bool(
        trained.selected != CHANCE
        and scored.real
        and scored.head.overlap == "none"
        and mine["p"] <= ctx.parameters.signal_p
        and mine["lift"]["lo"] > 1.0
    )
    refs = {family: _file(ctx, trained, family) for family in trained.results}
    for family, name in refs.items():
        if name is not None:
            shelf.write_bytes(name, trained.results[family].arrays["model"].tobytes(), f"model.{family}/1")
    best = next(ref for ref in shelf.written if ref.path.name == refs[trained.stored])
    meta = ModelMeta(
        history=ctx.history.digest,
        family=trained.stored,
        file=best.path.name,
        model=best.sha256,
        features=scored.head.features,
        names=scored.head.names,
        chance=scored.head.chance,
        calibration=trained.shares[trained.stored],
        signal=signal,
        selected=trained.selected,
        verdict=_verdict(signal, scored, trained, mine),
        config=trained.results[trained.stored].meta["config"],
        size=trained.results[trained.stored].meta["size"],
        overlap=scored.head.overlap,
        confidence=ctx.parameters.confidence,
        blocks={
            "dev": [list(one) for one in scored.head.dev],
            "final": list(scored.head.final),
            "embargo": scored.head.embargo,
        },
        models={family: _report(trained, family) for family in trained.results},
        final={
            "models": final,
            "single": {**verdict.meta["single"], "out_of_fold_bits": _bits_interval(trained.single.gains)},
            "beats_single": trained.candidates[trained.stored].bits > trained.single.bits,
            "skipped": dict(trained.skipped),
            "draws": verdict.meta["draws"],
            "rows": verdict.meta["rows"],
        },
        decoys={"lift": decoys.dump(), "histories": ctx.parameters.decoy_histories},
        opened=opened,
    )
    shelf.write(MODEL_META, meta)
    outcome = StepOutcome("5", artifacts=shelf.written)
    _measure(outcome, ctx, trained, meta, mine, decoys)
    return outcome


def _file(ctx: RunContext, trained: Trained, family: str) -> str | None:
    suffix = TRAINERS[family].suffix
    if family == trained.stored:
        return f"best_model.{suffix}"
    return f"model_{family}.{suffix}" if ctx.parameters.save_all_models else None


def _report(trained: Trained, family: str) -> dict[str, Any]:
    result, candidate = trained.results[family], trained.candidates[family]
    interval = _bits_interval(candidate.gains)
    return {
        "out_of_fold_bits": interval,
        "draws": len(candidate.gains),
        "size": candidate.size,
        "rows": result.meta["rows"],
        "config": result.meta["config"],
        "library": result.meta["library"],
        "calibration": {"share": trained.shares[family], "slope": trained.slopes[family]},
        "health": trained.health()[family],
    }


def _bits_interval(gains: np.ndarray) -> dict[str, float]:
    """Return the mean bits per draw with plus and minus two standard errors; an error of one draw is its size."""
    mean = float(gains.mean()) if len(gains) else 0.0
    error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else abs(mean)
    return {"value": mean, "lo": mean - 2.0 * error, "hi": mean + 2.0 * error}


def _verdict(signal: bool, scored: Scored, trained: Trained, mine: dict[str, Any]) -> str:
    numbers = f"lift {mine['lift']['value']:.3g} ({mine['lift']['lo']:.3g} to {mine['lift']['hi']:.3g}), p {mine['p']:.3g}"
    if signal:
        alone = "" if trained.selected != SINGLE else ", no better than its best single survivor"
        return f"signal: {trained.stored} beats chance on the final block{alone}, {numbers}"
    if not scored.real:
        return f"no signal: there is no survivor to trust, decoys show {numbers}"
    if trained.selected == CHANCE:
        return (
            f"no signal: no model beats chance by a standard error out of fold; on the final block {numbers}"
        )
    if scored.head.overlap != "none":
        return f"descriptive: the final block also took part in the {scored.head.overlap}; {numbers}"
    return f"no signal: {trained.stored} does not beat chance on the final block, {numbers}"


def _measure(
    outcome: StepOutcome,
    ctx: RunContext,
    trained: Trained,
    meta: ModelMeta,
    mine: dict[str, Any],
    decoys: Interval,
) -> None:
    rates = {family: result.arrays["final"] for family, result in trained.results.items()}
    ran = [
        result.seconds for result in trained.results.values() if result.seconds > 0.0
    ]  # 0: kept from before a halt
    outcome.findings += content.training(rates, ran)
    outcome.findings += skips(dict(trained.skipped)) + health.warnings(trained.health())
    outcome.measure("models", len(trained.results), ">=", 1, f"{len(trained.skipped)} left out")
    outcome.measure(
        "decoy_lift_lo", decoys.lo, note=f"decoy histories: lift {decoys.value:.3g}, expected 1.00"
    )
    outcome.measure("permutations", ctx.parameters.permutations, ">=", 999)
    outcome.measure("final_opened", meta.opened, ">=", 1, "every opening multiplies the p-value")
    outcome.measure(
        "final_lift", mine["lift"]["value"], note=f"{mine['lift']['lo']:.3g} to {mine['lift']['hi']:.3g}"
    )
    outcome.measure("final_p", mine["p"], "<=", 1.0)
    outcome.metrics |= {
        "signal": meta.signal,
        "selected": meta.selected,
        "stored": meta.family,
        "overlap": meta.overlap,
        "out_of_fold_bits": {family: candidate.bits for family, candidate in trained.candidates.items()},
        "final_lift": mine["lift"],
        "decoy_lift": decoys.dump(),
        "single_bits": trained.single.bits,
        "health": trained.health(),
        "skipped": dict(trained.skipped),
    }
    outcome.note = "; ".join([meta.verdict, *(f"{family} left out" for family in trained.skipped)])
