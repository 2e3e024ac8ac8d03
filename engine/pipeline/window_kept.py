"""What step 1 writes of its trials: the best survivors, the window's configuration, whether one of them is a claim, and the figures."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from engine.evidence.evalue import required_bits
from engine.evidence.stretch import log2_stretch
from engine.evidence.uniformity import match_probability
from engine.pipeline import content, varying
from engine.pipeline.artifacts import (
    SURVIVORS,
    SURVIVORS_EXPORT,
    SURVIVORS_SCHEMA,
    WINDOW,
    TrialRow,
    WindowConfig,
)
from engine.pipeline.context import RunContext, StepOutcome
from engine.pipeline.replay import Lines, refuse, stream
from engine.pipeline.shelf import Shelf
from engine.pipeline.study import Trial
from engine.pipeline.window_plan import Plan
from engine.pipeline.window_trials import chance_of, joined
from engine.search.alignment import Alignment
from engine.search.survivors import SurvivorHeader, Survivors, TrialHeader
from engine.search.sweep import SweepResult, SweepSpec

Sweeps = dict[int, list[SweepResult]]  # of each trial, rung by rung


def write(
    ctx: RunContext,
    plan: Plan,
    trials: list[Trial],
    specs: dict[int, SweepSpec],
    sweeps: Sweeps,
) -> StepOutcome:
    """Write what the trials found; `sweeps` are each trial's, rung by rung."""
    best = max(trials, key=lambda one: (one.value, -one.number))
    results = {number: joined(parts) for number, parts in sweeps.items()}
    paid = math.log2(sum(map(len, sweeps.values())))  # choosing among sweeps costs a claim so much
    kept = _merge(ctx, plan, trials, specs, results)
    spec, required = specs[best.number], required_bits(ctx.space.alpha) + paid
    config = WindowConfig(
        history=ctx.history.digest,
        range=plan.range,
        search=(0, plan.end),
        confirm=None,
        window=span_of(ctx, spec),
        identified=_claimed(ctx, plan, kept, required),
        required_bits=required,
        origin="step 1",
        session=spec.session,
        starts=spec.starts,
        gaps=spec.gaps,
        threshold=spec.threshold,
        objective=best.value,
        trials=tuple(
            TrialRow(number=t.number, params=t.params, value=t.value, detail=t.detail, state=t.state)
            for t in trials
        ),
    )
    outcome = store(ctx, config, kept)
    outcome.findings += content.window_search([t.value for t in trials], kept, outcome.artifacts[1].bytes)
    _measure(outcome, trials, results, kept, config)
    even = chance_of(spec, plan) * (plan.range[1] - plan.range[0] + 1) <= 1.0 + 1e-9
    if even and "range" not in plan.laws:  # else it is a bound, far above what chance leaves
        nulls = sum(sum(one.null_hits) for one in results.values()) / 2
        outcome.findings += content.null_counts(nulls, outcome.metrics["expected_false"])
    return outcome


def _claimed(ctx: RunContext, plan: Plan, kept: Survivors, required: float) -> bool:
    """Say whether a survivor carries a claim that still holds at the end of the searched part: one that ended foretells nothing."""
    rows = [
        row
        for row in np.flatnonzero(kept["evidence_bits"] >= required).tolist()
        if refuse(kept.alignment(row)) is None
    ]
    lines = Lines.of(ctx.history.head(plan.end))
    ends = [int(kept["window_start"][row] + kept["window_length"][row]) for row in rows]
    p = match_probability(lines.values[lines.values >= 0], *plan.range)
    return any(lasts(kept.alignment(row), lines, end, p) for row, end in zip(rows, ends, strict=True))


def lasts(one: Alignment, lines: Lines, end: int, p: float) -> bool:
    """Say whether "it holds to the last draw" explains what followed draw `end` no worse than "it ended somewhere".

    Under varying gaps the best guess is right once in as many times as there are gaps, so what counts is the belief in the draw.
    """
    places = lines.places(one.session)
    drawn = lines.values[places]
    if one.gap.law == "range":
        hits, known = varying.walk(one, drawn).named, drawn >= 0
    else:
        told = stream(one, 0, len(places))
        hits, known = (told == drawn).astype(float), (told >= 0) & (drawn >= 0)
    after = hits[known & (places >= end)][None]
    return bool(log2_stretch(after, p, lasting=True)[0] >= log2_stretch(after, p)[0])


