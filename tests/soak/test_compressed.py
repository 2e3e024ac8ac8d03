"""Soaks A, B and C for real, compressed, with faults: together they take less than six minutes on two idle cores."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))

from tiny_model import write

from engine.cli import main
from engine.soak import ground, report
from engine.soak.processes import marked

pytestmark = pytest.mark.soak
SHORT = {"memory", "handles", "children"}
"""What a minute cannot show."""
SOAKS = {
    "a": ("120", "kill_worker,corrupt_request"),
    "b": ("30", "stop_worker"),
    "c": ("36", "kill_engine,kill_scheduler"),
}
"""Compression and faults by letter: one minute, one minute, a hundred seconds, and the time to drain. A and C have an advisor."""
WHEEL = [sys.executable, "-P", "-m", "engine.llm.wheel"]


def advised(folder: Path) -> Path:
    """Write the settings of an operator whose advisor is the tiny calm model: a random one would ask for needless care."""
    settings, model = folder / "op.toml", write(folder / "calm.gguf", calm=True)
    settings.write_text(f'[llm]\ncommand = {json.dumps(WHEEL)}\nmodel = "{model}"\ncontext = 4096\n')
    return settings


@pytest.mark.parametrize("letter", SOAKS)
def test_a_compressed_soak_passes_and_leaves_nothing(
    letter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some 110 s each."""
    compress, faults = SOAKS[letter]
    words = ["--state", str(tmp_path), "soak", letter, "--compress", compress, "--faults", faults, "--json"]
    code = main([*words, "--config", str(advised(tmp_path))] if letter in "ac" else words)
    told = json.loads(capsys.readouterr().out)
    findings = [finding for gate in told["gates"] for finding in gate["findings"]]
    assert told["failed"] == [], findings
    assert code == 0
    assert set(told["short"]) >= SHORT
    advisor = next(gate for gate in told["gates"] if gate["gate"] == "advisor")
    assert (advisor["state"] == "pass") is (letter in "ac"), advisor
    made = ground.find(tmp_path, letter)
    assert marked(made.id, but=set()) == {}
    assert report.on_record(made) == told["content_sha256"]
    assert main(["--state", str(tmp_path), "soak", "report", "last"]) == 0, (
        "the records give the same report again"
    )
