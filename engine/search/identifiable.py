"""The contract `identifiable/1`: what could be found with these draws and how many more are needed, before any search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from engine.evidence.evalue import required_bits
from engine.history.history import Ints
from engine.recovery import states
from engine.recovery.leaks import lane_masks, rejected
from engine.recovery.linear import LONGEST, lane_complexity, lane_count
from engine.search.algebra import plan_states
from engine.search.analysis import NotTested, RangeCandidate
from engine.search.cell import Cell
from engine.search.design import MOST_DRAWS, Law, Scope, draws_needed
from engine.search.plan import DrawRange, Material, Plan, make_plan
from engine.search.question import Question
from engine.search.space import Level, Space, levels, periods
from hip_cuda_kernels.lowering import lower_call
from hip_cuda_kernels.mappings import is_composed, parse_mapping
from hip_cuda_kernels.registry import family as family_of

Route = Literal["seed", "state", "recurrence"]
Span = tuple[int, int]
Spans = tuple[DrawRange, ...]


class Record(BaseModel):
    """Strict, immutable base of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Need(Record):
    """Draws that one route needs, for all families and mappings that need as many.

    `bits`: what is unknown: log2 of the asked hypotheses, bits of the state, the linear complexity. `draws`: how many would do
    (None: no number, for the `reason`), `missing`: how many more than there are, `least`: how many for the smallest part asked.
    """

    route: Route
    range: tuple[int, int]
    bits: float
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
    """What the needs are computed for: the space, the draws at hand, the share of wrong ones, the chance of a match per range.

    `times` are a stream's, where they are its draws' seeds.
    """

    space: Space
    draws: int
    noise: float
    chances: dict[Span, float]
    times: Ints | None = None

    def need(
        self, route: Route, span: Span, family: str, mapping: str, bits: float, draws: int | None, **rest: Any
    ) -> Need:
        """Return what one family and mapping need on one range."""
        return Need(
            route=route, range=span, bits=round(bits, 1), draws=draws, families={family: [mapping]},
            missing=None if draws is None else max(0, draws - self.draws), **rest,
        )  # fmt: skip

    def scope(self, rectangle: Level | Cell, span: Span) -> Scope:
        """Return a rectangle of the space in numbers."""
        starts, gaps = (ends[1] - ends[0] + 1 for ends in (rectangle.starts, rectangle.gaps))
        chance, law = self.chances[span], self.space.gap_law
        period = rectangle.period if isinstance(rectangle, Cell) else periods(law)[0][0]
        return Scope(rectangle.seeds.size, starts, gaps, law, chance, self.noise, self.space.alpha, period)


def identifiable(question: Question) -> Identifiable:
    """Describe what a search for this question could find: by seed, by state, by recurrence."""
    space, candidates = question.space, question.candidates
    asked = _asked(question)
    hopeless = {span: why for span in asked.chances if (why := _hopeless(asked, span))}
    spans = tuple(DrawRange(*span, chance) for span, chance in asked.chances.items() if span not in hopeless)
    plan = make_plan(space, [Material(None, MOST_DRAWS, spans, asked.times)])
    needs = [need for route in (_by_seed, _by_state, _by_recurrence) for need in route(asked, plan, spans)]
    return Identifiable(
        draws=asked.draws, alpha=space.alpha, noise=asked.noise, gap_law=space.gap_law,
        range_candidates=[RangeCandidate(range=span, reason=why) for span, why in candidates],
        hopeless=list(dict.fromkeys(hopeless.values())),
        totals=[_total(route, needs, asked.draws) for route in get_args(Route)],
        needs=_grouped(needs), impossible=_impossible(plan, needs),
    )  # fmt: skip


def _asked(question: Question) -> Asked:
    """Take the longest stream, and the one in which a fixed prediction matches most often."""
    streams, space = question.values, question.space
    draws = max(int((values >= 0).sum()) for values in streams.values())
    chances = {
        span: max(question.probability[label, *span] for label in streams) for span, _ in question.candidates
    }
    return Asked(space, draws, space.noise or 0.0, chances, next(iter(question.times.values()), None))


