"""After a reseed, in the live loop: watch the trusted stream, have it looked for under another seed, put what was found in force.

The next pool never waits for the search: the advanced one is committed at once, and replaced for the same coming draw if the
search finds something in time. A stream found again is a noticed change of generator: it opens an epoch at its first draw, whose
own search follows; what an earlier epoch's run still makes is not put in force any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import Halted
from engine.pipeline import reacquire
from engine.pipeline.artifacts import Pool
from engine.pipeline.pool import seal
from engine.status import ALERT

if TYPE_CHECKING:
    import numpy as np

    from engine.compute.task import Task, TaskResult
    from engine.feedback.epochs import Epochs
    from engine.feedback.pools import Pools
    from engine.history.history import Draw
    from engine.pipeline.reacquire import Stream, Watch
    from engine.search.ranges import Range
    from engine.search.space import Space
    from state.journal import Journal

logger = logging.getLogger("mimicry.feedback")
REACQUIRED = "pool.reacquired"
PAGE = 256


class Draws(Protocol):
    """The part of the store of draws that is followed; seqs count from 1."""

    @property
    def last(self) -> int:
        """Return the seq of the newest draw."""

    def after(self, seq: int, limit: int | None = None) -> list[tuple[int, Draw]]:
        """Return draws after `seq`, oldest first."""


class Runs(Protocol):
    """What runs the search; `engine.compute.cluster.Compute`."""

    async def run(self, task: Task) -> TaskResult:
        """Run one task."""


class Bench(Protocol):
    """Lends what runs the search; `engine.workbench.Workbench`."""

    def lend(self) -> AbstractAsyncContextManager[Runs]:
        """Lend it."""


@dataclass(frozen=True)
class _Found:
    """One search that ended: what was watched, int64 (n, 2) of seed and draw where it begins, and the seeds tried."""

    watch: Watch
    streams: np.ndarray
    seeds: tuple[int, int]


class Reacquirer:
    """Turns belong to the live loop, which calls `turn` after each drain; `serve` searches beside it."""

    def __init__(
        self,
        journal: Journal,
        draws: Draws,
        pools: Pools,
        bench: Bench,
        epochs: Epochs,
        space: Callable[[], Space],
        told: Callable[[], None],
    ) -> None:
        """Take up the last draws; `space()` is what may be searched, `told()` asks the live loop for a turn."""
        self._journal, self._draws, self._pools, self._bench = journal, draws, pools, bench
        self._epochs, self._space, self._told = epochs, space, told
        self._watch: Watch | None = None
        self._seen = max(0, draws.last - reacquire.GIVEN_UP)
        self._searched = 0
        self._due = asyncio.Event()
        self._found: _Found | None = None
        self.searching = False

    def outranks(self, pool: Pool) -> bool:
        """Say whether a stream that still hits is in force and this pool trusts none: then what is in force stays."""
        hits = self._watch is not None and self._watch.misses < reacquire.DUE
        return hits and reacquire.trusted(pool) is None

    async def turn(self) -> bool:
        """Follow the draws that came, and put a stream that was found in force; True where the pool changed."""
        await asyncio.to_thread(self._follow)
        found, self._found = self._missed_still(self._found), None
        if found is not None and await asyncio.to_thread(self._weigh, found):
            return True
        if reacquire.due(self._watch) and not self.searching and self._searched < self._seen:
            self.searching, self._searched = True, self._seen
            self._due.set()
        return False

    def _missed_still(self, found: _Found | None) -> _Found | None:
        """Return what was found, beside what the stream has lost by now; None where it hit meanwhile."""
        if found is None or self._watch is None or self._watch.since != found.watch.since:
            return None
        return replace(found, watch=self._watch)

    def _follow(self) -> None:
        """Look at each draw with the pool that was committed for it."""
        while page := self._draws.after(self._seen, PAGE):
            for seq, draw in page:
                pool = self._before(draw)
                if pool is not None:
                    self._watch = reacquire.look(self._watch, pool, draw) or reacquire.begin(pool)
                self._seen = seq

    def _before(self, draw: Draw) -> Pool | None:
        """Return the pool that was for this draw, None where nothing is watched and it trusts nothing."""
        row = self._journal.predictions.committed(draw.index)
        if row is None:
            return None
        trust = sum(one["weight"] for one in row.pool["components"])
        if self._watch is None and trust < reacquire.TRUSTED:
            return None
        return Pool.parse(row.pool, f"the pool committed for draw {draw.index}")

    async def serve(self) -> None:
        """Search whenever a watched stream is missed, for ever: a service of the room."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                self._found = await self._search()
            except Halted as halted:
                logger.info("the search for a missed stream stopped: %s", halted)
            finally:
                self.searching = False
            if self._found is not None:
                self._told()

    async def _search(self) -> _Found | None:
        watch = self._watch
        if watch is None:
            return None
        seeds = bounds(self._space().seeds or (), watch.pattern.origin.number())
        recent = await asyncio.to_thread(self._recent, watch)
        asked = reacquire.task(f"reacquire/{watch.since}/{len(recent)}", watch, recent, seeds)
        async with self._bench.lend() as compute:
            result = await compute.run(asked)
        if result.stopped:
            return None
        if not result.ok:
            self._journal.append(
                ALERT, {"level": "warn", "text": f"no search for a missed stream: {result.error}"[:400]}
            )
            return None
        return _Found(watch, result.arrays["found"], seeds)

    def _recent(self, watch: Watch) -> list[Draw]:
        """Return the draws since the last hit."""
        return [draw for _, draw in self._draws.after(watch.since)]

    def _weigh(self, found: _Found) -> bool:
        """Weigh what was found, if anything, beside the stream that stood and beside chance; False where another pool came."""
        recent = self._recent(found.watch)
        pool = self._pools.at(recent[-1].index + 1)
        if pool is None or _trusts_another(pool, found.watch):  # a search that ended meanwhile knows better
            return False
        weighed = reacquire.reacquired(pool, found.watch, found.streams, recent, found.seeds)
        best = reacquire.trusted(weighed)
        if best is None or best.pattern == found.watch.pattern:
            self._pools.publish(weighed)
            return True
        since = _first(found.watch, best, recent)
        named = weighed.model_copy(update={"model": f"{pool.model}, reseeded at draw {since}"})
        self._opened(found, named.model_copy(update={"sha256": seal(named)}), best, since)
        return True

    def _opened(self, found: _Found, pool: Pool, best: Stream, since: int) -> None:
        """Put on record what was found and that an epoch began with it; then put the pool in force."""
        told = _record(found, pool, best, since)
        epoch = self._epochs.next(since, told["text"]) if since > self._epochs.now.since else None
        with self._journal.transaction() as tx:
            tx.event(REACQUIRED, told)
            if epoch is not None:
                self._epochs.open(epoch)
        if epoch is not None:
            self._epochs.settle(epoch)
        self._pools.publish(pool)
        self._watch = reacquire.begin(pool)


