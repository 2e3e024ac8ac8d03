"""What the pipeline's last steps are worth: lift against chance, silence on null data, p-values, calibration, time, and unbroken resuming.

Each measure runs the real steps over scenarios whose truth the pipeline cannot see. `lift`, `varying`, `reseeded`, `nulls` and `permutation` do the
workers' tasks in this process (the same functions, no worker processes), so that hundreds of histories fit into minutes on one core;
`whole` and `resume` use the command and the engine as they are. Rows go to --out as JSON lines, each with the digest of the code that made
it: a later run passes over the seeds that FILE holds, and sums up all of its rows with their versions; `report` sums up several files.
Run: python benchmarks/pipeline.py lift|varying|reseeded|nulls|reliability|permutation|whole|resume [--count N] [--seed S] [--out FILE]; report FILE
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import silence
import unbroken
import walked
from one_run import Column

from engine.pipeline.shelf import code_digest

Row = dict[str, Any]
MEASURES: dict[str, tuple[Callable[[int], Row], Callable[[Column, int], str]]] = {
    "lift": (walked.lift, walked.lift_told),
    "varying": (walked.varying, walked.varying_told),
    "reseeded": (walked.varying_reseeded, walked.varying_reseeded_told),
    "nulls": (silence.null, silence.nulls_told),
    "reliability": (silence.reliability, silence.reliability_told),
    "permutation": (silence.permutation, silence.permutation_told),
    "whole": (unbroken.whole, unbroken.whole_told),
    "resume": (unbroken.resume, unbroken.resume_told),
}


def rows(measure: str, seeds: Iterable[int]) -> Iterator[Row]:
    """Yield one row per seed: what was found, by which code, at what cost on how busy a machine."""
    for seed in seeds:
        before = cpu_seconds()
        found = MEASURES[measure][0](seed)
        yield {
            "seed": seed, "code": code_digest()[:12], **found, "cpu_seconds": round(cpu_seconds() - before, 2),
            "load": round(os.getloadavg()[0], 1),
        }  # fmt: skip


def cpu_seconds() -> float:
    """Return what this process and its ended children have used."""
    return sum(os.times()[:4])


def kept(file: Path | None) -> list[Row]:
    """Return the rows that a file of results holds."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file and file.exists() else []


def summary(measure: str, found: list[Row]) -> str:
    """Return the figures of one measure as one line, and which code they are of."""
    told = MEASURES[measure][1]({name: [row[name] for row in found] for name in found[0]}, len(found))
    versions = ", ".join(f"{code} {count}" for code, count in Counter(row["code"] for row in found).items())
    return f"{told}; code {versions}; {sum(row['cpu_seconds'] for row in found):.0f} CPU s"


def main() -> int:
    """Run one measure, or sum up rows that were measured before."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measure", choices=(*MEASURES, "report"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, metavar="FILE")
    asked = parser.parse_args()
    if asked.measure == "report":
        by_measure: dict[str, list[Row]] = {}
        for path in asked.files:
            by_measure.setdefault(path.stem.partition("-")[0], []).extend(kept(path))
        for measure, found in by_measure.items():
            print(f"{measure}: {summary(measure, found)}")
        return 0
    if asked.measure == "nulls" and asked.seed + asked.count > silence.NULLS:
        parser.error(f"nulls: there are {silence.NULLS} histories; --seed is the first of --count of them")
    began, found = time.perf_counter(), kept(asked.out)
    known = {row["seed"] for row in found}
    wanted = range(asked.seed, asked.seed + asked.count)
    for row in rows(asked.measure, [seed for seed in wanted if seed not in known]):
        found.append(row)
        if asked.out:
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print(f"{asked.measure}: {summary(asked.measure, found)}; {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
