"""From a hit to a claim: evidence on draws the search never used, equivalents grouped, siblings of a claim examined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE, log2_evidence, prior_bits, survivor_bits
from engine.search.analysis import Hypothesis, Tally
from engine.search.plan import DESIGN_BITS, Cell
from hip_cuda_kernels import host
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import family as family_of

NEXT_DRAWS = 10


@dataclass(frozen=True)
class Claim:
    """One survivor with its score: `bits` is the log2 e-value after everything that was tried has been paid."""

    cell: Cell
    seed: int
    start: int
    gap: int
    matched: int
    scored: int
    confirmed: Tally
    bits: float

    @property
    def stream(self) -> tuple[str, str | None, int, int, int]:
        """Return what names the raw stream: variants of one stream are one discovery."""
        return (self.cell.family, self.cell.session, self.seed, self.start, self.gap)

    def line(self) -> str:
        """Return the claim as one short line."""
        return f"{self.cell.family} {self.cell.mapping} seed {self.seed} start {self.start} gap {self.gap}"


def predicted(cell: Cell, seed: int, start: int, gap: int, count: int) -> np.ndarray:
    """Return the int64 (count,) draws of a hypothesis from the history's first draw on."""
    return host.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, count, start=start, gap=gap)


def score(
    cell: Cell, hit: tuple[int, int, int], draws: np.ndarray, p: float, noise: float | None, rank: int
) -> Claim:
    """Weigh one survivor: `rank` counts survivors carried so far from 1, or cells for the all-draws design."""
    seed, start, gap = hit
    same = predicted(cell, seed, start, gap, len(draws)) == draws
    present = draws >= 0
    unseen = present.copy()
    if cell.confirm:
        searched = np.flatnonzero(present[cell.window :])[: cell.block] + cell.window
        unseen[searched] = False
    tally = Tally(matched=int(same[unseen].sum()), scored=int(unseen.sum()))
    paid = survivor_bits(rank) + DESIGN_BITS + (0.0 if cell.confirm else prior_bits(cell.whole.hypotheses))
    bits = log2_evidence(tally.matched, tally.scored, p, noise) - paid
    return Claim(cell, seed, start, gap, int(same[present].sum()), int(present.sum()), tally, bits)


def siblings(claim: Claim, spans: Iterable[tuple[int, int]]) -> list[Cell]:
    """Return the cells that read the claimed stream through another mapping or range of the same family."""
    family = family_of(claim.cell.family)
    variants = [
        replace(claim.cell, mapping=mapping.id, lo=lo, hi=hi)
        for lo, hi in spans
        for mapping in resolve_mappings(None, family)
    ]
    return [cell for cell in variants if cell != claim.cell]


def settle(claims: Iterable[Claim], count: int) -> list[tuple[Claim, int, np.ndarray]]:
    """Reduce claims to non-equivalent ones, best first, each with its number of equivalents and its next draws.

    Hypotheses that predict the same draws are one (smallest start, then smallest seed); of several readings of one
    stream only the best is kept, because a worse one is the same discovery seen through a wrong range.
    """
    best: dict[object, Claim] = {}
    for claim in sorted(claims, key=lambda one: (-one.bits, one.start, one.seed)):
        best.setdefault(claim.stream, claim)
    groups: dict[bytes, list[Claim]] = {}
    for claim in best.values():
        future = predicted(claim.cell, claim.seed, claim.start, claim.gap, count + NEXT_DRAWS)
        groups.setdefault(future.tobytes(), []).append(claim)
    settled = []
    for key, group in groups.items():
        chosen = min(group, key=lambda one: (one.start, one.seed, -one.cell.prior))
        settled.append((chosen, len(group), np.frombuffer(key, dtype=np.int64)[count:]))
    return sorted(settled, key=lambda row: -row[0].bits)


def likely_noise(matched: int, scored: int, p: float) -> float:
    """Return the share of wrong draws in the mixture that explains the tally best."""
    return max(
        (noise for noise, _ in NOISE_MIXTURE), key=lambda noise: log2_evidence(matched, scored, p, noise)
    )


def hypothesis(claim: Claim, equivalents: int, p: float) -> Hypothesis:
    """Return the record of the contract for a settled claim."""
    family = family_of(claim.cell.family)
    unit = claim.cell.seeds.unit
    origin = {
        "kind": "time" if unit else "seed",
        "bits": family.seed_bits,
        "value": hex(claim.seed),
        "unit": unit,
    }
    return Hypothesis(
        family=family.id, aliases=list(family.aliases), mapping=claim.cell.mapping, origin=origin, start=claim.start,
        gap={"law": "constant", "unit": "call", "value": claim.gap}, session=claim.cell.session, direction="forward",
        noise=likely_noise(claim.matched, claim.scored, p), matched=claim.matched, scored=claim.scored,
        confirmed=claim.confirmed, evidence_bits=round(claim.bits, 2), equivalents=equivalents,
    )  # fmt: skip
