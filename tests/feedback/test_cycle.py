"""The live loop over a real journal and store: every draw once, scored only by a pool that came before it, also across crashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.feedback.cycle import FIRED, HEALTH, UNFORECAST, Cycle
from engine.feedback.epochs import OPENED, Epochs
from engine.feedback.scoring import score_of
from engine.history.store import Arrival, DrawStore
from state.journal import Journal
from state.mirrors import Mirrors


def pool(for_draw: int, *, heads: list[tuple[int, float]], model: str = "m1") -> dict[str, Any]:
    rest = (1.0 - sum(share for _, share in heads)) / (1000 - len(heads))
    return {
        "range": [0, 999], "for_draw": for_draw, "uniform": not heads, "heads": [list(head) for head in heads], "rest": rest,
        "model": model, "basis": "evidence", "sha256": f"sha-{for_draw}-{model}",
    }  # fmt: skip


class Room:
    """A journal, a store and a forecaster that names one value with certainty 0.9."""

    def __init__(self, tmp_path: Path, *, alpha: float = 0.01) -> None:
        self.path, self.alpha, self.cooldown = tmp_path, alpha, 3
        self.heads: list[tuple[int, float]] | None = [(7, 0.9)]
        self.issued: list[int] = []
        self.open()

    def open(self) -> None:
        self.journal = Journal.open(self.path)
        self.draws = DrawStore.open(self.path / "history")
        self.epochs = Epochs(self.journal)
        self.cycle = Cycle(
            self.journal,
            self.draws,
            self.reissue,
            self.epochs,
            false_alarm=self.alpha,
            cooldown=self.cooldown,
        )

    def restart(self) -> None:
        self.close()
        self.open()

    def close(self) -> None:
        self.journal.close()
        self.draws.close()

    async def reissue(self, for_draw: int) -> Mapping[str, Any] | None:
        self.issued.append(for_draw)
        return None if self.heads is None else pool(for_draw, heads=self.heads)

    def arrive(self, *values: int | None) -> None:
        self.draws.append(Arrival(value) for value in values)

    def count(self, kind: str) -> int:
        return sum(1 for _ in self.journal.events(kinds=(kind,)))


@pytest.fixture
def room(tmp_path: Path) -> Any:
    made = Room(tmp_path)
    yield made
    made.close()


async def test_draws_that_were_there_before_any_pool_are_unforecast_and_cost_one_record(room: Room) -> None:
    room.arrive(1, 2, None, 4)
    judged = await room.cycle.drain()
    assert (judged.taken, judged.scored, judged.pool_for) == (4, 0, 4)
    assert (room.cycle.health.unforecast, room.cycle.health.missing) == (3, 1)
    assert room.count(UNFORECAST) == 1
    assert room.issued == [4]


async def test_a_forecast_draw_is_judged_by_its_own_pool_and_the_next_pool_follows(room: Room) -> None:
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(7)
    judged = await room.cycle.drain()
    assert (judged.taken, judged.scored, judged.pool_for) == (1, 1, 2)
    judgement = room.journal.predictions.judgement(1)
    assert judgement is not None
    assert judgement.forecast
    assert judgement.score["hit"] is True
    assert room.cycle.health.hits == 1
    committed = room.journal.predictions.committed(1)
    assert committed is not None
    assert committed.seq < judgement.seq


async def test_of_a_batch_only_the_first_was_forecast(room: Room) -> None:
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(7, 7, 7)
    judged = await room.cycle.drain()
    assert (judged.taken, judged.scored) == (3, 1)
    assert room.cycle.health.unforecast == 3


async def test_nothing_arrived_nothing_happens(room: Room) -> None:
    assert (await room.cycle.drain()).pool_for is None
    assert room.issued == []
    assert room.journal.seq == 1, "only the opening of the journal is on record"


async def test_no_draw_is_taken_twice_or_lost_over_restarts(room: Room) -> None:
    room.arrive(1)
    await room.cycle.drain()
    for value in (7, 8, 7):
        room.arrive(value)
        room.restart()
        await room.cycle.drain()
        room.restart()
        assert (await room.cycle.drain()).taken == 0
    assert (room.cycle.health.forecast, room.cycle.health.hits) == (3, 2)
    assert [row.for_draw for row in room.journal.predictions.judgements()] == [3, 2, 1]


async def test_a_crash_between_judging_and_the_next_pool_costs_no_forecast(
    room: Room, monkeypatch: Any
) -> None:
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(7)

    async def dies() -> None:
        raise OSError("power")

    monkeypatch.setattr(room.cycle, "issue", dies)
    with pytest.raises(OSError, match="power"):
        await room.cycle.drain()
    room.restart()
    judged = await room.cycle.drain()
    assert (judged.taken, judged.pool_for) == (0, 2)
    assert room.journal.predictions.committed(2) is not None
    assert (await room.cycle.drain()).pool_for is None, "once"


async def test_a_crash_between_judging_and_recording_changes_nothing(room: Room, monkeypatch: Any) -> None:
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(7)

    def dies(*_: Any) -> None:
        raise OSError("power")

    monkeypatch.setattr(room.cycle, "_record", dies)
    with pytest.raises(OSError, match="power"):
        await room.cycle.drain()
    assert room.journal.predictions.judgement(1) is None, "the judgement must roll back with the cursor"
    room.restart()
    assert (await room.cycle.drain()).scored == 1
    assert room.cycle.health.hits == 1


async def test_a_pool_that_stops_hitting_asks_once_for_a_search_of_the_draws_since(room: Room) -> None:
    room.arrive(1)
    await room.cycle.drain()
    for _ in range(4):
        room.arrive(7)
        await room.cycle.drain()
    fired = []
    for _ in range(12):
        room.arrive(500)
        fired += (await room.cycle.drain()).fired
    assert [(one.trigger, one.since) for one in fired] == [("generator_changed", 5)]
    requests = room.journal.requests.list()
    assert [(row.kind, row.origin, row.args["since"]) for row in requests] == [
        ("pipeline_rerun", "chapter 13", 5)
    ]
    assert room.count(FIRED) == room.count(OPENED) == 1
    room.restart()
    assert (room.epochs.now.number, room.epochs.now.since) == (2, 5), "the epoch must survive a restart"
    room.arrive(500)
    assert (await room.cycle.drain()).fired == (), "the open request must survive a restart"


@pytest.mark.parametrize(("end", "patience"), [("done", 8), ("failed", 4)])
async def test_the_trigger_listens_again_after_a_silence(room: Room, end: str, patience: int) -> None:
    """Work that was done restarts the evidence; work that was not leaves it standing."""
    room.arrive(1)
    await room.cycle.drain()
    for _ in range(7):
        room.arrive(500)
        await room.cycle.drain()
    request = room.journal.requests.list()[0]
    room.journal.requests.claim()
    room.journal.requests.start(request.id)
    room.journal.requests.finish(request.id, end, "over")
    fired_at = []
    for draw in range(12):
        room.arrive(500)
        fired_at += [draw] * len((await room.cycle.drain()).fired)
    assert len(fired_at) == 1
    assert room.cooldown - 1 <= fired_at[0] <= patience
    assert len(room.journal.requests.list()) == 2


async def test_without_anything_learned_draws_pass_unforecast(room: Room) -> None:
    room.heads = None
    for _ in range(3):
        room.arrive(5)
        assert (await room.cycle.drain()).pool_for is None
    assert room.cycle.health.unforecast == 3


async def test_health_is_mirrored_for_people(room: Room) -> None:
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(7)
    await room.cycle.drain()
    Mirrors.standard(room.path, room.journal).pump()
    text = (room.path / "telemetry" / "learning_health_latest.json").read_text()
    assert '"hits": 1' in text
    assert '"hits_expected_by_chance": 0.001' in text
    assert room.count(HEALTH) == 2


async def test_an_even_pool_neither_gains_nor_loses(room: Room) -> None:
    room.heads = []
    room.arrive(1)
    await room.cycle.drain()
    room.arrive(5)
    await room.cycle.drain()
    row = room.journal.predictions.committed(1)
    assert row is not None
    score = score_of(5, row)
    assert (score.bits, score.chance, score.stated) == (pytest.approx(0.0), 1.0, 1.0)
    assert room.cycle.health.bits == pytest.approx(0.0)
