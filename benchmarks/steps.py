"""What steps 1 to 3 are worth where identification does not hand the answer over: calibration on null histories, planted truths found and ranked.

Every history goes through the real steps 1, 2.5 and 3, whose truth they cannot see; the workers' tasks are done in this process, so that
hundreds of histories fit into minutes on one core. Rows go to --out as JSON lines; `report` sums them up, over several runs.
Run: python benchmarks/steps.py nulls|planted|speed [--count N] [--seed S] [--out FILE]; report FILE
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from one_run import context  # a run in a folder that is gone afterwards

from engine.evidence.power import clopper_pearson_upper
from engine.history.history import History
from engine.pipeline.artifacts import SCORED, SURVIVORS, WINDOW, WindowConfig
from engine.pipeline.board import Board
from engine.pipeline.context import RunContext
from engine.pipeline.features import build
from engine.pipeline.features_meta import ARRAYS, Meta
from engine.pipeline.runner import run_pipeline
from engine.pipeline.scored import Scored
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked, Scenario
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.survivors import Survivors

STEPS = ("1", "2.5", "3")
SEEDS, STARTS, GAPS = 1 << 12, Range(0, 3), Range(0, 3)
TRIALS = {
    "window_trials": 16,
    "window_batch": 4,
    "scorer_trials": 8,
    "scorer_batch": 4,
    "twins": 24,
    "twin_decoys": 24,
}
DRAWS = 200
LEVELS = (0.1, 0.05, 0.01)
NULLS = ("entropy", "shuffled", "loto")
# name -> (scenario, options)
PLANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "clean": ("clean", {}),
    "gapped": ("gapped", {"gap": 2}),
    "noisy 20 %": ("noisy", {"noise": 0.2, "gap": 2}),
    "noisy 40 %": ("noisy", {"noise": 0.4, "gap": 2}),
    "noisy 40 %, dice": ("noisy", {"noise": 0.4, "gap": 2, "range": (1, 6)}),
    "reseeded every 60, 20 % wrong": ("reseeded", {"every": 60, "noise": 0.2, "gap": 1}),
    "reseeded every 30": ("reseeded", {"every": 30, "noise": 0.0, "gap": 0}),
    "two sessions": ("interleaved", {"sessions": 2, "gap": 1}),
    "regime: ends in entropy": ("regime", {"gap": 1}),
}


def asked_space(made: Scenario, family: str, mapping: str) -> Space:
    """Return the space that the run is told: the truth's family and mapping, small seeds, starts and gaps."""
    return Space(
        range=made.range, families=(family,), mappings=(mapping,), seeds=(Range(0, SEEDS - 1),), starts=STARTS, gaps=GAPS,
        sessions="each" if made.sessions else "all",
    )  # fmt: skip


def history_of(made: Scenario) -> History:
    """Return the draws as a history."""
    return History.of(list(made.values), sessions=None if made.sessions is None else list(made.sessions))


def run_steps(ctx: RunContext) -> tuple[WindowConfig, Survivors, Scored]:
    """Run steps 1 to 3 and return what they wrote; a failed step ends the benchmark."""
    for outcome in asyncio.run(run_pipeline(ctx, STEPS, lambda _: None)):
        if not outcome.ok:
            raise SystemExit(f"step {outcome.step} failed: {outcome.note} {outcome.findings}")
    read = ctx.artifacts
    return (
        WindowConfig.parse(read.read_json(WINDOW), WINDOW),
        Survivors.from_bytes(read.read_bytes(SURVIVORS)),
        Scored.from_bytes(read.read_bytes(SCORED)),
    )


def scores(scored: Scored) -> np.ndarray:
    """Return the scorer's log-odds of every row, as it stood before the first validated draw."""
    return np.asarray(scored.x[0, :, scored.head.names.index("score.scorer")])


# -- nulls ----------------------------------------------------------------------------------------------------------------


def null(seed: int) -> dict[str, Any]:
    """Run over one history that no generator made in this order."""
    kind = NULLS[seed % len(NULLS)]
    told = {"first": 7 * seed % 1500} if kind == "loto" else {}
    made = scenario(kind, Asked(draws=DRAWS, seed=seed, seeds=SEEDS, **told))
    space = asked_space(made, "lcg48/java", "java_bounded")
    with context(history_of(made), seed, space, **TRIALS) as ctx:
        config, survivors, scored = run_steps(ctx)
    score, hits, draws = scores(scored), scored.targets[0].sum(axis=0), scored.targets[1].sum(axis=0)
    best = int(score[: scored.real].argmax()) if scored.real else None
    return {
        "null": kind, "seed": seed, "objective": config.objective, "identified": config.identified, "survivors": len(survivors),
        "best_hits": None if best is None else int(hits[best]), "best_expected": None if best is None else float(draws[best] * scored.head.chance),
        "pruned": sum(trial.state == "pruned" for trial in config.trials), "trials": len(config.trials),
    }  # fmt: skip


# -- planted --------------------------------------------------------------------------------------------------------------


