"""Forms of words: made of all words before them, each once, and paid for like any word of a list."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.errors import UsageError
from engine.history.history import History
from engine.search.question import Question
from engine.search.space import Space
from engine.search.word_forms import formed


@pytest.mark.parametrize(
    ("forms", "made"),
    [
        ("lower", ("Straße", "AB", "straße", "ab")),
        ("upper", ("Straße", "AB", "STRASSE")),
        ("capital, reversed", ("Straße", "AB", "eßartS", "BA")),
        ("reversed,lower", ("Straße", "AB", "eßartS", "BA", "straße", "ab", "eßarts", "ba")),
    ],
)
def test_a_form_is_made_of_every_word_before_it(forms: str, made: tuple[str, ...]) -> None:
    assert formed(("Straße", "AB"), forms) == made


def test_digits_stand_behind_in_every_number_up_to_the_asked() -> None:
    made = formed(("a",), "digits(2)")
    assert (made[:2], made[10:13], made[-1], len(made)) == (("a", "a0"), ("a9", "a00", "a01"), "a99", 111)
    assert formed(("a",), "digits") == made[:11]


def test_a_form_too_long_for_a_word_is_refused() -> None:
    assert formed(("x" * 255,), "upper")[1] == "X" * 255
    with pytest.raises(UsageError, match="more than 255 bytes"):
        formed(("x" * 255,), "digits")


def test_every_form_is_billed(make_history: Callable[[np.ndarray], History]) -> None:
    history = make_history(np.random.default_rng(1).integers(0, 1000, 60))

    def bill(words: tuple[str, ...]) -> int:
        asked = Space(families=("java",), mappings=("java_bounded",), words=words, range=(0, 999), noise=0.0)
        return Question(history, asked).plan.hypotheses

    words = ("one", "two")
    assert bill(formed(words, "upper,digits")) == 22 * bill(words) > 0
