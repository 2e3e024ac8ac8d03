"""Seeds from states: a state deep in the stream of every seeding leads back to its seed and start."""

import random

import numpy as np
import pytest

from engine.recovery.answer import Found
from engine.recovery.recurrences.models import MODELS
from engine.recovery.recurrences.recurrence import Recurrence, State, full
from engine.recovery.recurrences.twisters import R250, Twister
from engine.recovery.seeding_f2 import SEEDINGS, seed_of
from hip_cuda_kernels import gf2, host
from hip_cuda_kernels.registry import family

# boost's taus88 drops the low bits of its seed: the even one is the smaller of two that give the same words
SAME_WORDS = {"taus88/boost": ~1}


def window(model: Twister, words: np.ndarray) -> State:
    """A twister's state before the words, by undoing their tempering: bits that a shift brought in are right after each round."""
    (u, d), (s, b), (t, c), (last, _) = model.tempering
    turns = ((-last, full(model.bits)), (t, c), (s, b), (-u, d))
    state = []
    for word in words[: model.size].tolist():
        for by, mask in turns:
            x = word
            for _ in range(model.bits):
                x = word ^ (x << by if by > 0 else x >> -by) & mask
            word = x
        state.append(word)
    return model.canonical(model.advance(tuple(state), -model.size))


def solved(model: Recurrence, words: np.ndarray, place: int) -> State:
    """A small state before the words, by elimination over their lowest linear bits."""
    bits = [b for b in range(model.word_bits) if full(model.word_bits) & model.exact & 1 << b]
    times, limbs = model.times(np.arange(len(words)), place), model.unknowns // 64 + 1
    order = np.argsort(times)
    rows = np.zeros((len(words), len(bits), limbs), dtype=np.uint64)
    for at, form in zip(order, model.forms(times[order].tolist()), strict=True):
        rows[at, :, : form.shape[1]] = form[bits]
    right = words[:, None] >> np.array(bits, dtype=np.uint64) & np.uint64(1)
    rows[..., -1] |= right << np.uint64(model.unknowns % 64)
    found = gf2.solve(rows.reshape(-1, limbs), model.unknowns)
    assert (found.rank, found.consistent) == (model.unknowns, True)
    return model.advance(model.assemble(found.solution), int(times[0]))


def state_after(name: str, seed: int, skip: int) -> State:
    """The state of the compiled generator so many words after its seeding, from its words alone."""
    model = MODELS[name]
    shown = (full(model.word_bits) & model.exact).bit_count()
    words = host.raw(name, seed, -(-model.unknowns // shown) + model.block + 8, skip=skip)
    if isinstance(model, Twister):
        return window(model, words)
    if isinstance(model, R250):
        return model.advance(tuple(words[:250].tolist()), -250)
    return solved(model, words, skip % model.block)


def found(name: str, state: State, place: int = 0, mapping: str | None = None, size: int = 10) -> Found:
    mapping = mapping or ("float(32)" if family(name).word_bits == 32 else "mod")
    return Found(name, mapping, 0, size - 1, MODELS[name].pack(state), (0,), (), 0.0, place)


@pytest.mark.parametrize("start", [0, 150])
@pytest.mark.parametrize("name", [n for n in SEEDINGS if n != "xorshift32/raw_seed"])
def test_a_state_leads_back_to_its_seed_and_start(name: str, start: int) -> None:
    widest = full(family(name).seed_bits)
    for seed in (random.Random(name).getrandbits(family(name).seed_bits), widest):
        state = state_after(name, seed, start)
        assert seed_of(found(name, state, start % MODELS[name].block)) == (
            seed & SAME_WORDS.get(name, -1),
            start,
        )


@pytest.mark.parametrize("name", SEEDINGS)
def test_seeds_zero_and_one_count_as_any_other(name: str) -> None:
    for seed in (0, 1):
        answer = seed_of(found(name, state_after(name, seed, 3), 3 % MODELS[name].block))
        assert answer is not None
        assert np.array_equal(host.raw(name, answer[0], 50, skip=answer[1]), host.raw(name, seed, 50, skip=3))


def test_every_state_of_a_raw_seeding_is_a_seed() -> None:
    assert seed_of(found("xorshift32/raw_seed", (77,))) == (77, 0)


@pytest.mark.parametrize("name", [n for n in SEEDINGS if n != "xorshift32/raw_seed"])
def test_a_state_that_no_seed_makes_stays_a_state(name: str) -> None:
    rng = random.Random(name)
    state = MODELS[name].canonical(
        tuple(rng.getrandbits(MODELS[name].bits) for _ in range(MODELS[name].size))
    )
    assert seed_of(found(name, state), reach=500) is None


def test_the_search_ends_where_it_is_told_to() -> None:
    state = state_after("mt11213b/boost", 5, 300)
    assert seed_of(found("mt11213b/boost", state), reach=300) is None
    assert seed_of(found("mt11213b/boost", state), reach=301) == (5, 300)


def test_start_counts_calls_whatever_words_they_take() -> None:
    """Two words a call, and words that are read again."""
    state = state_after("mt19937/cpython", 99, 40)
    assert seed_of(found("mt19937/cpython", state, mapping="float(53)")) == (99, 20)
    family, model = "r_mersenne/set_seed", MODELS["r_mersenne/set_seed"]
    state = state_after(family, 7, 64)
    answer = seed_of(found(family, state, mapping="r_reject"))
    assert answer is not None
    seed, start = answer
    assert seed == 7
    assert start < 64
    read = host.read(family, "r_reject", 0, 9, model.words(state, 100), 30)
    assert np.array_equal(host.values(family, "r_reject", 7, 0, 9, 30, start=start), read)
