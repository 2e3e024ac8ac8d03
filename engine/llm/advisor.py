"""The place of an advisor: one question in, typed advice out. Until one is configured it answers `none`."""

from __future__ import annotations

from typing import Protocol

from engine.llm.advice import Advised, NoAdvice
from engine.llm.context import ContextBundle


class Advisor(Protocol):
    """Answers one bundle at a time; may be slow or silent, never raises for silence, never acts."""

    @property
    def state(self) -> str:
        """Say in a few words whether advice can be had."""
        ...

    async def advise(self, bundle: ContextBundle) -> Advised:
        """Return advice on one decision, or the typed reason why there is none."""
        ...

    async def close(self) -> None:
        """Release whatever the advisor holds."""
        ...


class NoAdvisor:
    """The advisor of a room without a model: silent, and says so."""

    def __init__(self, reason: str = "not configured") -> None:
        self._silence = NoAdvice(none=reason)

    @property
    def state(self) -> str:
        """Return `none(reason)`."""
        return self._silence.line()

    async def advise(self, bundle: ContextBundle) -> Advised:
        """Return the typed silence whatever was asked."""
        return self._silence

    async def close(self) -> None:
        """Hold nothing, release nothing."""
