"""The watcher's loop over a real journal: every request ends once, halted work is deferred, ESCALATE halts, faults end a request only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.desk import Desk
from engine.dispatch.dispatcher import Dispatcher
from engine.dispatch.queue import LearningLoop, PipelineRerun, Queue
from engine.errors import BadInput, DiskFault, Halted, NotFree
from engine.watcher.steps import Escalated
from engine.watcher.watcher import Watcher
from engine.watcher.work import Done, Rejected
from state.errors import DiskFull, StateUnusable
from state.requests import RequestRow

Work = Callable[[RequestRow], Awaitable[Done]]


def watcher(desk: Desk, work: Work) -> Watcher:
    dispatcher = Dispatcher(desk)
    dispatcher.table = dict.fromkeys(dispatcher.table, work)
    return made(desk, dispatcher)


def made(desk: Desk, dispatcher: Dispatcher) -> Watcher:
    return Watcher(desk.journal, desk.halt, queue(desk), desk.board, dispatcher)


def queue(desk: Desk) -> Queue:
    return Queue(desk.journal, desk.halt)


async def serve(desk: Desk, work: Work, until: Callable[[], bool]) -> None:
    """Run the watcher until the condition holds, or two seconds."""
    running = asyncio.create_task(watcher(desk, work).serve())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            while not until():  # noqa: ASYNC110 - the condition lives in the journal
                await asyncio.sleep(0.01)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def submit(desk: Desk, count: int = 1) -> list[str]:
    return [queue(desk).submit(LearningLoop(), origin="test").id for _ in range(count)]


def states(desk: Desk) -> list[str]:
    return [row.state for row in desk.journal.requests.list()]


async def begin(desk: Desk, row: RequestRow) -> str:
    run = desk.journal.runs.open(row.kind, {}, request=row.id)
    desk.journal.requests.start(row.id, run=run.id)
    return run.id


async def test_requests_are_done_in_order_each_once_with_their_result(desk: Desk) -> None:
    ids, seen = submit(desk, 5), list[str]()

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        seen.append(row.id)
        return Done(f"did {row.id}", {"proof": row.id})

    await serve(desk, work, lambda: states(desk) == ["done"] * 5)
    assert seen == ids
    assert {run.state for run in desk.journal.runs.newest()} == {"done"}
    assert [row.result for row in desk.journal.requests.list()] == [{"proof": name} for name in ids]


@pytest.mark.parametrize(
    ("error", "state", "says"),
    [
        (Rejected("not in this room"), "rejected", "not in this room"),
        (BadInput("the file is broken"), "failed", "the file is broken"),
        (RuntimeError("a bug"), "failed", "internal fault: RuntimeError: a bug"),
    ],
)
async def test_a_fault_ends_its_request_and_the_next_one_runs(
    desk: Desk, error: Exception, state: str, says: str
) -> None:
    first, second = submit(desk, 2)

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        if row.id == first:
            raise error
        return Done("fine", {})

    await serve(desk, work, lambda: states(desk)[1] == "done")
    assert states(desk) == [state, "done"]
    assert says in desk.journal.requests.get(first).why
    assert desk.halt.state is None
    assert [run.state for run in desk.journal.runs.newest()][-1] == "failed"
    assert second != first


async def test_escalation_halts_the_room_and_the_rest_waits(desk: Desk) -> None:
    first, _ = submit(desk, 2)

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        raise Escalated(7, "3", "a feature leaks")

    await serve(desk, work, lambda: desk.halt.state is not None and desk.halt.state.reached is not None)
    assert states(desk) == ["failed", "queued"]
    assert desk.halt.state is not None
    assert desk.halt.state.by == "watcher"
    assert "a feature leaks" in desk.halt.state.reason
    assert "explain 7" in desk.journal.requests.get(first).why
    assert desk.journal.runs.newest()[0].state == "escalated"


async def test_halted_work_is_deferred_and_goes_on_under_its_run_after_resume(desk: Desk) -> None:
    (name,) = submit(desk)
    runs: list[str | None] = []

    async def work(row: RequestRow) -> Done:
        runs.append(row.run)
        if row.run is None:
            await begin(desk, row)
            desk.halt.ask("now", "smoke", "ops")
            raise Halted("stopped in the middle")
        desk.journal.requests.start(row.id)
        return Done("finished", {})

    await serve(desk, work, lambda: states(desk) == ["deferred"] and not desk.halt.pending)
    assert states(desk) == ["deferred"]
    assert "ops" in desk.journal.requests.get(name).why
    assert desk.journal.runs.newest()[0].state == "halted"
    desk.halt.resume("ops")
    await serve(desk, work, lambda: states(desk) == ["done"])
    assert states(desk) == ["done"]
    assert runs == [None, "run-0001"]


async def test_nothing_is_taken_while_a_halt_is_in_force(desk: Desk) -> None:
    submit(desk)
    desk.halt.ask("finish", "maintenance", "ops")

    async def work(row: RequestRow) -> Done:
        raise AssertionError("must not run")

    await serve(desk, work, lambda: desk.halt.state is not None and desk.halt.state.reached is not None)
    assert states(desk) == ["queued"]
    assert not desk.halt.pending, "nothing runs, so the halt is reached"


async def test_the_rooms_end_gives_work_back_to_the_queue_not_halted(desk: Desk) -> None:
    submit(desk)

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        desk.board.stopping = True
        raise Halted("the engine stops")

    one = watcher(desk, work)
    await asyncio.wait_for(one.serve(), 2)
    assert one.ended.is_set()
    assert states(desk) == ["queued"]
    assert desk.halt.state is None


async def test_work_of_a_dead_process_is_taken_again_at_start(desk: Desk) -> None:
    (name,) = submit(desk)
    queue(desk).claim()
    queue(desk).start(name)
    desk.journal.session = "another-process"

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        return Done("second attempt", {})

    await serve(desk, work, lambda: states(desk) == ["done"])
    assert desk.journal.requests.get(name).attempts == 2


@pytest.mark.parametrize("request_kind", ["pipeline_rerun", "selfplay_retrain", "inject_draw", "unheard_of"])
async def test_what_cannot_be_carried_out_is_rejected_by_the_real_dispatcher(
    desk: Desk, request_kind: str
) -> None:
    row = desk.journal.requests.enqueue(request_kind, {"value": 3}, origin="test")
    one = made(desk, Dispatcher(desk))
    claimed = queue(desk).claim()
    assert claimed is not None
    await one.handle(claimed)
    assert desk.journal.requests.get(row.id).state == "rejected"


async def test_injected_draws_are_stored_once_in_test_mode(desk: Desk) -> None:
    desk.board.test_mode = True
    one = made(desk, Dispatcher(desk))
    desk.journal.requests.enqueue("inject_draw", {"value": 3}, origin="test")
    claimed: Any = queue(desk).claim()
    await one.handle(claimed)
    assert states(desk) == ["done"]
    assert [draw.value for _, draw in desk.intake.store.after(0)] == [3]


async def test_steps_out_of_order_are_rejected(desk: Desk) -> None:
    from engine.history.store import Arrival

    desk.intake.append([Arrival(value) for value in range(5)], "test")
    with pytest.raises(ValueError, match="start_step 5"):
        PipelineRerun(start_step="5", end_step="3")
    row = desk.journal.requests.enqueue("pipeline_rerun", {"start_step": "5", "end_step": "3"}, origin="test")
    with pytest.raises(Rejected, match="lies after"):
        await Dispatcher(desk).perform(row)


async def test_a_request_cancelled_while_it_runs_ends_once_as_cancelled(desk: Desk) -> None:
    first, _ = submit(desk, 2)

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        if row.id == first:
            queue(desk).cancel(first, "cancelled by ops: a mistake")
            desk.board.cancelled = "r-1: a mistake"
            Dispatcher(desk)._obey()
        return Done("ran", {})

    await serve(desk, work, lambda: states(desk)[1] == "done")
    assert states(desk) == ["cancelled", "done"]
    assert desk.board.cancelled is None


async def test_work_that_finishes_after_its_cancellation_changes_nothing(desk: Desk) -> None:
    (name,) = submit(desk)

    async def work(row: RequestRow) -> Done:
        await begin(desk, row)
        queue(desk).cancel(name, "too late to stop it")
        return Done("ran", {})

    await serve(desk, work, lambda: desk.board.request is None and states(desk) == ["cancelled"])
    assert states(desk) == ["cancelled"]


async def test_work_that_took_its_process_with_it_too_often_is_given_up_with_its_run(desk: Desk) -> None:
    (name,) = submit(desk)
    for attempt in range(3):
        row = queue(desk).claim()
        assert row is not None
        if row.run is None:
            await begin(desk, row)
        desk.journal.session = f"process {attempt}"
        if attempt < 2:
            queue(desk).recover()

    async def work(row: RequestRow) -> Done:
        raise AssertionError("must not run again")

    await serve(desk, work, lambda: states(desk) == ["failed"])
    assert "given up after 3 attempts" in desk.journal.requests.get(name).why
    assert desk.journal.runs.newest()[0].state == "failed"
    alert = desk.journal.last(["alert.raised"])
    assert alert is not None
    assert name in alert.data["text"]


@pytest.mark.parametrize(
    "error",
    [
        DiskFull(Path("x"), "writing"),
        StateUnusable("x: disk I/O error"),
        DiskFault("draws"),
        NotFree("card0"),
    ],
)
async def test_work_that_the_disk_or_a_gpu_kept_from_being_done_waits_and_is_done_later(
    desk: Desk, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.watcher.watcher.DISK_SECONDS", 0.05)
    monkeypatch.setattr("engine.watcher.watcher.GPU_SECONDS", 0.05)
    (name,), tries = submit(desk), 0

    async def work(row: RequestRow) -> Done:
        nonlocal tries
        tries += 1
        if row.run is None:
            await begin(desk, row)
        else:
            desk.journal.requests.start(row.id, run=row.run)
        if tries < 3:
            raise error
        desk.journal.runs.move(str(row.run), "running", "again")
        return Done("done after all", {})

    monkeypatch.setattr("engine.watcher.watcher.LOOK", 0.02)
    await serve(desk, work, lambda: states(desk) == ["done"])
    assert (states(desk), tries) == (["done"], 3)
    alerts = [event.data["text"] for event in desk.journal.events(kinds=("alert.raised",))]
    assert len(alerts) == 1, "said once, however often it was tried"
    assert alerts[0].startswith(f"{name} waits for ")


async def test_a_watcher_that_fails_over_a_closed_record_takes_its_own_claim_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(desk)
    broken = True
    whole = desk.journal.requests.defer

    def defer(*args: Any, **kept: Any) -> RequestRow:
        if broken:
            raise StateUnusable("the journal takes nothing")
        return whole(*args, **kept)

    monkeypatch.setattr(desk.journal.requests, "defer", defer)

    async def work(row: RequestRow) -> Done:
        if broken:
            raise StateUnusable("no artifact can be written")
        desk.journal.requests.start(row.id)
        return Done("fine", {})

    with pytest.raises(StateUnusable, match="takes nothing"):
        await watcher(desk, work).serve()
    assert states(desk) == ["claimed"]
    broken = False
    await serve(desk, work, lambda: states(desk) == ["done"])
    assert states(desk) == ["done"]
