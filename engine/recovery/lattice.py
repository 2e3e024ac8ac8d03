"""Recover a truncated congruential state from draws under an unknown constant gap: one small lattice a gap, all solutions.

Source: Frieze, Hastad, Kannan, Lagarias and Shamir, Reconstructing Truncated Integer Variables Satisfying Linear
Congruences (1988). The lattice depends on the gap and the places of the draws alone, so it is reduced once a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from engine.recovery.answer import Answer, Found
from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from engine.recovery.lattice_points import points_in_box
from engine.recovery.relations import Relations
from engine.recovery.windows import Asked, Draws, Refusal, Windows, rejected, windows_of
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
    """One window at one gap: unknowns that keep the relations; a point of their lattice carries them into the box."""

    relations: Relations
    gap: int
    first: int
    constants: list[int]
    unknowns: list[int]


def solve(
    draws: Draws,
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    gaps: tuple[int, int],
    *,
    noise: float = 0.0,
    budget: int = 64,
    stop: Stop | None = None,
) -> Answer:
    """Return every state and gap in `gaps` (both ends) that makes the draws solved from: int64 (n,), -1 for a missing one.

    It solves from the first draws that suffice. With `noise`, the share of wrong draws, it solves from up to `budget` runs
    of so many draws, keeps what others bear out, and excludes nothing. It takes it that no word was drawn again within a window.
    """
    cut = cut_of(family, mapping, lo, hi)
    if cut is None or lo == hi:
        return _refused(family, mapping, Refusal("the call shows no interval or residue of a state"))
    asked = Asked(draws, family, mapping, lo, hi, gaps, noise, cut)
    asked = replace(asked, cut=cut.sweeping(asked.size))
    windows = windows_of(asked, budget)
    if isinstance(windows, Refusal):
        return _refused(family, mapping, windows)
    return _search(asked, windows, stop)


def _refused(family: str, mapping: str, refusal: Refusal) -> Answer:
    return Answer(ROUTE, family, mapping, (), 0.0, refusal.excluded, refusal.need, refusal.reason)


def _search(asked: Asked, windows: Windows, stop: Stop | None) -> Answer:
    """Solve the gaps, many together; a state found from several windows counts once."""
    found: dict[tuple[int, int], Found] = {}
    undone: list[str] = []
    for block in _blocks(asked, windows):
        if len(undone) > MOST_CROWDED or (stop is not None and stop.asked()):
            undone.append(f"gaps from {block[0]} on were not tried")
            break
        candidates = _candidates([t for gap in block for t in _targets(asked, windows, gap)])
        if candidates is None:
            undone.append(f"gaps {block[0]}..{block[-1]} leave too many states to list")
            continue
        for target, state in candidates:
            one = _judged(asked, windows, target, state)
            if one is not None:
                found.setdefault((one.state, target.gap), one)
    return _answer(asked, windows, found.values(), undone)


def _blocks(asked: Asked, windows: Windows) -> Iterator[range]:
    """Cut the gaps into blocks of some milliseconds: the wider a lattice, the more it takes and holds."""
    dimensions = len(windows.offsets) * len(windows.widths)
    count = max(1, ENTRIES_AT_ONCE // (dimensions**2 * len(windows.firsts)))
    for start in range(asked.gaps[0], asked.gaps[1] + 1, count):
        yield range(start, min(start + count, asked.gaps[1] + 1))


def _targets(asked: Asked, windows: Windows, gap: int) -> Iterator[_Target]:
    """Yield what the windows ask at one gap; nothing where low bits or shared factors already exclude it."""
    stride = asked.cut.words * (gap + 1)
    powers = tuple(asked.cut.model.power(offset * stride) for offset in windows.offsets)
    relations = Relations(asked.cut, powers, windows.widths)
    for first in windows.firsts:
        values = [int(asked.draws[first + offset]) - asked.lo for offset in windows.offsets]
        for constants in relations.constants(values):
            unknowns = relations.particular(constants)
            if unknowns is not None:
                yield _Target(relations, gap, first, constants, unknowns)


def _candidates(targets: Sequence[_Target]) -> list[tuple[_Target, int]] | None:
    """Return (target, state of its first draw) for the lattice points in the box; None where they are too many."""
    if not targets:
        return []
    shared = {target.gap: target.relations for target in targets}
    place = {gap: i for i, gap in enumerate(shared)}
    widths = np.array(targets[0].relations.widths * len(targets[0].relations.powers), dtype=np.float64)
    bases = np.array([relations.basis for relations in shared.values()], dtype=np.float64) / widths
    lattices = np.array([place[target.gap] for target in targets])
    unknowns = np.array([target.unknowns for target in targets], dtype=np.float64) / widths
    points = points_in_box(bases, lattices, unknowns, (widths - 1) / widths)
    if not points.complete:
        return None
    owners = [targets[i] for i in points.owners.tolist()]
    combined = zip(owners, points.combinations.tolist(), strict=True)
    return [(t, t.relations.state(t.constants, combination)) for t, combination in combined]


def _judged(asked: Asked, windows: Windows, target: _Target, state: int) -> Found | None:
    """Return the state before the history where the exact calls make the window's draws and, under noise, enough others."""
    model, stride = asked.cut.model, asked.cut.words * (target.gap + 1)
    places = [target.first + offset for offset in windows.offsets]
    if _matched(asked, target.gap, model.back(state), places, target.first) < 1.0:
        return None
    origin = model.jump(state, -1 - target.first * stride)
    if asked.noise and not _borne_out(asked, target.gap, origin, places):
        return None
    identity = asked.family, asked.mapping, asked.lo, asked.hi
    return Found(*identity, origin, (target.gap,), tuple(places), _tried(asked, windows))


