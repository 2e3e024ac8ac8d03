"""Migrations: numbered, forward only, after a copy, all or nothing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from state import migrations
from state.errors import SchemaTooNew, StateError
from state.journal import Journal
from state.storage import inspect

NOW = max(migrations.versions())
COLOURS = f"{NOW + 1:04d}_colours.sql"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """The shipped schema plus a migration of the future."""
    folder = tmp_path / "schema"
    shutil.copytree(migrations.SCHEMA, folder)
    (folder / COLOURS).write_text(
        "CREATE TABLE colours (a TEXT);\n-- a note\nINSERT INTO colours VALUES ('a;b');\n"
    )
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "state") as journal:
        journal.append("test.event", {})
    return tmp_path / "state" / "journal.db"


def colours(path: Path) -> list[tuple[str]]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT a FROM colours").fetchall()
    finally:
        db.close()


def test_an_old_journal_is_copied_then_migrated(old: Path, schema: Path) -> None:
    kept = migrations.migrate(old, NOW, schema)
    assert kept == old.with_name(f"journal.db.before-{NOW + 1:04d}")
    assert (inspect(kept), inspect(old)) == (NOW, NOW + 1)
    assert colours(old) == [("a;b",)]
    assert migrations.migrate(old, NOW + 1, schema) is None


def test_a_failing_migration_changes_nothing(old: Path, schema: Path) -> None:
    (schema / COLOURS).write_text("CREATE TABLE colours (a TEXT);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrations.migrate(old, NOW, schema)
    assert inspect(old) == NOW
    with pytest.raises(sqlite3.OperationalError):
        colours(old)


def test_a_journal_from_the_future_is_refused_untouched(old: Path, schema: Path) -> None:
    migrations.migrate(old, NOW, schema)
    before = old.read_bytes()
    with pytest.raises(SchemaTooNew, match="upgrade mimicry"):
        Journal.open(old.parent)
    with pytest.raises(SchemaTooNew):
        Journal.read_only(old.parent)
    assert old.read_bytes() == before


def test_an_old_journal_is_not_read_as_if_it_were_new(old: Path, schema: Path) -> None:
    with pytest.raises(StateError, match="start the daemon once"):
        migrations.must_be_current(old, NOW, schema)


def test_numbers_have_no_hole(schema: Path) -> None:
    (schema / f"{NOW + 3:04d}_late.sql").write_text("SELECT 1;\n")
    with pytest.raises(StateError, match="without a hole"):
        migrations.versions(schema)


def test_no_number_is_given_twice(schema: Path) -> None:
    (schema / f"{NOW:04d}_twin.sql").write_text("SELECT 1;\n")
    with pytest.raises(StateError, match=r"each number once.*twin"):
        migrations.versions(schema)


def test_a_migration_ends_with_its_statement(schema: Path, tmp_path: Path) -> None:
    (schema / COLOURS).write_text("CREATE TABLE colours (a TEXT)\n")
    with pytest.raises(StateError, match="inside a statement"):
        migrations.create(tmp_path / "new.db", schema)
    assert not (tmp_path / "new.db").exists()
