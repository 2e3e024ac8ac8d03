"""Recover a truncated congruential state from draws under unknown gaps, constant or periodic: one small lattice a pattern, all solutions.

Source: Frieze, Hastad, Kannan, Lagarias and Shamir, Reconstructing Truncated Integer Variables Satisfying Linear
Congruences (1988). The lattice depends on the gaps and the places of the draws alone, so it is reduced once a pattern and phase.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.recovery.answer import Answer, Found
from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from engine.recovery.lattice_points import points_in_box
from engine.recovery.problem import Ints, Pattern, Problem, calls_of
from engine.recovery.relations import Relations
from engine.recovery.windows import Refusal, Windows, hidden_bits, rejected, windows_of
from hip_cuda_kernels import host

ROUTE = "lattice"
ENTRIES_AT_ONCE = 1 << 12
"""Numbers in the bases and targets of the gaps that are solved together; a stop waits for them."""
MOST_CROWDED = 8
"""Blocks of gaps that may leave too many states before the search ends."""
UNLIKELY = 0.01
"""The chance of a word drawn again up to which a space without a solution counts as decided."""
MOST_WITNESSES = 256
"""Draws after a window that are asked whether they bear its state out."""
SPARE_WORDS = 64  # read beyond a window, for words drawn again


class Stop(Protocol):
    """What a caller raises to end the work early."""

    def asked(self) -> bool:
        """Return whether to end now."""


@dataclass(frozen=True)
class _Target:
    """One window at one pattern of gaps: unknowns that keep the relations; a point of their lattice carries them into the box."""

    relations: Relations
    pattern: Pattern
    first: int
    constants: list[int]
    unknowns: list[int]


def solve(problem: Problem, *, budget: int = 64, stop: Stop | None = None) -> Answer:
    """Return every state and pattern of gaps that makes the draws solved from.

    It solves from the first draws that suffice. Where a share of the draws is wrong, it solves from up to `budget` runs of so many
    draws, keeps what others bear out, and excludes nothing. It takes it that no word was drawn again within a window.
    """
    cut = cut_of(problem.family, problem.mapping, problem.lo, problem.hi)
    if cut is None or problem.lo == problem.hi:
        return _refused(problem, Refusal("the call shows no interval or residue of a state"))
    windows = windows_of(problem, cut, budget)
    return _refused(problem, windows) if isinstance(windows, Refusal) else _search(problem, windows, stop)


def _refused(problem: Problem, refusal: Refusal) -> Answer:
    return Answer(
        ROUTE, problem.family, problem.mapping, (), 0.0, refusal.excluded, refusal.need, refusal.reason
    )


def _search(problem: Problem, windows: Windows, stop: Stop | None) -> Answer:
    """Solve the patterns, many together; a state found from several windows counts once."""
    found: dict[tuple[int, Pattern], Found] = {}
    undone: list[str] = []
    for block in _blocks(problem, windows):
        if len(undone) > MOST_CROWDED or (stop is not None and stop.asked()):
            undone.append(f"gaps from {_shown(problem.patterns[block[0]])} on were not tried")
            break
        asked = [problem.patterns[number] for number in block]
        candidates = _candidates([t for pattern in asked for t in _targets(problem, windows, pattern)])
        if candidates is None:
            undone.append(f"gaps {_shown(asked[0])}..{_shown(asked[-1])} leave too many states to list")
            continue
        for target, state in candidates:
            one = _judged(problem, windows, target, state)
            if one is not None:
                found.setdefault((one.state, target.pattern), one)
    return _answer(problem, windows, found.values(), undone)


def _shown(pattern: Pattern) -> str:
    return ",".join(map(str, pattern))


def _blocks(problem: Problem, windows: Windows) -> Iterator[range]:
    """Cut the patterns into blocks of some milliseconds: the wider a lattice, the more it takes and holds."""
    dimensions, total = len(windows.offsets) * len(windows.widths), len(problem.patterns)
    count = max(1, ENTRIES_AT_ONCE // (dimensions**2 * len(windows.firsts)))
    for start in range(0, total, count):
        yield range(start, min(start + count, total))


def _targets(problem: Problem, windows: Windows, pattern: Pattern) -> Iterator[_Target]:
    """Yield what the windows ask at one pattern; nothing where low bits or shared factors already exclude it."""
    shared: dict[int, Relations] = {}  # by the phase at which a window begins
    for first in windows.firsts:
        phase = first % len(pattern)
        if phase not in shared:
            shared[phase] = _relations(windows, pattern, phase)
        values = [int(problem.draws[first + offset]) - problem.lo for offset in windows.offsets]
        for constants in shared[phase].constants(values):
            unknowns = shared[phase].particular(constants)
            if unknowns is not None:
                yield _Target(shared[phase], pattern, first, constants, unknowns)


def _relations(windows: Windows, pattern: Pattern, phase: int) -> Relations:
    places = np.array([0, *windows.offsets], dtype=np.int64) + phase
    calls = calls_of(pattern, places) * windows.cut.words
    powers = tuple(windows.cut.model.power(int(call - calls[0])) for call in calls[1:])
    return Relations(windows.cut, powers, windows.widths)


def _candidates(targets: Sequence[_Target]) -> list[tuple[_Target, int]] | None:
    """Return (target, state of its first draw) for the lattice points in the box; None where they are too many."""
    if not targets:
        return []
    shared = {id(target.relations): target.relations for target in targets}
    place = {relations: i for i, relations in enumerate(shared)}
    widths = np.array(targets[0].relations.widths * len(targets[0].relations.powers), dtype=np.float64)
    bases = np.array([relations.basis for relations in shared.values()], dtype=np.float64) / widths
    lattices = np.array([place[id(target.relations)] for target in targets])
    unknowns = np.array([target.unknowns for target in targets], dtype=np.float64) / widths
    points = points_in_box(bases, lattices, unknowns, (widths - 1) / widths)
    if not points.complete:
        return None
    owners = [targets[i] for i in points.owners.tolist()]
    combined = zip(owners, points.combinations.tolist(), strict=True)
    return [(t, t.relations.state(t.constants, combination)) for t, combination in combined]


def _judged(problem: Problem, windows: Windows, target: _Target, state: int) -> Found | None:
    """Return the state before the history where the exact calls make the window's draws and, under noise, enough others."""
    model = windows.cut.model
    before = int(calls_of(target.pattern, np.array([target.first]))[0]) * windows.cut.words
    origin = model.jump(state, -1 - before)
    places = np.array([target.first + offset for offset in windows.offsets])
    if _matched(problem, windows, target, model.back(state), places, target.first) < 1.0:
        return None
    if problem.noise and not _borne_out(problem, windows, target, origin, places):
        return None
    identity = problem.family, problem.mapping, problem.lo, problem.hi
    return Found(*identity, origin, target.pattern, tuple(places.tolist()), _tried(problem, windows))


