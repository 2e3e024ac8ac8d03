"""Step 3, full scoring: features of every survivor at its own alignment, per chronological slot, beside decoys, and linted.

Few survivors (an identified generator has one) leave nothing to tell apart, so decoys stand beside them: random origins at the
same alignments. They are marked as such, never predict anything, and show what a model makes of chance.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.inputs import Input
from engine.compute.task import Task, TaskResult
from engine.errors import Halted
from engine.pipeline import content, lint
from engine.pipeline.artifacts import (
    SCORED,
    SCORED_EXPORT,
    SCORED_SCHEMA,
    SCORER,
    SURVIVORS,
    WINDOW,
    Overlap,
    ScorerConfig,
    WindowConfig,
)
from engine.pipeline.blocks import Blocks
from engine.pipeline.calls import Arrays, TaskFailed, lent
from engine.pipeline.context import Progress, RunContext, StepOutcome, StepProgress, StepRefused
from engine.pipeline.decoys import make, meta_for, needed, templates
from engine.pipeline.features import Table, family_of
from engine.pipeline.features_meta import Meta, counted_up_to
from engine.pipeline.parts import Parts
from engine.pipeline.replay import Lines, predictions, refuse
from engine.pipeline.row_halves import RowHalves, need
from engine.pipeline.scored import Scored, ScoredHead, features_digest
from engine.pipeline.scorer import Scorer
from engine.pipeline.shelf import Shelf
from engine.pipeline.slots import blocks_for
from engine.search.alignment import Alignment
from engine.search.survivors import Survivors

SCORE = "score.scorer"
LEAST_FEATURES = 24
SHOWN_COLUMNS = 12


class LeakFound(StepRefused):
    """A feature knows draws that it may not know."""


class BarrenColumn(StepRefused):
    """A column that can tell nothing: dead by construction, or constant, copied or naming its trial in the finished table."""


@dataclass(frozen=True)
class Rows:
    """The rows to score: survivors first, then decoys, each with its record."""

    alignments: list[Alignment]
    meta: Meta
    lines: Lines
    blocks: Blocks
    range: tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """What the step works on."""

    survivors: Survivors
    rows: Rows
    scorer: ScorerConfig
    overlap: Overlap


@dataclass(frozen=True)
class Raw:
    """What the workers computed, joined; `leaks` are columns that changed with draws they may not know."""

    table: Table
    targets: np.ndarray
    marks: np.ndarray
    leaks: tuple[str, ...]


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Score all rows, lint the columns, write the table; raise LeakFound before a leaking table is written."""
    shelf = Shelf(ctx, "3")
    asked = await asyncio.to_thread(_prepare, ctx, shelf)
    parts = Parts(ctx.artifacts.directory, "3")
    raw = await compute(ctx, "3", asked.rows, progress, parts)
    outcome = await asyncio.to_thread(_finish, ctx, shelf, asked, raw)
    await asyncio.to_thread(parts.clear)
    return outcome


def _prepare(ctx: RunContext, shelf: Shelf) -> Asked:
    config, scorer = shelf.read(WINDOW, WindowConfig), shelf.read(SCORER, ScorerConfig)
    survivors = playable(shelf.survivors(SURVIVORS))
    blocks, overlap = blocks_for(ctx, config)
    return Asked(survivors, candidates(ctx, config, survivors, blocks), scorer, overlap)


def _finish(ctx: RunContext, shelf: Shelf, asked: Asked, raw: Raw) -> StepOutcome:
    survivors, rows = asked.survivors, asked.rows
    decoys = np.arange(len(survivors), len(rows.alignments))
    verdict = lint.check(
        raw.table,
        first_read=rows.blocks.reads[0],
        provenance=counted_up_to(survivors),
        trials=survivors["trial"],
        leaks=sorted({*raw.leaks, *lint.chance_leaks(raw.table, raw.targets, decoys)}),
    )
    if verdict.leaks:
        raise LeakFound(
            f"step 3: columns {', '.join(verdict.leaks)} know draws that they may not know; nothing was written: mend the feature"
        )
    table = with_score(raw.table, asked.scorer, verdict.kept)
    _must_carry(table, survivors["trial"])
    head = _head(ctx, asked, table, verdict)
    return _write(shelf, Scored(survivors, head, table.x, raw.targets, raw.marks), verdict)


