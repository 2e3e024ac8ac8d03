"""Two small runs that every test of a report reads: one with a claim, one on entropy with draws missing."""

import asyncio
from pathlib import Path

import pytest

from engine.analyze import Order, analyze
from engine.run_report.facts import Facts, read
from engine.search.ranges import Range
from engine.search.space import Space

EXAMPLES = Path(__file__).parents[2] / "examples"
READING = {
    "column": None, "time_column": None, "session_column": None, "format": None, "newest_first": False, "decimals": None,
}  # fmt: skip


def searched(state: Path, file: Path, space: Space) -> Path:
    return asyncio.run(analyze(Order((str(file),), space, READING, False, 1), state)).directory


@pytest.fixture(scope="session")
def claimed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    space = Space(
        families=("java", "msvc"), seeds=(Range(583_000, 584_000),), gaps=Range(0, 4), range=(0, 999)
    )
    return searched(tmp_path_factory.mktemp("claimed"), EXAMPLES / "java_nextint_gaps.csv", space)


@pytest.fixture(scope="session")
def empty_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("empty")
    lines = (EXAMPLES / "entropy.csv").read_text().splitlines()[1:121]
    draws = state / "draws.txt"
    draws.write_text(
        "\n".join(
            [line.split(",")[-1] for line in lines[:60]]
            + ["-"] * 20
            + [line.split(",")[-1] for line in lines[60:]]
        )
    )
    space = Space(
        families=("glibc", "msvc", "lcg31/*", "java"),
        seeds=(Range(0, 16_383),),
        gaps=Range(0, 3),
        range=(0, 999),
    )
    return searched(state, draws, space)


@pytest.fixture(scope="session")
def claimed(claimed_run: Path) -> Facts:
    return read(claimed_run)


@pytest.fixture(scope="session")
def empty(empty_run: Path) -> Facts:
    return read(empty_run)
