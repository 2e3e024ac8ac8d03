"""From a hit to a claim: evidence on draws the search never used, equivalents grouped, what the draws to come are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.evidence.evalue import NOISE_MIXTURE, log2_against_any, log2_evidence, prior_bits, survivor_bits
from engine.evidence.paths import path_bits
from engine.recovery import states
from engine.recovery.problem import calls_of
from engine.search.analysis import Hypothesis, Tally, Word
from engine.search.cell import Cell
from engine.search.clock import foretold, offset
from engine.search.design import DESIGN_BITS, NEXT_DRAWS
from engine.search.layouts import reseeded
from engine.search.streamed import led_back
from engine.search.streams import parts
from hip_cuda_kernels import host, variable_gaps
from hip_cuda_kernels.registry import family as family_of

MOST_SCORED = 512  # draws that are weighed where gaps vary: every one widens the window of the next


class Hit(NamedTuple):
    """Where a survivor lies: its seed or state, the calls before its first draw, the calls between two."""

    origin: int
    start: int
    gap: int


@dataclass(frozen=True)
class Claim:
    """One survivor with its score: `bits` is the log2 e-value after everything that was tried has been paid.

    `gaps` are the calls before each draw but the first where they vary, over the draws that were weighed.
    """

    cell: Cell
    seed: int
    start: int
    gap: int
    matched: int
    scored: int
    confirmed: Tally
    bits: float
    gaps: tuple[int, ...] | None = None

    @property
    def stream(self) -> tuple[object, ...]:
        """Return what names the raw stream: variants of one stream are one discovery, places in a block of cached words too.

        Where gaps take turns, a wrong pattern may share a turn with the right one: every reading of a seed is a variant.
        """
        solved = self.cell.origin == "state"
        seed = states.recurring(self.cell.family, self.seed) if solved else self.seed
        made_by = self.cell.family if solved else kind(self.cell.family)
        placed = () if self.cell.law == "periodic" else (self.start, self.gap)
        return (made_by, self.cell.session, self.cell.origin, seed, *placed)

    @property
    def placed(self) -> tuple[object, ...]:
        """Return where the draws lie in the stream of the origin."""
        return (
            self.seed,
            self.start,
            self.cell.pattern(self.gap) if self.cell.law == "periodic" else self.gap,
        )

    def line(self) -> str:
        """Return the claim as one short line."""
        gap = self.gap if self.gaps is None else "varies"
        if self.cell.law == "periodic":
            gap = ",".join(map(str, self.cell.pattern(self.gap)))
        origin = (
            f"seed {self.seed} start {self.start}" if self.cell.origin == "seed" else f"state {self.seed:#x}"
        )
        return f"{self.cell.family} {self.cell.mapping} {origin} gap {gap}"

    def record(self) -> dict[str, Any]:
        """Return the survivor as the journal keeps it; bits of minus infinity (a miss where no noise is assumed) are null."""
        return {
            "family": self.cell.family, "mapping": self.cell.mapping, "range": [self.cell.lo, self.cell.hi],
            "session": self.cell.session, "origin": {"kind": self.cell.origin, "value": hex(self.seed)}, "start": self.start,
            "gap": {"law": self.cell.law, "value": self.gap, "pattern": _pattern(self)},
            "matched": self.matched, "scored": self.scored,
            "confirmed": self.confirmed.model_dump(), "evidence_bits": finite(self.bits),
        }  # fmt: skip


def _pattern(claim: Claim) -> list[int] | None:
    """Return the gaps between draws where they are not one number: all of them, or one period."""
    if claim.cell.law == "periodic":
        return list(claim.cell.pattern(claim.gap))
    return None if claim.gaps is None else list(claim.gaps)


def finite(bits: float) -> float | None:
    """Return the bits, or None for minus infinity, which JSON does not know."""
    return bits if math.isfinite(bits) else None


def predicted(cell: Cell, seed: int, start: int, gap: int, count: int) -> np.ndarray:
    """Return the int64 (count,) draws of a hypothesis from the history's first draw on; by a clock no more than have a time."""
    if cell.origin == "state":
        pattern = cell.pattern(gap)
        return states.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, count, pattern=pattern)
    if cell.law == "periodic":
        calls = start + calls_of(cell.pattern(gap), np.arange(count))
        return host.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, int(calls[-1]) + 1)[calls]
    if cell.law == "clock" and cell.times is not None:
        unit = str(cell.seeds.unit)
        return foretold(cell.family, cell.mapping, seed, cell.lo, cell.hi, cell.times[:count], unit, start)
    if cell.law == "inverse":
        return led_back(cell.family, cell.mapping, seed, cell.lo, cell.hi, count, start, gap)
    if cell.law == "reseed":
        return reseeded(cell.family, cell.mapping, seed, cell.lo, cell.hi, count, start, gap)
    return host.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, count, start=start, gap=gap)


