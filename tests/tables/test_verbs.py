"""The socket's answers about lists: catalog, pages that fit a line, one row with its story, series of readings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.board import Board
from engine.errors import UsageError
from engine.protocol import LINE_LIMIT, Command
from engine.tables.table import PAGE_BYTES, within
from engine.tables.verbs import table_verbs
from state.journal import Journal


@pytest.fixture
def ask(tmp_path: Any) -> Any:
    with Journal.open(tmp_path) as journal:
        desk: Any = SimpleNamespace(
            journal=journal,
            why=lambda row: row.why,
            held=lambda row: False,
            board=Board(),
        )
        verbs = table_verbs(desk)

        async def asked(verb: str, **args: Any) -> Any:
            return await verbs[verb](Command(id="1", client="test", verb=verb, args=args), "test")

        asked.journal = journal  # type: ignore[attr-defined]
        yield asked


async def test_the_catalog_names_every_list(ask: Any) -> None:
    told = (await ask("tables"))["tables"]
    assert {"requests", "decisions"} <= {each["name"] for each in told}
    assert all(each["title"] and each["key"] for each in told)


async def test_a_row_comes_with_the_records_that_name_it(ask: Any) -> None:
    row = ask.journal.requests.enqueue("learn", {}, origin="test", why="asked")
    told = await ask("row", name="requests", key=row.id)
    assert told["row"]["id"] == row.id
    assert told["row"]["eta"] is None  # nothing of its kind has ended yet
    assert "request.queued" in [event["kind"] for event in told["story"]]
    with pytest.raises(UsageError, match="no row 'r-99'"):
        await ask("row", name="requests", key="r-99")


async def test_one_row_is_found_by_its_name_the_exact_one_first(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tables.lookup.LISTS", ("decisions", "requests", "runs"))
    for _ in range(12):
        ask.journal.requests.enqueue("learn", {}, origin="test", why="asked")
    found = (await ask("lookup", text="R-1"))["found"]
    assert [(each["list"], each["key"]) for each in found[:2]] == [("requests", "r-1"), ("requests", "r-12")]
    assert (found[0]["column"], found[0]["says"]) == ("id", "asked")
    page = await ask("table", name="requests", filter=f"{found[1]['column']}={found[1]['key']}")
    assert page["matched"] == 1
    assert (await ask("lookup", text="r-99"))["found"] == []
    with pytest.raises(UsageError, match="1 to 100 characters"):
        await ask("lookup", text=" ")


async def test_a_page_never_outgrows_a_wire_line() -> None:
    rows = [{"id": index, "why": "é" * 400} for index in range(5000)]
    shown = within(rows, PAGE_BYTES)
    assert 0 < len(shown) < len(rows)
    assert len(str(shown).encode()) < LINE_LIMIT


async def test_series_are_cells_with_gaps_and_a_slope(ask: Any) -> None:
    import time

    now = time.time()
    for index in range(40):
        ask.journal.samples.add("engine.rss_mb", 100.0 + index, at=now - 5 * (40 - index))
    told = await ask("series", names=["engine.rss_mb"], seconds=5, count=60)
    one = told["series"]["engine.rss_mb"]
    assert one["values"][0] is None
    assert one["values"][-2] is not None
    assert one["per_hour"] == pytest.approx(720, rel=0.1)
    assert not one["flat"]
    with pytest.raises(UsageError, match=r"at most 16 of engine\.rss_mb"):
        await ask("series", names=["engine.heat"])
    with pytest.raises(UsageError, match="count 0"):
        await ask("series", names=[], count=0)
