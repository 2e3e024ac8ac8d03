"""The screens as a table: digit, name, which lists of the room it shows, and what fills it. Keys, tabs and palette are made from it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["overview", "list", "soak", "logs"]


class Place(NamedTuple):
    """One screen of the console."""

    key: str
    id: str
    title: str
    short: str
    kind: Kind
    does: str
    """What the screen answers, for help."""
    tables: tuple[str, ...] = ()
    """Lists of the room that it shows, the first at first."""
    head: str = ""
    """The panel of the Overview that stands above the list."""
    fills: str = ""
    """The command that fills the lists while the engine has none of them."""
    offers: tuple[str, ...] = ()
    """Acting keys, by id, that belong to this screen whatever row is under the cursor."""


PLACES: tuple[Place, ...] = (
    Place("1", "overview", "Overview", "Over", "overview", "is it healthy, what does it do, why"),
    Place("2", "gpus", "GPUs", "GPU", "list", "every device and its job", ("gpus", "workers", "rigs", "deaths"), "fleet", "mimicry doctor"),
    Place("3", "requests", "Requests", "Req", "list", "what waits and why; approvals", ("requests", "approvals", "schedule", "sources"), "", "mimicry pipeline", ("request",)),
    Place("4", "decisions", "Decisions", "Dec", "list", "what was decided, by which rule, under which policies", ("decisions", "policies", "policy_changes", "parameters", "parameter_changes", "fingerprints", "untried"), "", "mimicry pipeline"),
    Place("5", "pipeline", "Pipeline", "Pipe", "list", "the steps, their trials and runs", ("trials", "steps", "survivors", "runs", "attempts"), "pipeline", "mimicry pipeline", ("checkpoint", "skip")),
    Place("6", "selfplay", "Selfplay", "Self", "list", "episodes, policies, candidates", ("episodes", "arms", "candidates", "policy"), "", "mimicry pipeline"),
    Place("7", "llm", "LLM", "LLM", "list", "every call to the advisor", ("llm_calls",), "advisor", "mimicry doctor"),
    Place("8", "soak", "Soak", "Soak", "soak", "memory, handles, lag over time, with slopes", offers=("soak", "inject")),
    Place("9", "logs", "Logs", "Logs", "logs", "all logs merged by time"),
    Place("0", "evidence", "Evidence", "Evid", "list", "the claim, the pool, what is excluded", ("predictions", "triggers", "coverage"), "evidence", "mimicry pipeline"),
)  # fmt: skip
ALERTS = Place(
    "!", "alerts", "Alerts", "Alerts", "list", "what stands, was seen, is muted or cleared", ("alerts",)
)
BY_ID = {place.id: place for place in (*PLACES, ALERTS)}


def of_table(name: str) -> Place | None:
    """Return the screen that shows a list, None where only the palette leads to it."""
    return next((place for place in (*PLACES, ALERTS) if name in place.tables), None)


def alone(name: str, title: str) -> Place:
    """Return a screen for a list that no digit leads to."""
    return Place("", f"table-{name}", title, title, "list", "a list of the room", (name,))
