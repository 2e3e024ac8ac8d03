"""What the pipeline's last steps are worth: lift against chance, silence on null data, p-values, calibration, time, and unbroken resuming.

Each measure runs the real steps over scenarios whose truth the pipeline cannot see. `lift`, `varying`, `nulls` and `permutation` do the
workers' tasks in this process (the same functions, no worker processes), so that hundreds of histories fit into minutes on one core;
`whole` and `resume` use the command and the engine as they are. Rows go to --out as JSON lines; `report` sums them up, over several runs.
Run: python benchmarks/pipeline.py lift|varying|nulls|reliability|permutation|whole|resume [--count N] [--seed S] [--out FILE]; report FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import silence
import unbroken
import walked
from one_run import Column

MEASURES: dict[str, tuple[Callable[[int], dict[str, Any]] | None, Callable[[Column, int], str]]] = {
    "lift": (walked.lift, walked.lift_told),
    "varying": (walked.varying, walked.varying_told),
    "nulls": (None, silence.nulls_told),
    "reliability": (silence.reliability, silence.reliability_told),
    "permutation": (silence.permutation, silence.permutation_told),
    "whole": (unbroken.whole, unbroken.whole_told),
    "resume": (unbroken.resume, unbroken.resume_told),
}


def rows(measure: str, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row per repetition."""
    one = MEASURES[measure][0]
    return silence.null_rows(count, seed) if one is None else map(one, range(seed, seed + count))


def summary(measure: str, found: list[dict[str, Any]]) -> str:
    """Return the figures of one measure as one line."""
    return MEASURES[measure][1]({name: [row[name] for row in found] for name in found[0]}, len(found))


def main() -> int:
    """Run one measure, or sum up rows that were measured before."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measure", choices=(*MEASURES, "report"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.measure == "report":
        by_measure: dict[str, list[dict[str, Any]]] = {}
        for path in asked.files:
            found = by_measure.setdefault(path.stem.partition("-")[0], [])
            found += [json.loads(line) for line in path.read_text().splitlines()]
        for measure, found in by_measure.items():
            print(f"{measure}: {summary(measure, found)}")
        return 0
    began, found = time.perf_counter(), []
    if asked.measure == "nulls" and asked.seed >= silence.NULLS:
        parser.error(f"nulls: there are {silence.NULLS} histories; --seed is the first of them")
    for row in rows(asked.measure, asked.count, asked.seed):
        found.append(row)
        if asked.out:
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print(f"{asked.measure}: {summary(asked.measure, found)}; {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
