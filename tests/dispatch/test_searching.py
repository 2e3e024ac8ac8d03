"""A search on this machine's GPUs: the model server is away while it runs, nothing starts on a card that is not free, a halt is reached first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.dispatch.searching import Searching
from engine.errors import Halted, NotFree
from engine.search import identify as module


class Away:
    """An advisor that can be sent away; `held` says which memory stays in use."""

    def __init__(self, held: str = "") -> None:
        self.away, self.restored, self._held = False, 0, held

    async def release(self, reason: str) -> Any:
        self.away = True
        return SimpleNamespace(freed=not self._held, text=self._held)

    async def restore(self) -> str | None:
        self.away, self.restored = False, self.restored + 1
        return None


def desk(advisor: Away, gpus: int) -> Any:
    space = SimpleNamespace(families=("lcg48/java",), mappings=(), model_dump=lambda mode: {})
    return SimpleNamespace(
        advisor=advisor,
        bench=SimpleNamespace(gpus_here=gpus),
        space=lambda: space,
        fingerprints=SimpleNamespace(find=lambda mark: None),
        journal=None,
        board=SimpleNamespace(search=None, stopping=True),
        halt=SimpleNamespace(state="halted"),
    )


async def searched(advisor: Away, gpus: int, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Run a search that a halt ends; return whether the advisor was away meanwhile, once for each time it ran."""
    seen = []

    async def identify(*asked: Any, **more: Any) -> Any:
        seen.append(advisor.away)
        return SimpleNamespace(stopped_by="halt")

    monkeypatch.setattr(module, "identify", identify)
    searching = Searching(desk(advisor, gpus), lambda point="checkpoint": None)
    run, history = SimpleNamespace(id="run-1", spec={}), SimpleNamespace(digest="d")
    with pytest.raises((Halted, NotFree)):
        await searching.identified(run, history, None, search=True)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(("gpus", "away"), [(2, True), (0, False)])
async def test_the_model_is_away_while_a_gpu_of_this_machine_searches_and_nobody_loads_it_into_a_halt(
    gpus: int, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    advisor = Away()
    assert await searched(advisor, gpus, monkeypatch) == [away]
    assert advisor.restored == 0


async def test_no_search_starts_on_a_card_that_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    advisor = Away(held="not free: card0 9216 MiB used")
    assert await searched(advisor, 1, monkeypatch) == []
    assert advisor.restored == 1, "advice can be had while the request waits"