def _matched(
    problem: Problem, windows: Windows, target: _Target, state: int, places: Ints, first: int
) -> float:
    """Return the share of the draws at `places` that are made, reading on from `state` before the draw at `first`."""
    calls = calls_of(target.pattern, np.concatenate([[first], places]))
    at = calls[1:] - calls[0]
    words = windows.cut.model.words(state, (int(at[-1]) + 1) * windows.cut.words + SPARE_WORDS)
    made = host.read(problem.family, problem.mapping, problem.lo, problem.hi, words, int(at[-1]) + 1)
    reached = at < len(made)
    return float(np.sum(made[at[reached]] == problem.draws[places[reached]])) / len(places)


def _borne_out(problem: Problem, windows: Windows, target: _Target, origin: int, solved: Ints) -> bool:
    """Return whether draws not solved from match more as right draws do than as chance does."""
    seen = problem.present[problem.present < int(solved[-1]) + MOST_WITNESSES]
    others = np.setdiff1d(seen, solved)
    halfway = (1.0 - problem.noise + 2.0**-problem.draw_bits) / 2
    return not len(others) or _matched(problem, windows, target, origin, others, 0) >= halfway


def _answer(problem: Problem, windows: Windows, found: Iterable[Found], undone: list[str]) -> Answer:
    reason = "; ".join([*undone, *_conditions(problem, windows)])
    decided = not undone and not problem.noise and rejected(problem, windows) <= UNLIKELY
    tried, states = _tried(problem, windows), tuple(found)
    return Answer(ROUTE, problem.family, problem.mapping, states, tried, decided, None, reason)


def _tried(problem: Problem, windows: Windows) -> float:
    return hidden_bits(problem, windows.cut) + math.log2(len(windows.firsts))


def _conditions(problem: Problem, windows: Windows) -> Iterator[str]:
    """Say under which conditions the answer is complete, and of what."""
    chance, bits = rejected(problem, windows), windows.cut.model.modulus.bit_length() - 1
    if chance:
        yield f"complete unless a word was drawn again, which has probability up to {chance:.2g}"
    if problem.noise:
        yield f"a run of right draws has probability {windows.power:.2g}"
    if windows.cut.model.modulus != MODELS[problem.family].modulus:
        yield f"only the low {bits} bits of the state reach the draws"
