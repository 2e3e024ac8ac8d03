"""Episodes train for real: a planted signal pays bits on a later block, noise does not, and the split is chronological."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import numpy as np
import pytest

from engine.compute.kinds import resolve
from engine.compute.task import Task, TaskResult
from engine.errors import Halted, UsageError
from engine.selfplay.arms import ARMS
from engine.selfplay.episode import MODELS, ceiling, draw_bits, floor, run_task
from engine.selfplay.loop import FINAL, Episode, Start, explore
from engine.selfplay.material import Material
from engine.selfplay.rules import Mask, Policy

NAMES = ("match.rate", "match.bits", "noise.a", "noise.b")
CHANCE = 0.1
DRAWS = 12


class Calm:
    def raise_if_asked(self) -> None:
        """Nobody asked."""


class Asked:
    def raise_if_asked(self) -> None:
        raise Halted("asked")


def material(seed: int, *, planted: bool, blocks: int = 4, survivors: int = 60) -> Material:
    """Survivors of which a tenth hits three draws in four; where planted, a feature knows which."""
    rng = np.random.default_rng(seed)
    good = np.arange(survivors) < survivors // 10
    rate = np.where(good, 0.75 if planted else CHANCE, CHANCE)
    marks = tuple((rng.random((survivors, DRAWS)) < rate[:, None]).astype(np.int8) for _ in range(blocks))
    x = rng.normal(size=(blocks, survivors, 4))
    x[:, :, 0] = good + rng.normal(0, 0.1, (blocks, survivors))
    return Material(
        names=NAMES, x=x, hits=np.array([m.sum(axis=1) for m in marks]), scored=np.full((blocks, survivors), DRAWS),
        marks=marks, trains={0: (), 1: (0,), 2: (0, 1), 3: (0, 1, 2)}, chance=CHANCE, draws_seen=80, digest="d", run="run-1",
    )  # fmt: skip


def job(
    data: Material, policy: Policy, model: str, *, seed: int = 1, train: tuple[int, ...] = (0, 1, 2)
) -> tuple[Any, Any]:
    wanted = (*train, 3)
    params = {
        "policy": policy.model_dump(mode="json"), "model": model, "seed": seed, "names": list(NAMES),
        "train": list(train), "test": 3, "chance": CHANCE,
    }  # fmt: skip
    arrays = {
        "x": np.concatenate([data.x[b] for b in wanted]),
        "y": np.concatenate([data.hits[b] / DRAWS for b in wanted]),
        "block": np.repeat(np.array(wanted), data.x.shape[1]),
        "marks": data.marks[3],
    }
    return params, arrays


@pytest.mark.parametrize("model", MODELS)
def test_a_planted_signal_pays_on_a_later_block_and_its_shuffled_twin_does_not(model: str) -> None:
    meta, arrays = run_task(*job(material(1, planted=True), Policy(), model), Calm())
    assert meta["fitness"] > 0.5
    assert meta["fitness"] <= ceiling(CHANCE)
    assert meta["null"] < meta["fitness"] / 2
    assert arrays["bits"].shape == (DRAWS,)


@pytest.mark.parametrize("model", MODELS)
def test_hiding_the_informative_column_costs_what_it_was_worth(model: str) -> None:
    blind = Policy(mask=Mask(columns=("match.rate",)))
    meta, _ = run_task(*job(material(1, planted=True), blind, model), Calm())
    assert meta["fitness"] < meta["baseline"] - 0.3


def test_noise_pays_nothing_on_average() -> None:
    metas = [
        run_task(*job(material(seed, planted=False), Policy(), "lightgbm"), Calm())[0] for seed in range(4)
    ]
    assert sum(meta["fitness"] for meta in metas) / 4 < 0.1


def test_the_same_job_gives_the_same_numbers_and_another_seed_others() -> None:
    data = material(2, planted=True)
    first = run_task(*job(data, Policy(), "lightgbm"), Calm())[0]
    assert run_task(*job(data, Policy(), "lightgbm"), Calm())[0] == first
    assert run_task(*job(data, Policy(), "lightgbm", seed=9), Calm())[0] != first


def test_a_test_block_among_the_training_blocks_is_refused() -> None:
    params, arrays = job(material(1, planted=True), Policy(), "xgboost", train=(0, 1))
    with pytest.raises(UsageError, match="does not lie after"):
        run_task(params | {"train": [0, 3]}, arrays, Calm())


def test_a_policy_without_rows_is_refused_in_words_not_scored() -> None:
    meta, _ = run_task(*job(material(1, planted=True), Policy(mask=Mask(columns=NAMES)), "xgboost"), Calm())
    assert "hides every column" in meta["refused"]
    assert "fitness" not in meta


@pytest.mark.parametrize("model", MODELS)
def test_a_stop_ends_the_training(model: str) -> None:
    with pytest.raises(Halted):
        run_task(*job(material(1, planted=True), Policy(), model), Asked())


def test_bits_average_to_one_under_chance() -> None:
    rng = np.random.default_rng(0)
    marks = (rng.random((40, 4000)) < CHANCE).astype(np.int8)
    assert np.mean(2.0 ** draw_bits(rng.normal(size=40), marks, CHANCE)) == pytest.approx(1.0, abs=0.05)
    unscored = np.full((40, 3), -1, dtype=np.int8)
    assert draw_bits(rng.normal(size=40), unscored, CHANCE).tolist() == [0.0, 0.0, 0.0]


class Inline:
    """Runs each task where it stands, through the table of kinds; the transport is tested with the daemon."""

    async def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        for task in reversed(list(tasks)):  # another order than asked, as workers would
            meta, arrays = resolve(task.kind)(task.params, task.arrays, Calm())  # type: ignore[arg-type]
            yield TaskResult(task.key, True, meta, arrays, None, 0.01, "here", False)


class Quick:
    """Answers with numbers made from the job itself: what is tested with it is who plays what, not the learning."""

    async def map(self, tasks: Iterable[Task], *, window: int | None = None) -> AsyncIterator[TaskResult]:
        for task in list(tasks):
            rng = np.random.default_rng(zlib.crc32(repr(task.params).encode()))
            base = 0.1 * len(task.params["base"])
            meta = {"refused": None, "fitness": base + float(rng.random()), "baseline": base, "null": 0.0}
            yield TaskResult(task.key, True, meta, {}, None, 0.01, "here", False)


def hidden_in_noise(seed: int) -> Material:
    """Planted material whose newest blocks carry a misleading extra column: masking or weighting can help."""
    return material(seed, planted=True)


async def test_selfplay_is_reproducible_explores_and_never_repeats_itself() -> None:
    async def sequence(seed: int) -> tuple[list[Episode], object]:
        record: list[Episode] = []
        start = Start(seed=seed, episodes=2, width=2)
        session = await explore(Inline(), hidden_in_noise(3), start, record.append)
        return record, session.candidate

    first, candidate = await sequence(5)
    again, same = await sequence(5)
    assert [(e.arm, e.policy, e.fitness) for e in first] == [(e.arm, e.policy, e.fitness) for e in again]
    assert candidate == same
    session = await explore(Quick(), hidden_in_noise(3), Start(seed=6, episodes=2, width=2))
    assert [e.policy for e in first[:2]] != [e.policy for e in session.played]
    assert len({e.fitness for e in first}) > len(first) // 2
    assert len({e.arm for e in first[:2]}) == 2, "untried arms come before any is tried again"


async def test_an_episode_that_was_played_before_is_refused_and_planned_anew() -> None:
    data = hidden_in_noise(3)
    first = (await explore(Quick(), data, Start(seed=5, episodes=6))).played
    known = frozenset(one.fingerprint for one in first)
    second = (await explore(Quick(), data, Start(seed=5, episodes=6, played=known))).played
    marks = [one.fingerprint for one in (*first, *second) if one.arm != FINAL]
    assert len(marks) == len(set(marks)) == 12


async def test_where_nothing_new_is_left_to_play_the_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.selfplay.loop.ATTEMPTS", 4)
    data = material(3, planted=True)
    narrow = Material(**{**vars(data), "names": NAMES[:1], "x": data.x[:, :, :1], "trains": {0: (), 1: (0,)}})
    session = await explore(Quick(), narrow, Start(seed=1, episodes=300, width=60))
    assert 0 < len(session.played) < 300
    assert len({one.fingerprint for one in session.played}) == len(session.played)


async def test_earlier_rewards_are_remembered() -> None:
    told = tuple((name, 0.0) for name in ARMS) * 3 + (("mask half", 5.0),) * 6
    session = await explore(Quick(), hidden_in_noise(3), Start(seed=2, episodes=1, told=told))
    assert session.played[0].arm == "mask half"


async def test_a_session_on_top_of_a_policy_keeps_it_and_compares_with_it() -> None:
    base = Policy(mask=Mask(columns=("noise.b",)))
    session = await explore(
        Quick(), hidden_in_noise(3), Start(seed=4, episodes=8, width=4, base=base, parent=2)
    )
    kept = [one for one in session.played if one.arm.startswith(("filter above", "weight", "window"))]
    assert kept
    assert all(one.policy.mask == base.mask for one in kept)


async def test_a_candidate_names_what_it_saw_where_it_came_from_and_gained_on_every_block() -> None:
    for seed in range(6):
        session = await explore(
            Quick(), hidden_in_noise(seed), Start(seed=seed, episodes=6, width=2, parent=3)
        )
        if session.candidate is not None:
            break
    found = session.candidate
    assert found is not None
    assert found.draws_seen == 80
    assert found.fitness > found.baseline
    assert len(found.gains) == 3
    assert found.id.startswith("c-")
    assert (found.parent, found.run, found.table) == (3, "run-1", "d")
    origin = session.played[found.episode]
    assert (origin.policy, origin.arm) == (found.policy, found.arm)
    assert (
        origin.reward == max(one.reward for one in session.played) or found.episode != len(session.played) - 1
    )


async def test_a_history_without_a_past_block_is_refused() -> None:
    data = material(1, planted=True)
    lonely = Material(**{**vars(data), "trains": {0: ()}})
    with pytest.raises(UsageError, match="longer history"):
        await explore(Quick(), lonely, Start(seed=1, episodes=2))


def test_a_draw_that_every_vote_missed_costs_exactly_the_floor() -> None:
    """Episodes on null data all end there; that is what was found, and no sign that they did not run."""
    bits = draw_bits(np.arange(5.0), np.zeros((5, 3), dtype=np.int8), 0.001)
    assert np.allclose(bits, floor())
    assert floor() < -2
