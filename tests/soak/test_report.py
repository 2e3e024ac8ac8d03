"""A report is made from records alone: the same records give the same bytes, an edited report is refused, two can be compared."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded import chained
from recorded import load as recorded

from engine.cli import main
from engine.errors import BadInput
from engine.soak import compare, kinds, pages, report
from engine.soak.gates.table import judge
from engine.soak.records import Records, _until_anchored, _until_ended

BOTH = ("queue", "loop")


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, object]]:
    return {name: report.facts(recorded(name), judge(recorded(name))) for name in BOTH}


def test_the_same_records_give_the_same_report_page_and_readings(told: dict[str, dict[str, object]]) -> None:
    records = recorded("queue")
    again = report.facts(records, judge(records))
    assert again == told["queue"]
    assert pages.page(again, records) == pages.page(told["queue"], records)
    assert report.raw(records) == report.raw(recorded("queue"))
    rows = list(csv.reader(gzip.decompress(report.raw(records)).decode().splitlines()))
    assert len(rows) == 1 + again["probes"]["children"]["readings"]
    assert {"t", "steady", "engine.pss_mb", "engine.handles", "worker.pss_mb", "strays"} <= set(rows[0])


def test_the_page_is_one_file_with_graphs_and_says_what_was_not_judged(
    told: dict[str, dict[str, object]],
) -> None:
    page = pages.page(told["queue"], recorded("queue"))
    for foreign in ("<script", "http://", "https://", "@import", "url("):
        assert foreign not in page
    assert page.count("<svg") >= 7
    assert "PASSED" in page
    assert "not judged" in page
    text = pages.text(told["queue"], recorded("queue"))
    assert max(map(len, text.splitlines())) <= 100
    assert "MEMORY" not in text.split("GATES")[0]


def test_a_report_that_was_changed_is_refused(told: dict[str, dict[str, object]], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(told["queue"]))
    assert report.load(file) == told["queue"]
    file.write_text(json.dumps({**told["queue"], "passed": not told["queue"]["passed"]}))
    with pytest.raises(BadInput, match="was changed"):
        report.load(file)
    file.write_text("{}")
    with pytest.raises(BadInput, match="is not a soak_report/1"):
        report.load(file)


def test_two_soaks_side_by_side_name_what_differs(
    told: dict[str, dict[str, object]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare.compared(told["queue"], told["loop"])
    assert not found["same_plan"]
    differing = {row["gate"] for row in found["gates"] if row["differs"]}
    assert {"coverage", "triggers"} <= differing
    assert {row["probe"] for row in found["probes"]} >= {"engine.pss_mb", "engine.handles"}
    files = []
    for name in BOTH:
        files.append(str(tmp_path / f"{name}.json"))
        Path(files[-1]).write_text(json.dumps(told[name]))
    assert main(["soak", "compare", *files]) == 0
    out = capsys.readouterr().out
    assert "different plans" in out
    assert "engine.pss_mb" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "nothing"], "there is none under"),
        (["report"], "names one soak"),
        (["compare", "a"], "names two soaks"),
        (["a", "--hours", "0"], "--hours 0.0"),
        (["a", "--faults", "kill_engin"], "the nearest is 'kill_engine'"),
        (["b", "--resume"], "no unfinished soak b"),
        (["b", "--resume", "--hours", "1"], "leave out --hours"),
        (["list", "--compress", "2"], "belongs to soak a, b and c"),
        (["a", "c-20260101-000000"], "names no soak"),
    ],
)  # fmt: skip
def test_wrong_words_are_one_line(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--state", str(tmp_path), "soak", *words]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.glob("soaks/*")), "nothing half-begun is left"


def test_what_was_written_after_the_end_changes_no_report(told: dict[str, dict[str, object]]) -> None:
    """An engine that somebody starts over the room later adds to its journal, and a verdict to the soak's own."""
    records = recorded("queue")
    anchor = next(event for event in records.soak if event.kind == kinds.ANCHOR)
    last = replace(
        anchor, data=anchor.data | {"seq": records.room[-1].seq, "head": records.room[-1].hash, "last": True}
    )
    records = Records((*records.soak[:-1], last, records.soak[-1]), records.room)
    later = [replace(records.room[-1], seq=records.room[-1].seq + 1)]
    assert tuple(_until_anchored(records.soak, (*records.room, *later))) == records.room
    verdict = replace(records.soak[-1], kind=kinds.VERDICT)
    assert _until_ended([*records.soak, verdict]) == list(records.soak)
    running = records.soak[:-1]
    assert tuple(_until_anchored(running, (*records.room, *later))) == (*records.room, *later)


def test_an_interrupted_soak_is_not_passed_and_is_not_blamed_for_what_was_open(
    told: dict[str, dict[str, object]],
) -> None:
    records = recorded("queue")
    ended = replace(records.soak[-1], data=records.soak[-1].data | {"why": "interrupted"})
    after = [
        replace(event, data=event.data | {"claimed": ["x-soak-00001.json"]})
        if event.kind == kinds.AFTER
        else event
        for event in records.soak[:-1]
    ]
    cut = Records(tuple(chained([*after, ended])), records.room)
    found = report.facts(cut, judge(cut))
    assert not found["passed"]
    assert found["failed"] == []
    assert "requests" in found["short"]
