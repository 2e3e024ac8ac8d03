"""Which search the present epoch calls for by its length alone; none while one that covers it is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.feedback.triggers import due_for_search

if TYPE_CHECKING:
    from engine.feedback.epochs import Epoch
    from state.journal import Journal
    from state.requests import Requests
    from state.runs import RunRow

FEWEST_DRAWS = 3
LATELY = 50  # runs that are looked back
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


def due(epoch: Epoch, draws: int, verdict: Mapping[str, Any] | None, journal: Journal) -> Due | None:
    """Return the search that the draws since the last change of generator call for, or None.

    `verdict` is the last one about this epoch; `draws` counts all draws of the room.
    """
    count = draws - epoch.since
    if count < FEWEST_DRAWS or any(row.kind == SEARCH for row in journal.requests.list(states=OPEN)):
        return None
    if verdict is None:
        mark = "first-search" if epoch.number == 1 else f"first-search:{epoch.number}:{count}"
        return Due(mark, f"a history of {count} draws that nobody has searched")
    fired = due_for_search(
        draws=count, searched=verdict["draws"], verdict=verdict["verdict"], need=verdict["need"]
    )
    if fired is not None:
        return Due(f"{fired.trigger}:{epoch.number}:{verdict['draws']}", fired.reason)
    left = _given_up(epoch, verdict["run"], journal)
    return (
        None
        if left is None
        else Due(f"unfinished:{left.id}", f"{left.id} reached a verdict and no pool: {left.why}")
    )


def _given_up(epoch: Epoch, found: str, journal: Journal) -> RunRow | None:
    """Return the run that found the verdict, where it failed (three crashes, say) and none has led to a pool since."""
    for run in journal.runs.newest(LATELY):
        if run.state == "done" and run.spec.get("since") == epoch.since:
            return None
        if run.id == found:
            asked = run.request and journal.requests.get(run.request).state
            return run if (run.state, asked) == ("failed", "failed") else None
    return None
