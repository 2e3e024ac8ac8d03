"""One verb of the command line: its name, what it runs, what it says of itself, its options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Arguments = argparse.Namespace
Option = tuple[tuple[str, ...], dict[str, Any]]


class Verb(NamedTuple):
    """A row of a group's table; the parser, `--help` and `mimicry help` are made from it."""

    name: str
    run: Callable[[Arguments], int]
    summary: str
    options: Sequence[Option]


class Group(NamedTuple):
    """Verbs that belong together, under one word and one line."""

    name: str
    summary: str
    verbs: tuple[Verb, ...]
