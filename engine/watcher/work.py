"""What the watcher knows of work: somebody performs a request, and it ends done, or refused with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import MimicryError, UsageError

if TYPE_CHECKING:
    from state.requests import RequestRow


class Rejected(UsageError):
    """The request cannot be carried out as it stands; it ends as rejected, with the reason."""


class Cancelled(MimicryError):
    """The request was cancelled while it ran; its row has that end already."""


@dataclass(frozen=True)
class Done:
    """How a request ended: one line, and the proof of the work that ran."""

    why: str
    result: dict[str, Any]


class Performer(Protocol):
    """Carries out one request; `engine.dispatch.dispatcher.Dispatcher`."""

    async def perform(self, request: RequestRow) -> Done:
        """Do what a request asks. Raises Halted (it goes on later), Escalated, Rejected or the fault of the work."""
        ...


class Requests(Protocol):
    """Where requests come from; `engine.dispatch.queue.Queue`."""

    def claim(self) -> RequestRow | None:
        """Claim the next request that nothing holds back."""

    def recover(self) -> list[RequestRow]:
        """Return claims of processes that are gone to the queue."""


class Board(Protocol):
    """What the watcher writes for viewers, and where it reads that the room ends; `engine.board.Board`."""

    request: str | None
    stopping: bool

    def clear(self) -> None:
        """Forget the piece of work that has ended."""