def store(ctx: RunContext, config: WindowConfig, kept: Survivors) -> StepOutcome:
    """Write the window's configuration and the survivors."""
    shelf = Shelf(ctx, "1")
    shelf.write(WINDOW, config)
    shelf.write_bytes(SURVIVORS, kept.to_bytes(), SURVIVORS_SCHEMA)
    shelf.write_export(SURVIVORS_EXPORT, kept.export(), SURVIVORS_SCHEMA)
    return StepOutcome("1", artifacts=shelf.written)


def _measure(
    outcome: StepOutcome,
    trials: list[Trial],
    results: dict[int, SweepResult],
    kept: Survivors,
    config: WindowConfig,
) -> None:
    planted = sum(one.planted for one in results.values())
    found = sum(one.found for one in results.values())
    best = float(kept["evidence_bits"].max()) if len(kept) else None
    outcome.measure("trials", len(trials), ">=", 1)
    outcome.measure(
        "power", found / planted if planted else None, ">=", 1.0, f"{found} of {planted} planted truths found"
    )
    outcome.measure("hypotheses", sum(one.hypotheses for one in results.values()), ">=", 1)
    outcome.measure("objective", max(trial.value for trial in trials))
    outcome.measure("survivors", len(kept), note="kept; their number is no evidence")
    outcome.measure(
        "null_hits", sum(sum(one.null_hits) for one in results.values()) / 2, note="per null twin"
    )
    outcome.measure("real_hits", sum(one.hits for one in results.values()))
    outcome.metrics |= {
        "kept": len(kept),
        "best_evidence_bits": best,
        "required_bits": config.required_bits,
        "identified": config.identified,
        "null_hits": sum(sum(one.null_hits) for one in results.values()) / 2,
        "expected_false": sum(one.expected_false for one in results.values()),
        "found": sum(one.hits for one in results.values()),
        "pruned": sum(trial.state == "pruned" for trial in trials),
        "backward": dict(sum((Counter(one.backward) for one in results.values()), Counter())),
    }
    outcome.note = f"{len(kept)} survivors of {outcome.metrics['found']}, " + (
        f"best {best:.1f} of {config.required_bits:.1f} bits" if best is not None else "none by chance either"
    )


def _merge(
    ctx: RunContext,
    plan: Plan,
    trials: list[Trial],
    specs: dict[int, SweepSpec],
    results: dict[int, SweepResult],
) -> Survivors:
    """Join the trials' survivors, best evidence first, each hypothesis once, windows counted in draws of the history."""
    parts = []
    for number, result in results.items():
        if result.survivors is not None and len(result.survivors):
            first, end = span_of(ctx, specs[number])
            parts.append(
                result.survivors.with_columns(
                    window_start=first, window_length=end - first, trial=number, sweep=f"trial {number}"
                )
            )
    header = SurvivorHeader(
        range=plan.range,
        history=ctx.history.digest,
        draws=len(ctx.history),
        search=(0, plan.end),
        confirm=(0, plan.end),
        found=sum(one.hits for one in results.values()),
        carried=max(1, sum(one.hits for one in results.values())),
        trials=tuple(_trial_header(trial, specs[trial.number], results[trial.number]) for trial in trials),
    )
    table = Survivors.join(header, parts)
    order = np.lexsort((table["digest"], -table["forward_matched"], -table["evidence_bits"]))
    _, firsts = np.unique(table["digest"][order], return_index=True)
    return table.take(order[np.sort(firsts)][: ctx.parameters.max_survivors])


def span_of(ctx: RunContext, spec: SweepSpec) -> tuple[int, int]:
    """Return the half-open interval of the history's draws that a sweep's window covers."""
    places = Lines.of(spec.history).places(spec.session)
    present = np.flatnonzero(spec.history.values[places][spec.window_start :] >= 0)[: spec.window_length]
    inside = places[present + spec.window_start]
    return int(inside[0]), int(inside[-1]) + 1


def _trial_header(trial: Trial, spec: SweepSpec, found: SweepResult) -> TrialHeader:
    return TrialHeader(
        trial=trial.number,
        sweep=f"trial {trial.number}",
        window=(spec.window_start, spec.window_length),
        session=spec.session,
        starts=spec.starts,
        gaps=spec.gaps,
        threshold=spec.threshold,
        hypotheses=found.hypotheses,
        expected_false=found.expected_false,
        hits=found.hits,
        null_hits=sum(found.null_hits),
        null_best=max(found.null_best),
        objective=trial.value,
    )
