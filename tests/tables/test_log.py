"""Long lists: any window of any number of rows, filtered and sorted over all of them, as of any event; and their curve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import UsageError
from engine.protocol import Command
from engine.tables.verbs import SORTED_SKIP, table_verbs
from state.journal import Journal

MANY = 1500


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """A journal with trials of which two still run."""
    with Journal.open(tmp_path_factory.mktemp("long")) as opened:
        with opened.transaction() as tx:
            for number in range(MANY):
                told = {"study": "s", "run": "run-1", "step": "1", "trial": number, "params": {}}
                ended = {
                    "value": None if number == 7 else float(number % 100),
                    "state": "complete",
                    "seconds": 0.1,
                }
                tx.event("trial.finished", {**told, **ended})
            for number in (MANY, MANY + 1):
                tx.event(
                    "trial.asked", {"study": "s", "run": "run-1", "step": "1", "trial": number, "params": {}}
                )
        yield opened


@pytest.fixture
def ask(journal: Journal) -> Any:
    verbs = table_verbs(SimpleNamespace(journal=journal))  # type: ignore[arg-type]

    async def asked(verb: str, **args: Any) -> Any:
        return await verbs[verb](Command(id="1", client="test", verb=verb, args=args), "test")

    return asked


async def test_a_window_lies_anywhere_and_running_trials_stand_above(ask: Any) -> None:
    page = await ask("table", name="trials", limit=4)
    assert [row["trial"] for row in page["rows"]] == [MANY + 1, MANY, MANY - 1, MANY - 2]
    assert (page["total"], page["matched"], page["cut"]) == (MANY + 2, MANY + 2, False)
    page = await ask("table", name="trials", limit=3, skip=1200)
    assert [row["trial"] for row in page["rows"]] == [MANY + 1 - at for at in (1200, 1201, 1202)]
    page = await ask("table", name="trials", limit=10, skip=MANY)
    assert [row["trial"] for row in page["rows"]] == [1, 0]


async def test_filter_and_sort_look_at_every_row(ask: Any) -> None:
    page = await ask("table", name="trials", filter="value=99", limit=2, skip=14)
    assert (page["matched"], [row["trial"] for row in page["rows"]]) == (15, [99])
    page = await ask("table", name="trials", sort="trial", limit=3, skip=1000)
    assert [row["trial"] for row in page["rows"]] == [1000, 1001, 1002]
    page = await ask("table", name="trials", sort="-value", limit=1)
    assert page["rows"][0]["value"] == 99.0
    with pytest.raises(UsageError, match=f"at most {SORTED_SKIP} rows into"):
        await ask("table", name="trials", sort="trial", limit=3, skip=SORTED_SKIP + 1)


async def test_a_list_stands_as_it_stood_at_an_event(ask: Any, journal: Journal) -> None:
    first = next(journal.events(kinds=("trial.finished",))).seq
    page = await ask("table", name="trials", limit=5, at=first + 9)
    assert (page["total"], page["rows"][0]["trial"]) == (10, 9)


async def test_the_curve_holds_the_reach_of_each_span_and_the_best_so_far(ask: Any, journal: Journal) -> None:
    told = await ask("curve", name="trials", points=15)
    assert told["count"] == MANY
    assert (told["least"][3], told["greatest"][3], told["best"][0]) == (0.0, 99.0, 99.0)
    first = next(journal.events(kinds=("trial.finished",))).seq
    told = await ask("curve", name="trials", points=400, at=first + 9)
    assert (told["count"], told["greatest"][7], told["best"][9]) == (10, None, 9.0)
    journal.append(
        "trial.finished", {"study": "s", "run": "r", "step": "1", "trial": 9999, "params": {}, "value": 500.0}
    )
    assert (await ask("curve", name="trials", points=15))["best"][-1] == 500.0
    with pytest.raises(UsageError, match=r"lists with one: .*trials"):
        await ask("curve", name="requests")


async def test_a_log_of_other_kinds_reads_the_same_way(ask: Any, journal: Journal) -> None:
    journal.append("rig.attempt", {"worker": "w", "pci": "0", "number": 1, "seconds": 2.0, "code": -9, "phase": "run", "cause": "killed", "stderr": "", "kernel": []})  # fmt: skip
    page = await ask("table", name="deaths", limit=5)
    assert (page["total"], page["rows"][0]["code"]) == (1, -9)
    assert json.dumps(page)
