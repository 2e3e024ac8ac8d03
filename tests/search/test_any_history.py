"""Any history over any options is planned or refused in one line: dice, coins, zeros, long and short, missing draws, every law."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput, UsageError
from engine.history.history import History
from engine.search.identifiable import identifiable
from engine.search.outline import outline
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space

FAMILIES = ("java", "php", "msvc", "glibc*", "v8*", "xorshift32", "taus88*", "drand48", "minstd*")


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a history: how many values, how long, and of which kind."""
    values = draw(st.sampled_from((2, 3, 6, 10, 37, 100, 1000, 65536, 1 << 31, 1 << 32)))
    count = draw(st.sampled_from((3, 6, 20, 63, 64, 65, 100, 300)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    lowest = draw(st.sampled_from((0, 1)))
    made: list[int | None] = {
        "even": lambda: [int(one) + lowest for one in rng.integers(0, values, count)],
        "constant": lambda: [lowest] * count,
        "rising": lambda: [lowest + min(values - 1, one) for one in range(count)],
        "holes": lambda: [None if rng.random() < 0.3 else int(one) for one in rng.integers(0, values, count)],
    }[draw(st.sampled_from(("even", "constant", "rising", "holes")))]()
    return History.of(made, source="any")


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, object]:
    """Draw options; they need not agree."""
    options: dict[str, object] = {
        "families": draw(st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=2, unique=True)),
        "gap_law": draw(st.sampled_from(("constant", "range", "reseed", "periodic"))),
        "direction": draw(st.sampled_from(("forward", "backward", "both"))),
        "methods": draw(st.sampled_from(("all", "seeds", "algebra"))),
    }
    for name, choices in {
        "noise": (0.0, 0.1, 0.5), "gaps": (Range(0, 0), Range(0, 20), Range(5, 5)), "starts": (Range(0, 10),),
        "seeds": (Range(0, 99), Range(0, 2**64 - 1)), "mappings": (("mod",), ("digits(2)",), ("formula(floor(u*7))",)),
    }.items():  # fmt: skip
        if draw(st.integers(0, 3)) == 0:
            options[name] = draw(st.sampled_from(choices))
    return options


def planned(history: History, options: dict[str, object]) -> Question | str:
    """Return the laid out search, or the line that refuses it."""
    try:
        return Question(history, Space(**options))  # type: ignore[arg-type]
    except (BadInput, UsageError) as refusal:
        return str(refusal)


@given(histories(), spaces())
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_history_is_planned_or_refused_in_one_line(history: History, options: dict[str, object]) -> None:
    made = planned(history, options)
    if isinstance(made, str):
        assert "\n" not in made
        return
    present = int((history.values >= 0).sum())
    for cell in made.asked.cells:
        assert 0 < cell.block <= present
        assert cell.block in made.digests[cell.session, cell.lo, cell.hi], "what it excludes has a name"
        assert cell.seconds >= 0
        assert cell.tested > 0
    assert all(one.reason for one in made.asked.unplanned)
    if options["methods"] == "all":  # the verb has no other
        identifiable(made)
    outline(made, 2)
