"""What a draw is said to give away is in the words that made it, for every mapping and view, and no more than that is left open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.recovery.leaks import (
    bits_per_draw,
    entropy_bits,
    lane_masks,
    leak,
    leaks,
    raw_words,
    rejected,
    y_bits,
)
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping
from hip_cuda_kernels.lowering import (
    HALVES,
    LONG,
    PAIRS,
    RESIDUE,
    SCALED,
    TOPS,
    WINDOW,
    WORD,
    Call,
    lower_call,
)
from hip_cuda_kernels.mappings import COMPOSED, FORMULAS, SPELLINGS, VIEWS, parse_mapping
from hip_cuda_kernels.registry import family

# one family for words of 15, 20, 24, 31, 31 (divided by 2^31 - 1), 32, 32 (doubles of two words), 48, 52, 53 and 64 bits
FAMILIES = ("msvc", "boost::kreutzer1986", "vb_rnd/state", "glibc", "minstd", "xorshift32", "python", "drand48", "node12-23", "node26", "splitmix64")  # fmt: skip
PARAMETERS = {
    "shift": (1, 7, 33),
    "mod_reject": (9, 31, 32, 63),
    "float": (9, 24, 31, 32, 48, 52, 53),
    "round_float": (15, 53),
    "decimal": (1, 4, 6),
    "low_float": (15, 24, 53),
}
SIZES = (1, 2, 3, 6, 7, 8, 10, 100, 365, 513, 999, 1000, 1024, 32769, 65536, 10**6, (1 << 30) + 1, 2**31 - 1, 3 * 10**9)  # fmt: skip


def every_call() -> Iterator[tuple[str, str, int, Call]]:
    """Yield (family, mapping, size, call) for all that fits."""
    for name in FAMILIES:
        for view in ("", *(f"{view}:" for view in VIEWS)):
            for kind in (*FORMULAS, *SPELLINGS):
                for text in [f"{view}{kind}({k})" for k in PARAMETERS.get(kind, ())] or [f"{view}{kind}"]:
                    yield from fitting(name, text)


def fitting(name: str, text: str) -> Iterator[tuple[str, str, int, Call]]:
    for size in (11, 10_001, 1_000_001) if "decimal" in text else SIZES:
        try:
            mapping = parse_mapping(text, family(name))
            yield name, mapping.id, size, lower_call(mapping, family(name), 0, size - 1)
        except IncompatibleMapping:
            continue


CALLS = list(every_call())


def test_every_mapping_and_view_is_tried_or_composed() -> None:
    seen = {text.rpartition(":")[2].partition("(")[0] for _, text, _, _ in CALLS}
    assert seen == set(FORMULAS)
    assert {text.partition(":")[0] for _, text, _, _ in CALLS if ":" in text} == set(VIEWS)
    assert set(COMPOSED) == {"digits", "sample", "formula"}


def views(call: Call, raw: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (x, the first raw word it was made of, whether it is a high half) as mappings.h reads raw words."""
    step = 2 if call.view in (PAIRS, TOPS) else 1
    for at in range(0, len(raw) - step + 1, step):
        word = raw[at]
        if call.view == HALVES:
            yield from ((word % WORD, at, 0), (word >> 32, at, 1))
        elif call.view == PAIRS:
            yield word + (raw[at + 1] << 32), at, 0
        elif call.view == TOPS:
            yield ((word >> call.at) % WORD << 16) + (raw[at + 1] >> call.at), at, 0
        else:
            yield (word >> call.at) % WORD if call.view == WINDOW else word, at, 0


def accepts(call: Call, x: int) -> bool:
    return (x * call.multiplier + call.addend) % LONG <= call.accept_max


