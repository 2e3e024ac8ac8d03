"""Evidence in bits: likelihood ratios that average to 1 under chance, so they may be looked at after every draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

NOISE_MIXTURE: tuple[tuple[float, float], ...] = ((0.0, 0.5), (0.05, 0.2), (0.2, 0.2), (0.5, 0.1))
"""(assumed share of wrong draws, prior weight), fixed before any draw is seen; the weights sum to 1."""


def required_bits(alpha: float) -> float:
    """Return the bits a claim needs at error rate `alpha`: log2(1/alpha)."""
    if not 0.0 < alpha <= 1.0:
        raise ValueError(f"alpha {alpha}: must lie in (0, 1]")
    return -math.log2(alpha)


def log2_ratio(hit: bool, p: float, noise: float) -> float:
    """Return the bits of one scored draw; -inf for a miss when no noise is assumed."""
    if not 0.0 < p <= 1.0 or not 0.0 <= noise <= 1.0:
        raise ValueError(f"p {p}, noise {noise}: p must lie in (0, 1], noise in 0..1")
    if hit:
        return math.log2((1.0 - noise) / p + noise)
    return math.log2(noise) if noise > 0.0 else -math.inf


def log2_evidence(matched: int, scored: int, p: float, noise: float | None = None) -> float:
    """Return the bits of `matched` hits in `scored` draws; noise None averages over NOISE_MIXTURE.

    The ratio averages to 1 under chance (at most 1 where `p` is an upper bound of the true match probability).
    """
    if not 0 <= matched <= scored:
        raise ValueError(f"matched {matched} of {scored}: must satisfy 0 <= matched <= scored")
    return _mix([_bits(matched, scored - matched, p, share) for share, _ in _mixture(noise)], noise)


def log2_against_any(matched: int, counts: Sequence[int], modulus: int, noise: float | None = None) -> float:
    """Return the bits of `matched` hits against the best that independent draws of any one distribution could do.

    `counts` says how often each value came among the scored draws. The hypothesis states its value with 1 - noise and spreads the
    rest evenly; chance may have the very frequencies that were seen, so the ratio averages to at most 1 whatever they truly are,
    and may be looked at after every draw (universal inference: Wasserman, Ramdas and Balakrishnan 2020).
    """
    scored = sum(counts)
    if not 0 <= matched <= scored or modulus < 1:
        raise ValueError(
            f"matched {matched} of {scored} draws below {modulus}: must satisfy 0 <= matched <= scored"
        )
    best = sum(count * math.log2(count / scored) for count in counts if count)
    logs = []
    for share, _ in _mixture(noise):
        hit, miss = 1.0 - share + share / modulus, share / modulus
        told = matched * math.log2(hit) if matched else 0.0
        wrong = scored - matched
        told += (wrong * math.log2(miss) if miss > 0.0 else -math.inf) if wrong else 0.0
        logs.append(told - best)
    return _mix(logs, noise)


def survivor_bits(rank: int) -> float:
    """Return the description length of the rank-th carried survivor; the weights 1/(r(r+1)) sum to 1."""
    if rank < 1:
        raise ValueError(f"rank {rank}: ranks start at 1")
    return math.log2(rank) + math.log2(rank + 1)


def prior_bits(hypotheses: int) -> float:
    """Return the bits that an equal prior over `hypotheses` costs."""
    if hypotheses < 1:
        raise ValueError(f"hypotheses {hypotheses}: must be positive")
    return math.log2(hypotheses)


@dataclass
class EProcess:
    """A test martingale over scored draws: reject when it has ever reached 1/alpha (Ville's inequality).

    `cost` is the hypothesis's description length in bits. Draws shown to it must be new to the hypothesis.
    """

    p: float
    noise: float | None = None
    cost: float = 0.0
    matched: int = 0
    scored: int = 0
    peak: float = -math.inf
    _logs: list[float] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        """Start every noise component at a ratio of 1."""
        self._logs = [
            _bits(self.matched, self.scored - self.matched, self.p, share)
            for share, _ in _mixture(self.noise)
        ]
        self.peak = max(self.peak, self.bits)

    @property
    def bits(self) -> float:
        """Return the evidence now, its description length subtracted."""
        return _mix(self._logs, self.noise) - self.cost

    def update(self, hit: bool, p: float | None = None) -> float:
        """Score one draw (at its own match probability `p` if given) and return the bits."""
        chance = self.p if p is None else p
        self._logs = [
            log + log2_ratio(hit, chance, share)
            for log, (share, _) in zip(self._logs, _mixture(self.noise), strict=True)
        ]
        self.matched, self.scored = self.matched + hit, self.scored + 1
        self.peak = max(self.peak, self.bits)
        return self.bits

    def crossed(self, alpha: float) -> bool:
        """Return whether the process has reached 1/alpha at any time so far."""
        return self.peak >= required_bits(alpha)


def _mixture(noise: float | None) -> tuple[tuple[float, float], ...]:
    return NOISE_MIXTURE if noise is None else ((noise, 1.0),)


def _bits(hits: int, misses: int, p: float, noise: float) -> float:
    # 0 times -inf is not a number, so an absent kind of draw is left out
    bits = hits * log2_ratio(True, p, noise) if hits else 0.0
    return bits + (misses * log2_ratio(False, p, noise) if misses else 0.0)


def _mix(logs: list[float], noise: float | None) -> float:
    weights = [weight for _, weight in _mixture(noise)]
    top = max(logs)
    if top == -math.inf:
        return top
    total = sum(weight * 2.0 ** (log - top) for log, weight in zip(logs, weights, strict=True))
    return top + math.log2(total)
