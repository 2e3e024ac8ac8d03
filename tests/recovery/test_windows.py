"""Which draws are solved from: the chance of a run of right ones, by counting all histories."""

import itertools

import pytest

from engine.recovery.windows import run_chance


def test_the_chance_of_a_run_is_what_counting_all_histories_gives() -> None:
    there = [True, True, False, True, True, True, True]
    share = 0.3
    total = 0.0
    for wrong in itertools.product((False, True), repeat=len(there)):
        right = "".join("1" if t and not w else "0" for t, w in zip(there, wrong, strict=True))
        total += ("111" in right) * share ** sum(wrong) * (1 - share) ** (len(wrong) - sum(wrong))
    assert run_chance(there, 3, share) == pytest.approx(total)
