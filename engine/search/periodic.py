"""Gaps that take turns, as a worker searches them: the draws of one turn propose, and every pattern of a proposal is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.recovery.problem import Patterns, calls_of
from engine.search.layouts import MAX_HITS, Params, StopFlag, Truth, call, stream
from engine.search.turns import Ends, allowances, constant_part, turns
from hip_cuda_kernels import host, routes


class PeriodicGaps:
    """`period` gaps that take turns; a hit's gap is the code of their pattern. Searched from the first draw on."""

    def stream(self, params: Params, seed: int, calls: int) -> np.ndarray:
        """Return the first calls of a seed, int64 (calls,)."""
        return stream(params, seed, calls)

    def constant(
        self,
        params: Params,
        draws: np.ndarray,
        first: int,
        count: int,
        starts: Ends,
        gaps: Ends,
        stop: StopFlag,
    ) -> host.SieveResult:
        """Search the draws of one turn, which lie a constant number of calls apart."""
        return call(routes.search, params, draws, first, count, starts, gaps, stop)

    def tile(self, gaps: Sequence[int], group: int, groups: int) -> tuple[int, int]:
        """Keep all gaps: they are searched together."""
        return gaps[0], gaps[1]

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and pattern."""
        patterns = Patterns(params["gaps"][0], params["gaps"][1], params["period"])
        pattern = patterns[int(rng.integers(len(patterns)))]
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        calls = start + calls_of(pattern, np.arange(count))
        made = self.stream(params, seed, int(calls[-1]) + 1)[calls]
        return (seed, start, patterns.code(pattern)), made

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Let the draws of each turn propose, then count whole patterns; the rows of `draws` miss the same ones."""
        starts, gaps, period = tuple(params["starts"]), tuple(params["gaps"]), params["period"]
        present = [int((draws[0, turn::period] >= 0).sum()) for turn in range(period)]
        parts, hits = [], []
        for turn, misses in enumerate(allowances(present, sum(present) - params["threshold"])):
            if misses < 0:
                continue
            asked = {**params, "threshold": present[turn] - misses}
            rows = np.ascontiguousarray(draws[:, turn::period])
            part = self.constant(asked, rows, first, count, *constant_part(starts, gaps, period, turn), stop)
            parts.append(part)
            if part.stopped or part.overflow or stop.asked():
                break
            hits.append(_whole_patterns(params, draws, turn, part.hits, self.stream, stop))
        found = np.unique(np.concatenate([np.empty(0, host.HIT), *hits]))
        done = min((part.seeds_done for part in parts), default=count)
        stopped = any(part.stopped for part in parts) or stop.asked()
        overflow = any(part.overflow for part in parts) or len(found) > MAX_HITS
        order = np.lexsort((found["vector"], found["gap"], found["start"], found["seed"]))
        return host.SieveResult(found[order][:MAX_HITS], 0 if stopped else done, stopped, overflow)


def _whole_patterns(
    params: Params,
    draws: np.ndarray,
    turn: int,
    proposals: np.ndarray,
    made_by: Callable[[Params, int, int], np.ndarray],
    stop: StopFlag,
) -> np.ndarray:
    """Return the hits among the patterns that one turn's proposals belong to."""
    laid = turns(*params["gaps"], params["period"], draws.shape[1])
    starts, found = tuple(params["starts"]), [np.empty(0, host.HIT)]
    seed, made = None, np.empty(0, np.int64)
    for one in proposals:
        if stop.asked():
            break
        if one["seed"] != seed:
            seed = one["seed"]
            made = made_by(params, int(seed), starts[1] + laid.reach)
        row = draws[one["vector"]]
        begin, codes, matched = laid.counted(made, row, starts, turn, int(one["start"]), int(one["gap"]))
        kept = matched >= params["threshold"]
        hits = np.zeros(int(kept.sum()), host.HIT)
        hits["seed"], hits["vector"], hits["start"] = seed, one["vector"], begin[kept]
        hits["gap"], hits["matched"] = codes[kept], matched[kept]
        found.append(hits)
    return np.concatenate(found)
