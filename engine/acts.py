"""Acts of the command line that no engine does for it: left on record through the engine where one runs, else in the journal itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import EnvironmentFault, MimicryError, Unreachable
from state.errors import StateError, StateLocked
from state.journal import Journal


def leave(state: Path, verb: str, **args: Any) -> None:
    """Record that this process does `verb`; EnvironmentFault where neither an engine nor the journal takes it."""
    from engine.client import call

    try:
        reply = call(state, verb, **args)
    except Unreachable as unreachable:
        _leave_directly(state, verb, args, unreachable)
    else:
        if not reply.ok:
            raise EnvironmentFault(f"the engine does not record it: {reply.error}")


def _leave_directly(state: Path, verb: str, args: dict[str, Any], unreachable: MimicryError) -> None:
    """Write the record under the lock, which an engine that lives holds."""
    from engine.peer import ACT, this_process

    try:
        with Journal.open(state) as journal:
            journal.append(ACT, this_process("command line").act(verb, args))
    except StateLocked as error:
        raise EnvironmentFault(
            f"process {error.pid} owns {state}, but: {unreachable}; wait until it has started, or end it (kill {error.pid})"
        ) from error
    except StateError as error:
        raise EnvironmentFault(str(error)) from error
