"""Evidence of hypotheses that hold on a stretch of draws alone: a generator that is seeded anew leaves each seed such a stretch.

The stretch surrounds the draws that chose the hypothesis and ends somewhere on either side, nobody knows where: every pair of ends
has an equal share of belief, so the average is an e-value still and costs log2 of the draws on each side instead of a bit a miss.
"""

from __future__ import annotations

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE

LEAST = -1e9  # bits; stands for minus infinity, so that sums stay finite


def log2_stretch(hits: np.ndarray, p: float, *, lasting: bool = False) -> np.ndarray:
    """Return the bits (K,) of hits on unseen draws that lead away from the choosing ones, (K, n), nearest first.

    A hit is 1, a miss 0; a hypothesis that spread its belief over several values has for each draw the share that named it.

    With `lasting` the hypothesis must hold to the last of them: what is asked before the next draw is foretold.
    """
    return np.asarray(np.logaddexp2.reduce([_weight(w) + one for one, w in _sides(hits, p, lasting)]))


def log2_two_sided(before: np.ndarray, after: np.ndarray, p: float, *, lasting: bool = False) -> np.ndarray:
    """Return the bits (K,) of unseen draws on both sides, nearest first; one share of wrong draws holds for both."""
    sides = zip(_sides(before, p, False), _sides(after, p, lasting), strict=True)
    return np.asarray(np.logaddexp2.reduce([_weight(w) + one + other for (one, w), (other, _) in sides]))


def _sides(hits: np.ndarray, p: float, lasting: bool) -> list[tuple[np.ndarray, float]]:
    """Return, per assumed share of wrong draws, the bits of one side averaged over where the stretch ends, and the share's weight."""
    draws = hits.shape[1]
    told = []
    for noise, weight in NOISE_MIXTURE:
        ratio = (1.0 - noise) * hits / p + noise
        bits = np.log2(ratio, out=np.full(ratio.shape, LEAST), where=ratio > 0.0)
        sums = np.cumsum(np.pad(bits, ((0, 0), (1, 0))), axis=1)
        ends = sums[:, -1] if lasting else np.logaddexp2.reduce(sums, axis=1) - np.log2(draws + 1)
        told.append((np.maximum(ends, LEAST), weight))
    return told


def _weight(weight: float) -> float:
    return float(np.log2(weight))
