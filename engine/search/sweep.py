"""One window's sieve for the pipeline: real draws and null twins through the same cells, survivors with full alignment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from engine.compute.cluster import Compute
from engine.errors import UsageError
from engine.evidence.chance import log2_tail
from engine.evidence.evalue import survivor_bits
from engine.evidence.stretch import log2_two_sided
from engine.evidence.uniformity import match_probability
from engine.history.history import History
from engine.search.alignment import Alignment, Gap, Origin
from engine.search.backward import By, by, earlier
from engine.search.cell import Cell
from engine.search.chunk import REAL, SHUFFLED, UNIFORM
from engine.search.claims import Claim, Hit, predicted, score
from engine.search.costs import cell_seconds
from engine.search.design import DESIGN_BITS, Law, Scope
from engine.search.flood import one_a_value
from engine.search.ranges import Range
from engine.search.survivors import SurvivorHeader, Survivors
from engine.search.sweeper import ChunkOutcome, Sweeper
from engine.search.twins import twin_stream
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import family, resolve_families
from state.journal import Journal


@dataclass(frozen=True)
class SweepSpec:
    """What one sweep searches: cells over one window of one stream, under one count threshold."""

    history: History
    families: Sequence[str]
    mappings: Sequence[str] | None
    range: tuple[int, int]
    seeds: Range
    starts: tuple[int, int]
    gaps: tuple[int, int]
    window_start: int
    window_length: int
    threshold: int
    run: str
    key: str
    rng_seed: int
    session: str | None = None
    noise: float | None = None
    keep: int = 64
    trial: int = -1
    law: Law = "constant"
    anchored: bool = False
    """`starts` count calls before the window's first draw: the generator was seeded there, or a few draws before."""


@dataclass
class SweepResult:
    """What the real draws and each null twin met in the same passes; `null_*` are (shuffled, uniform)."""

    cell_hits: dict[str, int] = field(default_factory=dict)
    hits: int = 0
    best: int = 0
    null_hits: tuple[int, int] = (0, 0)
    null_best: tuple[int, int] = (0, 0)
    planted: int = 0
    found: int = 0
    hypotheses: int = 0
    expected_false: float = 0.0
    survivors: Survivors | None = None
    backward: dict[By, int] = field(default_factory=dict)
    """How many kept survivors were led back by the inverse step, and how many by an earlier block."""


async def sweep(compute: Compute, journal: Journal, spec: SweepSpec) -> SweepResult:
    """Run the spec's cells (billed, recorded, resumable) and return counts and survivors; raise Halted on a halt."""
    cells = _cells(spec)
    lo, hi = spec.range
    values = _values(spec)
    p = match_probability(values[values >= 0], lo, hi)
    stream = twin_stream(values, lo, hi, spec.rng_seed, spec.session)
    sweeper = Sweeper(
        compute, journal, {(spec.session, lo, hi): stream}, spec.rng_seed, prefix=f"{spec.key}|"
    )
    result = SweepResult()
    claims: list[Claim] = []
    null_counts: list[int] = []
    async with aclosing(sweeper.run(cells)) as outcomes:
        async for outcome in outcomes:
            _count(result, outcome, p)
            null_counts += [int(hit["matched"]) for hit in outcome.hits if hit["vector"] != REAL]
            claims += _scored(outcome, stream.real, p, spec, len(claims))
    result.survivors, result.backward = _survivors(spec, claims, null_counts, stream.real, p)
    return result


def asked(spec: SweepSpec) -> int:
    """Return how many hypotheses the whole sweep tests: less means that it was cut short."""
    return sum(cell.tested for cell in _cells(spec))


