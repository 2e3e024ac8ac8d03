"""The code base itself: nothing that runs what it reads. Each exemption is one line here with its reason, and must still be needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "tui", "state", "hip_cuda_kernels", "grammars", "benchmarks", "examples")
MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib",
    "yaml",
    "telnetlib",
    "ftplib",
    "xmlrpc",
}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "shell_started", "tempfile.mktemp",
    "numpy.load", "np.load", "pandas.read_pickle", "torch.load",
}  # fmt: skip
STARTS = {"create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell"}
"""asyncio's own ways to start a process, whatever object they are asked of."""
EXEMPT = {
    (
        "engine/compute/nodes.py",
        "import distributed.protocol.pickle",
    ): "the gate that keeps Dask's pickles shut",
    (
        "engine/rigs/here.py",
        "shell_started",
    ): "the rig that is this machine runs what SSH would hand to its shell",
    (
        "engine/spawn.py",
        "create_subprocess_exec",
    ): "the one door: a start beside it hangs for ever where it is cancelled",
    ("engine/spawn.py", "create_subprocess_shell"): "the same door, for here.py alone",
}


_ANYWHERE = {
    *MODULES, *STARTS, *(call.rpartition(".")[2] for call in CALLS),
    "read_pickle", "load_pickle", "shell", "allow_pickle", "weights_only", "makedirs",
}  # fmt: skip
WORDS = re.compile(rf"\b({'|'.join(_ANYWHERE)})\b|(?<![.\w])({'|'.join(BUILTINS)})\(")
"""What every fault holds: a module without any of these need not be parsed, which takes most of the time."""


def faults(tree: ast.AST) -> Iterator[str]:
    """Yield what a module does that ours must not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {one.name}" for one in node.names if MODULES & set(one.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
            yield from (f"import {name}" for name in names if MODULES & set(name.split(".")))
        elif isinstance(node, ast.Call):
            yield from call_faults(node)


def call_faults(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in BUILTINS or name in CALLS or name.endswith((".read_pickle", ".load_pickle")):
        yield name
    if (last := name.rpartition(".")[2]) in STARTS:
        yield last
    given = {one.arg: one.value for one in node.keywords}
    if _is(given.get("shell"), True):
        yield f"{name}(shell=True)"
    if "allow_pickle" in given and not _is(given["allow_pickle"], False):
        yield f"{name}(allow_pickle)"
    if "weights_only" in given and not _is(given["weights_only"], True):
        yield f"{name}(weights_only)"
    if "mode" in given and name.endswith("os.makedirs") and _is(given["mode"], 0o777):
        yield f"{name}(mode=0o777)"


def _is(value: ast.expr | None, wanted: object) -> bool:
    return (isinstance(value, ast.Constant) and value.value is wanted) or (
        isinstance(value, ast.Constant) and value.value == wanted and not isinstance(wanted, bool)
    )


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_nothing_runs_what_it_reads() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), fault)
        for path in modules()
        if WORDS.search(text := path.read_text(encoding="utf-8"))
        for fault in faults(ast.parse(text))
    }
    assert found == set(EXEMPT), (
        "use a safe reader, or state the exemption with its reason; drop one that is no longer needed"
    )


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import pickle", "import pickle"),
        ("from joblib import load", "import joblib.load"),
        ("from distributed.protocol import pickle", "import distributed.protocol.pickle"),
        ("eval(text)", "eval"),
        ("subprocess.run(line, shell=True)", "subprocess.run(shell=True)"),
        ("numpy.lib.format.read_array(f, allow_pickle=True)", "numpy.lib.format.read_array(allow_pickle)"),
        ("np.load(path)", "np.load"),
        ("torch.load(path, weights_only=False)", "torch.load"),
        ("os.system(line)", "os.system"),
        ("await asyncio.create_subprocess_exec('ls')", "create_subprocess_exec"),
    ],
)
def test_the_lint_sees_each_of_them(code: str, fault: str) -> None:
    assert WORDS.search(code)
    assert fault in set(faults(ast.parse(code)))


def test_the_lint_passes_over_what_is_sound() -> None:
    sound = "re.compile('x')\nsubprocess.run(['ls'])\njson.loads(t)\nnp.lib.format.write_array(f, a, allow_pickle=False)"
    assert list(faults(ast.parse(sound))) == []


def test_models_are_read_by_their_own_plain_formats() -> None:
    loaders = {
        "trainer_xgboost.py": "load_model", "trainer_lightgbm.py": "model_str", "trainer_catboost.py": "load_model",
        "trainer_torch.py": "load_arrays",
    }  # fmt: skip
    for name, word in loaders.items():
        assert word in (ROOT / "engine" / "pipeline" / name).read_text(encoding="utf-8")
