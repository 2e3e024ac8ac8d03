"""Housekeeping: the newest stay, what is protected stays, logs are cut in place, and the budget acts at 90, 95 and 100 %."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import housekeeping
from engine.config import DiskSettings
from engine.halt import Halt
from engine.housekeeping import RULES, Housekeeper, cut, prune, size
from state.artifacts import ArtifactStore, Lineage
from state.journal import Journal

ROW: Any = None


class Word:
    def bump(self) -> int:
        return 1


@pytest.fixture
def keep(tmp_path: Path, journal: Journal) -> Callable[..., Housekeeper]:
    def made(budget_gb: float | None = None, protected: tuple[str, ...] = ()) -> Housekeeper:
        return Housekeeper(
            tmp_path, DiskSettings(budget_gb=budget_gb), Halt(journal, Word()), journal, lambda: protected
        )

    return made


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal.open(tmp_path / "elsewhere") as opened:
        yield opened


def files(folder: Path, pattern: str, count: int) -> list[Path]:
    """Make files of which the first is the oldest."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        path = folder / pattern.replace("*", f"{number:04}")
        path.write_text("x")
        os.utime(path, ns=(number, number))
        made.append(path)
    return made


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.folder + "/" + rule.pattern)
def test_of_each_sort_the_newest_stay(tmp_path: Path, rule: housekeeping.Rule) -> None:
    made = files(tmp_path / rule.folder, rule.pattern, 6)
    assert prune(tmp_path / rule.folder, rule.pattern, 4, ()) == 2
    assert [path.exists() for path in made] == [False, False, True, True, True, True]


def test_an_artifact_goes_with_its_lineage_and_a_protected_one_stays(
    tmp_path: Path, keep: Callable[..., Housekeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    for number in range(4):
        store.write_json(f"analysis-{number}.json", {"n": number}, Lineage(schema="analysis/1"))
        os.utime(tmp_path / "artifacts" / f"analysis-{number}.json", ns=(number, number))
    store.write_json("prediction_pool.json", {}, Lineage(schema="prediction_pool/1"))
    monkeypatch.setattr(
        housekeeping, "RULES", (housekeeping.Rule("analyses", "artifacts", "analysis-*.json", 1, 1),)
    )
    house = keep(protected=("analysis-0.json",))
    house.look()
    left = sorted(
        path.name for path in (tmp_path / "artifacts").iterdir() if not path.name.endswith(".lineage.json")
    )
    assert left == ["analysis-0.json", "analysis-3.json", "prediction_pool.json"]
    assert len(list((tmp_path / "artifacts").glob("*.lineage.json"))) == 3
    assert house.dropped == {"analyses": 2}
    assert store.read_json("analysis-0.json") == {"n": 0}


def test_a_log_that_another_process_appends_to_is_cut_to_its_newest_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "LOG_BYTES", 10_000)
    log = tmp_path / "daemon.err"
    with log.open("ab") as writer:
        for number in range(2000):
            writer.write(b"line %d\n" % number)
        writer.flush()
        assert cut(log)
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    kept = (tmp_path / "daemon.err.cut").read_text().splitlines()
    assert (kept[0].startswith("line "), kept[-1]) == (True, "line 1999")
    assert not cut(log)
    assert not cut(tmp_path / "absent")


def test_the_budget_acts_in_three_steps(
    tmp_path: Path, keep: Callable[..., Housekeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = keep(budget_gb=1e-3)
    monkeypatch.setattr(housekeeping, "RULES", (housekeeping.Rule("calls", "llm_calls", "*", 5, 2),))
    files(tmp_path / "llm_calls", "*.json", 5)
    monkeypatch.setattr(housekeeping, "size", lambda folder: house.used)
    for used, blocked, told, left, halted in (
        (500_000, False, False, 5, False),
        (910_000, False, True, 2, False),
        (960_000, True, True, 2, False),
        (1_000_000, True, True, 2, True),
    ):
        house.used = used
        house.look()
        assert (house.blocker(ROW) is not None, bool(house.degraded())) == (blocked, told)
        assert len(list((tmp_path / "llm_calls").iterdir())) == left
        assert (house.halt.state is not None) == halted
    assert house.halt.state is not None
    assert (house.halt.state.kind, house.halt.state.by) == ("checkpoint", "housekeeping")
    assert "disk: 100% of the budget of 0.001 GB is used" in house.halt.state.reason
    assert house.readings() == {"disk.budget_ratio": 1.0}


def test_without_a_budget_nothing_is_measured_and_nothing_is_held(
    keep: Callable[..., Housekeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = keep()
    monkeypatch.setattr(housekeeping, "size", lambda folder: pytest.fail("measured"))
    house.look()
    assert (house.blocker(ROW), house.degraded(), house.readings()) == (None, [], {})


def test_the_size_is_what_the_folder_takes(tmp_path: Path) -> None:
    (tmp_path / "sparse").mkdir()
    with (tmp_path / "sparse" / "hole").open("wb") as hole:
        hole.truncate(10 << 20)
    before = size(tmp_path)
    (tmp_path / "full").write_bytes(os.urandom(1 << 20))
    assert before < 1 << 20 <= size(tmp_path) - before + 4096
