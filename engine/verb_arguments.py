"""The arguments of a socket command: only those that a verb takes, numbers within their bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.protocol import Command


def only(command: Command, **defaults: Any) -> dict[str, Any]:
    """Return the arguments with their defaults; UsageError for another name."""
    unknown = sorted(set(command.args) - set(defaults))
    if unknown:
        raise UsageError(
            f"{command.verb}: unknown argument {unknown[0]!r}; it takes {', '.join(defaults) or 'none'}"
        )
    return {**defaults, **command.args}


def whole(name: str, value: object, most: int) -> int:
    """Return a whole number from 1 to `most`; UsageError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise UsageError(f"{name} {value!r}: a number from 1 to {most}")
    return value
