"""Mappings parse to canonical ids, refuse what a family cannot feed, and their filters never miss a match."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hip_cuda_kernels import host
from hip_cuda_kernels.errors import IncompatibleMapping, UnknownName
from hip_cuda_kernels.lowering import (
    HALVES,
    NEVER_REJECTS,
    PAIRS,
    WHOLE,
    WINDOW,
    WORD,
    Call,
    Filter,
    lower_call,
    lower_draw,
    lower_filter,
)
from hip_cuda_kernels.mappings import FORMULAS, Mapping, parse_mapping, resolve_mappings
from hip_cuda_kernels.registry import Family, family


@pytest.mark.parametrize(
    ("text", "name", "canonical", "words"),
    [
        ("float", "java", "float(53)", 2),
        ("float", "drand48", "float(48)", 1),
        ("Float( 24 )", "java", "float(24)", 1),
        (" shift( 16 )", "drand48", "shift(16)", 1),
        ("java_bounded", "java", "java_bounded", 1),
        ("mulshift", "msvc", "mulshift", 1),
        ("php_legacy", "php", "float(31)", 1),
        ("r_round", "java", "float(53)", 2),
        ("low_float(53)", "php", "low_float(53)", 2),
        ("LO32 : Mod_Reject(31)", "splitmix64", "lo32:mod_reject(31)", 1),
        ("halves:float", "splitmix64", "halves:float(32)", 1),
        ("pairs:rust_range", "pcg32", "pairs:rust_range", 1),
    ],
)
def test_text_becomes_the_canonical_id(text: str, name: str, canonical: str, words: int) -> None:
    mapping = parse_mapping(text, family(name))
    assert (mapping.id, mapping.words) == (canonical, words)


@pytest.mark.parametrize("text", ["modd", "shift 1", "", "floor(3)", "hi32:modd"])
def test_unknown_mappings_are_told_the_nearest(text: str) -> None:
    with pytest.raises(UnknownName, match=r"nearest: \w+, \w+, \w+$"):
        parse_mapping(text, family("java"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shift(32)", "java"), ("shift", "java"), ("shift(0)", "java"), ("mod(3)", "java"), ("float(53)", "msvc"), ("float(54)", "java"),
        ("float(30)", "minstd"), ("java_bounded", "glibc"), ("php_range", "drand48"), ("float(0)", "java"),
        ("mod_reject", "java"), ("mod_reject(33)", "java"), ("rust_range", "drand48"), ("r_reject", "splitmix64"), ("r_reject", "minstd"),
        ("hi32:mod", "java"), ("halves:lemire", "drand48"), ("pairs:mod", "msvc"), ("lo32:r_reject", "splitmix64"), ("low_float(33)", "glibc"),
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


Read = Callable[[], int]


def java_bounded(read: Read, _w: int, m: int, _k: int) -> int:
    """java.util.Random.nextInt(bound), its overflow test written for unbounded integers."""
    u = read() >> 1
    if m & (m - 1) == 0:
        return m * u >> 31
    while u - u % m + (m - 1) >= 1 << 31:
        u = read() >> 1
    return u % m


def php_range(read: Read, _w: int, m: int, _k: int) -> int:
    """php_mt_rand_range32."""
    x, top = read(), WORD - 1
    if m in (1, WORD) or m & (m - 1) == 0:
        return x & (m - 1)
    while x > top - top % m - 1:
        x = read()
    return x % m


def mod_reject(read: Read, w: int, m: int, k: int) -> int:
    """Go's Int31n with k bits for 31."""
    v = read() >> (w - k)
    if m & (m - 1) == 0:
        return v & (m - 1)
    while v > (1 << k) - 1 - (1 << k) % m:
        v = read() >> (w - k)
    return v % m


def lemire(read: Read, w: int, m: int, _k: int) -> int:
    """Algorithm 5 of Lemire 2019."""
    product = read() * m
    if product % (1 << w) < m:
        while product % (1 << w) < ((1 << w) - m) % m:
            product = read() * m
    return product >> w


def rust_range(read: Read, w: int, m: int, _k: int) -> int:
    """UniformInt::sample_single of rand 0.8."""
    zone = m
    while zone < 1 << (w - 1):
        zone <<= 1
    while (product := read() * m) % (1 << w) > zone - 1:
        pass
    return product >> w


def rust_uniform(read: Read, w: int, m: int, _k: int) -> int:
    """UniformInt::sample of rand 0.8."""
    largest = (1 << w) - 1
    zone = largest - (largest - m + 1) % m
    while (product := read() * m) % (1 << w) > zone:
        pass
    return product >> w


def mask_reject(read: Read, _w: int, m: int, _k: int) -> int:
    """Ruby's limited_rand for limits of 32 bits."""
    mask = m - 1
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> shift
    while (value := read() & mask) > m - 1:
        pass
    return value


