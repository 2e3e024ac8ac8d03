"""Why a worker on a rig was killed stands in its record, and only what its card or task may be blamed for counts against the card."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.rigs.life import UNCHARGED
from engine.rigs.remote import RemoteProcess


class Voice:
    """Hears how a worker is ended."""

    def __init__(self) -> None:
        self.causes: list[str] = []

    def end(self, cause: str) -> None:
        self.causes.append(cause)


@pytest.mark.parametrize(
    ("why", "cause", "charged"),
    [
        ("hung: no answer within 3 s", "hung: no answer within 3 s", True),
        ("silent for 11 s", "killed by the coordinator: silent for 11 s", False),
        ("", "killed by the coordinator", False),
    ],
)
async def test_a_kill_tells_why_and_charges_a_card_with_a_hang_alone(
    why: str, cause: str, charged: bool
) -> None:
    voice: Any = Voice()
    process = RemoteProcess(lambda event: None)
    process.attach(voice)
    process.kill(why)
    await asyncio.sleep(0)
    assert voice.causes == [cause]
    assert cause.startswith(UNCHARGED) == (not charged)
