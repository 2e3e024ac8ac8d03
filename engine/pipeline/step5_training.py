"""Step 5, anti-overfit training: four model families, each in its own process, judged by blocks that lie after what they learnt from.

Development blocks choose, out of fold and by the one-standard-error rule. The final block is opened once, on the record. Decoy
histories show the lift of the same procedure where there is nothing to find: it must be 1. "No signal" is a normal result.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.task import Task, TaskResult
from engine.pipeline import content, health
from engine.pipeline.artifacts import ENGINE, MODEL_META, SCORED, EngineConfig, ModelMeta, Scored
from engine.pipeline.baselines import SINGLE, best_row, single
from engine.pipeline.calibrate import best_share, shrunk, slope
from engine.pipeline.calls import TaskFailed, call, kept
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress, StepRefused
from engine.pipeline.features import Table
from engine.pipeline.features_meta import ARRAYS, Meta
from engine.pipeline.gains import hit_shares, weights
from engine.pipeline.intervals import Interval, mean_interval
from engine.pipeline.parts import Parts
from engine.pipeline.replay import Lines
from engine.pipeline.selection import CHANCE, Candidate, out_of_fold, select, stored
from engine.pipeline.shelf import Shelf, code_digest, parameters_of
from engine.pipeline.step3_scoring import SCORE, Rows, compute
from engine.pipeline.step4_architecture import SKIPPED, skips, train_arrays
from engine.pipeline.study import together
from engine.pipeline.taught import active_policy, fitted, params_of
from engine.pipeline.trainers import TRAINERS
from engine.selfplay.rules import Policy

OPENED = "final_block.opened"
NO_POLICY = Policy()
DECOY_CONFIDENCE = 0.9999  # a decoy lift is refused only where chance cannot reach


class Artefact(StepRefused):
    """The procedure finds lift where there is none to find."""


@dataclass(frozen=True)
class Trained:
    """Everything that training gave, before anybody looks at the final block; `single` is the baseline, `skipped` has reasons."""

    results: Mapping[str, TaskResult]
    candidates: Mapping[str, Candidate]
    single: Candidate
    shares: Mapping[str, float]
    slopes: Mapping[str, float | None]
    selected: str
    stored: str
    skipped: Mapping[str, str]

    def health(self) -> dict[str, health.Numbers]:
        """Return each model's health."""
        return {
            family: health.numbers(result.meta, self.candidates[family].bits)
            for family, result in self.results.items()
        }


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Train, select on development blocks, test on decoy histories, open the final block once, write the model."""
    shelf = Shelf(ctx, "5")
    scored = await asyncio.to_thread(shelf.scored, SCORED)
    config = await asyncio.to_thread(shelf.read, ENGINE, EngineConfig)
    if config.features != scored.head.features:
        raise StepRefused(
            "step 5: step 4 chose capacities for other features than step 3 wrote; run step 4 again"
        )
    policy, misfits = fitted(await asyncio.to_thread(active_policy, shelf), scored.head.names)
    trained = await train(ctx, scored, config, progress, policy)
    decoys = await decoy_lift(ctx, scored, config.models[trained.stored], trained.stored, progress, policy)
    opened = await asyncio.to_thread(open_final, ctx, scored, question_of(shelf, ctx))
    verdict = await judge(ctx, scored, trained)
    progress(StepProgress("5", total(ctx), total(ctx), "final block judged"))
    outcome = await asyncio.to_thread(_write, ctx, shelf, scored, trained, decoys, verdict, opened)
    outcome.findings += misfits
    await asyncio.to_thread(Parts(ctx.artifacts.directory, "5").clear)
    return outcome


def total(ctx: RunContext) -> int:
    """Return how many pieces the step has: models, decoy histories, the final judgement."""
    return len(TRAINERS) + 2


async def train(
    ctx: RunContext, scored: Scored, config: EngineConfig, progress: Progress, policy: Policy = NO_POLICY
) -> Trained:
    """Train every family in a process of its own, under the active policy, and select out of fold; one whose process fails is left out, and said so."""
    arrays, done = train_arrays(scored), 0
    skipped = {
        family: str(tried[0][SKIPPED])
        for family, tried in config.tried.items()
        if family not in config.models
    }

    async def one(family: str) -> TaskResult | None:
        nonlocal done
        result = await _trained(ctx, scored, config, family, arrays, skipped, policy)
        done += 1
        said = "trained" if result is not None else f"skipped, {skipped[family]}"
        progress(StepProgress("5", done, total(ctx), f"{family} {said}"))
        return result

    made = await together([one(family) for family in config.models])
    results = {
        family: result for family, result in zip(config.models, made, strict=True) if result is not None
    }
    if not results:
        raise StepRefused(
            f"step 5: no model could be trained ({'; '.join(skipped.values())}); run step 4 again"
        )
    return _selected(scored, results, skipped)


async def _trained(
    ctx: RunContext,
    scored: Scored,
    config: EngineConfig,
    family: str,
    arrays: dict[str, np.ndarray],
    skipped: dict[str, str],
    policy: Policy,
) -> TaskResult | None:
    key = f"{ctx.run}/5/{family}"
    try:
        result = await kept(
            ctx, "5", train_task(ctx, scored, key, family, config.models[family], arrays, policy=policy)
        )
    except TaskFailed as error:
        skipped[family] = str(error)
        return None
    if result.meta["config"] != config.models[family]:
        raise StepRefused(f"{key}: trained with another configuration than step 4 chose; run the step again")
    return result


def _selected(scored: Scored, results: dict[str, TaskResult], skipped: dict[str, str]) -> Trained:
    """Judge every model and the baselines out of fold, and select."""
    blocks, chance = scored.head.blocks(), scored.head.chance
    first, length = blocks.outer[0], blocks.length
    held_out = {family: result.arrays["held_out"] for family, result in results.items()}
    candidates = {
        family: Candidate(
            family,
            out_of_fold(rates, scored.marks, blocks.outer, length, chance),
            int(results[family].meta["size"]),
        )
        for family, rates in held_out.items()
    }
    folds = [(at, blocks.trains(at)) for at in blocks.outer]
    baseline = single(scored.targets, scored.marks, folds, _trusted(scored), length, chance)
    selected = select({SINGLE: baseline, **candidates})
    return Trained(
        results,
        candidates,
        baseline,
        {f: best_share(rates, scored.marks, first, length, chance) for f, rates in held_out.items()},
        {f: slope(rates, scored.marks, first, length) for f, rates in held_out.items()},
        selected,
        stored(candidates, CHANCE if selected == SINGLE else selected),
        skipped,
    )


def _trusted(scored: Scored) -> int:
    """Return how many rows may be trusted: the survivors, or without any the decoys that stand in for them."""
    return scored.real or len(scored.head.decoys)


def train_task(
    ctx: RunContext,
    scored: Scored,
    key: str,
    family: str,
    config: dict[str, Any],
    arrays: dict[str, np.ndarray],
    job: str = "train",
    policy: Policy = NO_POLICY,
) -> Task:
    """Return the task that trains one family: outer folds, then all development blocks."""
    blocks = scored.head.blocks()
    params = {
        "job": job,
        "family": family,
        "config": config,
        "folds": [[at, blocks.trains(at)] for at in blocks.outer],
        "length": blocks.length,
        "chance": scored.head.chance,
        "seed": ctx.seeds.child("step5").integer(family),
        **params_of(policy, scored.head.names),
    }
    return Task("train", key, params, arrays, isolate=True)


async def decoy_lift(
    ctx: RunContext,
    scored: Scored,
    config: dict[str, Any],
    family: str,
    progress: Progress,
    policy: Policy = NO_POLICY,
) -> Interval:
    """Run the same procedure where nothing can be found; raise Artefact if it finds something all the same.

    A decoy history has uniform draws after the first block's past, and is scored and trained from there like the real one.
    """
    tables = await together(
        [decoy_table(ctx, scored, turn) for turn in range(ctx.parameters.decoy_histories)]
    )
    arrays = {name: np.stack([table[name] for table in tables]) for name in tables[0]}
    task = train_task(ctx, scored, f"{ctx.run}/5/decoys", family, config, arrays, job="decoys", policy=policy)
    held_out = (await kept(ctx, "5", task)).arrays["held_out"]
    progress(StepProgress("5", total(ctx) - 1, total(ctx), f"{len(tables)} decoy histories"))
    shares = [
        share
        for rates, marks in zip(held_out, arrays["marks"], strict=True)
        for share in _outer_shares(scored, rates, marks)
    ]
    x, chance = np.concatenate(shares), scored.head.chance
    strict = mean_interval(x, DECOY_CONFIDENCE).scaled(1.0 / chance)
    if strict.lo > 1.0:
        raise Artefact(
            f"step 5: on decoy histories {family} reaches a lift of {strict.value:.3g} (at least {strict.lo:.3g}), expected 1.00: "
            "features and targets share draws; nothing was written"
        )
    return mean_interval(x, ctx.parameters.confidence).scaled(1.0 / chance)


async def decoy_table(ctx: RunContext, scored: Scored, turn: int) -> dict[str, np.ndarray]:
    """Return features, targets and marks of the same rows over one decoy history."""
    blocks, survivors = scored.head.blocks(), scored.survivors
    rng = ctx.seeds.child("step5").rng(f"decoy/{turn}")
    lo, hi = survivors.header.range
    lines = Lines.of(ctx.history)
    values, first = lines.values.copy(), blocks.dev[0].reads
    later = np.flatnonzero(values[first:] >= 0) + first
    values[later] = rng.integers(lo, hi, size=len(later), endpoint=True)
    rows = Rows(
        scored.alignments(), _blank(len(scored.alignments())), lines.with_values(values), blocks, (lo, hi)
    )
    raw = await compute(ctx, f"5/decoy/{turn}", rows, lambda _: None)
    score = np.zeros((*raw.table.x.shape[:2], 1))
    full = Table((*raw.table.names, SCORE), np.concatenate([raw.table.x, score], axis=2))
    kept = full.keep(scored.head.names)
    return {"x": kept.x[:-1], "targets": raw.targets, "marks": raw.marks}


def _blank(rows: int) -> Meta:
    """Return empty records: a record counts real draws, which a decoy history does not have."""
    return Meta({name: np.zeros(rows) for name in ARRAYS})


def _outer_shares(scored: Scored, held_out: np.ndarray, marks: np.ndarray) -> list[np.ndarray]:
    blocks, chance = scored.head.blocks(), scored.head.chance
    return [
        hit_shares(weights(rate, chance), marks[:, at * blocks.length : (at + 1) * blocks.length])
        for rate, at in zip(held_out, blocks.outer, strict=True)
    ]


def open_final(ctx: RunContext, scored: Scored, question: str) -> int:
    """Put the opening of the final block on the record; return how many questions were put to its draws, this one included.

    The same question put again (after a halt, say) has the same answer and is no second look.
    """
    cut, end, _ = scored.head.final
    looks = {
        str(event.data["question"])
        for event in ctx.journal.events(kinds=(OPENED,))
        if event.data["final"][0] < end and cut < event.data["final"][1]
    }
    if question not in looks:
        data = {"run": ctx.run, "history": ctx.history.digest, "final": [cut, end], "question": question}
        ctx.journal.append(OPENED, data)
    return len(looks | {question})


def question_of(shelf: Shelf, ctx: RunContext) -> str:
    """Return the digest of everything that decides what step 5 asks of the final block."""
    asked = [shelf.inputs, parameters_of(ctx, "5"), code_digest()]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def judge(ctx: RunContext, scored: Scored, trained: Trained) -> TaskResult:
    """Replay the final block and judge every model on it."""
    lines = Lines.of(ctx.history)
    params = {
        "job": "judge",
        "alignments": [one.model_dump(mode="json") for one in scored.alignments()],
        "range": list(scored.survivors.header.range),
        "labels": list(lines.labels),
        "final": [scored.head.final[0], scored.head.final[1]],
        "real": scored.real,
        "single": best_row(scored.targets, range(scored.targets.shape[1]), _trusted(scored)),
        "rounds": ctx.parameters.permutations,
        "confidence": ctx.parameters.confidence,
        "seed": ctx.seeds.child("step5").integer("permutations"),
    }
    chance = scored.head.chance
    rates = np.stack(
        [
            shrunk(result.arrays["final"], trained.shares[family], chance)
            for family, result in trained.results.items()
        ]
    )
    return await call(ctx, Task("features", f"{ctx.run}/5/judge", params, {**lines.arrays(), "rates": rates}))


def _write(
    ctx: RunContext,
    shelf: Shelf,
    scored: Scored,
    trained: Trained,
    decoys: Interval,
    verdict: TaskResult,
    opened: int,
) -> StepOutcome:
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
