"""The real daemon with rigs, asked through the real command line: shown, alerted, set aside, halted; and the simulated fleet of the demo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[..., Any]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    def run(*words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "engine.cli", "--state", str(tmp_path / "state"), *words, "--json"], capture_output=True, text=True
        )  # fmt: skip
        return json.loads(done.stdout) if done.returncode == 0 else done

    return run


def until(ask: Ask, words: tuple[str, ...], found: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        answer = ask(*words)
        if not isinstance(answer, subprocess.CompletedProcess) and found(answer):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.5)


@pytest.fixture
def daemon(rig_settings: Callable[..., Any], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    rig = rig_settings(1)
    entered = f'key = "{rig.key}"\nhost_keys = {json.dumps(rig.host_keys)}\nhost = "127.0.0.1"\n'
    (tmp_path / "state").mkdir()
    (tmp_path / "state/room.toml").write_text(
        f'[[rigs]]\nname = "rig-a"\nport = {rig.port}\nuser = "{rig.user}"\npython = "{sys.executable}"\nstaging = "{rig.staging}"\n'
        f'gpus = ["0000:03:00.0"]\n{entered}\n[[rigs]]\nname = "rig-b"\nport = 1\n{entered}\n[[rigs]]\nname = "rig-c"\nhots = "x"\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "--state", str(tmp_path / "state"), "--no-ui"], stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
def test_a_room_shows_its_rigs_and_the_bad_ones_beside_them(
    daemon: subprocess.Popen[str], ask: Ask, staging: Path
) -> None:
    """About 20 s."""
    rows = until(ask, ("rigs",), lambda page: page["rows"] and page["rows"][0]["state"] == "up")["rows"]
    assert (rows[0]["rig"], rows[0]["state"]) == ("rig-a", "up")
    snapshot = until(ask, ("status",), lambda shot: any("rig-b" in line for line in shot["degraded"]))
    assert [host["name"] for host in snapshot["fleet"]][1:] == ["rig-a", "rig-b"]
    assert any("'hots' is unknown; the nearest is 'host'" in line for line in snapshot["degraded"])
    card = until(ask, ("gpus", "--filter", "state=held"), lambda page: page["rows"])["rows"][0]
    assert "gone from the bus" in card["why"]
    assert ask("rig", "include", "rig-a/0")["included"]
    assert ask("rig", "drain", "rig-a", "--reason", "new riser")["state"] == "drained"
    assert ask("rigs", "--filter", "state=drained")["matched"] == 1
    refused = ask("rig", "drain", "rig-x", "--reason", "y")
    assert (refused.returncode, refused.stderr.startswith("mimicry: no rig 'rig-x'")) == (2, True)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    assert not list(staging.glob("mimicry-run-*"))


@pytest.mark.slow
def test_the_demo_s_fleet_is_named_as_simulated(ask: Ask, tmp_path: Path) -> None:
    """About 15 s."""
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "--state",
        str(tmp_path / "state"),
        "--no-ui",
        "--simulated-fleet",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        shot = until(ask, ("status",), lambda shot: len(shot["fleet"]) == 4 and shot["fleet"][3]["util"])
        assert sum(len(host["devices"]) for host in shot["fleet"][1:]) == 26
        assert all(host["name"].startswith("sim-") for host in shot["fleet"][1:])
        assert shot["test_mode"]
        assert any("SIMULATED" in line for line in shot["degraded"])
        ask("rig", "fault", "sim-rig-6600/3", "--reason", "lost")
        assert ask("gpus", "--filter", "state=held")["rows"][0]["gpu"] == "sim-rig-6600/3"
    finally:
        process.terminate()
        process.wait(30)
