"""All verbs by group, in the order in which help shows them."""

from __future__ import annotations

from engine.commands import (
    autonomy,
    completion,
    find,
    fleet,
    guide,
    learning,
    llm,
    room,
    scenario,
    soak,
    steps,
    trace,
    upkeep,
)
from engine.commands.verb import Group, Verb

GROUPS: tuple[Group, ...] = (
    Group("find", "from a history of draws to a verdict", find.VERBS),
    Group("room", "the console, the engine, the one halt", room.VERBS),
    Group("steps", "the pipeline", (*steps.VERBS, *trace.VERBS, *scenario.VERBS)),
    Group("fleet", "machines and GPUs", fleet.VERBS),
    Group("autonomy", "what the engine decided, why, and what waits", autonomy.VERBS),
    Group("learning", "selfplay, candidates, the active policy, the ledger of forecasts", learning.VERBS),
    Group("advisor", "the model that advises, and what it said", llm.VERBS),
    Group("upkeep", "the record, this machine, the registry", (*upkeep.VERBS, *soak.VERBS)),
    Group("help", "what a verb or a group does", (*guide.VERBS, *completion.VERBS)),
)


def verbs() -> list[Verb]:
    """Return every verb, in the order of help."""
    return [verb for group in GROUPS for verb in group.verbs]
