"""The host memory that a chunk of seeds takes beside its worker, and how it is halved where a machine has not got so much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.compute.task import Task, TaskResult
from engine.search.layouts import MAX_HITS, SEEDS_AT_ONCE, Params

VECTORS = 4  # rows of draws in one pass: real, shuffled, uniform, planted
BASE = 32 << 20
"""Bytes of any chunk; 2 to 8 MiB were measured for constant and variable gaps, whatever the number of seeds."""
SHARING = 3 << 20
"""Bytes for each cell that shares a pass; 2.7 MiB were measured for each of 32 cells of 512 alignments."""
STANDING = 160
"""Bytes for each place where a single draw can stand, of the draws that were each seeded anew: the hit and its joins."""
MIB = 1 << 20


def need(params: Params, count: int) -> int:
    """Return the bytes of host memory that a chunk of so many seeds may take at its peak, in whole MiB."""
    if params["law"] not in ("reseed", "clock"):
        return BASE
    width, starts = params["width"], params["starts"][1] - params["starts"][0] + 1
    seeds = min(count, SEEDS_AT_ONCE) + (width - 1) * params["gaps"][1]
    draws = width if params["law"] == "reseed" else 1  # by a clock they are looked for one after another
    places = seeds * starts * VECTORS * draws / (params["hi"] - params["lo"] + 1)
    return BASE + (int(places * STANDING) // MIB + 1) * MIB


def need_together(cells: int) -> int:
    """Return the bytes of host memory that a chunk of so many cells in one pass may take at its peak."""
    return BASE + cells * SHARING


class SeedHalves:
    """Cuts a chunk by its interval of seeds. Truths are planted as in the whole chunk, so the halves together are its result to the byte."""

    def halve(self, task: Task) -> tuple[Task, Task] | None:
        """Return both halves; None where half the seeds take no less memory and never will."""
        first, count = task.params.get("part", (task.params["seed_lo"], task.params["count"]))
        if count < 2 or need(task.params, 1) >= task.memory:
            return None
        half = count // 2
        parts = ([first, half], [first + half, count - half])
        one, two = (
            replace(
                task, key=f"{task.key}.{part[0]}+{part[1]}", params={**task.params, "part": part}, memory=need(task.params, part[1])
            )
            for part in parts
        )  # fmt: skip
        return one, two

    def join(self, task: Task, halves: Sequence[TaskResult]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return meta and hits of the whole, hits in its order."""
        metas = [one.meta for one in halves]
        hits = np.concatenate([one.arrays["hits"] for one in halves])
        if task.params["law"] == "constant" and task.params["window"]:
            # A window inside the history is searched gap by gap.
            hits = hits[np.argsort(hits["gap"], kind="stable")]
        joined = {name: sum(meta[name] for meta in metas) for name in ("seeds_done", "hypotheses")}
        joined |= {
            "stopped": any(meta["stopped"] for meta in metas),
            "overflow": any(meta["overflow"] for meta in metas) or len(hits) > MAX_HITS,
        }
        power = [sum(meta["power"][at] for meta in metas) for at in (0, 1)]
        whole = not (joined["stopped"] or joined["overflow"])
        canary = whole and any(meta["canary"][-1] for meta in metas)
        if "part" in task.params:
            joined |= {"power": power}
        joined |= {"planted": power[0] + int(whole), "found": power[1] + int(canary)}
        return {**joined, "canary": [*metas[0]["canary"][:-1], canary]}, {"hits": hits[:MAX_HITS]}
