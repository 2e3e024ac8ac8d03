"""Which draws a hypothesis takes for one stream: all, a session's, every K-th; from the oldest on, or backward from the newest.

A stream goes by its label everywhere (plan, bill, ledger, journal): None for all draws forward, else a session's own label,
`turn N of K`, or one of these behind `backward`.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import numpy as np

from engine.errors import BadInput
from engine.history.history import MISSING, NO_TIME, History, Ints

Direction = Literal["forward", "backward"]
Asked = Literal["forward", "backward", "both"]
BACKWARD = "backward"
_TURNS = re.compile(r"turns:([2-9]|[1-5]\d|6[0-4])")  # how the hypothesis is asked,
_TURN = re.compile(r"turn (\d+) of (\d+)")  # and how each of its streams is called


def labels(history: History, sessions: str, direction: Asked) -> list[str | None]:
    """Return the labels of the streams that are asked for; raise BadInput where there are no such sessions."""
    plain = _sessions(history, sessions)
    for label in plain:
        if label in history.sessions and _reserved(label):
            raise BadInput(
                f"{history.source}: the session {label!r} is called as a direction or a turn is; rename it"
            )
    ways = get_args(Direction) if direction == "both" else (direction,)
    return [_led(label, way) for way in ways for label in plain]


def _sessions(history: History, wanted: str) -> list[str | None]:
    known = history.sessions
    if wanted == "all":
        return [None]
    if wanted == "interleaved":
        if len(known) < 2:
            raise BadInput(
                f"{history.source}: --session interleaved needs labelled draws; unlabelled streams that take turns are turns:K"
            )
        return [None]
    if turns := _TURNS.fullmatch(wanted):
        return [f"turn {number} of {turns[1]}" for number in range(1, int(turns[1]) + 1)]
    if wanted == "each":
        return [None, *known] if len(known) > 1 else [None]
    if wanted not in known:
        raise BadInput(f"{history.source}: no session {wanted!r}; there are: {', '.join(known) or 'none'}")
    return [wanted]


def _reserved(label: str) -> bool:
    return label.split(" ", 1)[0] == BACKWARD or _TURN.fullmatch(label) is not None


def _led(session: str | None, direction: str) -> str | None:
    if direction == "forward":
        return session
    return BACKWARD if session is None else f"{BACKWARD} {session}"


def parts(label: str | None) -> tuple[str | None, Direction]:
    """Return the session (None: all draws) and the direction that a label names."""
    if label is None or label.split(" ", 1)[0] != BACKWARD:
        return label, "forward"
    return label.partition(" ")[2] or None, "backward"


def told(history: History, label: str | None, law: str) -> tuple[Ints, Ints]:
    """Return values and times of a stream; where every draw's seed is its time, one without a time counts as missing."""
    stream = stream_of(history, label)
    if law != "clock":
        return stream.values, stream.times
    return np.where(stream.times == NO_TIME, MISSING, stream.values), stream.times


def stream_of(history: History, label: str | None) -> History:
    """Return the draws of a stream in the order in which it made them."""
    session, direction = parts(label)
    if direction == "backward":
        return stream_of(history, session).reversed()
    if session is None:
        return history
    if turn := _TURN.fullmatch(session):
        return history.turn(int(turn[1]), int(turn[2]))
    return history.session(session)
