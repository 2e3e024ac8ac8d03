"""One door for work: sweeps, trials, scoring, training, selfplay and duels start no process and no pool of their own."""

from __future__ import annotations

import re
from pathlib import Path

import engine
from engine.compute.kinds import AFAR, LIMITS, SHORT, TABLE, at_home

ROOT = Path(engine.__file__).parent
OWN_WORK = re.compile(
    r"^\s*(?:from|import) (?:subprocess|multiprocessing|concurrent|dask|distributed|joblib)", re.M
)


def test_no_wing_that_works_starts_workers_of_its_own() -> None:
    for wing in ("search", "recovery", "pipeline", "selfplay", "feedback", "evidence"):
        for path in (ROOT / wing).rglob("*.py"):
            found = OWN_WORK.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path}: {found}"


def test_each_kind_is_asked_for_as_a_task_and_no_other_one_is() -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py") if path.parent.name != "compute"
    )
    asked = set(re.findall(r"Task\(\s*(?:kind=)?\"(\w+)\"", text))
    assert asked == set(TABLE)


def test_the_tables_about_kinds_name_kinds() -> None:
    assert set(LIMITS) | SHORT | AFAR <= set(TABLE)
    assert [kind for kind in sorted(TABLE) if at_home(kind)] == ["episode", "train"]
    assert not at_home("a kind of a test")
