"""Soaks A, B and C for real, compressed, with faults: together they take less than six minutes on two idle cores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
"""Compression and faults by letter: one minute, one minute, a hundred seconds, and the time to drain."""


@pytest.mark.parametrize("letter", SOAKS)
def test_a_compressed_soak_passes_and_leaves_nothing(
    letter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some 110 s each."""
    compress, faults = SOAKS[letter]
    code = main(
        ["--state", str(tmp_path), "soak", letter, "--compress", compress, "--faults", faults, "--json"]
    )
    told = json.loads(capsys.readouterr().out)
    findings = [finding for gate in told["gates"] for finding in gate["findings"]]
    assert told["failed"] == [], findings
    assert code == 0
    assert set(told["short"]) >= SHORT
    made = ground.find(tmp_path, letter)
    assert marked(made.id, but=set()) == {}
    assert report.on_record(made) == told["content_sha256"]
    assert main(["--state", str(tmp_path), "soak", "report", "last"]) == 0, (
        "the records give the same report again"
    )
