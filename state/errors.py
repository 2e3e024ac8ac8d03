"""Errors of the ground floor: one class per thing a caller may catch; each message says what, where, which rule, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote


class StateError(Exception):
    """Base of every error of the journal, the artifacts and the mirrors; `exit_code` is what the command line returns."""

    exit_code: int = 1


class StateUnusable(StateError):
    """Raised when the state directory or a file in it cannot be made, read or written."""

    exit_code = 5


class StateLocked(StateError):
    """Raised when another process holds the state directory."""

    exit_code = 5

    def __init__(self, directory: Path, pid: int | None, since: str | None) -> None:
        self.directory, self.pid = directory, pid
        holder = f"process {pid}" if pid else "another process"
        when = f" since {since}" if since else ""
        super().__init__(
            f"{directory}: in use by {holder}{when}; one process owns a state directory: "
            "talk to it with `mimicry status`, end it with `mimicry stop`, or give another --state DIR"
        )


class DiskFull(StateError):
    """Raised when there is no room left; nothing of the failed write stays."""

    exit_code = 5

    def __init__(self, path: Path, doing: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: no space left while {doing}; nothing was half-written: free space on that file system and try again"
        )


class NoJournal(StateError):
    """Raised when a journal is to be read where there is none."""

    exit_code = 5


class SchemaTooNew(StateError):
    """Raised when a newer program wrote the journal; nothing is changed."""

    exit_code = 5


class JournalCorrupt(StateError):
    """Raised when the journal file is damaged; the file is left as it is."""

    exit_code = 3

    def __init__(self, path: Path, what: str, seq: int | None = None) -> None:
        self.path, self.seq = path, seq
        where = f" at event {seq}" if seq is not None else ""
        super().__init__(
            f"{path}: damaged{where}: {what}; the file was left untouched: put a good copy in its place "
            f"(copies stand beside it as {path.name}.before-*), or run `mimicry verify --state {quote(str(path.parent))}` for the first bad event"
        )


class ChainBroken(JournalCorrupt):
    """Raised when an event's hash does not follow from its content and its predecessor."""


class ReadOnlyJournal(StateError):
    """Raised when a read-only journal is asked to write."""


class InvalidTransition(StateError):
    """Raised when a request may not move to the state asked for; carries the request's whole history."""

    exit_code = 2

    def __init__(
        self, subject: str, before: str, after: str, allowed: Sequence[str], story: Sequence[str]
    ) -> None:
        self.subject, self.before, self.after = subject, before, after
        rule = ", ".join(allowed) if allowed else "nothing: that state is final"
        super().__init__(
            f"{subject}: {before} -> {after} is not allowed (from {before}: {rule}); history: {' | '.join(story)}"
        )


class NotWaiting(StateError):
    """Raised when a request that is being worked on, or has ended, is asked to wait in another place."""

    exit_code = 2


class UnknownRecord(StateError):
    """Raised when a request, decision, run or parameter is asked for that the journal does not have."""

    exit_code = 2


class LedgerError(StateError):
    """Raised when a record contradicts the ledger: a second price for one key, a pool after its draw, a verdict without evidence."""


class ArtifactRefused(StateError):
    """Raised when an artifact may not be used: symlink, wrong hash, wrong schema, no lineage, stale input."""

    exit_code = 3
