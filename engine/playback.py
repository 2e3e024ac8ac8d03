"""A recording shown again: the same socket, the same tables, the same fold of the journal, and nothing that acts."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NoReturn, cast

from engine.alerts.book import Book
from engine.board import Board
from engine.errors import UsageError
from engine.halt import Halt
from engine.protocol import Event, Snapshot
from engine.recording import Header, unpack
from engine.replay import Past, moment
from engine.server import Handler, Server
from engine.spawn import started
from engine.tables.verbs import table_verbs
from engine.verbs import explanation
from state.journal import Journal

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.protocol import Command

ENDS = "final"


class _Still(Halt):
    """The halt of a recording: nothing runs, so nothing can be stopped."""

    def __init__(self) -> None:
        """Listen to nobody."""

    def listen(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Never call back."""
        return lambda: None

    def ask(self, kind: str = "now", reason: str = "", by: str = "") -> NoReturn:
        """Refuse."""
        raise UsageError("this is a recording: nothing runs here that could be halted")

    def resume(self, by: str, reason: str = "") -> NoReturn:
        """Refuse."""
        raise UsageError("this is a recording: nothing waits here to be resumed")


@dataclass
class _Desk:
    """What tables and verbs that look need of a desk."""

    state: Path
    journal: Journal
    board: Board = field(default_factory=Board)
    fleet: None = None
    past: Past = field(init=False)
    alerts: Book = field(init=False)

    def __post_init__(self) -> None:
        self.past, self.alerts = Past(self.journal), Book(self.journal)


class Playback:
    """One recording, unpacked into a directory that lasts as long as it is shown."""

    def __init__(self, file: Path, folder: Path) -> None:
        """Unpack and check the file; BadInput says what is wrong with it."""
        self.file, self.folder = file, folder
        self.header: Header = unpack(file, folder)
        self.journal = Journal.read_only(folder)
        self.desk = _Desk(folder, self.journal)
        self.desk.board.test_mode = self.header.test_mode

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def snapshot(self, seq: int | None = None) -> Snapshot:
        """Return the room at an event of the slice, at its end where none is named."""
        return self.desk.past.snapshot(
            self.header.last.seq if seq is None else seq,
            host=self.header.host,
            test_mode=self.header.test_mode,
        )

    def at(self, text: str) -> Snapshot:
        """Return the room at a time (UTC); UsageError where the slice does not hold it."""
        first, last = self.header.first, self.header.last
        try:
            seq = self.desk.past.seek(None, -1, text)
        except UsageError as error:
            raise UsageError(f"replay: --at: {str(error).removeprefix('past: ')}") from None
        if seq < first.seq or moment(text) > moment(last.at):
            raise UsageError(f"replay: --at {text}: this recording holds {first.at} to {last.at}")
        return self.snapshot(seq)

    def events(self) -> Iterator[Event]:
        """Yield the events of the slice."""
        for event in self.journal.events(after=self.header.first.seq - 1):
            yield Event(seq=event.seq, at=event.at, kind=event.kind, data=event.data)

    def _within(self, seq: int) -> int:
        return max(self.header.first.seq, min(seq, self.header.last.seq))

    def handlers(self) -> Mapping[str, Handler]:
        """Return what may be asked of a recording: lists as they stood at an event, never as they are now."""
        last = self.header.last
        looks = table_verbs(cast("Desk", self.desk))

        def then(verb: str) -> Handler:
            async def ask(command: Command, by: str) -> Mapping[str, Any]:
                at = command.args.get("at")
                args = {**command.args, "at": last.seq if at is None else at}
                return await looks[verb](command.model_copy(update={"args": args}), by)

            return ask

        async def past(command: Command, by: str) -> Mapping[str, Any]:
            told = await looks["past"](command, by)
            seq = self._within(int(told["seq"]))
            return told if seq == told["seq"] else self.snapshot(seq).model_dump(mode="json", by_alias=True)

        async def series(command: Command, by: str) -> Mapping[str, Any]:
            until = command.args.get("until") or last.at
            return await looks["series"](
                command.model_copy(update={"args": {**command.args, "until": until}}), by
            )

        async def explain(command: Command, by: str) -> Mapping[str, Any]:
            return explanation(self.journal, int(command.args["id"]))

        return {
            **looks, "table": then("table"), "row": then("row"), "past": past, "series": series, "explain": explain,
        }  # fmt: skip


def show(file: Path, flags: Sequence[str]) -> int:
    """Serve a recording to a console of its own until that ends; return its exit code."""
    with TemporaryDirectory(prefix="replay-") as folder:
        playback = Playback(file, Path(folder))
        try:
            command = [sys.executable, "-m", "tui", "--state", folder, "--recording", file.name, *flags]
            return asyncio.run(_serve(playback, command))
        finally:
            playback.close()


async def _serve(playback: Playback, command: Sequence[str]) -> int:
    final = playback.snapshot()
    server = Server(playback.folder, playback.journal, _Still(), lambda: final, playback.handlers())
    await server.start()
    try:
        console = await started(*command, session=False)  # it needs our terminal
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, console.terminate)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # the console's own key
        return await console.wait()
    finally:
        await server.close()


def told(file: Path, at: str | None) -> Iterator[str]:
    """Yield a recording as lines of JSON: its header, every event, and the room at the end (or only the room at a time)."""
    with TemporaryDirectory(prefix="replay-") as folder:
        playback = Playback(file, Path(folder))
        try:
            then = None if at is None else playback.at(at)
            yield playback.header.model_dump_json()
            if then is not None:
                yield then.model_dump_json(by_alias=True)
                return
            for event in playback.events():
                yield event.model_dump_json()
            final = playback.snapshot().model_dump(mode="json", by_alias=True)
            yield json.dumps({"type": ENDS, "events": playback.header.events, "snapshot": final})
        finally:
            playback.close()
