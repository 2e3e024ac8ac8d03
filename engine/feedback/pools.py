"""The pool in force: step 6's last one, advanced draw by draw without training, ready before the next draw is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.history.history import Draw, History
    from engine.pipeline.artifacts import Pool
    from engine.search.analysis import Analysis
    from state.journal import Journal


SUREST = 0.95
"""The highest hit rate assumed before any draw: with certainty one wrong draw would end all trust."""


class Draws(Protocol):
    """The part of the store of draws that advancing reads; seqs count from 1."""

    def after(self, seq: int, limit: int | None = None) -> list[tuple[int, Draw]]:
        """Return draws after `seq`, oldest first."""


class Pools:
    """Holds the newest pool and advances it; after a restart it goes on from the last committed one."""

    def __init__(self, journal: Journal, draws: Draws) -> None:
        """Take up the last committed pool, if any."""
        self._journal, self._draws = journal, draws
        self._pool: Pool | None = None
        self._looked = False

    def publish(self, pool: Pool, since: int = 0) -> None:
        """Put a freshly made pool in force; it may be for a draw that has come already and is advanced then.

        A pool made from the draws from `since` on counts them from 0; in force it counts all draws.
        """
        self._pool, self._looked = moved(pool, since), True

    async def reissue(self, coming: int) -> Mapping[str, Any] | None:
        """Return the pool for draw index `coming` as plain JSON; None before step 6 has ever run."""
        return await asyncio.to_thread(self._reissue, coming)

    def _reissue(self, coming: int) -> Mapping[str, Any] | None:
        pool = self.at(coming)
        return None if pool is None else pool.model_dump(mode="json")

    def at(self, coming: int) -> Pool | None:
        """Return the pool in force advanced to draw index `coming`; None before step 6 has ever run, or where it is later."""
        from engine.pipeline.pool import reissue

        pool = self._standing()
        if pool is None or pool.for_draw > coming:
            return None
        if pool.for_draw < coming:
            between = [draw for _, draw in self._draws.after(pool.for_draw, coming - pool.for_draw)]
            pool = reissue(pool, coming, between)
            self._pool = pool
        return pool

    def _standing(self) -> Pool | None:
        if self._pool is None and not self._looked:
            from engine.pipeline.artifacts import Pool

            self._looked = True
            last = self._journal.predictions.latest()
            self._pool = None if last is None else Pool.parse(last.pool, "the last committed pool")
        return self._pool


def moved(pool: Pool, since: int) -> Pool:
    """Return the pool with its draw counted from the room's first one."""
    if since == 0:
        return pool
    from engine.pipeline.pool import seal

    shifted = pool.model_copy(update={"for_draw": pool.for_draw + since})
    return shifted.model_copy(update={"sha256": seal(shifted)})


def direct_pool(analysis: Analysis, history: History, *, heads: int) -> Pool:
    """Return the pool that a verdict alone supports, without a model: its claims weighed by evidence, or a uniform one.

    A claim's hit rate starts at the share of draws that its noise leaves right, but never at certainty, worth two
    draws, and is moved by the draws that it was scored on.
    """
    import numpy as np

    from engine.pipeline.pool import Believer, calibrated, evidence_trust, make
    from engine.pipeline.replay import Lines, next_position, refuse

    lines = Lines.of(history)
    lo, hi = analysis.range
    pairs = zip(analysis.alignments(), analysis.hypotheses, strict=True)
    playable = [(one, claim) for one, claim in pairs if refuse(one) is None]
    sure = calibrated(
        np.array([min(SUREST, 1.0 - claim.noise) for _, claim in playable]),
        np.array([claim.matched for _, claim in playable], dtype=float),
        np.array([claim.scored for _, claim in playable], dtype=float),
    )
    bits = np.array([claim.evidence_bits for _, claim in playable])
    trust = evidence_trust(bits, sure, 1.0 / (hi - lo + 1)) if playable else sure
    believers = [
        Believer(
            one, next_position(one, lines), float(trust[at]), float(sure[at]), claim.matched, claim.scored
        )
        for at, (one, claim) in enumerate(playable)
    ]
    session = believers[0].alignment.session if believers else None
    return make(
        [one for one in believers if one.alignment.session in (None, session)],
        history=history.digest,
        for_draw=len(history),
        session=session,
        span=(lo, hi),
        basis="evidence",
        model=f"verdict of {analysis.run}",
        heads=heads,
    )