def read(name: str, text: str, size: int, words: list[int]) -> list[int]:
    """Return the first draw that the words make, as the compiled mapping makes it; none where they are rejected."""
    return host.read(name, text, 0, size - 1, np.array(words, dtype=np.uint64), 1).tolist()


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(CALLS), st.integers(0, 2**16 - 1))
def test_the_words_that_made_a_draw_hold_what_its_leak_says(
    case: tuple[str, str, int, Call], seed: int
) -> None:
    name, text, size, call = case
    raw = host.raw(name, seed, 64).tolist()
    seen = list(views(call, raw))
    taken = [number for number, (x, _, _) in enumerate(seen) if accepts(call, x)]
    assume(taken)  # xorshift's seed 0 stands still on a word that Lemire's rule draws again for ever
    first = taken[0]
    x, at, half = seen[first]
    y = x >> call.shift & call.mask
    if call.words == 2:
        y = (y << call.join) + (seen[first + 1][0] >> call.second_shift)
    found = leak(call, read(name, text, size, raw)[0], half=half)
    assert found is not None
    assert y in range(found.first, found.last + 1, found.modulus)
    for place, known in enumerate(found.words):
        assert raw[at + place] & known.mask == known.bits
        assert known.mask >> family(name).word_bits == 0


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(CALLS), st.data())
def test_the_ends_of_an_interval_give_the_value_and_their_neighbours_do_not(
    case: tuple[str, str, int, Call], data: st.DataObject
) -> None:
    name, text, size, call = case
    value = data.draw(st.one_of(st.integers(0, size - 1), st.sampled_from([0, size // 2, size - 1])))
    found = leak(call, value)
    highest = min(1 << y_bits(call), int(call.unit) + 1 if call.kind == SCALED else LONG) - 1
    if found is None:
        assert size > highest
        return
    for y in (found.first, found.last):
        assert made_of(name, text, size, call, y) == [value]
    for y in (found.first - found.modulus, found.last + found.modulus):
        if 0 <= y <= highest:
            assert made_of(name, text, size, call, y) != [value]


def made_of(name: str, text: str, size: int, call: Call, y: int) -> list[int]:
    """Return the draw of words that hold y, both halves alike where the halves of one word are calls of their own."""
    words = list(raw_words(call, y))
    if call.view == HALVES and call.words == 1:
        words = [words[0] | words[0] << 32]
    return read(name, text, size, words)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([case for case in CALLS if case[2] <= 1000]), st.data())
def test_known_bits_are_those_that_the_ends_share_and_no_more(
    case: tuple[str, str, int, Call], data: st.DataObject
) -> None:
    """Where the y of a value are many in a row, each unknown bit takes both values."""
    call = case[3]
    found = leak(call, data.draw(st.integers(0, case[2] - 1)))
    if found is None or call.kind == RESIDUE:
        return
    free = y_bits(call) - found.exact_bits
    if free:
        top = 1 << (free - 1)
        assert found.first & top != found.last & top
        assert found.first >> free == found.last >> free


@pytest.mark.parametrize(
    ("name", "text", "size", "bits"),
    [("drand48", "float(48)", 1000, 8.04), ("python", "float(53)", 1000, 8.04), ("mt19937/init_genrand", "mod", 1000, 3.0),
     ("java", "java_bounded", 1024, 10.0), ("java", "java_bounded", 999, 0.0), ("python", "top_reject", 1000, 10.0),
     ("msvc", "mod", 1 << 20, 15.0)],
)  # fmt: skip
def test_average_bits_are_those_measured(name: str, text: str, size: int, bits: float) -> None:
    call = lower_call(parse_mapping(text, family(name)), family(name), 0, size - 1)
    assert bits_per_draw(call) == pytest.approx(bits, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "text", "size", "masks"),
    [("drand48", "float(48)", 1000, (7 << 45,)), ("mt19937/init_genrand", "mod", 1000, (7,)), ("glibc", "shift(1)", 1000, (14,)),
     ("mt19937/cpython", "float(53)", 1000, (7 << 29, 0)), ("java", "java_bounded", 999, (0,)), ("pcg32", "pairs:mod", 10**6, (63, 0))],
)  # fmt: skip
def test_lanes_are_the_bits_that_every_draw_fixes(
    name: str, text: str, size: int, masks: tuple[int, ...]
) -> None:
    assert lane_masks(lower_call(parse_mapping(text, family(name)), family(name), 0, size - 1)) == masks


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([case for case in CALLS if case[2] <= 1000]))
def test_a_lane_is_known_of_every_draw_and_no_lane_is_missing(case: tuple[str, str, int, Call]) -> None:
    call = case[3]
    found = [one for value in range(call.size) if (one := leak(call, value))]
    shared = tuple(
        reduce(and_, masks)
        for masks in zip(*([word.mask for word in one.words] for one in found), strict=True)
    )
    lanes = lane_masks(call)
    assert all(lane & mask == lane for lane, mask in zip(lanes, shared, strict=True))
    assert lanes == shared or y_bits(call) < 20 or rejected(call) > 0.0


def test_a_large_range_is_sampled_evenly() -> None:
    call = lower_call(parse_mapping("float", family("drand48")), family("drand48"), 0, 29_999)
    whole = sum(found.exact_bits for value in range(30_000) if (found := leak(call, value))) / 30_000
    assert bits_per_draw(call) == pytest.approx(whole, abs=0.05)


def test_information_is_bounded_by_the_values_and_by_the_word() -> None:
    def bits(size: int) -> float:
        return entropy_bits(lower_call(parse_mapping("mod", family("msvc")), family("msvc"), 0, size - 1))

    assert bits(1000) == pytest.approx(9.9658, abs=1e-4)
    assert bits(1 << 20) == 15.0


@pytest.mark.parametrize(
    ("text", "size", "chance"),
    [("top_reject", 1000, 24 / 1024), ("lemire", 1000, (2**32 % 1000) / 2**32), ("mod", 1000, 0.0), ("rust_range", 513, 1 - 513 / 1024)],
)  # fmt: skip
def test_the_chance_of_a_rejection_is_the_share_of_words(text: str, size: int, chance: float) -> None:
    call = lower_call(parse_mapping(text, family("pcg32")), family("pcg32"), 0, size - 1)
    assert rejected(call) == pytest.approx(chance, abs=1e-12)
    found = leak(call, 7)
    assert found is not None
    assert found.certain == (chance == 0.0)


def test_a_high_half_is_known_in_the_upper_bits() -> None:
    call = lower_call(parse_mapping("halves:mod", family("splitmix64")), family("splitmix64"), 0, 7)
    low, high = leak(call, 5), leak(call, 5, half=1)
    assert low is not None
    assert high is not None
    assert (low.words[0].mask, low.words[0].bits) == (7, 5)
    assert (high.words[0].mask, high.words[0].bits) == (7 << 32, 5 << 32)


def test_digits_leak_call_by_call() -> None:
    entry = family("python")
    found = leaks(parse_mapping("digits(3,float(53))", entry), entry, 0, 999, 417)
    single = lower_call(parse_mapping("float(53)", entry), entry, 0, 9)
    assert found == (leak(single, 4), leak(single, 1), leak(single, 7))


@pytest.mark.parametrize(("text", "hi"), [("sample(2)", 44), ("formula(floor(100/(1.0001-u)))", 999)])
def test_samples_and_formulas_are_refused_with_the_reason(text: str, hi: int) -> None:
    with pytest.raises(IncompatibleMapping, match=r"fixes no bit of a word: .*search it by seed"):
        leaks(parse_mapping(text, family("java")), family("java"), 0, hi, 3)


@pytest.mark.parametrize("value", [-1, 1000])
def test_a_value_outside_the_range_has_no_leak(value: int) -> None:
    assert leak(lower_call(parse_mapping("mod", family("php")), family("php"), 0, 999), value) is None
