"""Acceptance: promotion needs evidence on unseen draws, many tries do not wear it down, and nobody else can promote."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from engine.feedback.acceptance import HOPELESS_DRAWS, MOST_DRAWS, Acceptance, weigh
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy, Window
from state.journal import Journal


def candidate(blocks: int = 2) -> Candidate:
    return Candidate(
        policy=Policy(window=Window(blocks=blocks)), model="lightgbm", fitness=0.5, baseline=0.4, null=0.0, gains=(0.1,),
        episodes=9, exploration=0.9, seed=1, draws_seen=80, table="d", run="run-0001",
    )  # fmt: skip


def paired(gain: float, draws: int, seed: int) -> tuple[list[float], list[float]]:
    rng = random.Random(seed)
    active = [rng.gauss(0, 1) for _ in range(draws)]
    return [one + gain + rng.gauss(0, 1) for one in active], active


def test_a_better_candidate_is_promoted_and_a_worse_one_rejected() -> None:
    assert weigh(*paired(1.5, 40, 1), rank=1).outcome == "promote"
    assert weigh(*paired(-0.5, HOPELESS_DRAWS, 1), rank=1).outcome == "reject"
    assert weigh(*paired(0.0, MOST_DRAWS, 2), rank=3).outcome == "reject"


def test_too_few_draws_wait() -> None:
    assert weigh([1.0] * 4, [0.0] * 4, rank=1).outcome == "wait"
    assert weigh([], [], rank=1).outcome == "wait"


def test_equal_policies_are_promoted_no_more_often_than_stated_whenever_one_looks() -> None:
    promoted = 0
    for seed in range(120):
        scores = paired(0.0, 120, seed)
        promoted += any(
            weigh(scores[0][:n], scores[1][:n], rank=1).outcome == "promote" for n in (10, 30, 60, 120)
        )
    assert promoted <= 6, "alpha 0.05, halved by the rank's price: 3 of 120 expected"


def test_the_bar_rises_with_every_candidate_judged() -> None:
    assert weigh([1.0], [0.0], rank=1).required < weigh([1.0], [0.0], rank=20).required


def test_promotion_is_recorded_mirrored_and_survives_a_restart(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        acceptance = Acceptance(journal, tmp_path / "policy_history")
        assert acceptance.propose(candidate())
        assert not acceptance.propose(candidate())
        acceptance.judge(candidate(), weigh([1.0] * 3, [0.0] * 3, rank=1))
        assert acceptance.version == 0, "waiting promotes nothing"
        acceptance.judge(candidate(), weigh([1.0] * 40, [0.0] * 40, rank=1))
    with Journal.open(tmp_path) as journal:
        again = Acceptance(journal, tmp_path / "policy_history")
        assert again.active == candidate().policy
        assert (again.version, again.judged, again.open) == (1, 1, {})
    mirror = json.loads((tmp_path / "policy_history" / "active.json").read_text())
    assert mirror["version"] == 1
    assert (tmp_path / "policy_history" / "v0001.json").exists()


def test_a_file_written_by_hand_does_not_become_the_policy(tmp_path: Path) -> None:
    folder = tmp_path / "policy_history"
    folder.mkdir()
    forged = {"version": 9, "policy": candidate().policy.model_dump(mode="json")}
    (folder / "active.json").write_text(json.dumps(forged))
    with Journal.open(tmp_path) as journal:
        assert Acceptance(journal, folder).active == Policy()
    assert json.loads((folder / "active.json").read_text())["version"] == 0


def test_selfplay_cannot_reach_acceptance() -> None:
    root = Path(__file__).parents[2] / "engine" / "selfplay"
    text = "".join(path.read_text() for path in root.glob("*.py"))
    assert "engine.feedback" not in text
    assert "policy_history" not in text
    with pytest.raises(ValueError, match="one of each"):
        weigh([1.0], [], rank=1)
