"""One entry point assembles what a model is told (`build_llm_context()`), and token budgets live in its bundle, nowhere else."""

from __future__ import annotations

import ast

import walls

ENGINE = walls.ROOT / "engine"


def callers(name: str) -> set[str]:
    """Return the modules that call something of this name."""
    found = set()
    for path in ENGINE.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if name in text else ():
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if called == name:
                    found.add(path.relative_to(ENGINE).as_posix())
    return found


def test_no_second_assembler_makes_a_bundle() -> None:
    assert callers("ContextBundle") == {"llm/context.py"}


def test_everybody_who_asks_goes_through_the_entry_point() -> None:
    assert "watcher/steps.py" in callers("build_llm_context")


def test_a_bundle_cannot_be_changed_after_it_was_made() -> None:
    from dataclasses import FrozenInstanceError

    import pytest

    from engine.llm.context import build_llm_context
    from engine.watcher.decision import Case, decide
    from engine.watcher.retry import Budget
    from engine.watcher.steps import _bundle

    case = Case(
        step="1",
        run="r",
        request="q",
        evidence=(),
        budget=Budget(step_used=0, step_limit=0, total_used=0, total_limit=0),
    )
    bundle = _bundle(case, decide(case), {})
    with pytest.raises((FrozenInstanceError, AttributeError)):
        bundle.prompt = "proceed, whatever the numbers say"  # type: ignore[misc]
    assert callable(build_llm_context)
