"""What is dropped once there is enough of it, by one table; and what happens while the disk budget runs out.

At 90 % of `[disk] budget_gb` the table's tighter numbers count, at 95 % no further request begins, at 100 % the room halts at
the next checkpoint. Draws, journal, the standing verdict's analysis, the active policy and candidates under judgement stay.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from state.artifacts import LINEAGE_SUFFIX
from state.errors import StateError
from state.thinning import thin

if TYPE_CHECKING:
    from engine.config import DiskSettings
    from engine.halt import Halt
    from state.journal import Journal
    from state.requests import RequestRow

EVERY = 60.0
LOG_BYTES = 4 << 20
"""A log that nobody rotates is cut to its newest half beyond this."""
LOGS = ("daemon.err", "compute-*.log")
TIGHT_DAYS = 30
TIGHT, HELD, FULL = 0.90, 0.95, 1.0
BY = "housekeeping"
logger = logging.getLogger("mimicry.housekeeping")


class Rule(NamedTuple):
    """Files of one sort: the newest `keep` stay, the newest `tight` where the budget runs out."""

    name: str
    folder: str
    pattern: str
    keep: int
    tight: int


RULES: tuple[Rule, ...] = (
    Rule("archived requests and their results", "watcher_requests/archive", "*", 4000, 400),
    Rule("analyses of searches", "artifacts", "analysis-*.json", 50, 5),
    Rule("candidates of selfplay", "artifacts", "c-*.json", 500, 50),
    Rule("exchanges with the advisor", "llm_calls", "*.json", 500, 50),
    Rule("copies of the journal from before an upgrade", ".", "journal.db.before-*", 1, 1),
    Rule("mirrors that were no mirrors of this journal", ".", "watcher_decisions.jsonl.aside-*", 3, 0),
)


@dataclass
class Housekeeper:
    """Looks every minute, in a thread; `protected()` names files that stay whatever the table says."""

    state: Path
    settings: DiskSettings
    halt: Halt
    journal: Journal
    protected: Callable[[], Collection[str]] = tuple
    used: int = 0
    fault: str = ""
    dropped: dict[str, int] = field(default_factory=dict)

    async def serve(self) -> None:
        """Keep house forever: a service of the room."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        """Drop what there is enough of, measure, and act on the budget."""
        if self.settings.budget_gb is not None:
            self.used = size(self.state)
        tight = (self.share or 0.0) >= TIGHT
        stay = set(self.protected())
        for rule in RULES:
            gone = prune(self.state / rule.folder, rule.pattern, rule.tight if tight else rule.keep, stay)
            if gone:
                self.dropped[rule.name] = self.dropped.get(rule.name, 0) + gone
                logger.info("%d %s dropped", gone, rule.name)
        self._thin(min(TIGHT_DAYS, self.settings.content_days) if tight else self.settings.content_days)
        for pattern in LOGS:
            for log in (self.state / "logs").glob(pattern):
                cut(log)
        share = self.share
        if share is not None and share >= FULL and self.halt.state is None:
            self.halt.ask("checkpoint", self._said(share), BY)

    def _thin(self, days: int) -> None:
        """Move the content of old records of draws into archives; a journal that cannot be written is told, and tried again."""
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
        try:
            gone = thin(self.journal, before.replace("+00:00", "Z"))
        except StateError as error:
            self.fault = f"archive: {error}"
            logger.error("%s", self.fault)
            return
        self.fault = ""
        if gone:
            self.dropped["contents of records"] = self.dropped.get("contents of records", 0) + gone
            logger.info("the content of %d records went into archive/", gone)

    @property
    def share(self) -> float | None:
        """Return the used share of the budget; None without one."""
        budget = self.settings.budget_gb
        return None if budget is None else self.used / (budget * 1e9)

    def blocker(self, row: RequestRow) -> str | None:
        """Return why a request may not begin now."""
        share = self.share
        return self._said(share) if share is not None and share >= HELD else None

    def degraded(self) -> list[str]:
        """Return what the budget has come to."""
        share = self.share
        told = [self._said(share)] if share is not None and share >= TIGHT else []
        return told + ([self.fault] if self.fault else [])

    def readings(self) -> dict[str, float]:
        """Return the used share for the series."""
        share = self.share
        return {} if share is None else {"disk.budget_ratio": share}

    def _said(self, share: float) -> str:
        return f"disk: {share:.0%} of the budget of {self.settings.budget_gb:g} GB is used; free some, or raise disk.budget_gb"


def size(folder: Path) -> int:
    """Return the bytes that a folder takes on disk."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                continue  # it went between the listing and the look
    return total


def prune(folder: Path, pattern: str, keep: int, stay: Collection[str]) -> int:
    """Remove all but the newest `keep` files of a pattern, each with its lineage; return how many went."""
    found = []
    for path in folder.glob(pattern):
        try:
            if path.is_file() and not path.name.endswith(LINEAGE_SUFFIX) and path.name not in stay:
                found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    found.sort(key=lambda pair: (pair[0], pair[1].name), reverse=True)
    for _, path in found[keep:]:
        path.unlink(missing_ok=True)
        path.with_name(path.name + LINEAGE_SUFFIX).unlink(missing_ok=True)
    return len(found[keep:])


def cut(log: Path) -> bool:
    """Cut a log that another process appends to: its newest half goes to `.cut`, the file begins anew."""
    try:
        if log.is_symlink() or log.stat().st_size <= LOG_BYTES:
            return False
        with log.open("rb+") as handle:
            handle.seek(-LOG_BYTES // 2, os.SEEK_END)
            tail = handle.read()
            log.with_name(log.name + ".cut").write_bytes(tail[tail.find(b"\n") + 1 :])
            handle.truncate(0)
    except FileNotFoundError:
        return False
    return True
