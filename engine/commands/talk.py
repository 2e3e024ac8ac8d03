"""What verbs share: ask the daemon, print a record, write a file whole, lay rows out as a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.commands.verb import Arguments
from engine.errors import Exit, MimicryError, UsageError
from engine.terminal import plain

WORDS = ("question",)
"""What is said without an option's name."""


def call(arguments: Arguments, verb: str, **values: Any) -> dict[str, Any]:
    """Send one command to the daemon; its refusal becomes this process's one-line error and exit code."""
    from engine.client import call as send

    reply = send(arguments.state, verb, **values)
    if not reply.ok:
        error = MimicryError(reply.error or "the engine refused without a reason")
        error.exit_code = Exit(reply.exit_code or 1)
        raise error
    return reply.data


def show(arguments: Arguments, data: dict[str, Any], text: Callable[[], str]) -> int:
    """Print the record as JSON where that was asked, else as text; a record without a schema gets that of its command."""
    print(plain(json.dumps({"schema": _schema(arguments), **data}) if arguments.json else text()))
    return int(Exit.OK)


def _schema(arguments: Arguments) -> str:
    """Return a command's words as the name of what it prints: explain/1, rig_drain/1."""
    words = (arguments.called, getattr(arguments, "action", None), getattr(arguments, "what", None))
    return f"{'_'.join(word for word in words if word)}/1"


def only_with(arguments: Arguments, what: str, *names: str) -> None:
    """Refuse options and words that would be passed over: they belong to something else that was not asked."""
    for name in names:
        if getattr(arguments, name) not in (None, "", False, []):
            said = f"{getattr(arguments, name)!r}" if name in WORDS else f"--{name.replace('_', '-')}"
            raise UsageError(f"{arguments.called}: {said} belongs to {what}")


def write_json(target: str | None, data: dict[str, Any], *, option: str = "--json") -> None:
    """Write a record where an option asked for it; `-` is standard output."""
    if target is None:
        return
    text = json.dumps(data, indent=1)
    if target == "-":
        print(text)
    else:
        write_file(Path(target), text + "\n", option=option)


def write_file(target: Path, text: str, *, option: str) -> None:
    """Put a file in place whole, through links, or write to a device or pipe that stands there; EnvironmentFault naming the option where that cannot be."""
    from engine.errors import EnvironmentFault
    from state.errors import StateError
    from state.files import write_atomic

    try:
        if target.is_char_device() or target.is_fifo():
            target.write_text(text, encoding="utf-8")
        else:
            write_atomic(target.resolve(), text.encode())
    except (StateError, OSError) as error:
        why = getattr(error.__cause__ or error, "strerror", None) or error
        raise EnvironmentFault(f"{option} {target}: cannot write ({why})") from None


def table(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as aligned columns with a header; the last column is not padded."""
    cells = [[str(column) for column in columns]] + [
        [str(row.get(column, "")) for column in columns] for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
