"""Congruential models: their words are the registry's, and step, inverse and jump are one arithmetic."""

import numpy as np
import pytest

from engine.recovery.congruences import MODELS
from engine.recovery.seeding_lcg import SEEDINGS
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family


@pytest.mark.parametrize("name", MODELS)
def test_words_from_the_seeded_state_are_the_registrys(name: str) -> None:
    top = (1 << family(name).seed_bits) - 1
    for seed in (0, 1, 20_260_101 & top, top):
        words = MODELS[name].words(SEEDINGS[name].state(seed), 2000)
        assert np.array_equal(words, host.raw(name, seed, 2000)), seed


@pytest.mark.parametrize("name", MODELS)
def test_back_undoes_a_step_and_a_jump_is_repeated_steps(name: str) -> None:
    model = MODELS[name]
    start = state = 0x1234567890ABCDEF % model.modulus
    for count in range(20):
        assert model.jump(start, count) == state
        assert model.jump(state, -count) == start
        assert model.back(model.step(state)) == state
        state = model.step(state)


@pytest.mark.parametrize("name", MODELS)
def test_states_are_repeated_steps_however_many(name: str) -> None:
    model = MODELS[name]
    state = 0xFEDCBA987654321 % model.modulus
    for many in (1, 2, 3, 100):
        walked, at = [], state
        for _ in range(many):
            at = model.step(at)
            walked.append(at)
        assert model.states(state, many).tolist() == walked


def test_low_bits_follow_their_own_congruence() -> None:
    model = MODELS["knuth_lcg64/musl"]
    low = model.low(36)
    assert (model.states(99, 50) & np.uint64((1 << 36) - 1)).tolist() == low.states(99, 50).tolist()


def test_every_congruential_family_with_a_plain_cut_has_a_model_that_its_seeding_knows() -> None:
    assert set(MODELS) == set(SEEDINGS)
    assert {family(name).structure for name in MODELS} == {"lcg2k", "lcgp"}
