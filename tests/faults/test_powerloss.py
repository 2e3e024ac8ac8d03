"""The power goes at every moment of every writer, and the disk holds the worst that it legally may: readers find old or new, never neither."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from powerloss import crashes, lay_out, record, recorder
from scenarios import SCENARIOS


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = recorder(tmp_path_factory.mktemp("recorder"))
    if found is None:
        pytest.skip("cc is missing: apt-get install gcc")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of laid-out states need no real disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="mimicry-power-") as made:
        yield Path(made)


def survive(name: str, base: Path, library: Path, *, extra: int, most: int | None) -> Counter[str]:
    """Try states of the disk at each moment (at most so many, spread evenly); return how many there were."""
    folder = base / "written"
    steps = record(name, folder, library)
    rng, check = random.Random(zlib.crc32(name.encode())), SCENARIOS[name][1]
    found, seen = [], set[int]()
    for number, told, state in crashes(steps, rng, extra):
        mark = hash((tuple(sorted(state.items())), len(told)))
        if mark not in seen:
            seen.add(mark)
            found.append((number, told, state))
    if most is not None and len(found) > most:
        found = [found[at * len(found) // most] for at in range(most)]
    target = base / "after"
    for number, told, state in found:
        lay_out(state, str(folder), target)
        try:
            check(target, told)
        except Exception as error:
            step = steps[number]
            said = f"{name}: power lost after step {number} ({step.kind} {step.path} {step.other}), acknowledged {told[-3:]}"
            raise AssertionError(f"{said}: {type(error).__name__}: {error}") from error
    return Counter(steps=len(steps), states=len(found))


@pytest.mark.parametrize("name", ["artifacts", "journal", "inbox"])
def test_a_writer_survives_the_loss_of_power(name: str, folder: Path, library: Path) -> None:
    assert survive(name, folder, library, extra=1, most=20)["states"] > 5


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_writer_survives_the_loss_of_power_at_every_moment(name: str, folder: Path, library: Path) -> None:
    """Two to five minutes for all: every distinct state of every moment."""
    count = survive(name, folder, library, extra=2, most=None)
    print(f"MEASURED {name}: {count['states']} states of the disk over {count['steps']} operations")