def top_reject(read: Read, w: int, m: int, _k: int) -> int:
    """CPython's _randbelow_with_getrandbits."""
    while (value := read() >> (w - m.bit_length())) >= m:
        pass
    return value


def r_reject(read: Read, w: int, m: int, _k: int) -> int:
    """R_unif_index and rbits of R 3.6."""
    bits = math.ceil(math.log2(m))
    while True:
        value = 0
        for _ in range(0, bits + 1, 16):
            value = 65536 * value + math.floor(read() / 2**w * 65536)
        if (value := value & ((1 << bits) - 1)) < m:
            return value


def float_(read: Read, w: int, m: int, k: int) -> int:
    return int((read() >> (w - k)) / 2**k * m)


def round_float(read: Read, w: int, m: int, k: int) -> int:
    z = (read() >> (w - k)) / 2**k * (m - 1)
    return math.floor(z) + (z - math.floor(z) >= 0.5)


def low_float(read: Read, w: int, m: int, k: int) -> int:
    x = read() if k <= w else (read() << 32) + read()
    return int(x % 2**k / 2**k * m)


RUNTIME: dict[str, Callable[[Read, int, int, int], int]] = {
    "mod": lambda read, w, m, k: read() % m,
    "shift": lambda read, w, m, k: (read() >> k) % m,
    "mulshift": lambda read, w, m, k: read() * m >> w,
    "float": float_, "round_float": round_float, "low_float": low_float, "java_bounded": java_bounded, "php_range": php_range,
    "mod_reject": mod_reject, "lemire": lemire, "rust_range": rust_range, "rust_uniform": rust_uniform, "mask_reject": mask_reject,
    "top_reject": top_reject, "r_reject": r_reject,
}  # fmt: skip


def reader(mapping: Mapping, raw: Iterator[int], bits: int) -> Read:
    """Return what reads the next word of the mapping's view."""
    if mapping.view == "pairs":
        return lambda: next(raw) + (next(raw) << 32)
    halves = (half for word in raw for half in (word % WORD, word >> 32))
    shift = bits - 32 if mapping.view == "hi32" else 0
    return {"": raw.__next__, "halves": halves.__next__}.get(
        mapping.view, lambda: (next(raw) >> shift) % WORD
    )


WIDTHS = ("msvc", "glibc", "xorshift32", "drand48", "splitmix64")  # 15, 31, 32, 48, 64 bits
PARAMETERS = {"shift": (1, 7), "mod_reject": (9, 31, 32, 40, 63), "float": (9, 24, 32, 53), "round_float": (15, 30, 53), "low_float": (15, 24, 31, 53)}  # fmt: skip
SIZES = (
    2,
    3,
    7,
    8,
    100,
    513,
    1000,
    1024,
    32767,
    32769,
    65536,
    10**6,
    1 << 30,
    (1 << 30) + 1,
    2**31 - 1,
    3 * 10**9,
)


def fitting() -> Iterator[tuple[str, str]]:
    """Yield every (family, mapping) that fits, one family for each width of words."""
    for name in WIDTHS:
        for view in ("", "hi32:", "lo32:", "halves:", "pairs:"):
            for kind in FORMULAS:
                for text in [f"{view}{kind}({k})" for k in PARAMETERS.get(kind, ())] or [f"{view}{kind}"]:
                    try:
                        yield name, parse_mapping(text, family(name)).id
                    except IncompatibleMapping:
                        continue


FITTING = list(fitting())


def calls(mapping: Mapping, entry: Family) -> Iterator[tuple[int, Call]]:
    """Yield (size, call) for every size that the mapping takes."""
    for size in SIZES:
        try:
            yield size, lower_call(mapping, entry, 0, size - 1)
        except IncompatibleMapping:
            continue


def test_every_mapping_is_tried_on_some_width() -> None:
    assert (
        {text.rpartition(":")[2].partition("(")[0] for _, text in FITTING}
        == set(RUNTIME)
        == set(FORMULAS) - {"decimal"}
    )


@pytest.mark.parametrize(("name", "text"), FITTING)
def test_a_call_is_the_runtimes(name: str, text: str) -> None:
    entry, mapping = family(name), parse_mapping(text, family(name))
    words = host.raw(name, 5, 700).tolist()
    for size, _ in calls(mapping, entry):
        read = reader(mapping, iter(words), entry.word_bits)
        expected = [
            RUNTIME[mapping.name](read, mapping.word_bits, size, mapping.parameter or 0) for _ in range(40)
        ]
        assert host.values(name, text, 5, 0, size - 1, 40).tolist() == expected, size


