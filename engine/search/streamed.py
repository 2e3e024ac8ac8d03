"""How a worker searches where no kernel does: each seed's stream is made once and held against the draws at every start and gap."""

from __future__ import annotations

import numpy as np

from engine.search.layouts import MAX_HITS, ConstantGaps, Params, StopFlag, Truth
from hip_cuda_kernels import host
from hip_cuda_kernels.wordings import WORDINGS

AT_ONCE = 64  # seeds whose streams are held at a time


class Streamed(ConstantGaps):
    """Constant gaps on streams that are made seed by seed."""

    def streams(self, params: Params, first: int, count: int, calls: int) -> np.ndarray:
        """Return the draws of so many seeds, int64 (count, calls)."""
        raise NotImplementedError

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


class Worded(Streamed):
    """Seeds are places in a list of words, `params["words"]` those of the chunk; a hit's seed is its word's place."""

    def streams(self, params: Params, first: int, count: int, calls: int) -> np.ndarray:
        """Return the draws that words give, each hashed as `params["way"]` says."""
        at, way = first - params["seed_lo"], WORDINGS[params["way"]]
        seeds = [way.seed(word) for word in params["words"][at : at + count]]
        return host.streams(params["family"], params["mapping"], seeds, params["lo"], params["hi"], calls)


class Inverse(Streamed):
    """The generator runs in reverse from where a seed puts it; a start counts the calls next to the seed that are passed over."""

    def streams(self, params: Params, first: int, count: int, calls: int) -> np.ndarray:
        """Return the draws before each seed, nearest first."""
        code, span = (params["family"], params["mapping"]), (params["lo"], params["hi"])
        return host.before(*code, range(first, first + count), *span, calls)


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
