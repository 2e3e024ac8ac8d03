"""Selfplay never promotes: only the acceptance code writes the active policy, and selfplay has no path to it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import walls

ENGINE = walls.ROOT / "engine"


@pytest.mark.parametrize("imported", ["engine.feedback.acceptance", "engine.rigs.connection", "asyncssh"])
def test_an_import_that_could_promote_or_reach_a_rig_breaks_the_build(imported: str) -> None:
    assert walls.kept("selfplay explores")
    assert walls.held_off("selfplay explores", "engine.selfplay.loop", imported)


def test_a_detour_breaks_the_build_too() -> None:
    assert walls.held_off("selfplay explores", "engine.selfplay.candidate", "engine.desk")


def words(path: Path) -> set[str]:
    """Return the string constants of a source file, docstrings left out."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    }


@pytest.mark.parametrize("word", ["policy.promoted", "policy.rolled_back"])
def test_one_module_alone_can_put_a_promotion_on_record(word: str) -> None:
    named = [path for path in ENGINE.rglob("*.py") if word in path.read_text()]
    writers = {path.relative_to(ENGINE).as_posix() for path in named if word in words(path)}
    assert "feedback/acceptance.py" in writers
    assert {one for one in writers if not one.startswith(("feedback/", "tables/"))} == set()


def test_selfplay_writes_no_file_and_no_journal() -> None:
    names = {"write_text", "write_bytes", "open", "append_event", "write_atomic", "write_json"}
    for path in (ENGINE / "selfplay").glob("*.py"):
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        assert not called & names, path
