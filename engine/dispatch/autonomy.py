"""Everything that lets the room run by itself, put together: questions to people, policies in force, recurring work, draw sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from engine.desk import analysis_name
from engine.dispatch.approvals import Approvals
from engine.dispatch.inbox import Inbox
from engine.dispatch.intake import SourceKeeper, degraded
from engine.dispatch.needs import Needs
from engine.dispatch.overrule import Overrules
from engine.dispatch.queue import Queue
from engine.dispatch.risky import Risky
from engine.dispatch.scheduler import Scheduler, parse_schedule
from engine.dispatch.verbs import AutonomyVerbs
from engine.history.sources import source_of
from engine.housekeeping import Housekeeper
from engine.watcher.policies import FILE_NAME, Policies
from engine.watcher.policy_file import PolicyFile
from engine.watcher.retry import check_policies

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.server import Handler

Service = Callable[[], Awaitable[None]]


def kept_artifacts(desk: Desk) -> list[str]:
    """Return the artifacts that stay however many there are: the standing verdict's analysis, candidates under judgement."""
    verdict = desk.shelf.last_verdict()
    standing = [] if verdict is None else [analysis_name(verdict["fingerprint"])]
    return [*standing, *(f"{candidate}.json" for candidate in list(desk.acceptance.open))]


class Autonomy:
    """One room's queue and what decides over it, without the watcher's own loop."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        """Build everything; `wake()` tells the watcher to look. Raises BadInput for policies that cannot be used."""
        self._desk, self._wake = desk, wake
        registry = desk.parameters.registry
        self.policies = PolicyFile(
            desk.state / FILE_NAME, desk.journal, lambda found: check_policies(found, registry)
        )
        self.policies.listen(self._policies_changed)
        desk.policies = self.policies.current
        self.approvals = Approvals(desk.journal, lambda: desk.policies)
        self.overrules = Overrules(desk.journal, self.approvals, lambda: desk.policies)
        self.risky = Risky(desk.journal, self.approvals, desk.parameters, lambda: desk.intake.count)
        self.house = Housekeeper(
            desk.state, desk.settings.disk, desk.halt, desk.journal, lambda: kept_artifacts(desk)
        )
        self.queue = Queue(
            desk.journal,
            desk.halt,
            blockers=(self.house.blocker, self.approvals.blocker, Needs(desk)),
            look=self.approvals.look,
        )

        desk.why, desk.held = self.queue.why, self.queue.held
        self.inbox = Inbox(desk.state, desk.journal, self.queue)
        self.scheduler = Scheduler(
            desk.journal, self.queue, parse_schedule(desk.settings.schedule), told=self._wake
        )
        self.source = self._source_keeper()

    def _source_keeper(self) -> SourceKeeper | None:
        desk, asked = self._desk, self._desk.settings.history
        source = source_of(asked, desk.state, desk.journal.cursors)
        if source is None:
            return None
        keeper = SourceKeeper(source, desk.intake, desk.journal, asked.poll_s)
        desk.board.source = keeper.at
        return keeper

    def _policies_changed(self, policies: Policies) -> None:
        self._desk.policies = policies
        self._wake()

    def services(self) -> Mapping[str, Service]:
        """Return what the supervisor keeps running, by name."""
        found: dict[str, Service] = {
            "policies": self.policies.watch,
            "inbox": lambda: self.inbox.watch(told=lambda _: self._wake()),
            "housekeeping": self.house.serve,
        }
        if self.scheduler.entries:
            found["schedule"] = self.scheduler.watch
        if self.source is not None:
            found["source"] = self.source.watch
        return found

    def verbs(self) -> Mapping[str, Handler]:
        """Return the handlers of the socket's commands."""
        return AutonomyVerbs(self._desk, self, self._wake).table()

    def degraded(self) -> list[str]:
        """Return one line for everything that does not work as asked."""
        return [*self.policies.degraded(), *self.house.degraded(), *degraded(self._desk.board.source)]