def _trusts_another(pool: Pool, watch: Watch) -> bool:
    best = reacquire.trusted(pool)
    return best is not None and best.pattern != watch.pattern


def _first(watch: Watch, best: Stream, recent: Sequence[Draw]) -> int:
    """Return the index of the first draw of a stream that was found: as many of its own draws ago as it has made."""
    mine = [draw.index for draw in recent if watch.pattern.session in (None, draw.session)]
    return mine[-best.parts[0].position]


def _record(found: _Found, pool: Pool, best: Stream, since: int) -> dict[str, Any]:
    watch, seed = found.watch, best.pattern.origin.number()
    return {
        "level": "info",
        "text": f"{watch.pattern.family} goes on from draw {since} under seed {seed}",
        "family": watch.pattern.family,
        "since": since,
        "for_draw": pool.for_draw,
        "seeds": list(found.seeds),
        "found": len(found.streams),
        "before": watch.pattern.origin.number(),
        "seed": seed,
        "weight": best.weight,
        "pool": pool.sha256,
    }


LEAST, MOST = 1 << 20, 1 << 28


def bounds(asked: Sequence[Range], trusted: int) -> tuple[int, int]:
    """Return the seeds to look through: the asked interval around the trusted one, else those of its own order of size."""
    for one in asked:
        if one.lo <= trusted <= one.hi and one.size <= MOST:
            return one.lo, one.hi
    return 0, min(MOST, max(LEAST, 1 << trusted.bit_length())) - 1
