"""Verbs: help. Every verb with its line, or one verb's or group's page."""

from __future__ import annotations

from difflib import get_close_matches

from engine.commands.topics import TOPICS
from engine.commands.verb import Arguments, Group, Verb
from engine.errors import Exit, UsageError


def guide(arguments: Arguments) -> int:
    """Print every verb with its line, or the page of one verb or group."""
    groups: dict[str, Group] = {group.name: group for group in arguments.groups}
    topic = arguments.topic
    if topic is None:
        print("\n\n".join([*map(_page, groups.values()), _topics()]))
    elif topic in arguments.pages:
        print(arguments.pages[topic].format_help(), end="")
    elif topic in groups:
        print(_page(groups[topic]))
    elif topic in TOPICS:
        print(TOPICS[topic][1], end="")
    else:
        near = get_close_matches(topic, [*groups, *arguments.pages, *TOPICS], n=3, cutoff=0.0)
        raise UsageError(f"help {topic}: no such verb, group or topic; nearest: {', '.join(near)}")
    return int(Exit.OK)


def _page(group: Group) -> str:
    return "\n".join([f"{group.name}: {group.summary}", *map(_line, group.verbs)])


def _topics() -> str:
    return "\n".join(
        ["topics: pages of no single verb", *(f"  {name:<14}{told}" for name, (told, _) in TOPICS.items())]
    )


def _line(verb: Verb) -> str:
    return f"  {verb.name:<14}{verb.summary}"


VERBS: tuple[Verb, ...] = (
    Verb("help", guide, "every verb with its line; help VERB, GROUP, TOPIC", [(("topic",), {"nargs": "?", "metavar": "TOPIC", "help": "a verb, a group or a topic: console, filter, recordings, themes, exit"})]),
)  # fmt: skip
