"""Selfplay over planted rooms: the bandit against choosing at random, and what real episodes return."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

from loop_room import PATIENCE, feed, planted, room_of, settings, show


def bandit(seeds: int, episodes: int) -> int:
    """Play a bandit over the room's arms, one of them better by two sigma of an episode; against choosing at random."""
    from bandit import measure

    begun = time.monotonic()
    told, met = measure(seeds, episodes)
    show(told, begun)
    return int(not met)


async def episodes(count: int) -> int:
    """Play every arm in turn in a real room, and keep what the episodes returned for `bandit`."""
    from bandit import keep

    from engine.selfplay.bandit import Bandit

    def in_turn(self: Bandit) -> str:
        self.chosen += 1
        return self.names[self.chosen % len(self.names)]

    Bandit.choose = in_turn  # type: ignore[method-assign]
    begun, rewards = time.monotonic(), list[tuple[str, float]]()
    for draws, noise in ((60, 0.4), (90, 0.2)):
        with tempfile.TemporaryDirectory() as folder:
            async with room_of(Path(folder), settings()) as (room, journal):
                await feed(room, journal, planted(31337 + draws, noise=noise), draws, draws)
                (Path(folder) / "watcher_requests" / "play.json").write_text(
                    json.dumps({"type": "selfplay_retrain", "episodes": count})
                )
                async with asyncio.timeout(PATIENCE * 4):
                    while journal.last(("selfplay.finished",)) is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                played = [event.data for event in journal.events(kinds=("selfplay.episode",))]
                rewards += [(one["arm"], one["reward"]) for one in played if one["arm"] != "final"]
    keep(
        rewards,
        f"planted Java histories of 60 draws (40 % wrong) and 90 (20 %), {count} episodes asked of each",
    )
    show({"episodes": len(rewards)}, begun)
    return 0
