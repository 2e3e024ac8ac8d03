"""Words as seeds: lists are read strictly, searched exactly, found with their word and excluded by the list's name."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.errors import BadInput, MimicryError, UsageError
from engine.history.history import History
from engine.recovery.problem import Patterns
from engine.search.cell import Cell
from engine.search.claims import Hit, predicted, score
from engine.search.identify import Identification, identify
from engine.search.question import Question
from engine.search.ranges import Range, parse_range
from engine.search.readings import patterns
from engine.search.space import Space
from engine.search.words import digest, packed, ranges, split, unpacked
from hip_cuda_kernels import host
from hip_cuda_kernels.wordings import WORDINGS
from state.journal import Journal
from tests.search.by_definition import constant, counted, searched, turns, varying

Maker = Callable[[np.ndarray], History]
WORDS = tuple(f"pass{number}" for number in range(300))
SPACE: dict[str, Any] = {
    "families": ("python", "java"),
    "mappings": ("top_reject", "java_bounded"),
    "range": (0, 999),
    "noise": 0.0,
}


def test_lists_and_integers_stand_side_by_side_and_a_word_counts_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes("größe\r\n\n b \nx".encode())
    two.write_bytes(b"x\ny\n")
    assert split(f"0:9, words:{one},words:{two},small") == ("0:9,small", ("größe", " b ", "x", "y"))
    assert unpacked(packed(("größe", " b "))) == ["größe".encode(), b" b "]


@pytest.mark.parametrize(
    ("content", "kind", "rule"),
    [
        (b"good\n\xff\xfe\n", BadInput, "line 2: not UTF-8"),
        (b"x" * 256, BadInput, "line 1: 256 bytes, a word has at most 255"),
        (b"\n\n", BadInput, "no word in it"),
        (None, BadInput, "cannot be read"),
        ("", UsageError, "the name of the file is missing"),
    ],
)
def test_a_list_that_cannot_be_taken_is_one_line(
    content: bytes | str | None, kind: type[MimicryError], rule: str, tmp_path: Path
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "list").write_bytes(content)
    with pytest.raises(kind, match=rule) as caught:
        split("words:" if content == "" else f"words:{tmp_path / 'list'}")
    assert "\n" not in str(caught.value)


def test_the_notation_of_words_reads_back() -> None:
    for one in ranges(WORDS):
        assert parse_range(one.text(), what="x") == one
        assert (one.kind, one.size) == ("word", 300)
    assert digest(WORDS) != digest(WORDS[::-1])


@pytest.mark.parametrize(
    ("law", "code", "way", "alignments", "period"),
    [
        ("constant", ("mt19937/cpython", "top_reject"), "python_str", constant, 1),
        ("range", ("mt19937/cpython", "top_reject"), "python_str", varying, 1),
        ("periodic", ("mt19937/cpython", "top_reject"), "python_str", partial(turns, period=2), 2),
        ("inverse", ("lcg48/java", "java_bounded"), "java_hash_code", constant, 1),
    ],
)
def test_the_search_equals_brute_force(
    law: str, code: tuple[str, str], way: str, alignments: Callable[..., Any], period: int
) -> None:
    rng, seeds = np.random.default_rng(1), [WORDINGS[way].seed(word.encode()) for word in WORDS[100:160]]
    streams = (host.before if law == "inverse" else host.streams)(*code, seeds, 0, 3, 40)
    *_, (start, gap, calls) = islice(alignments((1, 3), (0, 2), 6), 4)
    draws = np.vstack([rng.integers(0, 4, (2, 6)), streams[50, calls]])
    draws[:2, 2] = -1
    params = {
        "family": code[0], "mapping": code[1], "period": period, "way": way, "seed_lo": 1000,
        "words": [word.encode() for word in WORDS],
    }  # fmt: skip
    threshold = 4 if law == "periodic" else 5  # there rows miss the same draws
    if law == "periodic":
        draws[2, 2] = -1
    found = searched(f"words {law}", params | {"threshold": threshold}, draws, 1100, 60)
    assert found == counted(streams, draws, alignments((1, 3), (0, 2), 6), threshold, 1100)
    assert (1150, start, gap, 2, 5 if law == "periodic" else 6) in found


@pytest.mark.asyncio(loop_scope="package")
async def test_a_word_is_found_by_its_runtime_with_the_next_draws(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    source = random.Random("pass217")
    draws = np.array([source.randrange(1000) for _ in range(70)])
    space = Space(**SPACE, words=WORDS, starts=parse_range("0:5", what=""), gaps=parse_range("0:2", what=""))
    found = await identify(make_history(draws[3:60]), space, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses
    assert best.word is not None
    assert (best.family, best.word.text, best.word.way) == ("mt19937/cpython", "pass217", "python_str")
    assert (best.start, best.gap["value"]) == (3, 0)
    assert int(best.origin["value"], 16) == WORDINGS["python_str"].seed(b"pass217")
    assert found.next_draws == draws[60:].tolist()
    assert found.controls.cells_found == found.controls.cells_planted >= 60
    assert journal.billed() >= found.hypotheses_tested > 0


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(
    ("law", "laid", "gap"),
    [
        ("range", np.cumsum([2, *([1, 3, 2] * 23)]), {"lo": 0, "hi": 2, "pattern": ([0, 2, 1] * 23)[:59]}),
        ("periodic", np.cumsum([2, *([1, 3] * 35)])[:70], {"pattern": [0, 2]}),
        ("inverse", np.arange(2, 142, 2), {"value": 1}),
    ],
)
async def test_a_word_is_found_under_each_law_of_gaps(
    law: str, laid: np.ndarray, gap: dict[str, Any], compute: Compute, journal: Journal, make_history: Maker
) -> None:
    made = host.before if law == "inverse" else host.streams
    (stream,) = made("lcg48/java", "java_bounded", [WORDINGS["java_hash_code"].seed(b"pass217")], 0, 999, 150)
    space = Space(
        **{**SPACE, "families": ("java",)}, words=WORDS, starts=Range(0, 3), gaps=Range(0, 2), gap_law=law  # type: ignore[arg-type]
    )  # fmt: skip
    found = await identify(make_history(stream[laid[:60]]), space, compute, journal, run="t")
    (best,) = found.hypotheses
    assert best.word is not None
    assert (found.verdict, best.word.text, best.start, best.matched) == ("identified", "pass217", 2, 60)
    assert best.gap == {"law": law, "unit": "call"} | gap
    assert found.next_draws == (None if law == "range" else stream[laid[60:]].tolist())
    assert found.controls.cells_found == found.controls.cells_planted >= 60


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_excludes_this_list_in_these_ways_alone(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(5).integers(0, 1000, 40))
    search = Identification(Question(history, Space(**SPACE, words=WORDS), kernel="k"), run="t")
    found = await search.run(compute, journal)
    assert (found.verdict, found.complete) == ("no_evidence", True)
    assert {one.origins["range"].partition("/")[2].partition("@")[0] for one in found.excluded} == {
        "python_str", "python2_str", "java_hash_code"
    }  # fmt: skip
    assert all(one.origins["kind"] == "word" and one.power >= 0.95 for one in found.excluded)
    rows = search.coverage()
    left = {}
    for name, space in {
        "same": {"words": WORDS},
        "shorter": {"words": WORDS[:-1]},
        "places": {"seeds": (0, 299)},
    }.items():
        fresh, known = (
            Question(history, Space(**SPACE, **space), known=told, kernel="k") for told in ((), rows)
        )
        left[name] = known.plan.hypotheses / fresh.plan.hypotheses
    assert left == {"same": 0.0, "shorter": 1.0, "places": 1.0}


def test_families_that_take_no_words_are_named(make_history: Maker) -> None:
    history = make_history(np.arange(40) * 7 % 100)
    with pytest.raises(UsageError, match="none of the asked families takes words"):
        Question(history, Space(families=("msvc",), words=WORDS))
    mixed = Question(history, Space(families=("msvc", "java"), words=WORDS))
    assert {one.family: one.reason for one in mixed.plan.unplanned}["msvc_rand/srand"].startswith(
        "no runtime"
    )
    wide = Question(
        history, Space(families=("seedrandom", "java"), words=WORDS, mappings=("digits(2)",), range=(0, 99))
    )
    assert [one.family for one in wide.plan.unplanned] == ["arc4/seedrandom"]
    assert {cell.family for cell in wide.plan.cells} == {"lcg48/java"}


def test_words_too_long_to_be_led_back_are_named(make_history: Maker) -> None:
    asked = Space(families=("java", "alea"), words=WORDS, range=(0, 99), gap_law="inverse")
    plan = Question(make_history(np.arange(60) * 7 % 100), asked).plan
    assert {cell.family for cell in plan.cells} == {"lcg48/java"}
    assert any(
        "is not led back from keys" in one.reason or "no inverse" in one.reason for one in plan.unplanned
    )


def test_other_patterns_of_a_claimed_word_stay_that_word_and_pay_for_its_list() -> None:
    way = ranges(WORDS)[[one.way for one in ranges(WORDS)].index("java_hash_code")]
    listed = Cell(
        "lcg48/java", "java_bounded", 0, 999, way, (0, 3), (0, 2), 0.2, 8, 4, 52, None, 1.0, 1.0,
        law="periodic", period=2, words=WORDS,
    )  # fmt: skip
    cell = listed.worded(217)
    draws = predicted(replace(cell, period=3), cell.seeds.lo, 2, Patterns(0, 2, 3).code((0, 2, 1)), 60)
    draws[::9] = (draws[::9] + 1) % 1000
    claim = score(cell, Hit(cell.seeds.lo, 2, 0), draws, 1e-3, None, 1)
    looks, best = patterns(claim, draws)
    assert looks == 4 * (3**2 + 3**3)
    assert [one.period for one, _ in best] == [2, 3]
    assert {(one.word, one.seeds.size, one.whole.seeds) for one, _ in best} == {("pass217", 1, way)}
    assert best[1][1] == (cell.seeds.lo, 2, Patterns(0, 2, 3).code((0, 2, 1)))
