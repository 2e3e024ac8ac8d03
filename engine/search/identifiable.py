"""The contract `identifiable/1`: what could be found with these draws and how many more are needed, before any search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from engine.evidence.evalue import required_bits
from engine.recovery.leaks import bits_per_draw, entropy_bits, lane_masks, rejected
from engine.recovery.linear import LONGEST, lane_complexity, lane_count
from engine.search.analysis import NotTested, RangeCandidate
from engine.search.design import MOST_DRAWS, Law, Scope, draws_needed
from engine.search.identify import Identification
from engine.search.plan import Cell, Material, Plan, make_plan
from engine.search.space import Level, Space, levels
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.lowering import Call, lower_call
from hip_cuda_kernels.mappings import Mapping, is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

Route = Literal["seed", "state", "recurrence"]
SOLVED = {"gf2", "lattice", "low_bits"}  # routes of the registry that solve for a state
RARE = 2.0**-20  # chance of drawing only right draws below which a solution is not tried for


class Record(BaseModel):
    """Strict, immutable base of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Need(Record):
    """Draws that one route needs, for all families and mappings that need as many.

    `bits`: what is unknown, log2 of the asked hypotheses, the state's size or the linear complexity; `bits_per_draw`: what a draw
    tells of it; `draws`: how many would do for all of it (None: no number, for the `reason`); `least`: for the smallest asked part;
    `missing`: how many more than there are.
    """

    route: Route
    range: tuple[int, int]
    bits: float
    bits_per_draw: float
    draws: int | None
    least: int | None = None
    missing: int | None
    reason: str = ""
    families: dict[str, list[str]]


class Total(Record):
    """How many families one route could identify with these draws: all of what is asked, a part of it, and of how many."""

    route: Route
    identifiable: int
    partly: int
    families: int


class Identifiable(Record):
    """What these draws could identify. `hopeless`: one line for each range in which no number of draws would do."""

    schema_: Literal["identifiable/1"] = Field(default="identifiable/1", alias="schema")
    draws: int
    range_candidates: list[RangeCandidate]
    alpha: float
    noise: float
    gap_law: Law
    hopeless: list[str]
    totals: list[Total]
    needs: list[Need]
    impossible: list[NotTested]
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


@dataclass(frozen=True)
class Asked:
    """The terms of a claim: draws at hand, error rate, share of wrong draws."""

    draws: int
    alpha: float
    noise: float


@dataclass(frozen=True)
class Code:
    """One family and mapping on one range, with the rectangles that the asked space lays over it."""

    family: Family
    mapping: Mapping
    span: tuple[int, int]
    chance: float
    cells: tuple[Cell, ...]

    @property
    def call(self) -> Call:
        """Return the mapping call in numbers."""
        return lower_call(self.mapping, self.family, *self.span)

    @property
    def gaps(self) -> int:
        """Return how many gaps are asked at most."""
        return max(cell.gaps[1] - cell.gaps[0] + 1 for cell in self.cells)

    def need(
        self, route: Route, bits: float, each: float, draws: int | None, asked: Asked, **rest: Any
    ) -> Need:
        """Return what one route needs for this code alone."""
        return Need(
            route=route, range=self.span, bits=round(bits, 1), bits_per_draw=round(each, 2), draws=draws,
            missing=None if draws is None else max(0, draws - asked.draws),
            families={self.family.id: [self.mapping.id]}, **rest,
        )  # fmt: skip


def identifiable(identification: Identification) -> Identifiable:
    """Describe what an identification that has not run could find: by seed, by state, by recurrence."""
    space, candidates = identification.space, identification.candidates
    draws = max(int((values >= 0).sum()) for values in identification.values.values())
    asked = Asked(draws, space.alpha, space.noise or 0.0)
    chances = {span: _chance(identification, span) for span, _ in candidates}
    hopeless = {
        span: why for span, chance in chances.items() if (why := _hopeless(space, asked, span, chance))
    }
    hopeful = {span: chance for span, chance in chances.items() if span not in hopeless}
    plan = make_plan(space, [Material(None, MOST_DRAWS, tuple((*span, p) for span, p in hopeful.items()))])
    found = [
        need
        for code in _codes(plan, hopeful)
        for route in _routes(space.gap_law)
        if (need := route(code, asked))
    ]
    return Identifiable(
        draws=draws, alpha=asked.alpha, noise=asked.noise, gap_law=space.gap_law,
        range_candidates=[RangeCandidate(range=span, reason=why) for span, why in candidates],
        hopeless=list(dict.fromkeys(hopeless.values())), totals=[_total(route, found, draws) for route in get_args(Route)],
        needs=_grouped(found), impossible=_impossible(plan),
    )  # fmt: skip


def _chance(identification: Identification, span: tuple[int, int]) -> float:
    """Return how likely a fixed prediction matches, in the stream where that is likeliest."""
    return max(identification.probability[label, *span] for label in identification.values)


def _hopeless(space: Space, asked: Asked, span: tuple[int, int], chance: float) -> str:
    """Say why no number of draws would do on a range; empty where some would."""
    size = f"{span[1] - span[0] + 1} values"
    if chance == 1.0:
        return f"all {asked.draws} draws are equal: a constant says nothing of its generator"
    scopes = [_scope(level, space.gap_law, chance, asked) for level in levels(space)]
    if any(draws_needed(scope) is not None for scope in scopes):
        return ""
    least = min(scopes, key=lambda scope: scope.gaps)
    if least.gap_bits >= -math.log2(chance):
        return (
            f"every gap may be one of {least.gaps}, {least.gap_bits:.1f} bits, and a draw of {size} tells "
            f"{-math.log2(chance):.1f}: no number of draws would do; narrow --gaps"
        )
    return f"a draw of {size} tells too little at noise {asked.noise:g}: no number of draws below {MOST_DRAWS} would do"


