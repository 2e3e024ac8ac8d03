"""Chapter 13, the live loop: each draw once, judged by the pool committed before it; diagnostics, triggers, the next pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.evidence.evalue import required_bits
from engine.feedback.diagnostics import Health, Score, fold, fold_unscored
from engine.feedback.epochs import Epochs
from engine.feedback.scoring import score_of
from engine.feedback.triggers import Fired, Watch, closed, opened, update

if TYPE_CHECKING:
    from engine.history.history import Draw
    from state.journal import Journal
    from state.predictions import PoolRow

CURSOR = "feedback"
HEALTH, FIRED, UNFORECAST = "learning.health", "trigger.fired", "draws.unforecast"
ORIGIN = "chapter 13"
PAGE = 256
EXECUTED = ("done",)


class Draws(Protocol):
    """The part of the store of draws that the loop reads; seqs count from 1."""

    @property
    def last(self) -> int:
        """Return the seq of the newest draw."""

    def after(self, seq: int, limit: int | None = None) -> list[tuple[int, Draw]]:
        """Return draws after `seq`, oldest first."""


Reissue = Callable[[int], Awaitable[Mapping[str, Any] | None]]
"""Given the index of the coming draw, return its pool (with `sha256`), or None where nothing was learned yet."""


@dataclass(frozen=True)
class Judged:
    """What one pass did: draws taken, how many of them scored, what fired, the draw the next pool is for."""

    taken: int
    scored: int
    fired: tuple[Fired, ...]
    pool_for: int | None


class Cycle:
    """Takes draws in order, each exactly once: judgement, health, trigger and cursor are one journal transaction.

    Draws that had arrived before a pool for them was committed are unforecast: the next pool is issued only
    after every arrived draw has been judged.
    """

    def __init__(
        self,
        journal: Journal,
        draws: Draws,
        reissue: Reissue,
        epochs: Epochs,
        *,
        false_alarm: float,
        cooldown: int,
    ) -> None:
        """Continue where the journal says the last process stood."""
        self._journal, self._draws, self._reissue, self._epochs = journal, draws, reissue, epochs
        self._alpha, self._cooldown = false_alarm, cooldown
        last = journal.last([HEALTH])
        self.health = Health.model_validate(last.data["health"]) if last else Health()
        self.watch = Watch.model_validate(last.data["watch"]) if last and last.data["watch"] else None

    @property
    def cursor(self) -> int:
        """Return the seq of the last draw taken."""
        return int(self._journal.cursors.get(CURSOR, 0))

    async def drain(self) -> Judged:
        """Judge every arrived draw, then issue the pool for the next one, also where a crash came before it could be."""
        taken = scored = 0
        fired: list[Fired] = []
        await asyncio.to_thread(self._close_request)
        while True:
            page = self._draws.after(self.cursor, PAGE)
            if not page:
                break
            one_scored, one_fired = await asyncio.to_thread(self._take, page)
            taken, scored = taken + len(page), scored + one_scored
            fired += one_fired
        pool_for = await self.issue() if taken or self._owes_a_pool() else None
        return Judged(taken, scored, tuple(fired), pool_for)

    def _owes_a_pool(self) -> bool:
        coming = self._draws.last
        return coming > 0 and self._journal.predictions.committed(coming) is None

    async def issue(self) -> int | None:
        """Commit the pool for the coming draw; None if there is nothing to issue, or a draw came in between."""
        coming = self._draws.last
        pool = await self._reissue(coming)
        if pool is None or self._draws.last != coming:
            return None
        await asyncio.to_thread(self._journal.predictions.commit, coming, str(pool["sha256"]), dict(pool))
        return coming

    def _take(self, page: Sequence[tuple[int, Draw]]) -> tuple[int, list[Fired]]:
        """Take a page of draws; runs of unforecast ones are one record, every forecast one is its own."""
        scored = 0
        fired: list[Fired] = []
        waiting: list[tuple[int, Draw]] = []
        for seq, draw in page:
            pool = self._journal.predictions.committed(draw.index)
            if pool is None:
                waiting.append((seq, draw))
                continue
            self._skip(waiting)
            waiting = []
            one = self._judge(seq, draw, pool)
            scored += draw.value is not None
            fired += [one] if one else []
        self._skip(waiting)
        return scored, fired

    def _skip(self, draws: Sequence[tuple[int, Draw]]) -> None:
        if not draws:
            return
        health = self.health
        for _, draw in draws:
            health = fold_unscored(health, draw.index, missing=draw.value is None)
        with self._journal.transaction() as tx:
            tx.event(UNFORECAST, {"first": draws[0][1].index, "last": draws[-1][1].index})
            self._journal.cursors.set(CURSOR, draws[-1][0])
            self._record(health, self.watch)
        self.health = health

    def _judge(self, seq: int, draw: Draw, pool: PoolRow) -> Fired | None:
        score = None if draw.value is None else score_of(draw.value, pool)
        health, watch, fired = self._learned(draw, score)
        epoch = None if fired is None or fired.since is None else self._epochs.next(fired.since, fired.reason)
        with self._journal.transaction():
            self._journal.predictions.judge(
                draw.index, draw.value, score=score.model_dump(mode="json") if score else None
            )
            if fired is not None and watch is not None:
                watch = opened(watch, self._request(fired, draw.index))
            if epoch is not None:
                self._epochs.open(epoch)
            self._journal.cursors.set(CURSOR, seq)
            self._record(health, watch)
        self.health, self.watch = health, watch
        if epoch is not None:
            self._epochs.settle(epoch)
        return fired

    def _learned(self, draw: Draw, score: Score | None) -> tuple[Health, Watch | None, Fired | None]:
        if score is None:
            return fold_unscored(self.health, draw.index, missing=True), self.watch, None
        watch, fired = update(self.watch, score, self._alpha)
        return fold(self.health, score), watch, fired

    def _request(self, fired: Fired, draw: int) -> str:
        """Ask for the work that the trigger calls for; once, however often this draw is taken after a crash."""
        row = self._journal.requests.enqueue(
            fired.request,
            {"trigger": fired.trigger} | ({} if fired.since is None else {"since": fired.since}),
            origin=ORIGIN,
            key=f"{fired.trigger}:{draw}",
            why=fired.reason,
        )
        data = {"request": row.id, "level": "warn", "text": fired.reason, **fired.model_dump(mode="json")}
        self._journal.append(FIRED, data | {"request": row.id, "asks": fired.request})
        return row.id

    def _close_request(self) -> None:
        """Let the trigger listen again, after a silence, once the request that it opened has ended."""
        if self.watch is None or self.watch.open_request is None:
            return
        request = self._journal.requests.get(self.watch.open_request)
        if request.terminal:
            watch = closed(self.watch, executed=request.state in EXECUTED, cooldown=self._cooldown)
            self._record(self.health, watch)
            self.watch = watch

    def _record(self, health: Health, watch: Watch | None) -> None:
        data = {**health.summary(), "epoch": self._epochs.now.number, "since": self._epochs.now.since}
        data |= {"trigger": None if watch is None else _trigger(watch, self._alpha)}
        data |= {"health": health.model_dump(mode="json"), "watch": watch and watch.model_dump(mode="json")}
        self._journal.append(HEALTH, data)


def _trigger(watch: Watch, alpha: float) -> dict[str, Any]:
    return {
        "model": watch.model,
        "baseline": watch.baseline,
        "direction": watch.direction,
        "bits": watch.bits(alpha / 2),
        "even_bits": watch.even_bits,
        "required": required_bits(alpha / 2),
        "false_alarm": alpha,
        "silent_draws": watch.silent,
        "open_request": watch.open_request,
    }
