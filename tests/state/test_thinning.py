"""Thinning: old records of draws give their content to archives; the chain verifies as before, and no change of either goes unseen."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from state import thinning
from state.errors import ChainBroken, DiskFull, StateError
from state.journal import Journal
from state.thinning import THINNED, emptied, thin

LATER = "2999-01-01T00:00:00.000Z"


@pytest.fixture
def journal(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A journal with forty draws among other records, thinned in small batches."""
    monkeypatch.setattr(thinning, "BATCH", 25)
    monkeypatch.setattr(thinning, "KEPT", 5)
    with journal.transaction():
        for draw in range(40):
            journal.append("draws.arrived", {"first": draw, "last": draw})
            journal.predictions.commit(draw, f"{draw:064x}", {"for_draw": draw, "heads": [draw]})
            journal.predictions.judge(draw, draw, score={"hit": True})
            journal.cursors.set("feedback.draws", draw + 1)
            journal.append("learning.health", {"draw": draw})
            journal.append("draws.unforecast", {"first": draw})
            if draw % 4 == 0:
                journal.decisions.add(step="1", action="RETRY", reason="few", source="rule", rule="r")
    return journal


def texts(journal: Journal, seq: int) -> str:
    with journal.reading() as db:
        return str(db.execute("SELECT data FROM events WHERE seq = ?", (seq,)).fetchone()[0])


def rewritten(journal: Journal, query: str, *values: object) -> None:
    journal.close()
    db = sqlite3.connect(journal.path)
    db.execute(query, values)
    db.commit()
    db.close()


def test_the_chain_and_everything_that_is_projected_are_as_before(journal: Journal) -> None:
    head, decisions = journal.head, journal.decisions.list(limit=100)
    done = thin(journal, LATER)
    assert done == emptied(journal) > 150
    assert journal.verify() == journal.seq
    assert journal.decisions.list(limit=100) == decisions
    assert journal.predictions.judgement(3).pool.pool == {"for_draw": 3, "heads": [3]}  # type: ignore[union-attr]
    assert journal.cursors.get("feedback.draws") == 40
    assert journal.last(["learning.health"]).data == {"draw": 39}  # type: ignore[union-attr]
    assert next(iter(journal.events(after=journal.seq - 1))).kind == THINNED
    assert any(event.hash == head for event in journal.events())


def test_the_newest_of_each_kind_and_other_kinds_keep_their_content(journal: Journal) -> None:
    thin(journal, LATER)
    for kind in ("draws.arrived", "pool.committed", "learning.health"):
        assert all("thinned" not in event.data for event in journal.newest([kind], 5))
    assert all("thinned" not in event.data for event in journal.events(kinds=["decision", "journal."]))


def test_what_is_younger_keeps_its_content(journal: Journal) -> None:
    assert thin(journal, "2000-01-01T00:00:00.000Z") == 0
    assert not (journal.path.parent / "archive").exists()


def test_archives_hold_the_content_that_gives_the_hashes(journal: Journal) -> None:
    before = {event.seq: event.data for event in journal.events()}
    thin(journal, LATER)
    found = {}
    for path in sorted((journal.path.parent / "archive").iterdir()):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            found[record["seq"]] = record["data"]
    assert len(found) == emptied(journal)
    assert all(before[seq] == data for seq, data in found.items())
    told = journal.archived()
    assert (told.records, told.missing) == (len(found), ())
    assert told.archives > 3


def test_thinning_again_goes_on_where_it_stood(journal: Journal) -> None:
    first = thin(journal, LATER, batches=2)
    assert first == 50
    assert thin(journal, LATER) + first == emptied(journal)
    assert thin(journal, LATER) == 0
    assert journal.verify() == journal.seq


def test_a_record_that_somebody_emptied_is_found(journal: Journal, tmp_path: Path) -> None:
    thin(journal, LATER)
    seq = journal.newest(["draw.judged"], 1)[0].seq
    rewritten(journal, "UPDATE events SET data = ? WHERE seq = ?", '{"thinned":true}', seq)
    with Journal.read_only(tmp_path) as again, pytest.raises(ChainBroken, match="some were emptied"):
        again.verify()


def test_an_emptied_record_of_another_kind_is_a_changed_one(journal: Journal, tmp_path: Path) -> None:
    seq = journal.newest(["decision"], 1)[0].seq
    rewritten(journal, "UPDATE events SET data = ? WHERE seq = ?", '{"thinned":true}', seq)
    with Journal.read_only(tmp_path) as again, pytest.raises(ChainBroken, match="the record was changed"):
        again.verify()


def test_an_archive_that_was_changed_is_found_and_one_that_is_gone_is_named(journal: Journal) -> None:
    thin(journal, LATER)
    first, *_ = sorted((journal.path.parent / "archive").iterdir())
    content = first.read_bytes()
    first.write_bytes(gzip.compress(gzip.decompress(content).replace(b'"first": 1', b'"first": 2')))
    with pytest.raises(ChainBroken, match="the archive was changed"):
        journal.verify()
    first.unlink()
    assert journal.verify() == journal.seq
    assert journal.archived().missing == (first.name,)
    first.write_bytes(content)
    assert journal.archived().missing == ()


def test_a_changed_record_is_not_archived(journal: Journal, tmp_path: Path) -> None:
    seq = next(iter(journal.events(kinds=["draw.judged"]))).seq
    with journal.transaction():
        for number in range(300):  # further back than an opening looks
            journal.append("test.event", {"n": number})
    rewritten(journal, "UPDATE events SET data = replace(data, 'true', 'false') WHERE seq = ?", seq)
    with Journal.open(tmp_path) as again, pytest.raises(ChainBroken, match="the record was changed"):
        thin(again, LATER)
    assert not (tmp_path / "archive").exists()


def test_a_crash_between_archive_and_record_loses_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        thinning_write(path, content)
        raise DiskFull(path, "writing")

    thinning_write = thinning.write_atomic
    monkeypatch.setattr(thinning, "write_atomic", full)
    with pytest.raises(StateError):
        thin(journal, LATER)
    assert emptied(journal) == 0
    monkeypatch.setattr(thinning, "write_atomic", thinning_write)
    thin(journal, LATER)
    assert journal.verify() == journal.seq
    assert journal.archived().missing == ()


def test_pages_are_freed_for_what_comes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinning, "BATCH", 1000)

    def used() -> int:
        with journal.reading() as db:
            pages, free = (
                db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
            )
        return int(pages - free)

    with journal.transaction():
        for draw in range(1500):
            journal.append("learning.health", {"draw": draw, "note": "x" * 700})
            if draw % 10 == 0:
                journal.append("test.event", {"n": draw})
    for kind in thinning.BULK:
        if kind != "learning.health":  # one of each young enough, so that the others are what is thinned
            with journal.transaction():
                for number in range(6):
                    journal.append(kind, {"n": number})
    before = used()
    assert thin(journal, LATER) > 1400
    assert used() < 0.6 * before
    assert journal.verify() == journal.seq
