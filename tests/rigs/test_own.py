"""This machine's own cards under a rig's rules: the engine's workers leave a card that is set aside, finish first where it is drained, and come back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from rigside import until

from engine.compute.attempts import Attempt
from engine.compute.cluster import Compute
from engine.compute.place import WorkerInfo
from engine.compute.task import Task
from engine.config import RigSettings
from engine.errors import EnvironmentFault
from engine.rigs.fleet import Fleet
from engine.rigs.own import Own, own_cards
from state.journal import Journal

ZEUS = RigSettings(
    name="zeus", host="local", backend="cuda", gpus=("0000:01:00.0", "0000:02:00.0"), env={"ASKED": "yes"}, stagger_delay_s=0.0
)  # fmt: skip
CARD = "zeus/0000:01:00.0"


def worker(name: str, **others: Any) -> WorkerInfo:
    return WorkerInfo(
        **{"name": name, "alive": True, "busy": False, "age": 0.0, "isa": "", "digest": "", "pid": 7, "rss": 0,
           "starts": 1, "note": "", "gpu": True, **others}
    )  # fmt: skip


class Engine:
    """Two workers on two cards; writes down what is asked of them."""

    def __init__(self) -> None:
        self.infos = {name: worker(name) for name in ("worker-0", "worker-1")}
        self.asked: list[tuple[str, Any]] = []
        self.tries: list[Attempt] = []

    def workers(self) -> list[WorkerInfo]:
        return list(self.infos.values())

    def attempts(self, most: int) -> list[Attempt]:
        return self.tries[:most]

    def hold(self, name: str, held: bool = True) -> None:
        if self.infos[name].held != held:
            self.asked.append((name, "held" if held else "let go"))
            self.infos[name] = replace(self.infos[name], held=held)

    async def use_card(self, name: str, used: bool) -> None:
        self.asked.append((name, "card" if used else "CPU"))
        self.infos[name] = replace(self.infos[name], gpu=used)

    def has(self, **state: Any) -> None:
        self.infos["worker-0"] = replace(self.infos["worker-0"], **state)


@pytest.fixture
def fleet(tmp_path: Path) -> Any:
    with Journal.open(tmp_path / "journal") as journal:
        yield Fleet([ZEUS], journal)


async def test_a_worker_leaves_a_card_that_is_set_aside_and_comes_back_to_it(fleet: Fleet) -> None:
    (own,), engine = own_cards(fleet)[1], Engine()

    async def look(**state: Any) -> list[tuple[str, Any]]:
        engine.has(**state)
        engine.asked.clear()
        await own.look(engine)  # type: ignore[arg-type]
        return engine.asked

    assert await look() == []
    fleet.quarantine.put(CARD, "hot", "me")
    assert await look(busy=True) == [("worker-0", "CPU")], "at once"
    assert await look() == []
    fleet.quarantine.include(CARD, "me")
    assert await look(busy=True) == [("worker-0", "held")], "it finishes its piece on the CPU"
    assert await look(busy=False) == [("worker-0", "card"), ("worker-0", "let go")]
    fleet.quarantine.put(CARD, "new riser", "me", drained=True)
    assert await look(busy=True) == [("worker-0", "held")], "a drained card finishes its piece"
    fleet.quarantine.include(CARD, "me")
    assert await look(busy=True) == [("worker-0", "let go")]


async def test_deaths_count_against_the_card_and_its_row_shows_the_worker(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, engine, died = own_cards(fleet)[1][0], Engine(), list[str]()
    monkeypatch.setattr(fleet, "died", lambda machine, pci: died.append(pci))
    tries: list[tuple[str, str, Any]] = [
        ("3", "worker-0", "failed"), ("2", "rig/gpu1", "died"), ("1", "worker-1", "hung"),
    ]  # fmt: skip
    engine.tries = [
        Attempt(at=at, key="k", kind="sieve", number=1, worker=name, outcome=how, code=-9, seconds=1.0, error="", words="", kernel="")
        for at, name, how in tries
    ]  # fmt: skip
    await own.look(engine)  # type: ignore[arg-type]
    await own.look(engine)  # type: ignore[arg-type]
    assert died == ["0000:02:00.0"]
    shown = fleet.gpu_rows()[1]
    assert (shown["state"], shown["pid"]) == ("ready", 7)
    assert fleet.rig_rows()[0]["ready"] == 2


def test_the_cards_of_this_machine_are_what_room_toml_says(fleet: Fleet) -> None:
    cards, _ = own_cards(fleet)
    assert cards is not None
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "ASKED": "yes"}
    assert list(cards.shown) == [
        {"CUDA_VISIBLE_DEVICES": "0", **order},
        {"CUDA_VISIBLE_DEVICES": "1", **order},
    ]
    assert (cards.slots, cards.delay) == (1, 0.0)


@pytest.mark.parametrize("fault", [EnvironmentFault("no room"), KeyError("worker-0")], ids=["passes", "ours"])
async def test_a_fault_that_passes_is_tried_again_and_one_of_ours_is_shown(
    fleet: Fleet, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rigs.own.LOOK", 0.01)
    (own,), engine, looks = own_cards(fleet)[1], Engine(), []  # type: ignore[var-annotated]

    async def look(compute: Any) -> None:
        looks.append(compute)
        raise fault

    monkeypatch.setattr(Own, "look", lambda self, compute: look(compute))
    own.join(engine)  # type: ignore[arg-type]
    passes = isinstance(fault, EnvironmentFault)
    await until(lambda: len(looks) > 1 if passes else fleet.faults)
    assert [line for line in fleet.degraded() if "nobody sees to its cards" in line] == list(
        fleet.faults.values()
    )
    assert bool(fleet.faults) != passes
    own.leave()
    own.join(engine)  # type: ignore[arg-type]
    assert not fleet.faults
    own.leave()


@pytest.mark.slow
async def test_a_real_worker_is_started_without_its_card_and_with_it_again(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 7 s at rest, 26 s at load 11."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "compute"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "compute"))
    cards, (own,) = own_cards(fleet)
    async with await Compute.start(
        tmp_path / "state", workers=1, kinds={"nap": "sample_kinds:nap"}, cards=cards
    ) as compute:
        own.join(compute)

        async def on_card(wanted: bool) -> None:
            def told() -> bool:
                return any(
                    one.alive and one.gpu == wanted and one.pid is not None for one in compute.workers()
                )

            await until(told, 60)
            env = psutil.Process(compute.workers()[0].pid).environ()
            assert (env.get("CUDA_VISIBLE_DEVICES"), env.get("ASKED")) == (
                ("0", "yes") if wanted else (None, None)
            )

        await on_card(True)
        running = [compute.run(Task("nap", f"n{n}", {"seconds": 0.5})) for n in range(4)]
        results = asyncio.gather(*running)
        fleet.quarantine.put(CARD, "hot", "me")
        await on_card(False)
        fleet.quarantine.include(CARD, "me")
        assert all(result.ok for result in await results), "nothing is lost on the way"
        await on_card(True)
        own.leave()