def score(cell: Cell, hit: Hit, draws: np.ndarray, p: float, noise: float | None, rank: int) -> Claim:
    """Weigh one survivor: `rank` counts survivors carried so far from 1, or cells for the all-draws design."""
    weigh = _score_variable if cell.law == "range" else _score_fixed
    return weigh(cell, hit, draws, p, noise, survivor_bits(rank) + DESIGN_BITS)


def _score_fixed(
    cell: Cell, hit: Hit, draws: np.ndarray, p: float, noise: float | None, paid: float
) -> Claim:
    seed, start, gap = hit
    same = predicted(cell, seed, start, gap, len(draws)) == draws
    present = draws >= 0
    unseen = present.copy()
    if cell.confirm:
        searched = np.flatnonzero(present[cell.window :])[: cell.block] + cell.window
        unseen[searched] = False
    tally = Tally(matched=int(same[unseen].sum()), scored=int(unseen.sum()))
    paid += 0.0 if cell.confirm else prior_bits(cell.whole.hypotheses)
    bits = _evidence(cell, draws[unseen], tally, p, noise) - paid
    return Claim(cell, seed, start, gap, int(same[present].sum()), int(present.sum()), tally, bits)


def _evidence(cell: Cell, unseen: np.ndarray, tally: Tally, p: float, noise: float | None) -> float:
    """Return the bits of a tally against even draws, or where the draws are uneven against draws of any frequencies."""
    values = cell.hi - cell.lo + 1
    if p <= 1.0 / values:
        return log2_evidence(tally.matched, tally.scored, p, noise)
    counts = np.unique(unseen, return_counts=True)[1].tolist()
    return log2_against_any(tally.matched, counts, values, noise)


def _score_variable(
    cell: Cell, hit: Hit, draws: np.ndarray, p: float, noise: float | None, paid: float
) -> Claim:
    """Weigh the average over every start and pattern of gaps; the evidence is what the unseen draws add to the search block's.

    The alignment is laid out over all draws for a survivor that the unseen ones speak for, else over the block alone.
    """
    seed, draws = hit.origin, draws[:MOST_SCORED]
    reach = variable_gaps.window(cell.starts, cell.gaps, len(draws) - 1)[1] + 1
    stream = host.values(cell.family, cell.mapping, seed, cell.lo, cell.hi, reach)
    width = int(np.flatnonzero(draws >= 0)[cell.block - 1]) + 1
    before, whole = path_bits(
        stream, draws, [width, len(draws)], starts=cell.starts, gaps=cell.gaps, p=p, noise=noise
    )
    if cell.confirm:
        bits = whole - before if math.isfinite(before) else -math.inf
    else:
        bits = whole - prior_bits(cell.whole.seeds.size)
    shown = draws if bits > paid else draws[:width]
    matched, gaps, start = variable_gaps.align(stream, shown, cell.starts, cell.gaps)
    calls = np.cumsum([start, *(gap + 1 for gap in gaps)])
    same, present = stream[calls] == shown, shown >= 0
    unseen = np.arange(len(shown)) >= (width if cell.confirm else 0)
    tally = Tally(matched=int((same & present & unseen).sum()), scored=int((present & unseen).sum()))
    return Claim(cell, seed, start, 0, matched, int(present.sum()), tally, bits - paid, tuple(gaps))


def kind(family: str) -> str:
    """Return what generators of one kind have in common: the algorithm's name without its variant."""
    return family.partition("/")[0].partition("_")[0]


def usage(claim: Claim) -> int:
    """Return how many of the family's native mappings are used more than the claim's: of equal readings the usual one is named."""
    native = family_of(claim.cell.family).mappings
    return native.index(claim.cell.mapping) if claim.cell.mapping in native else len(native)


