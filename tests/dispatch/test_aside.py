"""A halt is not made to wait for a model to load; ordinary work is."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.aside import advisor_aside, gpu_phase
from engine.errors import Halted, MimicryError, NotFree

LOADING = 0.2


class Slow:
    """An advisor whose server takes a while to come back."""

    def __init__(self, held: str = "") -> None:
        self.back, self.coming, self.asked, self._held = 0, 0, list[str](), held

    async def release(self, reason: str) -> Any:
        self.asked.append(reason)
        return SimpleNamespace(freed=not self._held, text=self._held)

    async def restore(self) -> str | None:
        self.coming += 1
        await asyncio.sleep(LOADING)
        self.back += 1
        return None


def desk(advisor: Slow, gpus: int = 0, halted: bool = False, stopping: bool = False) -> Any:
    return SimpleNamespace(
        advisor=advisor,
        bench=SimpleNamespace(gpus_here=gpus),
        halt=SimpleNamespace(state="halted" if halted else None),
        board=SimpleNamespace(stopping=stopping),
    )


async def left_by(error: Exception | None) -> tuple[float, Slow]:
    """Return how long leaving took, and the advisor."""
    advisor, begun = Slow(), time.monotonic()
    try:
        async with advisor_aside(desk(advisor), "selfplay"):
            if error is not None:
                raise error
    except MimicryError:
        pass
    return time.monotonic() - begun, advisor


async def test_a_halt_does_not_wait_for_the_model_which_comes_back_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.dispatch.aside.LOOK", 0.01)
    advisor, begun = Slow(), time.monotonic()
    room = desk(advisor, halted=True)
    with pytest.raises(Halted):
        async with advisor_aside(room, "selfplay"):
            raise Halted("halted")
    assert time.monotonic() - begun < LOADING / 2
    await asyncio.sleep(0.05)
    assert advisor.coming == 0, "loading a model is work, and the room is halted"
    room.halt.state = None
    await asyncio.sleep(0.05 + LOADING)
    assert advisor.back == 1


async def test_an_engine_that_stops_starts_no_model_again() -> None:
    advisor = Slow()
    with pytest.raises(Halted):
        async with advisor_aside(desk(advisor, stopping=True), "selfplay"):
            raise Halted("the engine stops")
    await asyncio.sleep(0.02)
    assert advisor.coming == 0


@pytest.mark.parametrize("error", [None, MimicryError("an episode failed")])
async def test_other_ends_wait_until_it_is_back(error: Exception | None) -> None:
    seconds, advisor = await left_by(error)
    assert seconds >= LOADING
    assert advisor.back == 1


async def test_nothing_starts_on_a_card_that_is_not_free_and_the_model_comes_back() -> None:
    advisor, ran = Slow(held="not free: card0 9216 MiB used"), False
    with pytest.raises(NotFree, match=r"selfplay was not started: not free: card0 9216 MiB used"):
        async with advisor_aside(desk(advisor), "selfplay"):
            ran = True
    assert (ran, advisor.back) == (False, 1)


@pytest.mark.parametrize(("gpus", "asked"), [(0, []), (2, ["search"])])
async def test_a_search_sends_the_model_away_only_where_it_has_gpus_of_this_machine(
    gpus: int, asked: list[str]
) -> None:
    advisor = Slow()
    async with gpu_phase(desk(advisor, gpus), "search"):
        assert advisor.asked == asked
    assert advisor.back == len(asked)
