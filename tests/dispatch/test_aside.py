"""A halt is not made to wait for a model to load; ordinary work is."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.aside import advisor_aside, gpu_phase
from engine.errors import Halted, MimicryError, NotFree

LOADING = 0.3


class Slow:
    """An advisor whose server takes a while to come back."""

    def __init__(self, held: str = "") -> None:
        self.back, self.asked, self._held = 0, list[str](), held

    async def release(self, reason: str) -> Any:
        self.asked.append(reason)
        return SimpleNamespace(freed=not self._held, text=self._held)

    async def restore(self) -> str | None:
        await asyncio.sleep(LOADING)
        self.back += 1
        return None


def desk(advisor: Slow, gpus: int = 0) -> Any:
    return SimpleNamespace(advisor=advisor, bench=SimpleNamespace(gpus_here=gpus))


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


async def test_a_halt_does_not_wait_for_the_model_and_it_comes_back_all_the_same() -> None:
    seconds, advisor = await left_by(Halted("halted"))
    assert seconds < LOADING / 2
    assert advisor.back == 0
    await asyncio.sleep(2 * LOADING)
    assert advisor.back == 1


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
