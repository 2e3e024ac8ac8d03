"""Evidence over all alignments of variable gaps: an average that is 1 under chance, equal to the sum over every pattern."""

import math
from itertools import product

import numpy as np
import pytest

from engine.evidence.evalue import NOISE_MIXTURE, log2_evidence
from engine.evidence.paths import path_bits


def summed(
    values: np.ndarray,
    draws: np.ndarray,
    starts: tuple[int, int],
    gaps: tuple[int, int],
    p: float,
    noise: float,
) -> float:
    """Average the likelihood ratio over every start and pattern, one by one."""
    ratios = []
    for start in range(starts[0], starts[1] + 1):
        for pattern in product(range(gaps[0], gaps[1] + 1), repeat=len(draws) - 1):
            calls = np.cumsum([start, *(gap + 1 for gap in pattern)])
            hits = (values[calls] == draws)[draws >= 0]
            ratios.append(math.prod((1 - noise) / p + noise if hit else noise for hit in hits))
    return float(np.mean(ratios))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3])
def test_it_equals_the_average_over_every_pattern(noise: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 3, 40)
    draws = np.array([values[2], values[3], -1, values[7], values[9]])
    call = {"starts": (1, 3), "gaps": (0, 2)}
    (bits,) = path_bits(values, draws, [5], p=1 / 3, noise=noise, **call)
    assert bits == pytest.approx(math.log2(summed(values, draws, (1, 3), (0, 2), 1 / 3, noise)))


def test_the_mixture_averages_the_noise_levels() -> None:
    rng = np.random.default_rng(2)
    values, draws = rng.integers(0, 3, 40), rng.integers(0, 3, 5)
    call = {"starts": (0, 1), "gaps": (0, 2), "p": 1 / 3}
    whole = sum(
        weight * 2.0 ** path_bits(values, draws, [5], noise=share, **call)[0]
        for share, weight in NOISE_MIXTURE
    )
    assert path_bits(values, draws, [5], **call)[0] == pytest.approx(math.log2(whole))


def test_one_gap_is_the_plain_evidence() -> None:
    values = np.random.default_rng(3).integers(0, 10, 60)
    draws = values[2::3][:15].copy()
    draws[4] = (draws[4] + 1) % 10
    got = path_bits(values, draws, [5, 15], starts=(2, 2), gaps=(2, 2), p=0.1)
    assert got == pytest.approx([log2_evidence(4, 5, 0.1), log2_evidence(14, 15, 0.1)])


def test_it_averages_to_one_under_chance() -> None:
    rng = np.random.default_rng(4)
    values = rng.integers(0, 4, 40)
    call = {"starts": (0, 2), "gaps": (0, 2), "p": 0.25}
    ratios = [2.0 ** path_bits(values, rng.integers(0, 4, 4), [4], noise=0.2, **call)[0] for _ in range(4000)]
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / math.sqrt(len(ratios)))


def test_what_no_alignment_explains_has_no_evidence_from_there_on() -> None:
    values, draws = np.zeros(30, dtype=np.int64), np.array([0, 0, 1, 0])
    bits = path_bits(values, draws, [2, 3, 4], starts=(0, 0), gaps=(0, 1), p=0.5, noise=0.0)
    assert bits[0] == pytest.approx(2.0)
    assert bits[1:] == [-math.inf, -math.inf]