def planted(seed: int) -> dict[str, Any]:
    """Run over one history with a truth: is it among the survivors, first of them, claimed, and above the decoys?"""
    name = list(PLANTED)[seed % len(PLANTED)]
    kind, told = PLANTED[name]
    made = scenario(kind, Asked(**{"draws": DRAWS, "seed": seed, "seeds": SEEDS, "starts": 2, **told}))
    first = made.truth.segments[0]
    began = time.process_time()
    with context(history_of(made), seed, asked_space(made, first.family, first.mapping), **TRIALS) as ctx:
        config, survivors, scored = run_steps(ctx)
    truths = [one for one in made.truth.segments if one.first < config.search[1]]
    rows = [
        row
        for row, one in enumerate(survivors)
        if any(is_truth(one, truth, anew=kind != "interleaved") for truth in truths)
    ]
    score = scores(scored)
    place = min((int((score >= score[row]).sum()) for row in rows), default=None)
    above = min((int((score[scored.real :] >= score[row]).sum()) for row in rows), default=None)
    return {
        "planted": name, "seed": seed, "found": bool(rows), "first": rows[:1] == [0], "identified": config.identified,
        "place": place, "decoys_above": above, "rows": len(score), "objective": config.objective,
        "bits": float(survivors["evidence_bits"][rows[0]]) if rows else None, "cpu_s": round(time.process_time() - began, 2),
    }  # fmt: skip


def is_truth(one: Any, truth: Any, *, anew: bool) -> bool:
    """Say whether a survivor is a stream of the truth; one that was seeded inside the history has a negative start there."""
    shift = truth.first * (truth.gap + 1) if anew else 0
    same = (one.origin.number(), one.gap.value) == (truth.seed, truth.gap)
    return bool(
        same and one.start == truth.start - shift and (one.session == truth.session or truth.session is None)
    )


# -- speed ----------------------------------------------------------------------------------------------------------------


def speed(seed: int) -> dict[str, Any]:
    """Compute all features of 4,096 survivors over one slot of 200 draws in this thread, and the same for 400 draws."""
    rng = np.random.default_rng(seed)
    made: dict[str, Any] = {"speed": seed}
    for draws in (200, 400):
        drawn = rng.integers(0, 1000, draws)
        predicted = rng.integers(0, 1000, (4096, draws))
        board_rows, chunk = len(predicted), 256
        began = time.process_time()
        for lo in range(0, board_rows, chunk):
            part = Board(predicted[lo : lo + chunk], drawn, 0, 999)
            table = build(part, Meta({name: np.zeros(chunk) for name in ARRAYS}), [draws])
        seconds = time.process_time() - began
        made |= {
            f"rows_{draws}": board_rows / seconds,
            f"values_{draws}": board_rows * len(table.names) / seconds,
            "columns": len(table.names),
        }
    return made


# -- the report -----------------------------------------------------------------------------------------------------------


def report(rows: list[dict[str, Any]]) -> None:
    """Print what the rows say."""
    nulls = [row for row in rows if "null" in row]
    if nulls:
        _report_nulls(nulls)
    by_name = defaultdict(list)
    for row in rows:
        if "planted" in row:
            by_name[row["planted"]].append(row)
    for name, some in by_name.items():
        found = [row for row in some if row["found"]]
        ranked = sum(row["decoys_above"] == 0 for row in found)
        print(
            f"{name:31} {len(found)} of {len(some)} found, {sum(r['first'] for r in some)} first by evidence, {sum(r['identified'] for r in some)} "
            f"claimed, {ranked} above all decoys, median place {np.median([r['place'] for r in found]) if found else '-'} of "
            f"{np.median([r['rows'] for r in some]):.0f}, {np.median([r['cpu_s'] for r in some]):.1f} CPU s"
        )
    for row in rows:
        if "speed" in row:
            print(
                f"{row['columns']} columns: "
                + ", ".join(f"{name} {row[name]:,.0f}/s" for name in row if "_" in name)
            )


def _report_nulls(nulls: list[dict[str, Any]]) -> None:
    total, values = len(nulls), np.array([row["objective"] for row in nulls])
    print(
        f"null histories {total}: objective median {np.median(values):.1f}, highest {values.max():.1f} bits"
    )
    for level in LEVELS:
        passed = int((values >= -math.log2(level)).sum())
        print(
            f"  pass at {level}: {passed} ({passed / total:.2%}), at most {clopper_pearson_upper(passed, total):.2%} of such histories"
        )
    print(
        f"  identified {sum(row['identified'] for row in nulls)}; pruned {sum(r['pruned'] for r in nulls) / sum(r['trials'] for r in nulls):.0%} of trials"
    )
    picked = [row for row in nulls if row["best_hits"] is not None]
    hits, expected = sum(r["best_hits"] for r in picked), sum(r["best_expected"] for r in picked)
    print(f"  best-scored survivor on later draws: {hits} hits, {expected:.1f} by chance")


MEASURES: dict[str, Callable[[int], dict[str, Any]]] = {"nulls": null, "planted": planted, "speed": speed}


def rows_of(measure: str, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row a history."""
    for number in range(seed, seed + count):
        yield MEASURES[measure](number)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measure", choices=[*MEASURES, "report"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.measure == "report":
        report([json.loads(line) for line in asked.file.read_text().splitlines()])
        return 0
    rows = []
    for row in rows_of(asked.measure, asked.count, asked.seed):
        rows.append(row)
        if asked.out:
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    report(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
