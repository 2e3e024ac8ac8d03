"""Mappings parse to canonical ids, refuse what a family cannot feed, and their filters never miss a match."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping, UnknownName
from hip_cuda_kernels.lowering import WORD, Call, Filter, lower_call, lower_draw, lower_filter
from hip_cuda_kernels.mappings import parse_mapping, resolve_mappings
from hip_cuda_kernels.registry import FAMILIES, Family, family


@pytest.mark.parametrize(
    ("text", "name", "canonical", "words"),
    [
        ("float", "java", "float(53)", 2),
        ("float", "drand48", "float(48)", 1),
        ("Float( 24 )", "java", "float(24)", 1),
        (" shift( 16 )", "drand48", "shift(16)", 1),
        ("java_bounded", "java", "java_bounded", 1),
        ("mulshift", "msvc", "mulshift", 1),
    ],
)
def test_text_becomes_the_canonical_id(text: str, name: str, canonical: str, words: int) -> None:
    mapping = parse_mapping(text, family(name))
    assert (mapping.id, mapping.words) == (canonical, words)


@pytest.mark.parametrize("text", ["modd", "shift 1", "", "floor(3)"])
def test_unknown_mappings_are_told_the_nearest(text: str) -> None:
    with pytest.raises(UnknownName, match=r"nearest: \w+, \w+, \w+$"):
        parse_mapping(text, family("java"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shift(32)", "java"), ("shift", "java"), ("shift(0)", "java"), ("mod(3)", "java"), ("float(53)", "msvc"), ("float(54)", "java"),
        ("float(30)", "minstd"), ("java_bounded", "glibc"), ("php_range", "drand48"), ("top_reject", "splitmix64"), ("float(0)", "java"),
    ],
)  # fmt: skip
def test_what_the_family_cannot_feed_is_refused(text: str, name: str) -> None:
    with pytest.raises(IncompatibleMapping):
        parse_mapping(text, family(name))


def test_no_patterns_mean_the_native_mappings_and_globs_choose_among_them() -> None:
    php = family("php")
    assert [m.id for m in resolve_mappings(None, php)] == list(php.mappings)
    assert [m.id for m in resolve_mappings(["float*", "mod", "mod"], php)] == [
        "float(53)",
        "float(32)",
        "mod",
    ]
    assert [m.id for m in resolve_mappings(["shift(9)", "all"], php)] == ["shift(9)", *php.mappings]
    with pytest.raises(UnknownName):
        resolve_mappings(["java*"], php)


@pytest.mark.parametrize(("lo", "hi"), [(5, 4), (0, 1 << 32)])
def test_ranges_that_hold_nothing_or_too_much_are_refused(lo: int, hi: int) -> None:
    with pytest.raises(IncompatibleMapping, match="values"):
        lower_call(parse_mapping("mod", family("php")), family("php"), lo, hi)


def java_rejects(u: int, bound: int) -> bool:
    """The overflow test of java.util.Random.nextInt on 32-bit integers."""
    return u - u % bound + (bound - 1) >= 1 << 31


def php_rejects(word: int, size: int) -> bool:
    """The ceiling of PHP's range32."""
    return word > (WORD - 1) - (WORD - 1) % size - 1


@pytest.mark.parametrize("size", [3, 6, 1000, 1431655766, (1 << 31) - 1])
def test_rejection_begins_at_the_runtimes_own_word(size: int) -> None:
    java, php, python = (
        lower_call(parse_mapping(m, family("java")), family("java"), 0, size - 1)
        for m in ("java_bounded", "php_range", "top_reject")
    )
    for word in range(java.accept_max - 3, java.accept_max + 4):
        assert (word > java.accept_max) == java_rejects(word >> 1, size)
    for word in range(php.accept_max - 3, php.accept_max + 4):
        assert (word > php.accept_max) == php_rejects(word, size)
    for word in range(python.accept_max - 3, python.accept_max + 4):
        assert (word > python.accept_max) == (word >> (32 - size.bit_length()) >= size)


@pytest.mark.parametrize("size", [1, 2, 1024, 1 << 30])
def test_powers_of_two_reject_nothing_in_java_and_php(size: int) -> None:
    for mapping in ("java_bounded", "php_range"):
        assert (
            lower_call(parse_mapping(mapping, family("java")), family("java"), 0, size - 1).accept_max
            == (1 << 64) - 1
        )


def filter_passes(call: Call, word_filter: Filter, bits: int, word: int, value: int) -> bool:
    """Apply the filter of one draw to one raw word, in plain integers."""
    constants = lower_draw(call, word_filter, bits, value)
    if constants is None:
        return False
    if word_filter.reduce:
        q = (word >> call.shift) % call.range
    else:
        q = (word >> max(bits - 32, 0)) >> word_filter.shift
        q = (q >> word_filter.zeros | q << (32 - word_filter.zeros)) % WORD * word_filter.multiplier
    return (q + constants[0]) % WORD <= constants[1]


def cases() -> Iterator[tuple[Family, str, int]]:
    for entry in FAMILIES:
        for mapping in (*entry.mappings, "mod", "mulshift", "shift(5)"):
            for size in (1, 2, 10, 12, 96, 1000, 32768, 65535, 10**6, 10**9 + 7, 1 << 31, (1 << 31) - 1):
                if (mapping, size) != ("java_bounded", 1 << 31):
                    yield entry, mapping, size


def test_the_filter_passes_every_draw_the_call_makes() -> None:
    for entry, text, size in cases():
        mapping = parse_mapping(text, entry)
        call = lower_call(mapping, entry, 0, size - 1)
        word_filter = lower_filter(call, entry.word_bits)
        for seed in range(3):
            words = [w for w in host.raw(entry.id, seed, 80).tolist()[:: call.words] if w <= call.accept_max]
            draws = host.values(entry.id, text, seed, 0, size - 1, 40).tolist()
            for word, draw in list(zip(words, draws, strict=False))[:25]:
                assert filter_passes(call, word_filter, entry.word_bits, word, draw), (entry.id, text, size)


@pytest.mark.parametrize("text", ["mod", "shift(3)", "float(15)", "float(9)", "mulshift"])
@pytest.mark.parametrize("size", [1, 7, 8, 24, 100, 1000, 30000, 50000])
def test_on_15_bit_words_the_filter_is_the_call(text: str, size: int) -> None:
    entry = family("msvc")
    call = lower_call(parse_mapping(text, entry), entry, 0, size - 1)
    word_filter = lower_filter(call, 15)
    words = np.arange(1 << 15, dtype=object)[:: 1 if size in (7, 8, 24) else 61]
    for word in words.tolist():
        y = word >> call.shift
        value = y % size if call.kind == 0 else y * size >> call.bits
        for draw in {value, (value + 1) % size, value ^ 1, size - 1}:
            assert filter_passes(call, word_filter, 15, word, draw) == (draw == value)
