"""What a recovery route answers: the states that reproduce the draws, or why there are none and how many draws would do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One state that explains the draws it was solved from, before any other draw was looked at.

    `state` is the generator's state before the call that made the first draw, in the model's own packing.
    `pattern` is the gaps between draws, repeated (one number: constant). `place` is how many calls of a cached block were
    already used before the first draw (0 where the runtime has no cache). `solved_from` are the draws (places in the history)
    that the algebra used; they carry no evidence. `tried_bits` is log2 of all (state, gap, place, subset) hypotheses that the
    route stands for: what an all-draws claim pays.
    """

    family: str
    mapping: str
    lo: int
    hi: int
    state: int
    pattern: tuple[int, ...]
    solved_from: tuple[int, ...]
    tried_bits: float
    place: int = 0


@dataclass(frozen=True)
class Answer:
    """What one route did for one family, mapping and range: all solutions, or the reason that there are none.

    `exhausted` says that every state, gap and place of the asked space was decided: no solution then excludes the space.
    `need` is how many draws would make it decidable, where too few were given.
    """

    route: str
    family: str
    mapping: str
    found: tuple[Found, ...]
    tried_bits: float
    exhausted: bool
    need: int | None = None
    reason: str = ""
