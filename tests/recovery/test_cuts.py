"""What a draw says of the state: the box that it leaves holds every state that makes the draw."""

import numpy as np
import pytest

from engine.recovery.congruences import MODELS
from engine.recovery.cuts import cut_of
from hip_cuda_kernels import host

CALLS = [
    ("lcg48/drand48", "float(48)", 1000),
    ("lcg48/drand48", "shift(17)", 1000),
    ("lcg48/drand48", "round_float(48)", 1000),
    ("lcg48/drand48", "mod", 256),
    ("lcg48/java", "java_bounded", 999),
    ("lcg48/java", "java_bounded", 1024),
    ("lcg48/java", "float(53)", 1000),
    ("lcg48/java", "mask_reject", 1000),
    ("lcg48/java", "top_reject", 1000),
    ("knuth_lcg64/newlib", "mod", 12),
    ("gforth_random/seed", "lo32:mulshift", 77),
    ("gforth_random/seed", "hi32:mod", 77),
    ("msvc_rand/srand", "mulshift", 700),
    ("msvc_rand/srand", "mod", 9000),
    ("lcg31/minstd16807", "float(31)", 1000),
    ("lcg31/minstd16807", "mod", 1024),
    ("lcg31/minstd16807", "shift(3)", 999),
]


@pytest.mark.parametrize(("name", "mapping", "size"), CALLS)
def test_the_box_of_a_draw_holds_its_state(name: str, mapping: str, size: int) -> None:
    cut = cut_of(name, mapping, 0, size - 1)
    assert cut is not None
    seen = 0
    for start in np.random.default_rng(size).integers(1, MODELS[name].modulus >> 1, 300).tolist():
        state = MODELS[name].step(start) % cut.model.modulus
        draws = host.read(name, mapping, 0, size - 1, MODELS[name].words(start, cut.words), 1)
        if draws.size == 0:
            continue
        known = cut.known(int(draws[0]))
        assert known is not None
        rest = state - known[0]
        quotient, below = divmod(rest, cut.coefficients[-1])
        unknowns = (quotient,) if len(cut.coefficients) == 1 else (below, quotient)
        assert below == 0 or len(unknowns) == 2
        assert all(0 <= u < w for u, w in zip(unknowns, known[1], strict=True))
        seen += 1
    assert seen > 200


@pytest.mark.parametrize(
    ("name", "mapping", "bits"),
    [
        ("glibc_random/type0", "mod", 4),
        ("lcg48/drand48", "shift(17)", 21),
        ("gforth_random/seed", "lo32:mod", 4),
        ("lcg48/java", "java_bounded", 48),
    ],
)
def test_bits_that_never_reach_a_draw_are_no_part_of_the_state(name: str, mapping: str, bits: int) -> None:
    cut = cut_of(name, mapping, 0, 15)
    assert cut is not None
    assert cut.state_bits == bits


@pytest.mark.parametrize("mapping", ["halves:lemire", "digits(2)"])
def test_calls_that_show_no_interval_or_residue_have_no_cut(mapping: str) -> None:
    assert cut_of("gforth_random/seed", mapping, 0, 99) is None


def test_the_low_part_of_a_state_is_said_once() -> None:
    cut = cut_of("gforth_random/seed", "mod", 0, 999)
    assert cut is not None
    assert cut.says(1) == pytest.approx(np.log2(1000))
    assert cut.says(10) == pytest.approx(3 + 10 * np.log2(125))
