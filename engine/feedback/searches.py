"""Which search the present epoch calls for by its length alone; none while one that covers it is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.feedback.triggers import due_for_search

if TYPE_CHECKING:
    from engine.feedback.epochs import Epoch
    from state.requests import Requests

FEWEST_DRAWS = 3
SEARCH = "pipeline_rerun"
OPEN = ("queued", "claimed", "running", "deferred")


class Due(NamedTuple):
    """A search to ask for: why, and the key under which it is asked once."""

    key: str
    why: str

    def unasked(self, requests: Requests) -> str | None:
        """Return the key to ask under; None where it was asked. One that failed (three crashes, say) is asked again."""
        key, turn = self.key, 1
        while (known := requests.by_key(key)) is not None:
            if known.state != "failed":
                return None
            turn += 1
            key = f"{self.key}/{turn}"
        return key


def due(epoch: Epoch, draws: int, verdict: Mapping[str, Any] | None, requests: Requests) -> Due | None:
    """Return the search that the draws since the last change of generator call for, or None.

    `verdict` is the last one about this epoch; `draws` counts all draws of the room.
    """
    count = draws - epoch.since
    if count < FEWEST_DRAWS or any(row.kind == SEARCH for row in requests.list(states=OPEN)):
        return None
    if verdict is None:
        mark = "first-search" if epoch.number == 1 else f"first-search:{epoch.number}:{count}"
        return Due(mark, f"a history of {count} draws that nobody has searched")
    fired = due_for_search(
        draws=count, searched=verdict["draws"], verdict=verdict["verdict"], need=verdict["need"]
    )
    return None if fired is None else Due(f"{fired.trigger}:{epoch.number}:{verdict['draws']}", fired.reason)