def _hopeless(asked: Asked, span: Span) -> str:
    """Say why no number of draws would do on a range; empty where some would."""
    told, size = -math.log2(asked.chances[span]), span[1] - span[0] + 1
    if told == 0.0:
        return f"all {asked.draws} draws are equal: a constant says nothing of its generator"
    scopes = [asked.scope(level, span) for level in levels(asked.space, None, asked.times)]
    if any(draws_needed(scope) is not None for scope in scopes):
        return ""
    least = min(scopes, key=lambda scope: scope.gaps)
    if least.gap_bits >= told:
        return (
            f"each gap may be any of {least.gaps}, {least.gap_bits:.1f} bits, and a draw of {size} values tells "
            f"{told:.1f}: no number of draws would do; narrow --gaps"
        )
    why = f"are {asked.noise:.0%} wrong" if asked.noise else "hardly vary"
    return f"draws of {size} values that {why}, a guess meets {asked.chances[span]:.0%}: {MOST_DRAWS} would not do"


def _by_seed(asked: Asked, plan: Plan, _spans: Spans) -> Iterator[Need]:
    """Every asked seed tried: what the widest rectangle needs, and the one that needs least."""
    for (family, mapping, span), cells in _rectangles(plan).items():
        scopes = [asked.scope(cell, span) for cell in cells]
        draws = [need for scope in scopes if (need := draws_needed(scope)) is not None]
        bits = max(math.log2(scope.hypotheses(1)) for scope in scopes)
        least = min(draws, default=None)
        yield asked.need("seed", span, family, mapping, bits, max(draws, default=None), least=least)


def _by_state(asked: Asked, _plan: Plan, spans: Spans) -> Iterator[Need]:
    """States solved by algebra under constant or periodic gaps: what its planner asks for where it is given no draw."""
    if asked.space.gap_law not in ("constant", "periodic"):
        return
    reason = "if none of them is wrong" if asked.noise else ""
    for span in spans:
        asking: dict[tuple[str, str], list[int | None]] = {}  # one for narrow gaps, one for wide ones
        for one in plan_states(asked.space, [Material(None, 0, (span,))]).unplanned:
            asking.setdefault((one.family, one.mapping), []).append(one.need)
        for (family, mapping), needs in asking.items():
            bits, draws = states.unknown_bits(family), [need for need in needs if need is not None]
            most, least = max(draws, default=None), min(draws, default=None)
            yield asked.need("state", span[:2], family, mapping, bits, most, least=least, reason=reason)


def _by_recurrence(asked: Asked, plan: Plan, _spans: Spans) -> Iterator[Need]:
    """Twice the linear complexity of a bit that every draw fixes, at any constant gap."""
    if asked.space.gap_law != "constant":
        return
    for family, mapping, span in _rectangles(plan):
        complexity, chance = _lane(family, mapping, span)
        if complexity is None:
            continue
        lanes = lane_count(span[1] - span[0] + 1)
        draws = math.ceil(2 * complexity + required_bits(asked.space.alpha) + math.log2(lanes))
        reason = _hidden(draws, chance, asked.noise)
        need = None if reason else draws
        yield asked.need("recurrence", span, family, mapping, complexity, need, reason=reason)


def _lane(family: str, mapping: str, span: Span) -> tuple[int | None, float]:
    """Return the complexity of the simplest bit that draws fix, None where there is none, and the chance of a rejected word."""
    entry = family_of(family)
    parsed = parse_mapping(mapping, entry)
    if is_composed(parsed) or not lane_count(span[1] - span[0] + 1):
        return None, 0.0
    call = lower_call(parsed, entry, *span)
    return lane_complexity(entry, lane_masks(call)[0]), rejected(call)


def _hidden(draws: int, chance: float, noise: float) -> str:
    """Say why the recurrence would not show in so many draws; empty where it would."""
    if draws > LONGEST:
        return f"longer than the {LONGEST} draws that are examined"
    if chance * draws > 1.0:
        return f"{chance:.2g} of the words are drawn again, so that gaps vary"
    return "one wrong draw hides a recurrence" if noise else ""


def _rectangles(plan: Plan) -> dict[tuple[str, str, Span], list[Cell]]:
    found: dict[tuple[str, str, Span], list[Cell]] = {}
    for cell in plan.cells:
        found.setdefault((cell.family, cell.mapping, (cell.lo, cell.hi)), []).append(cell)
    return found


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


def _impossible(plan: Plan, needs: Iterable[Need]) -> list[NotTested]:
    """Return what no number of draws would find, where nothing else of the family and mapping is left."""
    possible = {(cell.family, cell.mapping) for cell in plan.cells}
    solved = [need for need in needs if need.route == "state" and need.draws is not None]
    possible |= {(family, one) for need in solved for family, names in need.families.items() for one in names}
    left = (one for one in plan.unplanned if (one.family, one.mapping) not in possible)
    return [NotTested(family=one.family, mapping=one.mapping, reason=one.reason) for one in left]
