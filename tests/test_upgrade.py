"""Upgrading: every journal of a released version opens and works on; what a newer program wrote is refused in one line, untouched."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audit import verify_file
from engine.cli import main
from engine.errors import MimicryError
from engine.history.cursor import Cursor
from engine.history.store import Arrival, DrawStore
from engine.pipeline.artifacts import EngineConfig, Pool, ScorerConfig, WindowConfig
from engine.search.alignment import Alignment, Origin
from engine.search.survivors import SurvivorHeader, Survivors, TrialHeader
from engine.soak.report import load
from engine.watcher.policies import parse_policies
from state import migrations
from state.artifacts import ArtifactStore, Lineage
from state.errors import StateError
from state.journal import Journal
from state.npz import load_arrays
from state.versions import refusal

FIXTURES = Path(__file__).parent / "state" / "fixtures"
RELEASED = sorted(migrations.versions())


# -- journals ---------------------------------------------------------------------------------------------------------


def test_there_is_a_fixture_of_every_schema() -> None:
    for version in RELEASED:
        missing = f"write it before the schema changes again: python {FIXTURES / 'make_journal.py'} journal_v{version}.db"
        assert (FIXTURES / f"journal_v{version}.db").exists(), missing
        db = sqlite3.connect(
            f"{(FIXTURES / f'journal_v{version}.db').as_uri()}?mode=ro&immutable=1", uri=True
        )
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        db.close()


@pytest.mark.parametrize("version", RELEASED)
def test_a_journal_of_every_version_is_migrated_after_a_copy_and_works_on(
    version: int, tmp_path: Path
) -> None:
    shutil.copy(FIXTURES / f"journal_v{version}.db", tmp_path / "journal.db")
    with Journal.open(tmp_path) as journal:
        before = journal.verify()
        journal.requests_recover()
        journal.decisions.add(
            step="1", action="RETRY", reason="again", source="rule", rule="r", run="run-0001"
        )
        journal.predictions.commit(42, "b" * 64, {"values": [1]})
        journal.approvals.open("request", "r-2", "may it?", key="k-2", seconds=60.0)
        journal.samples.add("rss_mb", 113.0)
        journal.samples.flush()
        assert journal.predictions.latest().for_draw == 42  # type: ignore[union-attr]
        assert [row.run for row in journal.decisions.of_run("run-0001")] == ["run-0001"] * 2
        assert journal.verify() > before
    assert migrations.versions().keys() >= {version}
    kept = list(tmp_path.glob("journal.db.before-*"))
    assert len(kept) == (version < RELEASED[-1])
    if kept:
        with sqlite3.connect(kept[0]) as old:
            assert old.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("version", RELEASED[:-1])
def test_a_migrated_journal_has_the_tables_and_indexes_of_a_new_one(version: int, tmp_path: Path) -> None:
    def shape(path: Path) -> set[tuple[str, str]]:
        db = sqlite3.connect(path)
        found = set(db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        found |= {
            (table, row[1])
            for kind, table in tuple(found)
            if kind == "table"
            for row in db.execute(f"PRAGMA table_info({table})")
        }
        db.close()
        return found

    (tmp_path / "old").mkdir()
    shutil.copy(FIXTURES / f"journal_v{version}.db", tmp_path / "old" / "journal.db")
    Journal.open(tmp_path / "old").close()
    Journal.open(tmp_path / "new").close()
    assert shape(tmp_path / "old" / "journal.db") == shape(tmp_path / "new" / "journal.db")


@pytest.mark.parametrize("verb", [["verify"], ["--no-ui"]])
def test_a_newer_journal_is_refused_by_every_door_and_left_as_it_is(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute(f"PRAGMA user_version = {RELEASED[-1] + 1}")
    db.close()
    before = hashlib.sha256((tmp_path / "journal.db").read_bytes()).hexdigest()
    assert main(["--state", str(tmp_path), *verb]) in (3, 5)
    told = capsys.readouterr().err
    assert "is newer than this program's" in told
    assert "upgrade mimicry; nothing was changed" in told
    assert len(told.strip().splitlines()) == 1
    assert hashlib.sha256((tmp_path / "journal.db").read_bytes()).hexdigest() == before


# -- files ------------------------------------------------------------------------------------------------------------


def survivors() -> bytes:
    one = Alignment(
        family="lcg48/java", mapping="java_bounded", range=(0, 999), origin=Origin.seed(4711, 48), start=3
    )
    header = SurvivorHeader(range=(0, 999), history="ab" * 32, draws=60, search=(0, 30), found=1, carried=1,
                            trials=(TrialHeader(trial=0, sweep="t", window=(0, 20)),))  # fmt: skip
    counts: dict[str, Any] = {
        "forward_matched": np.arange(1),
        "forward_scored": 20,
        "evidence_bits": 1.5,
        "trial": 0,
    }
    return Survivors.from_alignments([one], header, counts).to_bytes()


def renumbered(data: bytes, schema: str) -> bytes:
    """Write survivors under another schema, as another version would."""
    import io

    arrays = load_arrays(io.BytesIO(data))
    name = next(key for key in arrays if arrays[key].dtype == np.uint8)
    head = json.loads(arrays[name].tobytes()) | {"schema": schema}
    arrays[name] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def read_survivors(folder: Path, schema: str) -> None:
    Survivors.from_bytes(renumbered(survivors(), schema))


def read_artifact(folder: Path, schema: str) -> None:
    store = ArtifactStore(folder)
    store.write_json("prediction_pool.json", {"schema": schema}, Lineage(schema=schema))
    store.read_json("prediction_pool.json", schema="prediction_pool/1")


def read_lineage(folder: Path, schema: str) -> None:
    store = ArtifactStore(folder)
    store.write_json("a.json", {}, Lineage(schema="a/1"))
    note = folder / "a.json.lineage.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"lineage": schema}))
    store.read_json("a.json")


def contract(kind: Any) -> Callable[[Path, str], None]:
    return lambda folder, schema: kind.parse({"schema": schema, "something": "new"}, "file.json")


def read_certificate(folder: Path, schema: str) -> None:
    (folder / "c.json").write_text(json.dumps({"schema": schema}))
    verify_file(folder / "c.json", folder, "k", None)  # type: ignore[arg-type]


def read_policies(folder: Path, schema: str) -> None:
    parse_policies(json.dumps({"schema": schema, "later": 1}), "watcher_policies.json")


def read_cursor(folder: Path, schema: str) -> None:
    (folder / "feedback.json").write_text(json.dumps({"schema": schema, "name": "feedback", "seq": 3}))
    Cursor(folder, "feedback")


def read_soak(folder: Path, schema: str) -> None:
    (folder / "report.json").write_text(json.dumps({"schema": schema}))
    load(folder / "report.json")


READERS: dict[str, tuple[str, Callable[[Path, str], None]]] = {
    "survivors (NPZ)": ("survivors/3", read_survivors),
    "artifact": ("prediction_pool/1", read_artifact),
    "lineage": ("lineage/1", read_lineage),
    "window": ("optimal_window_config/1", contract(WindowConfig)),
    "scorer": ("optimal_scorer_config/1", contract(ScorerConfig)),
    "engine": ("reinforcement_engine_config/1", contract(EngineConfig)),
    "pool": ("prediction_pool/1", contract(Pool)),
    "certificate": ("coverage/1", read_certificate),
    "policies": ("watcher_policies/1", read_policies),
    "cursor": ("cursor/1", read_cursor),
    "soak report": ("soak_report/1", read_soak),
}


@pytest.mark.parametrize("what", READERS)
def test_what_a_newer_program_wrote_is_refused_in_one_line_that_says_upgrade(
    what: str, tmp_path: Path
) -> None:
    taken, read = READERS[what]
    name, number = taken.split("/")
    with pytest.raises((MimicryError, StateError)) as error:
        read(tmp_path, f"{name}/{int(number) + 1}")
    told = str(error.value)
    assert (
        f"was written by a newer mimicry ({name}/{int(number) + 1}; this one reads {taken}): upgrade mimicry"
        in told
    )
    assert "\n" not in told


@pytest.mark.parametrize("what", [name for name, (taken, _) in READERS.items() if not taken.endswith("/0")])
def test_what_an_older_program_wrote_is_refused_with_what_to_do(what: str, tmp_path: Path) -> None:
    taken, read = READERS[what]
    name, number = taken.split("/")
    with pytest.raises(
        (MimicryError, StateError), match=r"was written by an older mimicry .*: (run|export|delete|`mimicry)"
    ):
        read(tmp_path, f"{name}/{int(number) - 1}")


def test_draws_of_a_newer_program_are_refused_and_not_called_damaged(tmp_path: Path) -> None:
    store = DrawStore.open(tmp_path)
    store.append([Arrival(5)])
    store.close()
    path = tmp_path / "draws.jsonl"
    before = json.dumps(json.loads(path.read_text()) | {"colour": "red"}) + "\n"
    path.write_text(before)
    with pytest.raises(
        MimicryError, match=r"line 1: was written by a newer mimicry \(it has 'colour'\): upgrade"
    ):
        DrawStore.open(tmp_path)
    assert path.read_text() == before


def test_settings_of_a_newer_program_are_an_unknown_key_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "room.toml").write_text("[observe]\nmetricz = 'x'\n")
    assert main(["--state", str(tmp_path), "--no-ui"]) == 2
    assert "setting 'observe.metricz' is unknown; the nearest is 'observe.metrics'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("found", "taken", "said"),
    [
        ("pool/1", "pool/1", None),
        ("pool/2", "pool/1", "newer"),
        ("pool/10", "pool/9", "newer"),
        ("pool/1", "pool/2", "older"),
        ("other/2", "pool/1", "this reader takes"),
        ("pool", "pool/1", "this reader takes"),
        ("pool/x", "pool/1", "this reader takes"),
        (None, "pool/1", "this reader takes"),
        ({"a": 1}, "pool/1", "this reader takes"),
        ("pool/99999999999999999999", "pool/1", "this reader takes"),
    ],
)
def test_a_version_says_what_it_is(found: object, taken: str, said: str | None) -> None:
    told = refusal(found, taken)
    assert told is None if said is None else said in (told or "")