def settle(claims: Iterable[Claim], counts: Mapping[str | None, int]) -> list[tuple[Claim, int, np.ndarray]]:
    """Reduce claims to non-equivalent ones, best first, each with its number of equivalents and its next draws.

    `counts` are the draws of each stream so far.

    Hypotheses that predict the same draws are one (smallest start, then smallest seed); of several readings of one
    stream only the best (of equal ones, the most used mapping) is kept, because a worse one is the same discovery seen through a wrong range.
    So is a worse one of the same seed in a generator of the same kind.
    """
    best: dict[object, list[Claim]] = {}
    for claim in sorted(claims, key=lambda one: (-one.matched, usage(one), -one.bits, one.start, one.seed)):
        kept = best.setdefault(claim.stream, [claim])
        if _another(claim, kept[0]):
            kept.append(claim)
    groups: dict[object, list[Claim]] = {}
    for claim in (one for kept in best.values() for one in kept):
        story = _story(claim, counts[claim.cell.session] + NEXT_DRAWS).tobytes()
        groups.setdefault((claim.cell.session, story), []).append(claim)
    settled = []
    for group in groups.values():
        chosen = min(group, key=lambda one: (one.cell.origin, one.start, one.seed, -one.cell.prior))
        count = counts[chosen.cell.session]
        future = np.empty(0, np.int64) if chosen.gaps else _story(chosen, count + NEXT_DRAWS)[count:]
        settled.append((chosen, len(group), future))
    return sorted(settled, key=lambda row: -row[0].bits)


def _another(one: Claim, best: Claim) -> bool:
    """Say whether a reading stands beside the best one of its stream: another place, or a generator of its kind, that is as good."""
    if one.cell.family != best.cell.family:
        return one.matched == best.matched
    return one.placed != best.placed and _alike(one, best)


def _alike(one: Claim, other: Claim) -> bool:
    """Say whether two readings are as good: with few draws several places in a block tell the same of them."""
    return (one.matched, one.cell.mapping, one.cell.lo, one.cell.hi) == (
        other.matched, other.cell.mapping, other.cell.lo, other.cell.hi
    )  # fmt: skip


def _story(claim: Claim, count: int) -> np.ndarray:
    """Return the draws that a claim tells of, past and next; where gaps vary, the next ones are open and the calls stand for them."""
    if claim.gaps is None:
        return predicted(claim.cell, claim.seed, claim.start, claim.gap, count)
    return host.values(claim.cell.family, claim.cell.mapping, claim.seed, claim.cell.lo, claim.cell.hi, count)


def likely_noise(matched: int, scored: int, p: float) -> float:
    """Return the share of wrong draws in the mixture that explains the tally best."""
    return max(
        (noise for noise, _ in NOISE_MIXTURE), key=lambda noise: log2_evidence(matched, scored, p, noise)
    )


def hypothesis(claim: Claim, equivalents: int, p: float) -> Hypothesis:
    """Return the record of the contract for a settled claim."""
    family = family_of(claim.cell.family)
    unit = claim.cell.seeds.unit
    solved = claim.cell.origin == "state"
    session, direction = parts(claim.cell.session)
    origin = {
        "kind": "time" if unit else claim.cell.origin,
        "bits": states.bits(family.id) if solved else max(family.seed_bits, claim.seed.bit_length()),
        "value": hex(claim.seed),
        "unit": unit,
    }
    return Hypothesis(
        family=family.id, aliases=list(family.aliases), mapping=claim.cell.mapping, origin=origin, start=None if solved else claim.start,
        gap=_gap(claim), session=session, direction=direction,
        noise=likely_noise(claim.matched, claim.scored, p), matched=claim.matched, scored=claim.scored,
        confirmed=claim.confirmed, evidence_bits=round(claim.bits, 2), equivalents=equivalents, word=_word(claim.cell),
    )  # fmt: skip


def _word(cell: Cell) -> Word | None:
    """Return the word that a seed was made of, and how; None where it is an integer."""
    return None if cell.word is None else Word(text=cell.word, way=str(cell.whole.seeds.way))


def _gap(claim: Claim) -> dict[str, Any]:
    if claim.cell.law == "periodic":
        return {"law": "periodic", "unit": "call", "pattern": _pattern(claim)}
    if claim.cell.law == "clock" and claim.cell.times is not None:
        off = offset(claim.seed, claim.cell.times, str(claim.cell.seeds.unit))
        return {"law": "clock", "unit": "call", "value": off}
    if claim.gaps is None:
        return {"law": claim.cell.law, "unit": "call", "value": claim.gap}
    lo, hi = claim.cell.gaps
    return {"law": "range", "unit": "call", "lo": lo, "hi": hi, "pattern": list(claim.gaps)}
