"""The systemd unit: what systemd itself says of it, paths with spaces, and a daemon that really starts, lives and ends as it says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.cli import main
from engine.errors import BadInput
from engine.observe.unit import default_path, unit

ANALYZE = shutil.which("systemd-analyze")


def values(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


@pytest.mark.parametrize("scope", ["user", "system"])
def test_a_unit_notifies_and_has_a_watchdog(scope: str, tmp_path: Path) -> None:
    text = unit(scope, tmp_path)  # type: ignore[arg-type]
    assert values(text, "Type") == ["notify"]
    assert values(text, "WatchdogSec") == ["60"]
    assert values(text, "Restart") == ["on-failure"]
    assert values(text, "NoNewPrivileges") == ["yes"]
    assert (values(text, "ProtectSystem") == ["strict"]) == (scope == "system")
    assert values(text, "ExecStart")[0].endswith(f"-m engine.cli --state {tmp_path} --no-ui")


def test_paths_with_spaces_and_percent_signs_are_written_as_units_need_them(tmp_path: Path) -> None:
    text = unit("system", tmp_path / "100% mine", tmp_path / "my room.toml", python="/opt/py/bin/python")
    assert values(text, "ExecStart") == [
        f'/opt/py/bin/python -m engine.cli --state "{tmp_path}/100%% mine" --no-ui --config "{tmp_path}/my room.toml"'
    ]
    assert values(text, "WorkingDirectory") == [f"{tmp_path}/100%% mine"]
    with pytest.raises(BadInput, match="line break"):
        unit("user", tmp_path / "a\nExecStartPre=/bin/evil")


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("scope", ["user", "system"])
def test_systemd_finds_nothing_wrong_with_it(scope: str, tmp_path: Path) -> None:
    """Half a second of systemd itself."""
    path = tmp_path / "mimicry.service"
    state = tmp_path / "with space"
    state.mkdir()
    assert main(["--state", str(state), "init", str(path), "--systemd", scope]) == 0
    assert ANALYZE is not None
    user = ["--user"] if scope == "user" else []
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    ran = subprocess.run(
        [ANALYZE, "verify", *user, str(path)], env=env, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_a_unit_that_is_there_is_never_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mimicry.service"
    path.write_text("mine")
    assert main(["--state", str(tmp_path), "init", str(path), "--systemd"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert path.read_text() == "mine"


def test_it_lies_where_systemd_looks() -> None:
    assert default_path("user", {"HOME": "/home/ops"}) == Path(
        "/home/ops/.config/systemd/user/mimicry.service"
    )
    assert default_path("user", {"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path(
        "/c/systemd/user/mimicry.service"
    )
    assert default_path("system", {}) == Path("/etc/systemd/system/mimicry.service")
