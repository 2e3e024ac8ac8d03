"""A halt is not made to wait for a model to load; ordinary work is."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.aside import advisor_aside
from engine.errors import Halted, MimicryError

LOADING = 0.3


class Slow:
    """An advisor whose server takes a while to come back."""

    def __init__(self) -> None:
        self.back = 0

    async def release(self, reason: str) -> Any:
        return SimpleNamespace(freed=True, text="")

    async def restore(self) -> str | None:
        await asyncio.sleep(LOADING)
        self.back += 1
        return None


def desk(advisor: Slow) -> Any:
    return SimpleNamespace(advisor=advisor)


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