def _matched(asked: Asked, gap: int, state: int, places: Sequence[int], first: int) -> float:
    """Return the share of the draws at `places` that are made, reading on from `state` before the draw at `first`."""
    count = places[-1] - first + 1
    words = asked.cut.model.words(state, ((count - 1) * (gap + 1) + 1) * asked.cut.words + SPARE_WORDS)
    made = host.read(asked.family, asked.mapping, asked.lo, asked.hi, words, count, gap=gap)
    agrees = np.zeros(count, dtype=np.bool_)
    agrees[: len(made)] = made == asked.draws[first : first + len(made)]
    return float(np.mean(agrees[np.array(places) - first]))


def _borne_out(asked: Asked, gap: int, origin: int, solved: Sequence[int]) -> bool:
    """Return whether draws not solved from match more as right draws do than as chance does."""
    present = np.flatnonzero(asked.draws[: solved[-1] + MOST_WITNESSES] != -1)
    others = np.setdiff1d(present, solved).tolist()
    halfway = (1.0 - asked.noise + 2.0**-asked.draw_bits) / 2
    return not others or _matched(asked, gap, origin, others, 0) >= halfway


def _answer(asked: Asked, windows: Windows, found: Iterable[Found], undone: list[str]) -> Answer:
    reason = "; ".join([*undone, *_conditions(asked, windows)])
    decided = not undone and not asked.noise and rejected(asked, windows) <= UNLIKELY
    tried, states = _tried(asked, windows), tuple(found)
    return Answer(ROUTE, asked.family, asked.mapping, states, tried, decided, None, reason)


def _tried(asked: Asked, windows: Windows) -> float:
    return asked.hidden_bits + math.log2(len(windows.firsts))


def _conditions(asked: Asked, windows: Windows) -> Iterator[str]:
    """Say under which conditions the answer is complete, and of what."""
    chance, bits = rejected(asked, windows), asked.cut.model.modulus.bit_length() - 1
    if chance:
        yield f"complete unless a word was drawn again, which has probability up to {chance:.2g}"
    if asked.noise:
        yield f"a run of right draws has probability {windows.power:.2g}"
    if asked.cut.model.modulus != MODELS[asked.family].modulus:
        yield f"only the low {bits} bits of the state reach the draws"
