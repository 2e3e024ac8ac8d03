"""What all trials of step 1 have in common: range, seeds, starts, gaps and streams, and how many hypotheses a trial then tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import BadInput
from engine.history.importers import check_range, range_candidates
from engine.pipeline.blocks import TooFewDraws
from engine.pipeline.context import RunContext
from engine.search.design import Law
from engine.search.ranges import Range
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import resolve_families

SHORTEST_WINDOW = 4
DEEPEST_START, WIDEST_GAP = 7, 7  # where the asked space names no bounds
SINCE_SEEDING = 8  # draws; a window whose generator was seeded anew is looked for so long after the seeding
RUNG = 4  # a rung has so many times the seeds of all before it


@dataclass(frozen=True)
class Plan:
    """What the trials have in common."""

    range: tuple[int, int]
    end: int
    seeds: Range
    starts: tuple[int, int]
    gaps: tuple[int, int]
    codes: int
    sessions: tuple[str | None, ...]
    laws: tuple[Law, ...]

    def reach(self, params: dict[str, Any]) -> tuple[int, int]:
        """Return the gaps that a trial tries; seeds that do not move between draws would repeat one draw."""
        least = max(1, self.gaps[0]) if params["law"] == "reseed" else self.gaps[0]
        return least, max(least, params["gaps"])

    def depth(self, params: dict[str, Any]) -> tuple[int, int]:
        """Return the starts that a trial tries; counted from the window, they cover the draws since the seeding too."""
        since = SINCE_SEEDING * (self.reach(params)[1] + 1) if self.anchored(params) else 0
        return self.starts[0], params["starts"] + since

    @staticmethod
    def anchored(params: dict[str, Any]) -> bool:
        """Say whether starts count from the window; a generator that is seeded before every draw has one way only."""
        return bool(params["anchor"] == "window" and params["law"] == "constant")

    def hypotheses(self, params: dict[str, Any]) -> int:
        """Return how many hypotheses a trial with these parameters tests, at most."""
        (shallow, deep), (least, most) = self.depth(params), self.reach(params)
        return int(self.seeds.size * self.codes * (deep - shallow + 1) * (most - least + 1))

    def rungs(self, count: int) -> list[Range]:
        """Return the seeds of each rung, the first ones fewest."""
        ends = [self.seeds.size // RUNG**back for back in range(count - 1, -1, -1)]
        firsts = [0, *ends[:-1]]
        return [
            self.seeds._replace(lo=self.seeds.lo + first, hi=self.seeds.lo + end - 1)
            for first, end in zip(firsts, ends, strict=True)
            if end > first
        ]


def make_plan(ctx: RunContext) -> Plan:
    """Fix what all trials share; raise TooFewDraws or BadInput before anything is billed."""
    reserve = 4 * (ctx.parameters.embargo + 1)  # three blocks and the final one, of one draw each at least
    end = min(int(len(ctx.history) * ctx.parameters.search_share), len(ctx.history) - reserve)
    head = ctx.history.head(max(0, end))
    sessions = _sessions(ctx)
    streams = [head.values if label is None else _session_values(head, label) for label in sessions]
    long = [label for label, v in zip(sessions, streams, strict=True) if (v >= 0).sum() >= SHORTEST_WINDOW]
    if not long:
        raise TooFewDraws(
            f"{len(ctx.history)} draws: step 1 needs {SHORTEST_WINDOW} of a stream in the part it may select on, and "
            f"{reserve} after it; collect more draws"
        )
    seeds = max(ctx.space.seeds or (Range(0, 2**32 - 1),), key=lambda one: one.size)
    top = min(seeds.hi, seeds.lo + ctx.parameters.window_seeds - 1)
    starts, gaps = ctx.space.starts or Range(0, DEEPEST_START), ctx.space.gaps or Range(0, WIDEST_GAP)
    return Plan(
        draw_range(ctx),
        end,
        seeds._replace(hi=top),
        (starts.lo, starts.hi),
        (gaps.lo, gaps.hi),
        _codes(ctx),
        tuple(long),
        _laws(ctx),
    )


def _laws(ctx: RunContext) -> tuple[Law, ...]:
    """Return the asked law of the gaps; where neither law nor gaps were stated, a new seed before every draw is tried as well."""
    if ctx.space.gap_law == "constant" and ctx.space.gaps is None:
        return ("constant", "reseed")
    return (ctx.space.gap_law,)


def draw_range(ctx: RunContext) -> tuple[int, int]:
    """Return the asked range of draws, or the most plausible one."""
    if ctx.space.range is not None:
        check_range(ctx.history, *ctx.space.range)
        return ctx.space.range
    candidates = range_candidates(ctx.history.values)
    if not candidates:
        raise BadInput(f"{ctx.history.source}: every draw is missing; there is nothing to search")
    return candidates[0][0], candidates[0][1]


def _sessions(ctx: RunContext) -> tuple[str | None, ...]:
    wanted = ctx.space.sessions
    if wanted == "all":
        return (None,)
    return (None, *ctx.history.sessions) if wanted == "each" else (wanted,)


def _session_values(history: Any, label: str) -> np.ndarray:
    return np.asarray(
        history.session(label).values if label in history.sessions else np.zeros(0, dtype=np.int64)
    )


def _codes(ctx: RunContext) -> int:
    try:
        return sum(
            len(resolve_mappings(ctx.space.mappings, one)) for one in resolve_families(ctx.space.families)
        )
    except KernelError as error:
        raise BadInput(f"step 1: {error}") from None
