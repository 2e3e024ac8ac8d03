"""The study: billed before it is asked, told in order, resumed to the same trials, halted without losing one."""

import asyncio

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from engine.errors import Halted
from engine.pipeline.study import ASKED, FINISHED, Study, optimise, together

SPACE = {"x": FloatDistribution(-5, 5), "kind": CategoricalDistribution(["a", "b"])}


def study(trials=12, about=None, **more):
    return Study("1", SPACE, trials, 3, about or {"what": "test"}, **more)


async def run(ctx, made=None, *, calls=None, stop_at=None):
    async def one(number, params, rungs):
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
    kinds = [event.kind for event in ctx.journal.events(kinds=("bill.charged", ASKED, FINISHED))]
    assert kinds[:7] == ["bill.charged", ASKED] * 3 + [FINISHED]
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


async def test_the_ledger_wins_over_what_the_sampler_would_ask(ctx, make_context, steps):
    other = make_context(steps["uniform_history"]())
    key = study().key(other.run)
    params = {"x": 4.25, "kind": "a"}
    other.journal.append(ASKED, {"study": key, "run": other.run, "step": "1", "trial": 1, "params": params})
    trials = await run(other)
    assert trials[1].params == params
    assert trials[0].params == (await run(ctx))[0].params


async def test_in_flight_each_trial_is_told_as_it_ends_and_a_kill_loses_none(make_context, steps):
    ctx = make_context(steps["uniform_history"]())
    free, calls = study(deterministic=False), []
    with pytest.raises(Halted):
        await run(ctx, free, calls=calls, stop_at=7)
    resumed = await run(ctx, free, calls=calls)
    assert [one.number for one in resumed] == list(range(12))
    assert sorted(calls) == list(range(12))
    assert ctx.journal.billed() == 12


async def test_a_trial_that_the_median_leads_is_pruned_on_its_own_intermediate_value(make_context, steps):
    async def climb(number, params, rungs):
        for height in (0.5, 1.0):
            value = -abs(params["x"] - 2) * height
            if rungs.report(value):
                break
        return value, {"rungs": len(rungs.reports)}

    async def go(ctx):
        return await optimise(ctx, study(trials=30), climb, lambda _: None)

    ctx = make_context(steps["uniform_history"]())
    trials = await go(ctx)
    pruned = [one for one in trials if one.state == "pruned"]
    assert 0 < len(pruned) < 20
    assert {one.detail["rungs"] for one in pruned} <= {1, 2}
    assert max(trials, key=lambda one: one.value).state == "complete"
    assert [one for one in await go(ctx)] == trials  # from the ledger, states and all


async def test_a_cancelled_study_leaves_no_trial_running(ctx):
    ended, begun = [], asyncio.Semaphore(0)

    async def slow(number, params, rungs):
        begun.release()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)
        return 0.0, {}

    work = asyncio.create_task(optimise(ctx, study(deterministic=False), slow, lambda _: None))
    for _ in range(3):
        await begun.acquire()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await asyncio.sleep(0)
    assert ended == [0, 1, 2]
