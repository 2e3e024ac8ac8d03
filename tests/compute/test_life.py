"""A life: a scheduler counts as silent once it could speak, however long a loaded machine takes to start it."""

import asyncio

import pytest

from engine.compute import life


class Mute:
    """A scheduler that says nothing."""

    def silence(self) -> float:
        return 1e9


async def test_a_scheduler_is_not_given_up_for_its_silence_before_it_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "LOOK", 0.0)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    given_up = asyncio.create_task(life._silent(Mute(), address))  # type: ignore[arg-type]
    await asyncio.sleep(0.02)
    assert not given_up.done()
    address.set_result("tls://127.0.0.1:1")
    await asyncio.wait_for(given_up, 5.0)
