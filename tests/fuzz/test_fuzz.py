"""Every reader of foreign bytes holds its property: on the committed corpus, on what hypothesis makes of it, and the book adds up."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from tests.fuzz import kept
from tests.fuzz.target import CORPUS, FIRST, Reader, Target, measured
from tests.fuzz.targets import TARGETS

EXAMPLES = 60
BYTES_KEPT = 512 << 10
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@every_target
def test_the_corpus_breaks_nothing(target: Target) -> None:
    found = [
        f"{path.name}: {finding.key}: {finding.fault}"
        for path in target.corpus()
        if (finding := measured(target, path.read_bytes())) is not None
    ]
    assert not found


@every_target
def test_every_seed_is_judged_by_its_own_reader_and_breaks_nothing(target: Target) -> None:
    assert len({reader.name for reader in target.readers}) == len(target.readers)
    assert all(reader.seeds for reader in target.readers)
    assert [finding for data in target.seeds() if (finding := measured(target, data)) is not None] == []


def mutants(target: Target) -> st.SearchStrategy[bytes]:
    """Return inputs near the seeds: a piece of one, bytes in its middle, a piece of another."""
    piece = st.builds(
        lambda data, a, b: data[int(a * len(data)) : int(b * len(data))],
        st.sampled_from(list(target.seeds())), st.floats(0, 1), st.floats(0, 1),
    )  # fmt: skip
    word = st.sampled_from(
        [
            b'"',
            b"null",
            b"1e999",
            b"-1",
            b"NaN",
            b"[" * 3000,
            b"9" * 30_000,
            b" " * 30_000,
            b"\xff\xfe",
            b"\n",
            b"\\ud800",
            b"\0",
        ]
    )
    first = st.integers(0, len(target.readers) - 1).map(lambda number: bytes([FIRST + number]))
    return st.tuples(first, piece, word | st.binary(max_size=40), piece).map(b"".join)


@every_target
def test_nothing_that_hypothesis_makes_of_the_seeds_breaks_a_reader(target: Target) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutants(target))
    def holds(data: bytes) -> None:
        assert measured(target, data) is None

    holds()


def test_the_book_adds_up_and_no_finding_is_open() -> None:
    book = kept.runs()
    assert json.loads(kept.BOOK.read_text())["cpu_hours"] == kept.totals(book)
    assert {run.target for run in book} == set(TARGETS)
    assert all(run.executions > 0 and run.cpu_minutes > 0 for run in book)


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == set(TARGETS)
    assert all(re.fullmatch(r"[0-9a-f]{16}|regression-[a-z0-9-]+", path.name) for path in files)
    assert sum(path.stat().st_size for path in files) < BYTES_KEPT


# -- the harness itself ---------------------------------------------------------------------------------------------------


def crash(data: bytes) -> object:
    return {}["absent"]


def refuse(data: bytes) -> object:
    raise BadInput("no")


def hang(data: bytes) -> object:
    until = time.process_time() + 5
    while time.process_time() < until:
        pass
    return None


def grow(data: bytes) -> object:
    return bytearray(80 << 20)


@pytest.mark.parametrize(
    ("read", "fault"), [(crash, "KeyError"), (refuse, None), (hang, "Hang"), (grow, "Greedy"), (len, None)]
)
def test_a_planted_fault_is_found_as_what_it_is(read: object, fault: str | None) -> None:
    target = Target("planted", "", (Reader("planted", read, (b"x",)),))  # type: ignore[arg-type]
    found = measured(target, b"ax", seconds=0.3)
    assert (found and found.fault.split(":")[0]) == fault


def test_the_kept_inputs_reach_what_all_of_them_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "CORPUS", tmp_path)
    monkeypatch.setattr("tests.fuzz.target.CORPUS", tmp_path)
    target = TARGETS["client"]
    for data in target.seeds():  # what is made once only (a loop, a cache) is no line of an input
        kept.lines(target, data)
    whole = set().union(*(kept.lines(target, data) for data in target.seeds()))
    number = kept.keep(target, [*target.seeds(), *target.seeds(), b"a", b"a{}", b"a[]"])
    again = set().union(*(kept.lines(target, path.read_bytes()) for path in target.corpus()))
    assert number == len(target.corpus()) < 20
    assert whole <= again
