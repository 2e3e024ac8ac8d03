"""How a worker searches where no kernel does: each seed's stream is made once and held against the draws at every alignment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.search.layouts import MAX_HITS, ConstantGaps, Params, StopFlag, Truth, VariableGaps
from engine.search.periodic import PeriodicGaps
from engine.search.turns import Ends
from hip_cuda_kernels import host
from hip_cuda_kernels.variable_gaps import window
from hip_cuda_kernels.wordings import WORDINGS

AT_ONCE = 64  # seeds whose streams are held at a time
Source = Callable[[Params, int, int, int], np.ndarray]
"""Return the draws of `count` seeds from `first` on, int64 (count, calls)."""


def of_words(params: Params, first: int, count: int, calls: int) -> np.ndarray:
    """Return the draws that words give: seeds are places in a list, `params["words"]` those of the chunk."""
    return host.streams(
        params["family"], params["mapping"], _hashed(params, first, count), params["lo"], params["hi"], calls
    )


def of_words_back(params: Params, first: int, count: int, calls: int) -> np.ndarray:
    """Return the draws before the seeds that words give, nearest first."""
    return host.before(
        params["family"], params["mapping"], _hashed(params, first, count), params["lo"], params["hi"], calls
    )


def led_back_from(params: Params, first: int, count: int, calls: int) -> np.ndarray:
    """Return the draws before each integer seed, nearest first."""
    seeds = range(first, first + count)
    return host.before(params["family"], params["mapping"], seeds, params["lo"], params["hi"], calls)


def _hashed(params: Params, first: int, count: int) -> list[int]:
    at, way = first - params["seed_lo"], WORDINGS[params["way"]]
    return [way.seed(word) for word in params["words"][at : at + count]]


class Streamed(ConstantGaps):
    """Constant gaps; with streams before a seed, a start counts the calls next to it that are passed over."""

    def __init__(self, source: Source) -> None:
        """Take the streams from `source`."""
        self.streams = source

    def plant(
        self, params: Params, count: int, seed: int, rng: np.random.Generator
    ) -> tuple[Truth, np.ndarray]:
        """Plant at a random start and gap."""
        start = int(rng.integers(params["starts"][0], params["starts"][1], endpoint=True))
        gap = int(rng.integers(params["gaps"][0], params["gaps"][1], endpoint=True))
        (stream,) = self.streams(params, seed, 1, start + (count - 1) * (gap + 1) + 1)
        return (seed, start, gap), stream[start :: gap + 1]

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Count matches of every seed at every alignment, exactly as they are defined."""
        (s0, s1), (g0, g1), width = params["starts"], params["gaps"], draws.shape[1]
        reach, found, done = s1 + (width - 1) * (g1 + 1) + 1, [], 0
        while done < count and not stop.asked():
            size = min(AT_ONCE, count - done)
            streams = self.streams(params, first + done, size, reach)
            for start in range(s0, s1 + 1):
                for gap in range(g0, g1 + 1):
                    taken = streams[:, start : start + (width - 1) * (gap + 1) + 1 : gap + 1]
                    matched = (taken[:, None, :] == draws[None]).sum(axis=2, dtype=np.uint16)
                    found.append(_hits(matched, params["threshold"], first + done, start, gap))
            done += size
        hits = np.concatenate(found) if found else np.empty(0, host.HIT)
        hits = hits[np.lexsort((hits["vector"], hits["gap"], hits["start"], hits["seed"]))]
        return host.SieveResult(hits[:MAX_HITS], done, done < count, len(hits) > MAX_HITS)


class StreamedTurns(PeriodicGaps):
    """Gaps that take turns."""

    def __init__(self, source: Source) -> None:
        """Take the streams from `source`."""
        self.streams, self.one_gap = source, Streamed(source)

    def stream(self, params: Params, seed: int, calls: int) -> np.ndarray:
        """Return the first calls of a seed."""
        return np.asarray(self.streams(params, seed, 1, calls)[0])

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
        """Search the draws of one turn."""
        return self.one_gap.sieve({**params, "starts": starts, "gaps": gaps}, draws, first, count, stop)


class StreamedRange(VariableGaps):
    """Gaps that vary."""

    def __init__(self, source: Source) -> None:
        """Take the streams from `source`."""
        self.streams = source

    def stream(self, params: Params, seed: int, calls: int) -> np.ndarray:
        """Return the first calls of a seed."""
        return np.asarray(self.streams(params, seed, 1, calls)[0])

    def sieve(
        self, params: Params, draws: np.ndarray, first: int, count: int, stop: StopFlag
    ) -> host.SieveResult:
        """Count the most matches of every seed over all starts and patterns of gaps, exactly."""
        (s0, s1), (g0, g1), done = params["starts"], params["gaps"], 0
        starts, gaps = (s0, s1), (g0, g1)
        calls, found = window(starts, gaps, draws.shape[1] - 1)[1] + 1, [np.empty(0, host.HIT)]
        while done < count and not stop.asked():
            size = min(AT_ONCE, count - done)
            matched = most_matched(self.streams(params, first + done, size, calls), draws, starts, gaps)
            found.append(_hits(matched, params["threshold"], first + done, 0, 0))
            done += size
        hits = np.concatenate(found)
        return host.SieveResult(hits[:MAX_HITS], done, done < count, len(hits) > MAX_HITS)


def most_matched(streams: np.ndarray, draws: np.ndarray, starts: Ends, gaps: Ends) -> np.ndarray:
    """Return how many draws of each row the best alignment of each stream makes, uint16 (streams, rows).

    Draw by draw it keeps the most matches that end at each call of the draw's window; a draw of -1 matches nowhere.
    """
    choices = gaps[1] - gaps[0] + 1
    best = np.zeros((len(streams), len(draws), starts[1] - starts[0] + 1), np.uint16)
    for place in range(draws.shape[1]):
        first, last = window(starts, gaps, place)
        if place:
            best = _most_before(best, choices)
        best += streams[:, None, first : last + 1] == draws[None, :, place, None]
    return np.asarray(best.max(axis=2))


def _most_before(best: np.ndarray, choices: int) -> np.ndarray:
    """Return at each place the most of the `choices` places that end there, by doubling; places beyond the ends hold nothing."""
    reach, most = 1, np.pad(best, ((0, 0), (0, 0), (0, choices - 1)))
    while reach < choices:
        step = min(reach, choices - reach)
        most[:, :, step:] = np.maximum(most[:, :, step:], most[:, :, :-step])
        reach += step
    return most


def _hits(matched: np.ndarray, threshold: int, first: int, start: int, gap: int) -> np.ndarray:
    place, vector = np.nonzero(matched >= threshold)
    hits = np.zeros(len(place), host.HIT)
    hits["seed"], hits["vector"], hits["matched"] = place + first, vector, matched[place, vector]
    hits["start"], hits["gap"] = start, gap
    return hits


def led_back(
    family: str, mapping: str, seed: int, lo: int, hi: int, count: int, start: int, gap: int
) -> np.ndarray:
    """Return the int64 (count,) draws of a generator that runs in reverse from its seed."""
    (stream,) = host.before(family, mapping, [seed], lo, hi, start + (count - 1) * (gap + 1) + 1)
    return np.asarray(stream[start :: gap + 1])
