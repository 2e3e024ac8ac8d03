"""The study: billed before it is asked, told in order, resumed to the same trials, halted without losing one."""

import asyncio

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from engine.errors import Halted
from engine.pipeline.study import FINISHED, Study, optimise, together

SPACE = {"x": FloatDistribution(-5, 5), "kind": CategoricalDistribution(["a", "b"])}


def study(trials=12, about=None):
    return Study("1", SPACE, trials, 3, about or {"what": "test"})


async def run(ctx, made=None, *, calls=None, stop_at=None):
    async def one(number, params):
        if stop_at is not None and number >= stop_at:
            raise Halted("test")
        if calls is not None:
            calls.append(number)
        await asyncio.sleep(0.001 * (number % 3))  # finish out of order
        return -((params["x"] - 2) ** 2) - (params["kind"] == "b"), {"number": number}

    return await optimise(ctx, made or study(), one, lambda _: None)


@pytest.fixture
def ctx(make_context, steps):
    return make_context(steps["uniform_history"]())


async def test_trials_come_back_in_order_and_are_billed_before_they_run(ctx):
    trials = await run(ctx)
    assert [one.number for one in trials] == list(range(12))
    kinds = [event.kind for event in ctx.journal.events(kinds=("bill.charged", FINISHED))]
    assert kinds[:4] == ["bill.charged"] * 3 + [FINISHED]
    assert ctx.journal.billed() == 12


async def test_later_trials_learn_from_earlier_ones(make_context, steps):
    ctx = make_context(steps["uniform_history"]())
    values = [one.value for one in await run(ctx, study(trials=42))]
    assert sum(values[-12:]) / 12 > sum(values[:12]) / 12


async def test_a_halted_study_resumes_to_what_the_whole_one_would_have_been(make_context, steps, ctx):
    whole = await run(ctx)
    other = make_context(steps["uniform_history"]())
    with pytest.raises(Halted):
        await run(other, stop_at=7)
    again = []
    resumed = await run(other, calls=again)
    assert [(one.params, one.value) for one in resumed] == [(one.params, one.value) for one in whole]
    assert again == [7, 8, 9, 10, 11]
    assert other.journal.billed() == 12


async def test_another_question_starts_from_nothing(ctx):
    await run(ctx)
    calls = []
    await run(ctx, study(about={"what": "other"}), calls=calls)
    assert len(calls) == 12


async def test_a_halt_wins_over_other_failures_and_nothing_is_left_running():
    done = []

    async def slow():
        await asyncio.sleep(0.01)
        done.append(1)

    async def fail(error):
        raise error

    with pytest.raises(Halted):
        await together([fail(ValueError("x")), slow(), fail(Halted("h"))])
    assert done == [1]
