"""The place of an advisor: a typed question in, typed advice out, silence where there is none. Until one is configured it answers `none`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from engine.llm.advice import Advised, NoAdvice, Spoken
from engine.llm.context import DEFAULT, ContextBundle, Window
from engine.llm.questions import Question
from engine.llm.vram import Freed

T = TypeVar("T", bound=Spoken)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """One answer and where it came from; `call` names it on the record, `prompt` is what was read, `sent` what left this machine."""

    advice: T | NoAdvice
    source: Literal["llm", "claude", "none"] = "none"
    call: str | None = None
    seconds: float = 0.0
    prompt: str = ""
    sent: str = ""


class Advisor(Protocol):
    """Answers one question at a time; may be slow or silent, never raises for silence, never acts."""

    @property
    def state(self) -> str:
        """Say in a few words whether advice can be had; `none(…)` where it cannot."""
        ...

    @property
    def window(self) -> Window:
        """Return how much the model can read."""
        ...

    def degraded(self) -> list[str]:
        """Return one line for each thing that is less than it should be."""
        ...

    def report(self) -> dict[str, Any]:
        """Return everything an operator wants to know of the advisor."""
        ...

    async def advise(self, bundle: ContextBundle) -> Advised:
        """Return advice on one decision, or the typed reason why there is none."""
        ...

    async def ask(
        self,
        question: Question[T],
        parts: Mapping[str, Any],
        *,
        kind: str | None = None,
        about: str = "",
        by: str = "loop",
    ) -> Reply[T]:
        """Ask any question of `engine.llm.questions` over the parts of its kind of context; `about` names what it concerns."""
        ...

    async def again(self, question: Question[T], bundle: ContextBundle, by: str) -> Reply[T]:
        """Put a prompt of the record to the model of this machine once more; nothing follows from the answer."""
        ...

    def cancel(self, reason: str) -> None:
        """End every question in flight at once; each answers `none(reason)`."""
        ...

    def switch(self, off: str) -> None:
        """Be silent from now on, for a reason; without one, answer again."""
        ...

    async def serve(self) -> None:
        """Keep the model up until cancelled."""
        ...

    async def release(self, reason: str) -> Freed:
        """Give up the GPUs for other work and say whether they are free, as measured."""
        ...

    async def restore(self) -> str | None:
        """Come back after as many calls as of `release`; return None when ready or still needed aside, or why not."""
        ...

    async def close(self) -> None:
        """Release whatever the advisor holds."""
        ...


class NoAdvisor:
    """The advisor of a room without a model: silent, and says so."""

    window = DEFAULT

    def __init__(self, reason: str = "not configured") -> None:
        self._silence = NoAdvice(none=reason)

    @property
    def state(self) -> str:
        """Return `none(reason)`."""
        return self._silence.line()

    def degraded(self) -> list[str]:
        """Return the one line that there is no advice."""
        return [f"advice: {self.state}"]

    def report(self) -> dict[str, Any]:
        """Return that there is nothing."""
        return {
            "schema": "llm_status/1",
            "state": "none",
            "why": self._silence.none,
            "degraded": self.degraded(),
        }

    async def advise(self, bundle: ContextBundle) -> Advised:
        """Return the typed silence whatever was asked."""
        return self._silence

    async def ask(
        self,
        question: Question[T],
        parts: Mapping[str, Any],
        *,
        kind: str | None = None,
        about: str = "",
        by: str = "loop",
    ) -> Reply[T]:
        """Return the typed silence whatever was asked."""
        return Reply(self._silence)

    async def again(self, question: Question[T], bundle: ContextBundle, by: str) -> Reply[T]:
        """Return the typed silence whatever was asked before."""
        return Reply(self._silence)

    def cancel(self, reason: str) -> None:
        """Have nothing in flight."""

    def switch(self, off: str) -> None:
        """Be as silent as before."""

    async def serve(self) -> None:
        """Have nothing to keep up."""

    async def release(self, reason: str) -> Freed:
        """Hold no memory of any GPU."""
        return Freed(True, 0.0, 0, "no model server of ours: nothing to free")

    async def restore(self) -> str | None:
        """Say that nothing came back."""
        return self._silence.none

    async def close(self) -> None:
        """Hold nothing, release nothing."""
