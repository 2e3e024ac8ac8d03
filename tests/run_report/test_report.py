"""The report of a run: valid, self-contained, the same bytes each time, the record's own figures, and clear about what is missing."""

import re
import shutil
import sqlite3
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.report import floored, many, render
from engine.run_report import content, figures, page, text
from engine.run_report.along import MISSING, Along
from engine.run_report.facts import Facts, read
from engine.run_report.plot import Plot
from engine.search.analysis import NotTested, Verdict
from engine.search.cell import Cell
from engine.search.conclusion import gap_bounds
from engine.search.words import ranges

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Balance(HTMLParser):
    """Follows open elements; anything that closes another than the last opened one is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def html(facts: Facts) -> str:
    return page.render(content.document(facts))


@pytest.mark.parametrize("name", ["claimed", "empty"])
def test_the_page_is_balanced_and_loads_nothing(name: str, request: pytest.FixtureRequest) -> None:
    made = html(request.getfixturevalue(name))
    tags = Balance(made).seen
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|url\(|@import|src=", made)
    assert len(made) < 1_000_000
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = {one for _, attributes in tags for one in (attributes.get("aria-labelledby") or "").split()}
    assert pointed <= set(ids)
    assert all(attributes.get("scope") for tag, attributes in tags if tag == "th")
    assert made.count("<svg") == made.count("<desc") > 2


def test_the_same_run_gives_the_same_bytes(empty_run: Path, empty: Facts) -> None:
    assert html(read(empty_run)) == html(empty)


def test_names_that_users_chose_are_escaped_in_both_forms(empty: Facts) -> None:
    hostile = "<script>alert(1)</script>&\x1b[31m\udcff.csv"
    document = content.document(replace(empty, order=replace(empty.order, files=(hostile,))))
    made = page.render(document)
    assert "<script" not in made
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;\ufffd[31m\ufffd.csv" in made
    assert "\x1b" not in text.render(document)
    Balance(made)


def test_the_text_says_the_same_in_80_columns(claimed: Facts, empty: Facts) -> None:
    for facts in (claimed, empty):
        document = content.document(facts)
        shown = text.render(document)
        assert max(map(len, shown.splitlines())) <= 80
        for section in document.sections:
            assert section.title.upper() in shown
    assert "next draws 4 598 175 733" in text.render(content.document(claimed))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("identified", "matches"), ("biased", "fail a test of randomness (frequency: p = 1e-9)"),
        ("no_evidence", "not about what was not"), ("not_identifiable", "At least 47 draws are needed"),
    ],
)  # fmt: skip
def test_every_verdict_has_its_reason_in_words(verdict: Verdict, words: str, claimed: Facts) -> None:
    assert claimed.analysis is not None
    told = claimed.analysis.model_copy(update={"verdict": verdict, "need_draws": 47})
    facts = replace(claimed, analysis=told, closing={"bias": "frequency: p = 1e-9"})
    document = content.document(facts)
    assert words in document.reason
    assert f'class="verdict {verdict}"' in page.render(document)


def test_survivors_and_planted_truths_are_those_of_the_verdict(empty: Facts) -> None:
    assert empty.analysis is not None
    controls = empty.analysis.controls
    assert sum(one.expected for one in empty.cells) == pytest.approx(controls.null_expected, abs=1e-5)
    nulls = (sum(one.shuffled for one in empty.cells), sum(one.uniform for one in empty.cells))
    assert max(nulls) == controls.null_best
    assert sum(one.planted for one in empty.cells) == controls.cells_planted > 0
    assert sum(one.hypotheses for one in empty.cells) == empty.analysis.hypotheses_tested


def test_the_chance_line_is_held_against_what_the_twins_met(empty: Facts) -> None:
    drawn = figures.reliability(empty.cells)
    assert drawn is not None
    met, low, high, told = (dict(one.points) for one in drawn.picture.series)  # type: ignore[union-attr]
    assert 1 < len(told) <= figures.MOST_BINS
    assert all(low[x] <= met[x] <= high[x] for x in met)
    assert all(x == y for x, y in told.items())
    total = sum(one.shuffled + one.uniform for one in empty.cells)
    assert f"Both twins met {total} survivors" in drawn.caption
    wrong = [replace(one, expected=one.expected + 40) for one in empty.cells]
    far = figures.reliability(wrong)
    assert far is not None
    assert f"in the interval of 0 of {len(told)} groups" in far.caption


def test_the_leaders_of_the_search_end_at_the_verdicts_bits(empty: Facts) -> None:
    assert empty.analysis is not None
    assert empty.improvements[-1].bits == pytest.approx(empty.analysis.evidence_bits, abs=0.01)
    steps = [one.hypotheses for one in empty.improvements]
    assert steps == sorted(steps)


def test_a_claimed_family_is_shown_as_claimed_and_not_as_excluded(claimed: Facts) -> None:
    assert claimed.analysis is not None
    drawn = figures.coverage(claimed.analysis)
    assert drawn is not None
    rows = dict(drawn.picture.rows)  # type: ignore[union-attr, arg-type]
    assert {one.kind for one in rows["lcg48/java"] if one} <= {"claim", "none"}
    shown = page.render(content.document(claimed))
    excluded = shown.partition("Excluded: searched")[2].partition("</table>")[0]
    assert "lcg48/java" not in excluded


def test_a_stretch_of_missing_draws_is_a_gap(claimed: Facts) -> None:
    marks = np.ones(1000, np.int8)
    marks[300:500] = MISSING
    plot = figures.matches(Along(marks, 10, 0.001, None, 3.0), "x").picture
    assert isinstance(plot, Plot)
    assert all(y is None for x, y in plot.series[0].points if 300 < x <= 498)
    assert plot.ticks is not None
    assert not [x for x, _ in plot.ticks.marks if 302 < x < 499]


def test_a_million_draws_make_a_small_picture_that_says_it_is_thinned() -> None:
    marks = (np.random.default_rng(1).random(1_000_000) < 0.9).astype(np.int8)
    along = Along(marks, 10, 0.001, None, 3.0)
    drawn = [figures.matches(along, "x"), figures.evidence(along, "x", 19.9)]
    assert sum(len(one.picture.svg()) for one in drawn) < 100_000
    assert "Each tick stands for 1667 draws" in drawn[0].caption


# ── the verb ─────────────────────────────────────────────────────────────────


@pytest.fixture
def run(empty_run: Path, tmp_path: Path) -> Path:
    """A copy of the run in a state directory of its own."""
    shutil.copytree(empty_run, tmp_path / "runs" / empty_run.name)
    return tmp_path / "runs" / empty_run.name


def report(run: Path, *arguments: str) -> int:
    return main(["report", *arguments, "--state", str(run.parent.parent)])


def test_a_run_is_found_by_id_by_directory_and_as_the_last(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (run.name, str(run), "last"):
        assert report(run, name) == 0
        assert Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert report(run, "last", "--out", "-") == 0
    assert capsys.readouterr().out == (run / "report.html").read_text(encoding="utf-8")


def test_an_unknown_run_names_the_nearest(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(run, "20261126") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert f"nearest are: {run.name}" in told[0]


def test_a_run_without_a_verdict_says_how_to_go_on(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "analysis.json").unlink()
    assert report(run, "last", "--text") == 0
    shown = capsys.readouterr().out
    assert "VERDICT  UNFINISHED" in shown
    assert report(run, "last", "--text", "--out", str(run / "told.txt")) == 0
    assert (run / "told.txt").read_text() == shown
    assert f"mimicry analyze --resume {run.name}" in shown


def test_a_damaged_journal_is_one_line_and_exit_code_3(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(run / "journal.db") as db:
        db.execute("UPDATE events SET data = '{}' WHERE kind = 'chunk.done'")
    assert report(run, "last") == 3
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "damaged at event" in told[0]
    assert not (run / "report.html").exists()


def test_a_lower_bound_does_not_grow_in_print_and_one_is_one() -> None:
    assert [floored(share) for share in (0.9499, 0.29, 1.0)] == ["94%", "29%", "100%"]
    assert floored(0.9516, 1) == "95.1%"
    assert (many(1, "family"), many(2, "family"), many(0, "cell")) == ("1 family", "2 families", "0 cells")


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("analysis.json", r'"elapsed_s": (?=\d)', '"elapsed_s": 7'),
        ("history.jsonl", r'"value": \d+(?=.*\n\Z)', '"value": 5'),
        ("run.json", r'"alpha": [^,]+', '"alpha": 0.01'),
    ],
)
def test_a_figure_changed_in_a_file_of_the_run_is_refused_by_its_name(
    run: Path, name: str, was: str, now: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (run / name).read_text()
    (run / name).write_text(re.sub(was, now, text, count=1))
    assert (run / name).read_text() != text
    assert report(run, "last", "--text") == 3
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert f"{run / name}: was changed" in shown.err
    if name != "analysis.json":  # which a resumed run writes anew
        assert main(["analyze", "--resume", str(run), "--state", str(run.parent.parent)]) == 3
        assert f"{run / name}: was changed" in capsys.readouterr().err


def test_a_result_of_a_chunk_that_the_journal_did_not_record_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(run / "journal.db") as db:
        db.execute(
            "UPDATE chunks SET result = CAST(substr(result, 1, 100) || x'00' || substr(result, 102) AS BLOB)"
        )
    assert report(run, "last", "--text") == 3
    assert "chunk 0: its result is not the one that the journal recorded" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_one_line_and_exit_code_5(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(run, "last", "--out", str(run / "no" / "r.html")) == 5
    assert capsys.readouterr().err.startswith("mimicry: --out")


def test_a_list_of_words_is_one_part_of_the_space_whether_tested_or_not(empty: Facts) -> None:
    cell = Cell(
        "lcg48/java", "mod", 0, 99, ranges(("a", "b"))[-1], (0, 0), (0, 0), 0.0, 9, 9, 9, None, 1.0, 1.0
    )
    assert empty.analysis is not None
    made = empty.analysis.excluded[0].model_copy(
        update={"origins": {"kind": cell.kind, "range": cell.seeds.text()}, "starts": (0, 0), "gap": gap_bounds("constant", 0, 0, 1)}
    )  # fmt: skip
    left = NotTested(family=cell.family, mapping=cell.mapping, reason=f"halted: {cell.key}")
    drawn = figures.coverage(
        empty.analysis.model_copy(update={"excluded": [made], "not_tested": [left], "hypotheses": []})
    )
    assert drawn is not None
    assert drawn.picture.columns == ["words 0:1 starts 0 gaps 0"]  # type: ignore[union-attr]


def test_what_was_never_tried_is_not_told_as_searched(empty: Facts) -> None:
    assert empty.analysis is not None
    nothing = {
        "verdict": "not_identifiable",
        "need_draws": None,
        "hypotheses_tested": 0,
        "stopped_by": "exhausted",
    }
    told = render(empty.analysis.model_copy(update=nothing))
    assert "NOT IDENTIFIABLE by what was asked" in told
    assert "nothing of the stated space can be searched" in told
    assert "nothing beats chance" not in told
    few = render(empty.analysis.model_copy(update=nothing | {"need_draws": 99}))
    assert "NOT IDENTIFIABLE with these draws" in few
    assert "searched to its end" in render(empty.analysis)