def _must_carry(table: Table, trials: np.ndarray) -> None:
    """Raise BarrenColumn for a column that the code can only ever fill with nothing, or that slipped through the lint."""
    features = table.keep([name for name in table.names if name != SCORE])
    barren = [*lint.dead(lint.probe()), *lint.barren(features, trials)]
    if barren:
        told = "; ".join(f"{one.name} {one.text}" for one in barren)
        raise BarrenColumn(f"step 3: {told}; nothing was written: mend the feature")


def playable(survivors: Survivors) -> Survivors:
    """Return the survivors whose alignments predict single values; the others cannot be scored."""
    keep = [row for row, one in enumerate(survivors) if refuse(one) is None]
    return survivors if len(keep) == len(survivors) else survivors.take(keep)


def candidates(ctx: RunContext, config: WindowConfig, survivors: Survivors, blocks: Blocks) -> Rows:
    """Put decoys beside the survivors and count them over the same windows."""
    lines = Lines.of(ctx.history)
    rng = ctx.seeds.child("step3").rng("decoys")
    count = needed(len(survivors), ctx.parameters.min_candidates)
    decoys = make(templates(survivors, ctx.space), count, rng)
    meta = meta_for(survivors, decoys, predictions(decoys, lines), lines.values)
    return Rows([*survivors, *decoys], Meta.of(survivors).join(meta), lines, blocks, config.range)


async def compute(
    ctx: RunContext, name: str, rows: Rows, progress: Progress, parts: Parts | None = None
) -> Raw:
    """Run the feature tasks, a bounded number at a time, and join them in row order; `parts` keep finished ones over a kill."""
    chunk, total = ctx.parameters.feature_rows, len(rows.alignments)
    seed = ctx.seeds.child(f"step{name}").integer("blind")
    async with lent(ctx, rows.lines.arrays()) as lines:
        tasks = {
            key: features_task(key, rows, (lo, min(lo + chunk, total)), seed, lines)
            for lo in range(0, total, chunk)
            for key in (f"{ctx.run}/{name}/rows/{lo}",)
        }
        done = {} if parts is None else await asyncio.to_thread(_recorded, tasks, parts)
        async for result in ctx.compute.map(task for key, task in tasks.items() if key not in done):
            if result.stopped:
                raise Halted(f"{result.key}: halted; finished pieces are kept, resume goes on from them")
            if not result.ok:
                raise TaskFailed(
                    f"{result.key} failed on {result.worker}: {result.error}; run the step again"
                )
            if parts is not None:
                await asyncio.to_thread(parts.put, tasks[result.key], result)
            done[result.key] = result
            progress(StepProgress(name, len(done), len(tasks), f"{total} rows"))
    if len(done) != len(tasks):
        raise Halted(f"step {name}: halted after {len(done)} of {len(tasks)} pieces")
    return _joined([done[key] for key in tasks])


def _recorded(tasks: Mapping[str, Task], parts: Parts) -> dict[str, TaskResult]:
    found = {key: parts.get(task) for key, task in tasks.items()}
    return {key: result for key, result in found.items() if result is not None}


def _joined(ordered: Sequence[TaskResult]) -> Raw:
    """Put the pieces together in row order."""
    names = tuple(ordered[0].meta["names"])
    x = np.concatenate([part.arrays["x"] for part in ordered], axis=1)
    targets = np.concatenate([part.arrays["targets"] for part in ordered], axis=2)
    marks = np.concatenate([part.arrays["marks"] for part in ordered], axis=0)
    leaks = {leak for part in ordered for leak in part.meta["leaks"]}
    return Raw(Table(names, x), targets, marks, tuple(sorted(leaks)))


