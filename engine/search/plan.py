"""The plan: every cell of the asked space, cheap and likely first, with the draws it needs and the rule it searches by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from engine.errors import UsageError
from engine.evidence.evalue import NOISE_MIXTURE
from engine.history.history import Ints
from engine.search.cell import Cell
from engine.search.costs import CELL_SECONDS, VECTORS, cell_seconds, composed_seconds, listed_seconds
from engine.search.design import Law, Scope, design, draws_needed
from engine.search.space import Level, Space, levels, periods
from engine.search.words import fits, none_taken, refusal
from hip_cuda_kernels import host, variable_routes
from hip_cuda_kernels.composed import lower_composed
from hip_cuda_kernels.errors import IncompatibleMapping, KernelError
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import Mapping, is_composed, resolve_mappings
from hip_cuda_kernels.pins import sight_of
from hip_cuda_kernels.registry import resolve_families
from hip_cuda_kernels.routes import Route, choose, may_apply

LEAST_ROUTED, LEAST_FILTERED = (
    1 << 24,
    1 << 20,
)  # seeds of a cell that a route is looked for; the same of composed draws
MOST_PATTERNS = 1 << 16  # of gaps that take turns: a worker lays them all out
TOO_MANY = "{:,} patterns of {} gaps are more than are laid out at once; narrow --gaps"


@dataclass(frozen=True)
class Unplanned:
    """A part of the asked space that cannot be searched; `need` is how many draws would make it possible."""

    family: str
    mapping: str
    reason: str
    need: int | None


class DrawRange(NamedTuple):
    """A range of the draws, how often a fixed prediction matches in it by chance, and its share of belief."""

    lo: int
    hi: int
    p: float
    share: float = 1.0


@dataclass(frozen=True)
class Material:
    """What the plan needs to know of the draws of one stream: how many, and what may be their range."""

    session: str | None
    draws: int
    ranges: tuple[DrawRange, ...]
    times: Ints | None = None  # microseconds since 1970 of its draws, missing ones among them
    moment: float | None = None  # seconds since 1970 of the first draw, where it has a time


@dataclass(frozen=True)
class Plan:
    """Cells in the order of search, and what is left out with the reason."""

    cells: tuple[Cell, ...]
    unplanned: tuple[Unplanned, ...]

    @cached_property
    def hypotheses(self) -> int:
        """Return how many hypotheses will be tested; kept, because every report of progress asks and there are ten thousand cells."""
        return sum(cell.tested for cell in self.cells)


def make_plan(space: Space, materials: Sequence[Material]) -> Plan:
    """Lay out the asked space over the given streams; raise UsageError for names that do not exist."""
    cells: dict[str, Cell] = {}
    unplanned: dict[Unplanned, None] = {}
    for family, mapping, weight in codes(space):
        for material in materials:
            ladder = levels(space, material.moment, material.times, composed=is_composed(mapping))
            fitting = _distinct(ladder, family, space.gap_law)
            if not fitting:
                unplanned[_beyond(family, mapping, space)] = None
            beliefs = zip(fitting, _beliefs(space, family, fitting), strict=True)
            for (level, belief), (period, share) in product(beliefs, periods(space.gap_law)):
                for span in material.ranges:
                    prior = weight * belief * share * span.share / len(materials)
                    made = _cell(space, family, mapping, level, period, material, span, prior)
                    if isinstance(made, Cell):
                        cells.setdefault(made.key, made)
                    else:
                        unplanned[made] = None
    return ordered(cells.values(), unplanned)


def ordered(cells: Iterable[Cell], unplanned: Iterable[Unplanned]) -> Plan:
    """Return the plan of these cells, most belief a second first."""
    order = sorted(cells, key=lambda cell: (-cell.prior / cell.seconds, cell.key))
    return Plan(tuple(order), tuple(unplanned))


def codes(space: Space) -> list[tuple[Family, Mapping, float]]:
    """Resolve families and mappings with their shares of belief.

    A family's share is proportional to how common it is (its weight), its r-th most used mapping's to 1/r.
    """
    try:
        families = resolve_families(space.families)
    except KernelError as error:
        raise UsageError(f"--families: {error}") from None
    if space.words and not space.seeds and (why := none_taken(families)):
        raise UsageError(f"--seeds words: {why}")
    codes, refusals = [], []
    common = sum(family.weight for family in families)
    for family in families:
        try:
            mappings = resolve_mappings(space.mappings, family)
        except IncompatibleMapping as error:
            refusals.append(str(error))
            continue
        except KernelError as error:
            raise UsageError(f"--mappings: {error}") from None
        whole = sum(1 / rank for rank in range(1, len(mappings) + 1))
        codes += [
            (family, one, family.weight / common / rank / whole) for rank, one in enumerate(mappings, start=1)
        ]
    if not codes:
        raise UsageError(f"--mappings: none fits the asked families: {refusals[0]}")
    return codes


def _distinct(ladder: Sequence[Level], family: Family, law: Law) -> list[Level]:
    """Cut the ladder to the seeds that the family has (of ticks it takes the low bits); drop a level that an earlier, wider one covers."""
    kept: list[Level] = []
    for level in ladder:
        top = (
            level.seeds.hi
            if level.seeds.way or law == "clock"
            else min(level.seeds.hi, 2**family.seed_bits - 1)
        )
        if top < level.seeds.lo or not fits(family, level.seeds):
            continue
        cut = level.model_copy(update={"seeds": level.seeds._replace(hi=top)})
        if not any(_covers(other, cut) for other in kept):
            kept.append(cut)
    return kept


def _beliefs(space: Space, family: Family, fitting: Sequence[Level]) -> list[float]:
    """Return each level's share of belief in a family: what the runtime draws lies in the levels that hold all its seeds."""
    seeded = 1.0 - family.unseeded if space.methods == "all" else 1.0
    holds_all = [level.seeds[:2] == (0, (1 << family.seed_bits) - 1) for level in fitting]
    whole = sum(level.prior for level, all_ in zip(fitting, holds_all, strict=True) if all_)
    drawn = family.drawn if whole else 0.0
    return [
        level.prior * (seeded - drawn + (drawn / whole if all_ else 0.0))
        for level, all_ in zip(fitting, holds_all, strict=True)
    ]


