"""Commands as a person types them in a shell: with the state directory where it is not the usual one, for there may be several rooms."""

from __future__ import annotations

import shlex
from pathlib import Path


def default_state() -> Path:
    """Return the state directory that every command uses without `--state`."""
    from platformdirs import user_state_path

    return user_state_path("mimicry")


def typed(words: str, state: Path) -> str:
    """Return a command about the room of a state directory."""
    option = "" if state == default_state() else f"--state {shlex.quote(str(state))}"
    return " ".join(part for part in ("mimicry", words, option) if part)
