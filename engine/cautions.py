"""Cautions: what is likely to be wrong with draws that can be searched as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.history.history import NO_TIME, History
from engine.search.space import Space


def cautions(history: History, space: Space) -> Iterator[str]:
    """Yield what a user should know of draws that can be searched as they are, but may not be meant so."""
    if len(history) > 1 and (history.times != NO_TIME).any():
        alike = (
            (np.diff(history.times) == 0) & (history.times[1:] != NO_TIME)
            & (np.diff(history.values) == 0) & (np.diff(history.codes) == 0)
        )  # fmt: skip
        if alike.any():
            first = int(np.flatnonzero(alike)[0]) + 2
            yield (
                f"{history.source}: {int(alike.sum())} draws repeat time and value of the one before (first: draw {first}); "
                "if they were recorded twice, leave them out: one draw too many shifts all that follow"
            )
    if history.place == "line" and history.places is not None:
        steps = np.abs(np.diff(history.places))
        if (steps > 1).any() and (
            steps > 0
        ).all():  # several draws a line are prose, whose blank lines say nothing
            first = int(history.places[np.flatnonzero(steps > 1)[0]])
            yield (
                f"{history.source}: {int((steps[steps > 1] - 1).sum())} lines between draws hold none and are passed over (first: after "
                f"line {first}); write - where a draw is missing: one draw too few shifts all that follow"
            )
    if len(history.sessions) > 1 and space.sessions == "all":
        yield (
            f"{history.source}: {len(history.sessions)} sessions ({', '.join(history.sessions[:4])}) are read as one stream; "
            "--session each looks at each alone too"
        )
