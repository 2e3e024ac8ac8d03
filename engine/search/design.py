"""The design of a cell: how many draws its search block has, which count survives, how many draws are left to confirm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from engine.evidence.chance import hit_rate, log2_tail
from engine.evidence.evalue import log2_evidence, required_bits

Law = Literal["constant", "range", "reseed", "clock", "inverse", "periodic"]
LONGEST_BLOCK = 64
MOST_DRAWS = 4096
NEXT_DRAWS = 10  # draws that a claim foretells
BLOCK_POWER = 0.99  # the chance that a true hypothesis survives its search block
LEAST_POWER = 0.9  # an all-draws search that would miss more than this share of truths is not worth its bill
CARRIED_ALLOWANCE = 6.0  # bits kept for the rank of a carried survivor when the confirm block is sized
# Claims rest on two designs (confirm block, or all draws); each has half of the error budget.
DESIGN_BITS = 1.0


@dataclass(frozen=True)
class Scope:
    """What is tried against one stream: so many seeds, starts and gaps under a law, draws matching by chance with `p`."""

    seeds: int
    starts: int
    gaps: int
    law: Law
    p: float
    noise: float
    alpha: float
    period: int = 1

    def alignments(self, block: int) -> int:
        """Return the ways of laying `block` draws that each seed is tried under: with variable gaps, every pattern of them."""
        return self.starts * int(self.gaps ** (block - 1 if self.law == "range" else self.period))

    def hypotheses(self, block: int) -> int:
        """Return how many hypotheses are billed for a search block."""
        return self.seeds * self.alignments(block)

    @property
    def gap_bits(self) -> float:
        """Return what every further draw costs because its gap is open."""
        return math.log2(self.gaps) if self.law == "range" else 0.0


@lru_cache(maxsize=4096)
def design(scope: Scope, draws: int) -> tuple[int, int, int] | None:
    """Choose (search block, threshold, confirm draws); prefer a confirm block that the search never sees. None: too few draws."""
    confirm = confirm_draws(scope)
    if confirm is None:
        return None
    block = _search_block(scope)
    if block is not None and block[0] <= draws - confirm:
        return *block, draws - block[0]
    if draws > LONGEST_BLOCK:
        return None
    threshold = _least_count(scope, draws, math.log2(scope.alpha))
    if threshold is None or log2_tail(draws, threshold, hit_rate(scope.p, scope.noise)) < math.log2(
        LEAST_POWER
    ):
        return None
    enough = log2_evidence(threshold, draws, scope.p) - math.log2(scope.hypotheses(draws)) - DESIGN_BITS
    return (draws, threshold, 0) if enough > 0 else None


@lru_cache(maxsize=4096)
def _search_block(scope: Scope) -> tuple[int, int] | None:
    """Return the shortest block that leaves one survivor to chance and a true hypothesis in, or None."""
    rate, count = hit_rate(scope.p, scope.noise), 0
    if rate <= scope.p:
        return None
    for draws in range(1, LONGEST_BLOCK + 1):
        budget = -math.log2(scope.hypotheses(draws))
        while count <= draws and log2_tail(draws, count, scope.p) > budget:
            count += 1  # the least rare-enough count never falls as draws are added
        if count <= draws and 2.0 ** log2_tail(draws, count, rate) >= BLOCK_POWER:
            return draws, count
    return None


def _least_count(scope: Scope, draws: int, log2_expected: float) -> int | None:
    """Return the least count of `draws` that chance reaches at most so often, or None."""
    budget = log2_expected - math.log2(scope.hypotheses(draws))
    return next((count for count in range(draws + 1) if log2_tail(draws, count, scope.p) <= budget), None)


@lru_cache(maxsize=4096)
def confirm_draws(scope: Scope) -> int | None:
    """Return how many unseen draws a true hypothesis needs for a claim, at its expected number of matches.

    None where no number of draws would do: an open gap costs more than a draw tells, or chance matches about as often as the truth.
    """
    wanted = required_bits(scope.alpha) + CARRIED_ALLOWANCE + DESIGN_BITS
    if scope.gap_bits >= -math.log2(scope.p):
        return None
    for draws in range(1, MOST_DRAWS):
        matched = math.floor(draws * (1.0 - scope.noise) + 1e-9)
        if log2_evidence(matched, draws, scope.p) - draws * scope.gap_bits >= wanted:
            return draws
    return None


@lru_cache(maxsize=4096)
def draws_needed(scope: Scope) -> int | None:
    """Return the fewest draws that some design can search a cell of this size with; None if none would do."""
    confirm = confirm_draws(scope)
    if confirm is None:
        return None
    few = next((draws for draws in range(1, LONGEST_BLOCK + 1) if design(scope, draws) is not None), None)
    block = _search_block(scope)
    return few if few is not None or block is None else block[0] + confirm
