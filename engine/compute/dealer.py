"""Who gets which task next: a pure account of waiting tasks, of workers, and of what each was handed. No clock, no process, no socket.

What a worker is handed at once is a lot. A lot is as long as the worker is fast: the dealer measures seconds per kind and worker
and hands out about `LEAD` seconds of work, so that a fast card is asked rarely and a slow one never holds much. The tasks inside a
lot stay what they are: a chunk of a ledger is the same pure function whoever runs it and whatever travels beside it. Several
answers to one task may arrive; the first one counts.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping

from engine.compute.load import Asked, Load, Lot, Member

LEAD = 2.0
"""Seconds of work that a worker should hold, the running task included; refilled when half of it is left."""
LONGEST_LOT = 256
"""Tasks that a worker holds at most."""
_AHEAD = 2
"""Tasks that a worker holds however long they take: one that runs and one that hides the way of the next."""
_MEMORY_OF_PACE = 0.7


class Dealer:
    """Keeps the account. Every method is one event; `deal` says what follows from all of them."""

    def __init__(self) -> None:
        """Begin with nothing waiting and nobody there."""
        self.members: dict[str, Member] = {}
        self.confirmed: dict[str, frozenset[str]] = {}
        """The inputs that each host has confirmed; the coordinator's own machine has them all."""
        self._waiting: list[Load] = []
        self._serials = itertools.count(1)

    # -- events -------------------------------------------------------------------------------------------------------

    def join(self, name: str, free: int | None = None, host: str = "") -> None:
        """A worker takes work from now on."""
        self.members[name] = Member(name, free, host=host)

    def hold(self, name: str, *, held: bool) -> None:
        """A worker gets nothing new, or again; what it holds it finishes."""
        self.members[name].held = held

    def leave(self, name: str, begun: int | None = None, *, charge: bool = True) -> Load | None:
        """A worker is gone: what it held waits again. Return the task that it ran; `charge` counts the death against it.

        `begun` is the serial that it began last; without one it ran the first that has no answer.
        """
        member = self.members.pop(name, None)
        if member is None:
            return None
        held = list(member.ahead.values())
        for one in held:
            if one.load is not None:
                self._again(one.load)
        ran = [one for one in held if begun is None or one.serial == begun]
        running = ran[0].load if ran else None
        if running is not None and charge:
            running.deaths += 1
        return running

    def add(self, load: Load) -> None:
        """A task waits."""
        heapq.heappush(self._waiting, load)

    def land(self, load: Load) -> tuple[str, int] | None:
        """A task needs no answer any more. Return the worker and serial that need not work on it, if it is out."""
        load.landed = True
        return self._give_up(load)

    def answer(
        self, name: str, serial: int, seconds: float, now: float, *, measured: bool = True
    ) -> Load | None:
        """A worker answered. Return the task if its answer was wanted, from this worker, under this serial.

        `measured`: it took as long as such a task takes.
        """
        member = self.members.get(name)
        if member is None or serial not in member.ahead:
            return None
        one = member.ahead.pop(serial)
        member.since = now
        if one.load is not None:
            if measured:
                took = max(1e-4, min(seconds, now - one.at))
                known = member.pace.get(one.kind, took)
                member.pace[one.kind] = _MEMORY_OF_PACE * known + (1 - _MEMORY_OF_PACE) * took
            one.load.at = None
        return one.load

    def unanswered(self, name: str, serials: list[int]) -> Load | None:
        """A worker ended a lot without these answers: they wait again. Return the first of them, charged with it."""
        member = self.members.get(name)
        held = (
            []
            if member is None
            else [member.ahead.pop(serial) for serial in serials if serial in member.ahead]
        )
        lost = [one.load for one in held if one.load is not None]
        for load in lost:
            self._again(load)
        if not lost:
            return None
        lost[0].deaths += 1
        return lost[0]

    # -- what follows -------------------------------------------------------------------------------------------------

    def deal(self, now: float) -> tuple[list[Lot], list[tuple[str, int]]]:
        """Hand out what waits: (lots to send, (worker, serial) to call back)."""
        given: dict[str, list[tuple[int, Load]]] = {}
        takers = [member for member in self.members.values() if not member.held]
        for member in takers:
            if not member.ahead:
                self._hand(member, given, now)
        for member in sorted(takers, key=lambda one: len(one.ahead)):
            if self._hungry(member, now):
                while self._wants(member, now) and self._hand(member, given, now):
                    pass
        back = [move for member in takers if not member.ahead for move in self._steal(member, given, now)]
        return [Lot(name, tasks) for name, tasks in given.items()], back

    def _hungry(self, member: Member, now: float) -> bool:
        return len(member.ahead) < _AHEAD or member.backlog(now) < LEAD / 2

    def _wants(self, member: Member, now: float) -> bool:
        return len(member.ahead) < _AHEAD or (len(member.ahead) < LONGEST_LOT and member.backlog(now) < LEAD)

    def _hand(self, member: Member, given: dict[str, list[tuple[int, Load]]], now: float) -> bool:
        """Give the member the first waiting task that fits it; False if there is none."""
        load = self._first_for(member)
        if load is None:
            return False
        self._ask(member, load, given, now)
        return True

    def _ask(self, member: Member, load: Load, given: dict[str, list[tuple[int, Load]]], now: float) -> None:
        serial = next(self._serials)
        if not member.ahead:
            member.since = now
        member.ahead[serial] = Asked(serial, load, load.kind, now)
        load.at = (member.name, serial)
        given.setdefault(member.name, []).append((serial, load))

    def _first_for(self, member: Member) -> Load | None:
        """Take the first waiting task that the member has the memory for."""
        passed: list[Load] = []
        found = None
        while self._waiting and found is None:
            load = heapq.heappop(self._waiting)
            if load.landed:
                continue
            if self._fits(load, member):
                found = load
            else:
                passed.append(load)
        for load in passed:
            heapq.heappush(self._waiting, load)
        return found

    def _fits(self, load: Load, member: Member) -> bool:
        """Tell whether the member's host has the task's inputs, and the memory that it needs beside what was handed out there already."""
        if member.host and (load.home or self.lacking(load, member.host)):
            return False
        return load.memory == 0 or member.free is None or member.claim(load) <= self._left(member)

    def _left(self, member: Member) -> int:
        """Return the bytes of its host that a member's neighbours have no claim to."""
        near = (one for one in self.members.values() if one.host == member.host and one is not member)
        return (member.free or 0) - sum(one.claim() for one in near)

    def short(self, name: str) -> tuple[int, int] | None:
        """Return (bytes that the least of what waits needs, bytes left) where an idle worker has the memory for none of it."""
        member = self.members.get(name)
        if member is None or member.ahead or member.held or member.free is None:
            return None
        waiting = [load for load in self._waiting if not load.landed and not (load.home and member.host)]
        able = [load for load in waiting if not self.lacking(load, member.host)]
        if not able or any(self._fits(load, member) for load in able):
            return None
        return min(load.memory for load in able), max(0, self._left(member))

    def lacking(self, load: Load, host: str) -> frozenset[str]:
        """Return the inputs of a task that a host has not confirmed."""
        return load.inputs - self.confirmed.get(host, frozenset()) if load.inputs and host else frozenset()

    def lacked(self) -> dict[str, frozenset[str]]:
        """Return, for each host with workers, the inputs of waiting tasks that it has not confirmed."""
        waiting = [load for load in self._waiting if load.inputs and not load.landed and not load.home]
        hosts = {one.host for one in self.members.values() if one.host and not one.held} if waiting else set()
        found = {
            host: frozenset().union(*(self.lacking(load, host) for load in waiting)) for host in sorted(hosts)
        }
        return {host: digests for host, digests in found.items() if digests}

    def too_large(self) -> list[tuple[Load, int]]:
        """Return (task, bytes of the roomiest idle worker) for waiting tasks that idle workers may do but have not the memory for.

        What a neighbour has taken for now is no reason: only what exceeds all that the host has left.
        """
        idle = [
            one for one in self.members.values() if not one.ahead and not one.held and one.free is not None
        ]
        found = []
        for load in self._waiting:
            able = [one for one in idle if not (one.host and (load.home or self.lacking(load, one.host)))]
            room = max((one.free or 0 for one in able), default=0)
            if able and not load.landed and load.memory > room:
                found.append((load, room))
        return found

    def _steal(
        self, idle: Member, given: dict[str, list[tuple[int, Load]]], now: float
    ) -> Iterator[tuple[str, int]]:
        """Move half of what the fullest worker has not begun to an idle one, the last first."""
        victim = max(self.members.values(), key=lambda one: len(one.unbegun()), default=None)
        unbegun = (
            []
            if victim is None
            else [one for one in victim.unbegun() if one.load and self._fits(one.load, idle)]
        )
        for one in unbegun[len(unbegun) // 2 :]:
            assert one.load is not None
            assert victim is not None
            load = one.load
            one.load = None
            self._ask(idle, load, given, now)
            yield victim.name, one.serial

    def overdue(
        self, now: float, floor: Mapping[str, float], default: float
    ) -> list[tuple[str, Load | None, float]]:
        """Return (worker, task, limit) where the running task takes longer than it may."""
        late = []
        for member in self.members.values():
            if member.ahead:
                first = next(iter(member.ahead.values()))
                usual = max(floor.get(first.kind, default), 30 * member.pace.get(first.kind, 0.0))
                limit = first.load.limit if first.load is not None and first.load.limit is not None else usual
                if now - member.since > limit:
                    late.append((member.name, first.load, limit))
        return late

    def unfit(self) -> list[tuple[Load, int]]:
        """Return (task, bytes of the roomiest worker) for waiting tasks that no present worker has the memory for."""
        found = []
        for load in self._waiting:
            able = [one for one in self.members.values() if not (load.home and one.host)]
            room = [one.free for one in able if one.free is not None]
            if room and len(room) == len(able) and not load.landed and load.memory > max(room):
                found.append((load, max(room)))
        return found

    def wanted(self, kind: str) -> int:
        """Return how many tasks of a kind keep every worker in work."""
        members = self.members.values()
        return sum(
            min(LONGEST_LOT, math.ceil(LEAD / one.pace[kind])) if kind in one.pace else 0 for one in members
        )

    def running(self, name: str) -> Load | None:
        """Return the task that a worker works on now."""
        member = self.members.get(name)
        return next(iter(member.ahead.values())).load if member is not None and member.ahead else None

    def validate(self) -> None:
        """Raise AssertionError if the account contradicts itself."""
        for member in self.members.values():
            assert len(member.ahead) <= LONGEST_LOT
            for serial, one in member.ahead.items():
                assert one.load is None or (one.load.at == (member.name, serial) and not one.load.landed)
        assert not any(load.at for load in self._waiting if not load.landed)

    def _again(self, load: Load) -> None:
        """Let a task wait again."""
        load.at = None
        if not load.landed:
            heapq.heappush(self._waiting, load)

    def _give_up(self, load: Load) -> tuple[str, int] | None:
        """Leave the answer of a task that is out to nobody; its worker still holds it until it says something."""
        at, load.at = load.at, None
        if at is not None and at[0] in self.members:
            self.members[at[0]].ahead[at[1]].load = None
        return at