def _scope(rectangle: Level | Cell, law: Law, chance: float, asked: Asked) -> Scope:
    starts, gaps = (ends[1] - ends[0] + 1 for ends in (rectangle.starts, rectangle.gaps))
    return Scope(rectangle.seeds.size, starts, gaps, law, chance, asked.noise, asked.alpha)


def _codes(plan: Plan, chances: dict[tuple[int, int], float]) -> Iterator[Code]:
    cells: dict[tuple[str, str, tuple[int, int]], list[Cell]] = {}
    for cell in plan.cells:
        cells.setdefault((cell.family, cell.mapping, (cell.lo, cell.hi)), []).append(cell)
    for (name, text, span), own in cells.items():
        family = family_of(name)
        yield Code(family, parse_mapping(text, family), span, chances[span], tuple(own))


def _by_seed(code: Code, asked: Asked) -> Need:
    """Every asked seed tried: the widest rectangle and the narrowest."""
    scopes = [_scope(cell, cell.law, code.chance, asked) for cell in code.cells]
    needs = [draws for scope in scopes if (draws := draws_needed(scope)) is not None]
    bits = max(math.log2(scope.hypotheses(1)) for scope in scopes)
    told = -math.log2(code.chance) - max(scope.gap_bits for scope in scopes)
    return code.need("seed", bits, told, max(needs, default=None), asked, least=min(needs, default=None))


def _by_state(code: Code, asked: Asked) -> Need | None:
    """A state solved from what draws leak: as many equations as bits of state, gap and claim. No fewer draws can do."""
    if SOLVED.isdisjoint(code.family.routes) or is_composed(code.mapping):
        return None
    linear = "gf2" in code.family.routes
    told = bits_per_draw(code.call) if linear else entropy_bits(code.call)
    bits = code.family.state_bits + math.log2(code.gaps)
    if told == 0.0:
        return code.need("state", bits, told, None, asked, reason="no bit of a word is exact")
    draws = math.ceil((bits + required_bits(asked.alpha)) / told)
    if reason := _misplaced(code, draws * code.gaps) or _spoilt(draws, asked):
        return code.need("state", bits, told, None, asked, reason=reason)
    return code.need("state", bits, told, math.ceil(draws / (1.0 - asked.noise)), asked)


def _by_recurrence(code: Code, asked: Asked) -> Need | None:
    """Twice the linear complexity of a bit that every draw fixes, whatever the gap."""
    lanes = 0 if is_composed(code.mapping) else lane_count(code.span[1] - code.span[0] + 1)
    complexity = lane_complexity(code.family, lane_masks(code.call)[0]) if lanes else None
    if complexity is None:
        return None
    draws = math.ceil(2 * complexity + required_bits(asked.alpha) + math.log2(lanes))
    reason = _misplaced(code, draws) or _hidden(draws, asked)
    return code.need("recurrence", complexity, 1.0, None if reason else draws, asked, reason=reason)


def _misplaced(code: Code, calls: int) -> str:
    chance = rejected(code.call)
    return f"{chance:.2g} of the calls read a word again, so places are lost" if chance * calls > 1.0 else ""


def _hidden(draws: int, asked: Asked) -> str:
    if draws > LONGEST:
        return f"longer than the {LONGEST} draws that are examined"
    return "one wrong draw hides a recurrence" if asked.noise else ""


def _spoilt(draws: int, asked: Asked) -> str:
    return (
        f"{draws} right draws in {asked.noise:g} wrong ones are too rare"
        if (1.0 - asked.noise) ** draws < RARE
        else ""
    )


def _routes(law: Law) -> tuple[Callable[[Code, Asked], Need | None], ...]:
    """Algebra needs one gap for all draws."""
    return (_by_seed, _by_state, _by_recurrence) if law == "constant" else (_by_seed,)


def _grouped(needs: Iterable[Need]) -> list[Need]:
    """Join what needs as many draws for the same reason, fewest draws first, the families that are used most first."""
    groups: dict[tuple[Any, ...], Need] = {}
    for need in sorted(needs, key=lambda need: -family_of(next(iter(need.families))).weight):
        key = tuple(need.model_dump(exclude={"families"}).values())
        group = groups.setdefault(key, need.model_copy(update={"families": {}}))
        for family, mappings in need.families.items():
            group.families.setdefault(family, []).extend(mappings)
    return sorted(groups.values(), key=lambda need: (need.draws is None, need.draws or 0, need.route))


def _total(route: Route, needs: Iterable[Need], draws: int) -> Total:
    """Count each family once, by the mapping and range that need the fewest draws."""
    own = [need for need in needs if need.route == route]
    whole = {name for need in own if need.missing == 0 for name in need.families}
    some = {name for need in own if need.least is not None and need.least <= draws for name in need.families}
    return Total(
        route=route,
        identifiable=len(whole),
        partly=len(some - whole),
        families=len({n for need in own for n in need.families}),
    )


def _impossible(plan: Plan) -> list[NotTested]:
    """Return what no number of draws would find, where nothing else of the family and mapping is left."""
    possible = {(cell.family, cell.mapping) for cell in plan.cells}
    left = (one for one in plan.unplanned if (one.family, one.mapping) not in possible)
    return [NotTested(family=one.family, mapping=one.mapping, reason=one.reason) for one in left]