def _cells(spec: SweepSpec) -> list[Cell]:
    """Lay the spec out as one cell per family and mapping."""
    starts, gaps = (ends[1] - ends[0] + 1 for ends in (spec.starts, spec.gaps))
    lo, hi = spec.range
    if not 0 < spec.threshold <= spec.window_length:
        raise UsageError(
            f"threshold {spec.threshold}: must lie in 1..{spec.window_length}, the window's length"
        )
    cells = []
    try:
        for one in resolve_families(spec.families):
            top = min(spec.seeds.hi, 2**one.seed_bits - 1)
            if top < spec.seeds.lo:
                continue
            scope = Scope(top - spec.seeds.lo + 1, starts, gaps, spec.law, 1.0 / (hi - lo + 1), 0.0, 1.0)
            for mapping in resolve_mappings(spec.mappings, one):
                seconds = cell_seconds(
                    one, mapping, scope, spec.window_length, spec.threshold, spec.starts, spec.gaps
                )
                cells.append(
                    Cell(
                        one.id, mapping.id, lo, hi, spec.seeds._replace(hi=top), spec.starts, spec.gaps,
                        spec.noise or 0.0, spec.window_length, spec.threshold, len(spec.history) - spec.window_length,
                        spec.session, 1.0, seconds, 0 if spec.anchored else spec.window_start, law=spec.law,
                    )
                )  # fmt: skip
    except KernelError as error:
        raise UsageError(str(error)) from None
    return cells


def _values(spec: SweepSpec) -> np.ndarray:
    """Return the draws that the sweep looks at: the whole stream, or that from the window on where it was seeded."""
    history = spec.history if spec.session is None else spec.history.session(spec.session)
    return history.values[spec.window_start :] if spec.anchored else history.values


def _count(result: SweepResult, outcome: ChunkOutcome, p: float) -> None:
    hits, cell = outcome.hits, outcome.cell
    matched = {vector: hits["matched"][hits["vector"] == vector] for vector in (REAL, SHUFFLED, UNIFORM)}
    result.cell_hits[cell.key] = result.cell_hits.get(cell.key, 0) + len(matched[REAL])
    result.hits += len(matched[REAL])
    result.best = max(result.best, int(matched[REAL].max(initial=0)))
    nulls = (matched[SHUFFLED], matched[UNIFORM])
    result.null_hits = (result.null_hits[0] + len(nulls[0]), result.null_hits[1] + len(nulls[1]))
    result.null_best = (
        max(result.null_best[0], int(nulls[0].max(initial=0))),
        max(result.null_best[1], int(nulls[1].max(initial=0))),
    )
    result.planted += outcome.meta["planted"]
    result.found += outcome.meta["found"]
    result.hypotheses += outcome.meta["hypotheses"]
    result.expected_false += outcome.meta["hypotheses"] * 2.0 ** log2_tail(cell.block, cell.threshold, p)


def _scored(outcome: ChunkOutcome, draws: np.ndarray, p: float, spec: SweepSpec, carried: int) -> list[Claim]:
    """Score the chunk's survivors on the draws outside the window; each pays for its rank."""
    real = one_a_value(outcome.cell, outcome.hits[outcome.hits["vector"] == REAL], len(draws))
    return [
        score(
            outcome.cell,
            Hit(
                _first_seed(outcome.cell, int(hit["seed"]), int(hit["gap"])),
                int(hit["start"]),
                int(hit["gap"]),
            ),
            draws,
            p,
            spec.noise,
            carried + rank,
        )
        for rank, hit in enumerate(real, start=1)
    ]


def _first_seed(cell: Cell, seed: int, gap: int) -> int:
    """Return the seed at the stream's first draw; where draws are seeded anew a hit names the one at the window's."""
    if cell.law != "reseed":
        return seed
    return int((seed - cell.window * gap) % (1 << family(cell.family).seed_bits))


def _survivors(
    spec: SweepSpec, claims: list[Claim], nulls: list[int], draws: np.ndarray, p: float
) -> tuple[Survivors, dict[By, int]]:
    """Return the best `keep` survivors with matches in, before and after the window, and how they were led back."""
    tables = [_matches(claim, draws) for claim in claims]
    bits = _evidence(claims, tables, draws, p, spec.noise)
    tallies = [_tallies(claim, same, draws) for claim, same in zip(claims, tables, strict=True)]
    order = sorted(
        range(len(claims)), key=lambda at: (-bits[at], -tallies[at]["forward_matched"], claims[at].seed)
    )[: spec.keep]
    rows = [tallies[at] for at in order]
    columns: dict[str, object] = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    columns |= {
        "window_start": spec.window_start, "window_length": spec.window_length, "trial": spec.trial, "sweep": spec.key,
        "evidence_bits": [bits[at] for at in order],
        "null_rank": [sum(null >= row["forward_matched"] for null in nulls) for row in rows],
    }  # fmt: skip
    header = SurvivorHeader(
        range=spec.range, history=spec.history.digest, draws=len(spec.history),
        search=(spec.window_start, spec.window_start + spec.window_length),
        confirm=(0, len(spec.history)), found=len(claims), carried=max(1, len(claims)),
    )  # fmt: skip
    kept = [claims[at] for at in order]
    skipped = spec.window_start if spec.anchored else 0
    alignments = [alignment(one, skipped) for one in kept]
    return Survivors.from_alignments(alignments, header, columns), Counter(map(by, kept))