def _beyond(family: Family, mapping: Mapping, space: Space) -> Unplanned:
    if space.words:
        return Unplanned(family.id, mapping.id, "no runtime is known that seeds it with words", None)
    reason = f"the asked seeds lie above the {family.seed_bits} bits that the family seeds with"
    return Unplanned(family.id, mapping.id, reason, None)


def _covers(wide: Level, narrow: Level) -> bool:
    spans = zip(
        (wide.seeds[:2], wide.starts, wide.gaps), (narrow.seeds[:2], narrow.starts, narrow.gaps), strict=True
    )
    same = (wide.seeds.words, wide.ticks) == (narrow.seeds.words, narrow.ticks)
    alike = wide.noise >= narrow.noise and same
    return alike and all(a[0] <= b[0] and b[1] <= a[1] for a, b in spans)


def _cell(
    space: Space,
    family: Family,
    mapping: Mapping,
    level: Level,
    period: int,
    material: Material,
    span: DrawRange,
    prior: float,
) -> Cell | Unplanned:
    """Lay out one rectangle; where the draws cannot carry the level's noise, search it at less noise and say so."""
    lo, hi, p, _ = span
    why = _refusal(family, mapping, lo, hi, space.gap_law) or refusal(
        family, mapping, level.seeds, space.gap_law
    )
    if why is not None:
        return Unplanned(family.id, mapping.id, why, None)
    starts, gaps = (ends[1] - ends[0] + 1 for ends in (level.starts, level.gaps))
    if period > 1 and gaps**period > MOST_PATTERNS:
        return Unplanned(family.id, mapping.id, TOO_MANY.format(gaps**period, period), None)
    scope = Scope(level.seeds.size, starts, gaps, space.gap_law, p, 0.0, space.alpha, period)
    for noise in [level.noise] if space.noise is not None else _at_most(level.noise):
        made = design(replace(scope, noise=noise), material.draws)
        if made is not None:
            block, threshold, confirm = made
            if level.seeds.way:
                seconds = listed_seconds(
                    mapping, level.seeds, scope, block, threshold, level.starts, level.gaps
                )
            elif is_composed(mapping):
                seconds = composed_seconds(family, mapping, level, (lo, hi), block - threshold)
            else:
                seconds = cell_seconds(family, mapping, scope, block, threshold, level.starts, level.gaps)
            cell = Cell(
                family.id, mapping.id, lo, hi, level.seeds, level.starts, level.gaps, noise,
                block, threshold, confirm, material.session, prior, seconds, law=space.gap_law, period=period,
                words=space.words, times=material.times,
            )  # fmt: skip
            if level.seeds.way:
                return cell
            return filtered(cell, family, mapping) if is_composed(mapping) else routed(cell, family)
    need = draws_needed(replace(scope, noise=space.noise or 0.0))
    enough = f"need at least {need}" if need else "no number of draws would do"
    text = f"not identifiable with {material.draws} draws of {hi - lo + 1} values; {enough}"
    return Unplanned(family.id, mapping.id, text, need)


def routed(cell: Cell, family: Family) -> Cell:
    """Give a large cell its cheapest route and that route's seconds; small ones and seeding anew are swept.

    A route's cost depends on how many draws are compared, hardly on which: random ones stand for them.
    """
    if cell.law not in ("constant", "range") or cell.seeds.size < LEAST_ROUTED or not may_apply(family):
        return cell
    return _cheapest(cell, variable_routes.choose if cell.law == "range" else choose)


def filtered(cell: Cell, family: Family, mapping: Mapping) -> Cell:
    """Give a large cell of composed draws the filter on single inner calls, where it costs less than the interpreter alone."""
    if cell.law != "constant" or cell.seeds.size < LEAST_FILTERED:
        return cell
    return (
        cell
        if sight_of(lower_composed(mapping, family, cell.lo, cell.hi)) is None
        else _cheapest(cell, choose)
    )


def _cheapest(cell: Cell, choose: Callable[..., Route]) -> Cell:
    draws = np.random.default_rng(0).integers(cell.lo, cell.hi, (VECTORS, cell.block), endpoint=True)
    best = choose(
        cell.family, cell.mapping, cell.lo, cell.hi, draws, np.full(VECTORS, cell.threshold),
        seed_lo=cell.seeds.lo, seed_count=cell.seeds.size, starts=cell.starts, gaps=cell.gaps,
    )  # fmt: skip
    return (
        cell if best.name == "sieve" else replace(cell, route=best.name, seconds=CELL_SECONDS + best.seconds)
    )


def _refusal(family: Family, mapping: Mapping, lo: int, hi: int, law: Law) -> str | None:
    """Say why the mapping cannot make draws in lo..hi under the gap law; None where it can."""
    if law in ("range", "periodic") and is_composed(mapping):
        return f"{mapping.id}: draws of several calls are searched with constant gaps; leave --gap-law out"
    check = host.check_before if law == "inverse" else host.check_mapping
    try:
        check(family.id, mapping.id, lo, hi)
    except KernelError as error:
        return str(error)
    return None


def _at_most(noise: float) -> list[float]:
    """Return the noise levels of the mixture up to `noise`, highest first."""
    return sorted({share for share, _ in NOISE_MIXTURE if share < noise} | {noise}, reverse=True)
