"""The blind acceptance test in its short form: a handful of real runtimes and of negatives through the public command.

The full form is `python tests/blind/full.py`; this one takes the families that are at all common and modest intervals.
"""

import os
import random
import secrets
from pathlib import Path

import pytest
from histories import History, modest, negative, real
from runtimes import CALLS, LANGUAGES
from scoring import Score, judge, kept, outcome, put, table

from hip_cuda_kernels.registry import FAMILIES

LEAST_WEIGHT = 3.0
COMMON = ",".join(family.id for family in FAMILIES if family.weight >= LEAST_WEIGHT)
OPTIONS = ["--families", COMMON, "--noise", "0", "--workers", "1"]  # the last --families counts
# the first call of a language is what its users write first
USUAL = (
    "php",
    "ruby",
    "perl",
    "lua 5.1",
    "lua 5.4",
    "luajit",
    "node",
    "java",
    "python",
    "numpy",
    "go",
    "gawk",
    "bash",
    "glibc",
    "musl",
    "R",
)
DRAWN = int(os.environ.get("BLIND_SEED", secrets.randbits(32)))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Draw the test's own numbers; a failure prints what repeats them."""
    print(f"BLIND_SEED={DRAWN}")
    return random.Random(f"{DRAWN} {request.node.name}")


def lacking(language: str) -> str | None:
    return LANGUAGES[language].missing()


@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(turn, marks=pytest.mark.slow) for turn in range(1, 4))]
)  # 5 s each
def test_a_real_runtime_is_identified_and_its_next_draws_foretold(
    turn: int, rng: random.Random, tmp_path: Path
) -> None:
    here = [name for name in USUAL if lacking(name) is None]
    absent = [name for name in USUAL if name not in here]
    if len(here) <= turn:
        pytest.skip(f"not installed: {', '.join(absent)}")
    language = random.Random(DRAWN).sample(here, len(here))[turn]
    call = next(call for call in CALLS if call.language == language)
    score = judge(real(call, modest(rng, call), rng, tmp_path, noise=0.0), OPTIONS, tmp_path)
    print(score)
    assert score.outcome == "identified", (score.history.truth, score.verdict, score.claim)


@pytest.mark.parametrize("kind", ["entropy", pytest.param("shuffled", marks=pytest.mark.slow)])
def test_nothing_is_claimed_of_what_no_generator_made(kind: str, rng: random.Random, tmp_path: Path) -> None:
    call = next(call for call in CALLS if call.language == "python")
    score = judge(negative(kind, call, modest(rng, call), rng, tmp_path), OPTIONS, tmp_path)
    print(score)
    assert score.outcome == "silent", (score.verdict, score.claim)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_runtime_draws_within_its_range_and_by_its_seed(language: str, tmp_path: Path) -> None:
    tool = lacking(language)
    if tool is not None:
        pytest.skip(f"{tool} is not installed")
    call = next(call for call in CALLS if call.language == language)
    draws = call.draws(4711, 20, 10, tmp_path)
    assert draws == call.draws(4711, 20, 10, tmp_path) != call.draws(4712, 20, 10, tmp_path)
    assert all(call.first <= draw < call.first + 10 for draw in draws)


def made(future: tuple[int, ...] | None, source: str = "python: random()") -> History:
    return History(source, modest(random.Random(), CALLS[0]), 0, 9, (1, 2, 3), future)


@pytest.mark.parametrize(
    ("history", "verdict", "told", "scored"),
    [
        (made((4, 5)), "identified", [4, 5], "identified"),
        (made((4, 5)), "identified", [4, 6], "wrong"),
        (made((4, 5)), "identified", None, "missed"),
        (made((4, 5)), "biased", None, "missed"),
        (made(None, "entropy"), "identified", None, "false"),
        (made(None, "entropy"), "biased", None, "false"),
        (made(None, "entropy"), "not_identifiable", None, "silent"),
        (made(None, "loaded die"), "biased", None, "silent"),
        (made(None, "loaded die"), "identified", [4, 5], "false"),
    ],
)
def test_only_the_real_next_draws_make_a_claim_right(
    history: History, verdict: str, told: list[int] | None, scored: str
) -> None:
    assert outcome(history, {"verdict": verdict, "next_draws": told}) == scored


def test_a_table_counts_every_outcome_once() -> None:
    scores = [
        Score(made((4, 5)), "identified", "identified", "", 1.0, 1, 1.0, 0.0, "v1"),
        Score(made(None, "entropy"), "silent", "", "", 2.0, 1, 2.0, 0.0, "v1"),
    ]
    lines = table(scores).splitlines()
    assert lines[2].startswith("| python | 1 | 1 |")
    assert lines[3].startswith("| entropy | 1 |")


def test_a_file_of_results_gives_the_scores_back(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    scores = [
        Score(made((4, 5)), "identified", "identified", "a b 0x1", 1.0, 7, 1.0, 0.5, "v1"),
        Score(made(None, "entropy"), "silent", "no_evidence", "", 2.0, 9, 2.0, 0.5, "v2"),
    ]
    put(file, scores)
    assert list(kept(file)) == scores