def features_task(
    key: str, rows: Rows, span: tuple[int, int], seed: int, lines: tuple[Arrays, tuple[Input, ...]]
) -> Task:
    """Return the task that scores some rows over the lent `lines` (arrays, inputs)."""
    lo, hi = span
    params = {
        "job": "table",
        "alignments": [one.model_dump(mode="json") for one in rows.alignments[lo:hi]],
        "range": list(rows.range),
        "labels": list(rows.lines.labels),
        "reads": rows.blocks.reads,
        "blocks": rows.blocks.spans,
        "seed": seed,
    }
    arrays = {**lines[0], **rows.meta.rows(slice(lo, hi)).arrays()}
    draws = len(rows.lines)
    return Task(
        "features", key, params, arrays, inputs=lines[1], memory=need(hi - lo, draws), split=RowHalves(draws)
    )


def with_score(table: Table, scorer: ScorerConfig, kept: tuple[str, ...]) -> Table:
    """Return the kept columns and the scorer's log-odds beside them."""
    made = Scorer(
        scorer.names,
        np.array(scorer.centre),
        np.array(scorer.scale),
        np.array(scorer.weights),
        scorer.intercept,
        scorer.clip,
    )
    score = made.score(table.x, table.names)
    kept_table = table.keep(kept)
    return Table((*kept, SCORE), np.concatenate([kept_table.x, score[:, :, None]], axis=2))


def _head(ctx: RunContext, asked: Asked, table: Table, verdict: lint.Verdict) -> ScoredHead:
    rows, blocks = asked.rows, asked.rows.blocks
    return ScoredHead(
        history=ctx.history.digest,
        names=table.names,
        features=features_digest(table.names),
        chance=1.0 / (rows.range[1] - rows.range[0] + 1),
        dev=tuple((b.cut, b.end, b.reads) for b in blocks.dev),
        final=(blocks.final.cut, blocks.final.end, blocks.final.reads),
        now=blocks.now,
        embargo=blocks.embargo,
        overlap=asked.overlap,
        decoys=tuple(rows.alignments[len(asked.survivors) :]),
        families=dict(Counter(family_of(name) for name in table.names)),
        dropped=tuple(vars(one) for one in verdict.dropped),
    )


def _write(shelf: Shelf, scored: Scored, verdict: lint.Verdict) -> StepOutcome:
    ref = shelf.write_bytes(SCORED, scored.to_bytes(), SCORED_SCHEMA)
    shelf.write_export(SCORED_EXPORT, scored.export(), SCORED_SCHEMA)
    outcome = StepOutcome("3", artifacts=shelf.written)
    outcome.findings += content.scored(scored, ref.bytes)
    head = scored.head
    outcome.measure("rows", len(scored.alignments()), ">=", 1)
    outcome.measure(
        "features", len(head.names), ">=", LEAST_FEATURES, f"{len(verdict.dropped)} dropped by the lint"
    )
    outcome.measure("leaks", len(verdict.leaks), "==", 0)
    outcome.measure("survivors", scored.real)
    outcome.measure("dev_blocks", len(head.dev), ">=", 3)
    outcome.metrics |= {
        "decoys": len(head.decoys),
        "families": dict(head.families),
        "dropped": {one.name: f"{one.rule}: {one.text}" for one in verdict.dropped},
        "overlap": head.overlap,
        "draws_per_block": head.final[1] - head.final[0],
        "columns": _columns(scored),
    }
    outcome.note = f"{scored.real} survivors and {len(head.decoys)} decoys, {len(head.names)} features"
    return outcome


def _columns(scored: Scored) -> list[dict[str, Any]]:
    """Return the columns that go most with the hit rate of the development blocks, in short: what a reader would plot first."""
    count = len(scored.head.dev)
    x = scored.x[:count].reshape(-1, scored.x.shape[-1])
    hits, drawn = scored.targets[0].reshape(-1), scored.targets[1].reshape(-1)
    related = lint.correlations(x, hits / np.maximum(drawn, 1))
    told = (x.mean(axis=0), x.std(axis=0), x.min(axis=0), x.max(axis=0), related)
    names = ("mean", "spread", "lowest", "highest", "correlation")
    return [
        {"name": scored.head.names[at]}
        | {name: round(float(row[at]), 4) for name, row in zip(names, told, strict=True)}
        for at in np.argsort(-np.abs(related))[:SHOWN_COLUMNS]
    ]
