"""The walls of the console: what needs no toolkit loads none, and the engine is seen through its socket."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TUI = Path(__file__).parents[2] / "tui"
HEAVY = ("textual", "rich", "pydantic", "numpy")


@pytest.mark.parametrize(
    "names", ["tui.keys", "tui.logs", "tui.themes", "tui.feed", "tui.model.panels, tui.model.chrome, tui.model.banner, tui.model.compact, tui.model.pages"]
)  # fmt: skip
def test_model_keys_and_feed_load_no_toolkit(names):
    code = f"import sys, {names}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TUI.parent
    )
    assert done.stdout.strip() == "[]"


def test_key_table_prints_without_the_toolkit():
    code = (
        "import sys, tui.__main__ as m; m.main(['--keys']); print('textual' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TUI.parent
    )
    assert done.stderr.strip() == "False"
    assert "halt the engine" in done.stdout


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


@pytest.mark.parametrize("file", sorted(TUI.rglob("*.py")), ids=lambda file: str(file.relative_to(TUI)))
def test_the_engine_is_seen_through_the_socket_alone(file):
    ours = {
        name
        for name in _imports(file)
        if name.split(".")[0] in ("engine", "state", "hip_cuda_kernels", "grammars")
    }
    assert ours <= {"engine", "engine.link"}


def test_the_whole_console_loads_no_record_classes(tmp_path):
    code = "import sys, tui.app; print([n for n in ('pydantic', 'numpy', 'engine.protocol') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TUI.parent
    )
    assert done.stdout.strip() == "[]"


def test_the_model_has_no_clock_and_no_socket():
    for file in (TUI / "model").glob("*.py"):
        assert not _imports(file) & {"time", "socket", "asyncio", "os", "random"}, file.name
