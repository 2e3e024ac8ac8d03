"""What the socket's commands ask of acceptance: promote what has earned it, roll back. Nothing else writes the active policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.feedback.acceptance import Acceptance
    from engine.protocol import Command
    from engine.server import Handler


class LearningVerbs:
    """Handlers by verb."""

    def __init__(self, acceptance: Acceptance, testing: Callable[[], bool]) -> None:
        """`testing()` says whether both flags of test mode are set."""
        self._acceptance, self._testing = acceptance, testing

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers for the server."""
        return {"promote": self.promote, "rollback": self.rollback}

    async def promote(self, command: Command, by: str) -> dict[str, Any]:
        """Promote a candidate whose unseen draws have earned it; in test mode one that has not, on the record."""
        asked = _only(command, candidate=None, untested=False)
        if not isinstance(asked["candidate"], str):
            raise UsageError(
                f"promote: {asked['candidate']!r} is not a candidate; `mimicry candidates` lists them"
            )
        if asked["untested"] and not self._testing():
            raise UsageError(
                "promote --untested: only in test mode; test_mode and synthetic_injection.enabled must both be set"
            )
        made = self._acceptance.promote(asked["candidate"], by=by, testing=bool(asked["untested"]))
        return made.model_dump(mode="json")

    async def rollback(self, command: Command, by: str) -> dict[str, Any]:
        """Withdraw the active policy; the newest validated one before it, or the asked version, is active then."""
        asked = _only(command, to=None, reason="")
        if asked["to"] is not None and (not isinstance(asked["to"], int) or isinstance(asked["to"], bool)):
            raise UsageError(f"rollback: {asked['to']!r} is not a version; `mimicry policy` lists them")
        made = self._acceptance.rollback(by=by, why=str(asked["reason"]), to=asked["to"])
        return made.model_dump(mode="json")


def _only(command: Command, **defaults: Any) -> dict[str, Any]:
    """Return the arguments with their defaults; UsageError for another name."""
    unknown = sorted(set(command.args) - set(defaults))
    if unknown:
        raise UsageError(
            f"{command.verb}: unknown argument {unknown[0]!r}; it takes {', '.join(defaults) or 'none'}"
        )
    return {**defaults, **command.args}
