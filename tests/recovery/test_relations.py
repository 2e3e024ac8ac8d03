"""Relations between the unknowns of draws: what keeps them, and the state that unknowns stand for."""

import numpy as np
import pytest

from engine.recovery.cuts import Cut, cut_of
from engine.recovery.relations import Relations

STRIDE, COUNT = 5, 4


def made(name: str, mapping: str, size: int) -> tuple[Cut, Relations]:
    cut = cut_of(name, mapping, 0, size - 1)
    assert cut is not None
    known = cut.known(1)
    assert known is not None
    return cut, Relations(cut, tuple(cut.model.power(i * STRIDE) for i in range(COUNT)), known[1])


def states_of(cut: Cut, constants: list[int], unknowns: list[int]) -> list[int]:
    each = len(cut.coefficients)
    parts = [unknowns[i * each : (i + 1) * each] for i in range(COUNT)]
    return [
        (at + sum(g * u for g, u in zip(cut.coefficients, part, strict=True))) % cut.model.modulus
        for at, part in zip(constants, parts, strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "mapping", "size"),
    [
        ("lcg48/drand48", "float(48)", 1000),
        ("lcg48/java", "java_bounded", 999),
        ("knuth_lcg64/musl", "mod", 1000),
        ("lcg31/minstd16807", "mod", 1000),
    ],
)
def test_particular_unknowns_and_any_combination_added_keep_the_recurrence(
    name: str, mapping: str, size: int
) -> None:
    cut, relations = made(name, mapping, size)
    constants = next(relations.constants([3, 141, 59, 265]))
    particular = relations.particular(constants)
    assert particular is not None
    rng = np.random.default_rng(1)
    for _ in range(5):
        combination = rng.integers(-9, 10, len(relations.basis)).tolist()
        added = [sum(x * row[i] for x, row in zip(combination, relations.basis, strict=True))
                 for i in range(len(particular))]  # fmt: skip
        states = states_of(cut, constants, [p + a for p, a in zip(particular, added, strict=True)])
        assert states == [cut.model.jump(states[0], i * STRIDE) for i in range(COUNT)]
        assert relations.state(constants, combination) == states[0]


def test_residues_that_a_shared_factor_forbids_have_no_unknowns() -> None:
    cut, relations = made("gforth_random/seed", "mod", 1000)
    right = [state % 1000 for state in (cut.model.jump(77, i * STRIDE) for i in range(COUNT))]
    assert relations.particular(next(relations.constants(right))) is not None
    wrong = [*right[:3], right[3] ^ 1]
    assert relations.particular(next(relations.constants(wrong))) is None


def test_low_parts_that_fit_come_as_constants_one_by_one() -> None:
    cut, _ = made("lcg48/java", "java_bounded", 1000)
    swept = cut.sweeping(8)
    assert swept.swept
    powers = tuple(swept.model.power(i * STRIDE) for i in range(8))
    state = 0xABCDEF012345
    values = [(swept.model.jump(state, i * STRIDE) >> 17) % 1000 for i in range(8)]
    lows = [constants[0] & 0x1FFFF for constants in Relations(swept, powers, (1,)).constants(values)]
    assert state & 0x1FFFF in lows
    assert not cut.sweeping(3).swept