def _matches(claim: Claim, draws: np.ndarray) -> np.ndarray:
    """Return where a claim foretold a draw, bool (n,); the draws before its window are reached backward."""
    if claim.gaps is not None:  # its alignment is laid out over the draws it was weighed on
        width = len(claim.gaps) + 1
        calls = np.cumsum([claim.start, *(gap + 1 for gap in claim.gaps)])
        cell = claim.cell
        made = np.full(len(draws), -1, dtype=np.int64)
        made[:width] = host.values(
            cell.family, cell.mapping, claim.seed, cell.lo, cell.hi, int(calls[-1]) + 1
        )[calls]
    else:
        made = predicted(claim.cell, claim.seed, claim.start, claim.gap, len(draws))
        made[: claim.cell.window] = earlier(claim)
    return np.asarray((made == draws) & (draws >= 0))


def _evidence(
    claims: list[Claim], tables: list[np.ndarray], draws: np.ndarray, p: float, noise: float | None
) -> list[float]:
    """Return each claim's bits: half the belief is that it holds on all draws, half that it holds on a stretch around its window."""
    floor = -1e9  # -inf (a miss where no noise is assumed) has no place in JSON
    bits = np.array([max(claim.bits, floor) for claim in claims], dtype=float)
    if not claims or noise is not None or claims[0].gaps is not None:
        return [float(one) for one in bits]
    before, after = unseen(draws, claims[0].cell.window, claims[0].cell.block)
    same = np.array(tables)
    paid = [survivor_bits(rank) + DESIGN_BITS for rank in range(1, len(claims) + 1)]
    local = log2_two_sided(same[:, before], same[:, after], p) - np.array(paid)
    return [float(one) for one in np.maximum(np.logaddexp2(bits, local) - 1.0, floor)]


def unseen(draws: np.ndarray, window: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the present draws before and after a window's block, nearest first."""
    present = np.flatnonzero(draws >= 0)
    inside = present[present >= window][:block]
    return present[present < window][::-1], present[present > inside[-1]] if len(inside) else present[:0]


def _tallies(claim: Claim, same: np.ndarray, draws: np.ndarray) -> dict[str, int]:
    """Count matches in the window, on the earlier block (backward) and on the later one (confirm)."""
    before, after = unseen(draws, claim.cell.window, claim.cell.block)
    present = np.flatnonzero(draws >= 0)
    inside = present[present >= claim.cell.window][: claim.cell.block]
    counts: dict[str, int] = {}
    for name, index in (("forward", inside), ("backward", before), ("confirm", after)):
        counts[f"{name}_matched"], counts[f"{name}_scored"] = int(same[index].sum()), len(index)
    return counts


def alignment(claim: Claim, skipped: int = 0) -> Alignment:
    """Return the hypothesis of a survivor that was scored `skipped` draws into its stream; a negative start was seeded since."""
    gap: dict[str, object] = {"law": claim.cell.law, "value": claim.gap}
    if claim.gaps is not None:
        gap = {"law": "range", "lo": claim.cell.gaps[0], "hi": claim.cell.gaps[1], "pattern": claim.gaps}
    return Alignment(
        family=claim.cell.family, mapping=claim.cell.mapping, range=(claim.cell.lo, claim.cell.hi),
        origin=Origin.seed(claim.seed, family(claim.cell.family).seed_bits), start=claim.start - skipped * (claim.gap + 1),
        gap=Gap.model_validate(gap), session=claim.cell.session,
    )  # fmt: skip
