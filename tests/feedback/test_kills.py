"""kill -9 at random moments of the live loop: no draw, request or promotion is lost, none is doubled."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from state.journal import Journal

sys.path.insert(0, str(Path(__file__).parent))

from loop_child import EVERY, candidate

CHILD = Path(__file__).parent / "loop_child.py"
ROOT = Path(__file__).parents[2]
ENDS = ("done", "failed", "rejected", "cancelled")


def lived(state: Path, draws: int, kills: int, seed: int) -> int:
    """Run the loop to its end, killed so many times on the way; return how many kills met it at work."""
    rng, met = random.Random(seed), 0
    for turn in range(kills + 1):
        child = subprocess.Popen([sys.executable, str(CHILD), str(state), str(draws)], cwd=ROOT)
        try:
            before = journal_size(state)
            patience = 240.0 if turn == kills else rng.uniform(0.1, 0.4)
            wait_for_growth(state, before, child)
            child.wait(patience)
            return met
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            met += 1
    raise AssertionError("the last one was not to be killed")


def journal_size(state: Path) -> int:
    return sum(path.stat().st_size for path in state.glob("journal*"))


def wait_for_growth(state: Path, before: int, child: subprocess.Popen[bytes]) -> None:
    """Wait until the loop is at work, whatever the machine's load."""
    for _ in range(2400):
        if journal_size(state) > before or child.poll() is not None:
            return
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the loop did not begin")


def check(state: Path, draws: int) -> None:
    with Journal.open(state) as journal:
        assert journal.verify() > draws
        judged = Counter(event.data["for_draw"] for event in journal.events(kinds=("draw.judged",)))
        skipped = Counter(
            at
            for event in journal.events(kinds=("draws.unforecast",))
            for at in range(event.data["first"], event.data["last"] + 1)
        )
        assert judged + skipped == Counter(range(draws)), "every draw exactly once"
        ends = Counter(
            event.data["request"] for end in ENDS for event in journal.events(kinds=(f"request.{end}",))
        )
        rows = journal.requests.list()
        assert ends == Counter(row.id for row in rows), "every request ended exactly once"
        fired = [event.data["request"] for event in journal.events(kinds=("trigger.fired",))]
        assert sorted(fired) == sorted(row.id for row in rows)
        promoted = [event.data["candidate"] for event in journal.events(kinds=("policy.promoted",))]
        wanted = [candidate(draw).id for draw in range(EVERY, draws + 1, EVERY)]
        assert promoted == [one for one in wanted if one in promoted], "in order, none twice"
        proposed = [event.data["candidate"] for event in journal.events(kinds=("candidate.proposed",))]
        assert promoted == proposed, "what was proposed was judged, once"
        active = json.loads((state / "policy_history" / "active.json").read_text())
        assert active["version"] == len(promoted)


def test_a_few_kills(tmp_path: Path) -> None:
    assert lived(tmp_path, 50, 2, 1) >= 1
    check(tmp_path, 50)


@pytest.mark.slow
def test_many_kills(tmp_path: Path) -> None:
    """Three minutes: sixty kills at random moments of 1,200 draws."""
    assert lived(tmp_path, 1200, 60, 2) >= 30
    check(tmp_path, 1200)
