"""The sieve over low parts of a state: it finds the planted one, and all others that fit as well."""

import numpy as np

from engine.recovery.congruences import MODELS
from engine.recovery.low_bits import low_states

CUT, SHOWN = 10, 3
LOW = MODELS["lcg48/java"].low(CUT + SHOWN)


def shown(part: int, strides: list[int]) -> list[int]:
    return [LOW.jump(part, n) >> CUT for n in strides]


def test_all_low_parts_that_fit_are_found_and_no_other() -> None:
    strides = [0, 7, 14, 35]
    values = shown(0x1A5B & 0x1FFF, strides)
    found = low_states([LOW.power(n) for n in strides], values, CUT, SHOWN)
    fitting = [part for part in range(1 << CUT + SHOWN) if shown(part, strides) == values]
    assert found.tolist() == fitting
    assert 0x1A5B & 0x1FFF in fitting


def test_high_bits_of_the_values_do_not_count() -> None:
    strides = list(range(0, 60, 5))
    values = shown(77, strides)
    powers = [LOW.power(n) for n in strides]
    raised = [value + 8 * i for i, value in enumerate(values)]
    assert (
        low_states(powers, raised, CUT, SHOWN).tolist()
        == low_states(powers, values, CUT, SHOWN).tolist()
        == [77]
    )


def test_draws_of_chance_leave_nothing() -> None:
    values = np.random.default_rng(8).integers(0, 8, 30).tolist()
    assert low_states([LOW.power(n) for n in range(30)], values, CUT, SHOWN).size == 0
