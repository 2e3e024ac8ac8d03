"""README's "Add a rig", step by step, with its own table of room.toml, through the real command line against a real sshd."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.compute.host import host_report

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "hip_cuda_kernels", "grammars", "state", "tui")


def table_of_the_readme() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Add a rig")[2]
    tables: list[str] = re.findall(r"```toml\n(.*?)```", text, re.S)
    return tables[0]


def filled(table: str, **values: Any) -> str:
    """Put values in the place of those that the table gives; what it does not give comes behind."""
    for name, value in values.items():
        line = f"{name} = {json.dumps(value)}"
        found = re.search(rf"(?m)^{name} = .*$", table)
        table = f"{table}{line}\n" if found is None else table.replace(found.group(), line)
    return table


def wheel(folder: Path) -> Path:
    """Zip what a wheel of this tree holds: the packages, and the compiled kernels beside them."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "mimicry-0-py3-none-any.whl", "w") as archive:
        for package in PACKAGES:
            for path in sorted((ROOT / package).rglob("*")):
                if path.is_file() and path.suffix not in (".pyc", ".cpp"):
                    archive.write(path, path.relative_to(ROOT).as_posix())
    return folder


def python_without_us(folder: Path) -> Path:
    """Make a python that has our dependencies and not this tree, as a rig's has."""
    paths = ":".join(dict.fromkeys(path for path in sys.path if (Path(path) / "numpy").is_dir()))
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{paths}" exec {sys.executable} -S "$@"\n')
    script.chmod(0o755)
    return script


@pytest.mark.slow
def test_a_rig_is_added_as_the_readme_says(server: Any, staging: Path, tmp_path: Path) -> None:
    """About 46 s at load 9."""
    state, wheels = tmp_path / "state", wheel(tmp_path / "wheels")

    def mimicry(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", "--state", str(state), *words], capture_output=True, text=True, cwd=ROOT
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    mimicry("init")
    address, host = server.address, (server.folder / "host.pub").read_text().split()[:2]
    room = filled(
        table_of_the_readme(), host=address.host, port=address.port, user=address.user, key=str(address.key),
        host_keys=[" ".join(host)], python=str(python_without_us(tmp_path)), staging=str(staging), deploy_to=str(tmp_path / "home"),
    )  # fmt: skip
    with (state / "room.toml").open("a") as file:
        file.write(room)
    assert "no code deployed" in mimicry("doctor", code=5)
    said = mimicry("rig", "deploy", "rig-6600", "--wheels", str(wheels))
    assert re.search(r"rig rig-6600: version \w{12} in place", said), said
    looked, ours = mimicry("doctor", code=5), host_report(self_test=False)
    for part in (f"kernels {ours.digest[:12]}", f"version {ours.code[:12]}", "reached, host key known"):
        assert part in looked, looked
    assert "no code deployed" not in looked
    assert "refused" not in looked, "this machine lacks a GPU, but no code"
    engine = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui"],
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        rows: list[dict[str, Any]] = []
        for _ in range(60):
            done = subprocess.run(
                [sys.executable, "-m", "engine.cli", "--state", str(state), "rigs", "--json"], capture_output=True, text=True, cwd=ROOT
            )  # fmt: skip
            rows = json.loads(done.stdout)["rows"] if done.returncode == 0 else []
            if rows and rows[0]["state"] == "up":
                break
        assert (rows[0]["rig"], rows[0]["state"]) == ("rig-6600", "up")
    finally:
        engine.terminate()
        assert engine.wait(30) == 0
    mimicry("rig", "deploy", "rig-6600", "--rollback", code=5)  # there is no version before
