"""What `--seeds` means under each law: integers, words and offsets are told apart, contradictions are one line."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from engine.commands.seeding import seeding
from engine.errors import UsageError
from engine.search.ranges import Range


def asked(**given: Any) -> Namespace:
    plain = {
        "word_forms": None,
        "seeds": None,
        "gaps": None,
        "starts": None,
        "gap_law": "constant",
        "direction": "forward",
    }
    return Namespace(**{**plain, **given})


def test_integers_and_words_and_offsets_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a\nb\n")
    assert seeding(asked()) == {
        "gap_law": "constant", "direction": "forward", "gaps": None, "seeds": None, "words": ()
    }  # fmt: skip
    both = seeding(asked(seeds=f"5:9,words:{tmp_path / 'list'}", gaps="0:2"))
    assert (both["seeds"], both["words"], both["gaps"]) == ((Range(5, 9),), ("a", "b"), Range(0, 2))
    alone = seeding(asked(seeds=f"words:{tmp_path / 'list'}"))
    assert (alone["seeds"], alone["words"]) == (None, ("a", "b"))
    forms = seeding(asked(seeds=f"words:{tmp_path / 'list'}", word_forms="capital, digits", gap_law="range"))
    assert forms["words"][:4] == ("a", "b", "A", "B")
    assert forms["words"][4:6] == ("a0", "a1")
    assert (forms["words"][-1], len(forms["words"])) == ("B9", 44)
    clock = seeding(asked(gap_law="clock", seeds="-5:5/s,0:9/ms"))
    assert clock["offsets"] == ((-5, 5, "s"), (0, 9, "ms"))
    assert seeding(asked(gap_law="clock"))["offsets"] == ()
    turns = seeding(asked(gap_law="periodic", seeds="5:9", starts="0:3", gaps="0:7"))
    assert (turns["gap_law"], turns["seeds"], turns["gaps"]) == ("periodic", (Range(5, 9),), Range(0, 7))
    back = seeding(asked(direction="inverse", seeds="0:9"))
    assert (back["gap_law"], back["direction"], back["seeds"]) == ("inverse", "forward", (Range(0, 9),))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"gap_law": "reseed", "gaps": "0:3"}, "steps of the seed, 1 or more"),
        ({"gap_law": "reseed", "seeds": "words:LIST"}, "a word has no next one"),
        ({"gap_law": "clock", "seeds": "words:LIST"}, "its own time, no word"),
        ({"word_forms": "lower", "seeds": "0:5"}, "there are no words to form"),
        ({"word_forms": "lower,lowercase", "seeds": "words:LIST"}, "'lowercase': forms are lower, upper"),
        ({"word_forms": "digits(5)", "seeds": "words:LIST"}, "up to N of 4 digits"),
        ({"word_forms": "digits(4),digits(3)", "seeds": "words:LIST"}, "at most 1048576"),
        ({"gap_law": "clock", "seeds": "0:5"}, "offsets from each draw's time"),
        ({"gap_law": "clock", "gaps": "0:5"}, "--gaps and --direction say nothing"),
        ({"gap_law": "clock", "direction": "both"}, "--gaps and --direction say nothing"),
        ({"direction": "inverse", "gap_law": "range"}, "under constant gaps"),
        ({"direction": "inverse", "methods": "algebra"}, "recover out"),
        ({"seeds": ""}, "a part is empty"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(
    given: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    (tmp_path / "list").write_text("a\n")
    if "seeds" in given:
        given = given | {"seeds": given["seeds"].replace("LIST", str(tmp_path / "list"))}
    with pytest.raises(UsageError, match=rule) as caught:
        seeding(asked(**given))
    assert "\n" not in str(caught.value)