@pytest.mark.parametrize("size", [1, 2, 1024, 1 << 30])
def test_powers_of_two_reject_nothing_but_in_cpython_and_rust(size: int) -> None:
    for mapping in (
        "java_bounded",
        "php_range",
        "mod_reject(31)",
        "lemire",
        "rust_uniform",
        "mask_reject",
        "r_reject",
    ):
        call = lower_call(parse_mapping(mapping, family("xorshift32")), family("xorshift32"), 0, size - 1)
        assert call.accept_max == NEVER_REJECTS, mapping
    for mapping in ("top_reject", "rust_range"):
        call = lower_call(parse_mapping(mapping, family("xorshift32")), family("xorshift32"), 0, size - 1)
        assert (call.accept_max + 1) / 2**64 == 0.5


@pytest.mark.parametrize("decimals", [1, 4, 6])
def test_decimals_are_what_cpython_prints(decimals: int) -> None:
    runtime = random.Random(5)
    printed = [f"{runtime.random():.{decimals}f}" for _ in range(200)]
    draws = host.values("python", f"decimal({decimals})", 5, 0, 10**decimals, 200).tolist()
    assert [f"{draw / 10**decimals:.{decimals}f}" for draw in draws] == printed
    job = ("python", f"decimal({decimals})", 0, 10**decimals, np.array([draws[:30]]), np.array([28]))
    found = host.sieve(*job, seed_lo=0, seed_count=50, starts=(0, 1), gaps=(0, 1))
    assert (5, 0, 0, 30) in {
        tuple(int(h[k]) for k in ("seed", "start", "gap", "matched")) for h in found.hits
    }
    with pytest.raises(IncompatibleMapping, match=f"takes {10**decimals + 1} to"):
        host.values("python", f"decimal({decimals})", 5, 0, 10**decimals - 1, 1)


def passes(call: Call, word_filter: Filter, x: int, value: int) -> bool:
    """Apply the filter of one draw to one word of the call's view, in plain integers."""
    constants = lower_draw(call, word_filter, value)
    if constants is None:
        return False
    if word_filter.reduce:
        q = (x >> call.shift) % call.range * word_filter.multiplier % WORD
    else:
        q = (x >> word_filter.at) % WORD >> word_filter.shift
        q = (q >> word_filter.zeros | q << (32 - word_filter.zeros)) % WORD * word_filter.multiplier
    return (q + constants[0]) % WORD <= constants[1]


def viewed(call: Call, raw: Iterator[int]) -> Iterator[int]:
    """Yield the words x that the kernel's call reads."""
    for word in raw:
        if call.view == WHOLE:
            yield word
        elif call.view == WINDOW:
            yield (word >> call.at) % WORD
        elif call.view == HALVES:
            yield from (word % WORD, word >> 32)
        elif call.view == PAIRS:
            yield word + (next(raw) << 32)
        else:
            yield (word >> call.at << 16) + (next(raw) >> call.at)


@pytest.mark.parametrize(("name", "text"), FITTING)
def test_the_filter_passes_every_draw_that_the_call_makes_and_few_others(name: str, text: str) -> None:
    entry, mapping = family(name), parse_mapping(text, family(name))
    words = host.raw(name, 9, 900).tolist()
    for size, call in calls(mapping, entry):
        seen = viewed(call, iter(words))
        accepted = (x for x in seen if (x * call.multiplier + call.addend) % 2**64 <= call.accept_max)
        word_filter, passed = lower_filter(call), 0
        for draw in host.values(name, text, 9, 0, size - 1, 30).tolist():
            x = next(accepted)
            for _ in range(call.words - 1):
                next(seen)
            assert passes(call, word_filter, x, draw), size
            others = {(draw + step) % size for step in (1, size // 2)} - {draw}
            passed += sum(passes(call, word_filter, x, other) for other in others)
        assert passed <= 3 or size > (10**5 if call.words == 2 else 10**6)


@pytest.mark.parametrize("text", ["mod", "shift(3)", "float(15)", "float(9)", "mulshift", "round_float(15)", "low_float(9)", "lemire", "mask_reject", "mod_reject(12)"])  # fmt: skip
@pytest.mark.parametrize("size", [2, 7, 8, 24, 100, 1000, 4096])
def test_on_15_bit_words_the_filter_is_the_call(text: str, size: int) -> None:
    entry = family("msvc")
    mapping = parse_mapping(text, entry)
    call = lower_call(mapping, entry, 0, size - 1)
    word_filter = lower_filter(call)
    for word in range(0, 1 << 15, 61 if size > 8 else 5):
        if word * call.multiplier + call.addend & NEVER_REJECTS > call.accept_max:
            continue
        value = RUNTIME[mapping.name](iter([word]).__next__, 15, size, mapping.parameter or 0)
        for draw in {value, (value + 1) % size, value ^ 1, size - 1}:
            assert passes(call, word_filter, word, draw) == (draw == value)
