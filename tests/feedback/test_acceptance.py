"""Acceptance: promotion needs evidence on unseen draws, many tries do not wear it down, and nobody else can promote."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.feedback.acceptance import Acceptance
from engine.feedback.verdict import HOPELESS_DRAWS, MOST_DRAWS, weigh
from engine.selfplay.active import ACTIVE_POLICY, ActivePolicy
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Policy, Window
from state.artifacts import ArtifactStore
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


EARNED = weigh([1.0] * 40, [0.0] * 40, rank=1)


@pytest.fixture
def acceptance(tmp_path: Path) -> Iterator[Acceptance]:
    with Journal.open(tmp_path) as journal:
        yield Acceptance(journal, tmp_path / "policy_history", ArtifactStore(tmp_path / "artifacts"))


def promoted(acceptance: Acceptance, blocks: int) -> None:
    acceptance.propose(candidate(blocks))
    acceptance.judge(candidate(blocks), EARNED)


def test_rollback_returns_to_the_newest_policy_that_was_earned_and_not_withdrawn(
    acceptance: Acceptance,
) -> None:
    for blocks in (2, 3):
        promoted(acceptance, blocks)
    back = acceptance.rollback(by="operator")
    assert (back.version, back.of, back.policy) == (3, 1, candidate(2).policy)
    assert acceptance.rollback(by="operator").policy == Policy(), "version 0 is always left"
    with pytest.raises(UsageError, match="nothing to withdraw"):
        acceptance.rollback(by="operator")
    assert [one.withdrawn for one in acceptance.versions] == [False, True, True, True, False]


def test_rollback_to_a_version_names_what_is_wrong_with_it(acceptance: Acceptance) -> None:
    for blocks in (2, 3):
        promoted(acceptance, blocks)
    acceptance.rollback(by="operator", to=0)
    promoted(acceptance, 4)
    with pytest.raises(UsageError, match="no version 9"):
        acceptance.rollback(by="operator", to=9)
    with pytest.raises(UsageError, match="withdrawn itself"):
        acceptance.rollback(by="operator", to=2)
    assert acceptance.rollback(by="operator", to=1).policy == candidate(2).policy


def test_versions_survive_a_restart(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        acceptance = Acceptance(journal, tmp_path / "policy_history")
        promoted(acceptance, 2)
        acceptance.rollback(by="operator", why="it looked odd")
        before = acceptance.versions
    with Journal.open(tmp_path) as journal:
        assert Acceptance(journal, tmp_path / "policy_history").versions == before
    assert len(list((tmp_path / "policy_history").glob("v*.json"))) == 2


def test_an_operator_cannot_promote_what_no_unseen_draw_has_earned_but_in_test_mode(
    acceptance: Acceptance,
) -> None:
    acceptance.propose(candidate())
    with pytest.raises(UsageError, match="not earned"):
        acceptance.promote(candidate().id, by="operator")
    with pytest.raises(UsageError, match="no such candidate"):
        acceptance.promote("c-nobody", by="operator", testing=True)
    assert acceptance.version == 0
    made = acceptance.promote(candidate().id, by="operator", testing=True)
    assert (made.version, "not earned" in made.why) == (1, True)
    with pytest.raises(UsageError, match="promoted already"):
        acceptance.promote(candidate().id, by="operator", testing=True)


def test_the_same_policy_on_the_same_table_is_proposed_once(acceptance: Acceptance) -> None:
    assert acceptance.propose(candidate())
    twin = candidate().model_copy(update={"seed": 2})
    assert twin.id != candidate().id
    assert not acceptance.propose(twin)
    acceptance.judge(candidate(), weigh([0.0] * 400, [0.0] * 400, rank=1))
    assert not acceptance.propose(twin), "a rejected one stays rejected on its table"
    assert acceptance.propose(twin.model_copy(update={"table": "another"}))


def test_training_reads_the_active_policy_as_an_artifact_that_changes_with_it(acceptance: Acceptance) -> None:
    store = acceptance._artifacts
    assert store is not None
    first = store.ref(ACTIVE_POLICY).sha256
    promoted(acceptance, 2)
    assert ActivePolicy.model_validate(store.read_json(ACTIVE_POLICY)).policy == candidate(2).policy
    acceptance.rollback(by="operator")
    assert store.ref(ACTIVE_POLICY).sha256 == first


def test_selfplay_cannot_reach_acceptance() -> None:
    root = Path(__file__).parents[2] / "engine" / "selfplay"
    text = "".join(path.read_text() for path in root.glob("*.py"))
    assert "engine.feedback" not in text
    assert "policy_history" not in text
    with pytest.raises(ValueError, match="one of each"):
        weigh([1.0], [], rank=1)


def test_nobody_but_acceptance_writes_the_active_policy() -> None:
    """The name of the artifact and of the event stand where they are written, and where they are read; nowhere else."""
    root = Path(__file__).parents[2] / "engine"
    holders = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(
            word in path.read_text() for word in ("ACTIVE_POLICY", "active_policy.json", '"policy.promoted"')
        )
    }
    assert holders == {"feedback/acceptance.py", "selfplay/active.py", "pipeline/taught.py"}
    assert "write" not in (root / "pipeline" / "taught.py").read_text()
