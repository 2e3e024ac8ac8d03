"""Prints the authority table after these tests: one file is one line of it, its docstring is the rule, each test tries to break it."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # walls.py, which the files share


def rule_of(path: Path) -> str:
    """Return the rule that a file tries to break."""
    return (ast.get_docstring(ast.parse(path.read_text())) or path.stem).splitlines()[0].rstrip(".")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print rule, attempts, and how many of them were held off."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            file, _, _ = report.nodeid.partition("::")
            if Path(file).parent.name == HERE.name:
                counts[Path(file).name][outcome] += 1
    if not counts:
        return
    terminalreporter.section("authority: what was tried to break each line, and failed to")
    for name in sorted(counts):
        held, tried = counts[name]["passed"], sum(counts[name].values())
        mark = "held" if held == tried else "BROKEN"
        terminalreporter.write_line(f"{mark:<7} {held:>3} of {tried:<3} {rule_of(HERE / name)}")
