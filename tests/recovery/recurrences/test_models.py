"""Every recurrence against the words of the compiled generators, and against its own inverse."""

import random

import numpy as np
import pytest

from engine.recovery.recurrences.models import LINEAR, LOW_BIT, MODELS
from engine.recovery.recurrences.recurrence import Recurrence, State, full
from hip_cuda_kernels import gf2, host
from hip_cuda_kernels.registry import FAMILIES, family

SEED = 0x0123_4567_89AB


def some_state(model: Recurrence, name: str) -> State:
    rng = random.Random(name)
    return model.canonical(tuple(rng.getrandbits(model.bits) for _ in range(model.size)))


def solved_from(model: Recurrence, words: np.ndarray, place: int = 0) -> State:
    """The state from the linear bits of the first raw words, all of them in one system."""
    known = full(model.word_bits) & model.exact
    times = model.times(np.arange(len(words)), place)
    order, bits = np.argsort(times), [b for b in range(model.word_bits) if known >> b & 1]
    limbs = model.unknowns // 64 + 1
    rows = np.zeros((len(words), len(bits), limbs), dtype=np.uint64)
    for at, form in zip(order, model.forms(times[order].tolist()), strict=True):
        rows[at, :, : form.shape[1]] = form[bits]
    right = words[:, None] >> np.array(bits, dtype=np.uint64) & np.uint64(1)
    rows[..., -1] |= right << np.uint64(model.unknowns % 64)
    solved = gf2.solve(rows.reshape(-1, limbs), model.unknowns)
    assert solved.consistent
    assert solved.rank == model.unknowns
    return model.advance(model.assemble(solved.solution), int(model.times(np.array([0]), place)[0]))


def test_every_linear_family_of_the_registry_has_a_model() -> None:
    """xoshiro128++ is listed as linear and is not: its output adds twice."""
    linear = {f.id for f in FAMILIES if f.structure == "f2"}
    assert linear == set(LINEAR)
    assert {f for f in LOW_BIT if family(f).structure != "f2+"} == set()


# one seeding of each recurrence; the other seedings lead to the same words in test_seeding_f2.py
ONCE = {model: name for name, model in reversed(MODELS.items()) if model.exact}


@pytest.mark.parametrize("name", ONCE.values())
def test_a_state_solved_from_raw_words_gives_the_next_two_thousand(name: str) -> None:
    model, seed = MODELS[name], SEED & full(family(name).seed_bits)
    given = -(-model.unknowns // (full(model.word_bits) & model.exact).bit_count()) + model.block + 8
    words = host.raw(name, seed, given + 2000)
    state = solved_from(model, words[:given])
    assert np.array_equal(model.words(state, given + 2000), words)
    assert model.word_bits == family(name).word_bits


@pytest.mark.parametrize("place", [0, 1, 40, 63])
def test_a_cached_block_is_read_from_any_place(place: int) -> None:
    name = "v8_math_random/state53"
    words = host.raw(name, 5, 400, skip=128 + place)
    state = solved_from(MODELS[name], words[:20], place)
    assert np.array_equal(MODELS[name].words(state, 400, place), words)


@pytest.mark.parametrize("name", ONCE.values())
def test_back_undoes_step(name: str) -> None:
    model = MODELS[name]
    state = some_state(model, name)
    assert model.canonical(model.back(model.step(state))) == state
    assert model.canonical(model.step(model.back(state))) == state
    assert model.canonical(model.advance(model.advance(state, 700), -700)) == state


@pytest.mark.parametrize("name", ONCE.values())
def test_dead_bits_change_no_later_word_and_packing_loses_no_live_one(name: str) -> None:
    model = MODELS[name]
    state = some_state(model, name)
    dirty = tuple(word | full(model.bits) & ~model.live(i) for i, word in enumerate(state))
    assert np.array_equal(model.words(dirty, 2 * model.size + 70), model.words(state, 2 * model.size + 70))
    assert model.unpack(model.pack(dirty)) == state


def test_sums_from_the_top_have_no_linear_bit() -> None:
    """The bit above the lowest of a sum is no sum of bits of the state, so it must not be taken for one."""
    assert MODELS["v8_math_random/sum53"].exact == MODELS["v8_math_random/cached_sum53"].exact == 0
    assert MODELS["v8_math_random/sum52"].exact == 1
    assert "xoshiro128pp/splitmix64" not in MODELS
