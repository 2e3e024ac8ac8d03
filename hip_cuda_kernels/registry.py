"""The generator families this project can search: one entry a family, read by the build, the kernels and the planner alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from hip_cuda_kernels.errors import UnknownName


@dataclass(frozen=True)
class Family:
    """One generator with one seeding: what a runtime calls its generator, in numbers.

    `kernel` names the C++ struct in `header`, `reach` the words it can give before its stateful form takes over (None: no end).
    `float_split` is how many bits of two words make the runtime's 53-bit double, where one word is too short. `interleave` is the number of native vectors that run abreast on the host and
    `ops` the vector operations of (seeding, one word): both steer speed only, never a result.
    `cost` is seconds for 10^6 seeds on one core with AVX2, exact search of contiguous draws (benchmarks/sieve.py measures it).
    `check` is (seed, first raw words), the known answer that every device must give before it may search.
    """

    id: str
    algorithm: str
    seeding: str
    aliases: tuple[str, ...]
    header: str
    kernel: str
    word_bits: int
    seed_bits: int
    state_bits: int
    structure: str
    mappings: tuple[str, ...]
    float_bits: int
    float_split: tuple[int, int] | None
    cost: float
    reach: int | None
    interleave: int
    ops: tuple[int, int]
    reference: str
    oracle: str
    verified: bool
    check: tuple[int, tuple[int, ...]]


FAMILIES: tuple[Family, ...] = (
    Family(
        id="mt19937/init_genrand",
        algorithm="mt19937",
        seeding="init_genrand",
        aliases=("php>=7.1", "php", "mt_rand", "numpy.RandomState", "std::mt19937"),
        header="mt19937.h",
        kernel="Mt19937InitGenrand",
        word_bits=32,
        seed_bits=32,
        state_bits=19937,
        structure="f2",
        mappings=("php_range", "shift(1)", "mod", "float(53)", "float(32)", "mulshift"),
        float_bits=53,
        float_split=(27, 26),
        cost=0.023,
        reach=227,
        interleave=8,
        ops=(1600, 28),
        reference="Matsumoto and Nishimura, ACM TOMACS 8(1), 1998; init_genrand of mt19937ar.c (2002)",
        oracle="numpy.random.RandomState; PHP mt_srand",
        verified=True,
        check=(5489, (0xD091BB5C, 0x22AE9EF6, 0xE7E1FAEE)),
    ),
    Family(
        id="mt19937/cpython",
        algorithm="mt19937",
        seeding="cpython",
        aliases=("python", "random.seed(int)", "random.Random"),
        header="mt19937.h",
        kernel="Mt19937Cpython",
        word_bits=32,
        seed_bits=64,
        state_bits=19937,
        structure="f2",
        mappings=("top_reject", "float(53)"),
        float_bits=53,
        float_split=(27, 26),
        cost=0.11,
        reach=None,
        interleave=8,
        ops=(8000, 28),
        reference="Matsumoto and Nishimura 1998; init_by_array of mt19937ar.c; CPython Modules/_randommodule.c",
        oracle="CPython random",
        verified=True,
        check=(42, (0xA3B1799D, 0x1C80317F, 0x06671AD1)),
    ),
    Family(
        id="lcg48/java",
        algorithm="lcg48",
        seeding="java",
        aliases=("java.util.Random", "java", "scala.util.Random"),
        header="lcg48.h",
        kernel="Lcg48Java",
        word_bits=32,
        seed_bits=48,
        state_bits=48,
        structure="lcg2k",
        mappings=("java_bounded", "float(53)", "shift(1)", "mulshift"),
        float_bits=53,
        float_split=(26, 27),
        cost=0.0013,
        reach=None,
        interleave=4,
        ops=(8, 9),
        reference="java.util.Random, Java SE API specification",
        oracle="OpenJDK",
        verified=True,
        check=(42, (0xBA419D35, 0xDFE8AF7, 0xAEE7BBE1)),
    ),
    Family(
        id="lcg48/drand48",
        algorithm="lcg48",
        seeding="drand48",
        aliases=("drand48", "lrand48", "mrand48", "srand48"),
        header="lcg48.h",
        kernel="Lcg48Drand48",
        word_bits=48,
        seed_bits=32,
        state_bits=48,
        structure="lcg2k",
        mappings=("shift(17)", "float(48)", "shift(16)"),
        float_bits=48,
        float_split=None,
        cost=0.0005,
        reach=None,
        interleave=4,
        ops=(2, 9),
        reference="POSIX.1-2017, drand48",
        oracle="libc drand48, lrand48, mrand48",
        verified=True,
        check=(42, (0xBE9930BE5101, 0x57BB48BB6378, 0x1C7015C72A23)),
    ),
    Family(
        id="glibc_random/type3",
        algorithm="glibc_random",
        seeding="type3",
        aliases=("glibc", "glibc rand", "glibc random", "libc rand"),
        header="glibc_random.h",
        kernel="GlibcRandom",
        word_bits=31,
        seed_bits=32,
        state_bits=992,
        structure="alfg",
        mappings=("mod", "float(31)", "mulshift"),
        float_bits=31,
        float_split=None,
        cost=0.02,
        reach=None,
        interleave=4,
        ops=(1700, 4),
        reference="GNU C Library, stdlib/random_r.c (TYPE_3); Knuth, TAOCP 2, 3.2.2",
        oracle="libc random()",
        verified=True,
        check=(1, (0x6B8B4567, 0x327B23C6, 0x643C9869)),
    ),
    Family(
        id="lcg31/minstd16807",
        algorithm="lcg31",
        seeding="minstd16807",
        aliases=("std::minstd_rand0", "minstd_rand0", "minstd0"),
        header="lcg31.h",
        kernel="Minstd16807",
        word_bits=31,
        seed_bits=32,
        state_bits=31,
        structure="lcgp",
        mappings=("mod", "float(31)"),
        float_bits=31,
        float_split=None,
        cost=0.0006,
        reach=None,
        interleave=4,
        ops=(8, 14),
        reference="Park and Miller, CACM 31(10), 1988; ISO C++ [rand.predef]",
        oracle="libstdc++ std::minstd_rand0",
        verified=True,
        check=(1, (0x41A7, 0x10D63AF1, 0x60B7ACD9)),
    ),
    Family(
        id="lcg31/minstd48271",
        algorithm="lcg31",
        seeding="minstd48271",
        aliases=("std::minstd_rand", "minstd_rand", "minstd"),
        header="lcg31.h",
        kernel="Minstd48271",
        word_bits=31,
        seed_bits=32,
        state_bits=31,
        structure="lcgp",
        mappings=("mod", "float(31)"),
        float_bits=31,
        float_split=None,
        cost=0.0006,
        reach=None,
        interleave=4,
        ops=(8, 14),
        reference="Park, Miller and Stockmeyer, CACM 36(7), 1993; ISO C++ [rand.predef]",
        oracle="libstdc++ std::minstd_rand",
        verified=True,
        check=(1, (0xBC8F, 0xAE257E2, 0x4CF91F46)),
    ),
    Family(
        id="msvc_rand/srand",
        algorithm="msvc_rand",
        seeding="srand",
        aliases=("msvc", "msvc rand", "ucrt rand"),
        header="msvc_rand.h",
        kernel="MsvcRand",
        word_bits=15,
        seed_bits=32,
        state_bits=31,
        structure="lcg2k",
        mappings=("mod", "float(15)", "mulshift"),
        float_bits=15,
        float_split=None,
        cost=0.0004,
        reach=None,
        interleave=4,
        ops=(0, 5),
        reference="Microsoft C runtime, rand",
        oracle="the runtime's published first words",
        verified=True,
        check=(1, (0x29, 0x4823, 0x18BE)),
    ),
    Family(
        id="xorshift32/raw_seed",
        algorithm="xorshift32",
        seeding="raw_seed",
        aliases=("xorshift32",),
        header="xorshift32.h",
        kernel="Xorshift32",
        word_bits=32,
        seed_bits=32,
        state_bits=32,
        structure="f2",
        mappings=("mod", "float(32)", "mulshift"),
        float_bits=32,
        float_split=None,
        cost=0.0004,
        reach=None,
        interleave=4,
        ops=(0, 6),
        reference="Marsaglia, Journal of Statistical Software 8(14), 2003",
        oracle="the published C code",
        verified=True,
        check=(1, (0x42021, 0x4080601, 0x9DCCA8C5)),
    ),
    Family(
        id="xorshift128/marsaglia",
        algorithm="xorshift128",
        seeding="marsaglia",
        aliases=("xorshift128", "xor128"),
        header="xorshift128.h",
        kernel="Xorshift128",
        word_bits=32,
        seed_bits=32,
        state_bits=128,
        structure="f2",
        mappings=("mod", "float(32)", "mulshift"),
        float_bits=32,
        float_split=None,
        cost=0.0005,
        reach=None,
        interleave=4,
        ops=(0, 8),
        reference="Marsaglia, Journal of Statistical Software 8(14), 2003 (xor128)",
        oracle="the published C code",
        verified=True,
        check=(123456789, (0xDCA345EA, 0x1B5116E6, 0x951049AA)),
    ),
    Family(
        id="xoshiro128pp/splitmix64",
        algorithm="xoshiro128pp",
        seeding="splitmix64",
        aliases=("xoshiro128++", "rand_xoshiro::Xoshiro128PlusPlus"),
        header="xoshiro128pp.h",
        kernel="Xoshiro128pp",
        word_bits=32,
        seed_bits=64,
        state_bits=128,
        structure="f2",
        mappings=("mod", "float(32)", "mulshift"),
        float_bits=32,
        float_split=None,
        cost=0.0018,
        reach=None,
        interleave=2,
        ops=(60, 14),
        reference="Blackman and Vigna, ACM TOMS 47(4), 2021",
        oracle="rand_xoshiro seed_from_u64",
        verified=True,
        check=(42, (0x9D9452C1, 0x6909D440, 0x6148A68F)),
    ),
    Family(
        id="splitmix64/raw_seed",
        algorithm="splitmix64",
        seeding="raw_seed",
        aliases=("splitmix64", "java.util.SplittableRandom"),
        header="splitmix64.h",
        kernel="SplitMix64",
        word_bits=64,
        seed_bits=64,
        state_bits=64,
        structure="mix",
        mappings=("mod", "shift(32)", "float(53)", "shift(33)"),
        float_bits=53,
        float_split=None,
        cost=0.0017,
        reach=None,
        interleave=2,
        ops=(4, 40),
        reference="Steele, Lea and Flood, OOPSLA 2014",
        oracle="java.util.SplittableRandom",
        verified=True,
        check=(1234567, (0x599ED017FB08FC85, 0x2C73F08458540FA5, 0x883EBCE5A3F27C77)),
    ),
    Family(
        id="pcg32/pcg_basic",
        algorithm="pcg32",
        seeding="pcg_basic",
        aliases=("pcg32", "pcg_basic"),
        header="pcg32.h",
        kernel="Pcg32",
        word_bits=32,
        seed_bits=64,
        state_bits=64,
        structure="lcg2k",
        mappings=("mod", "float(32)", "mulshift"),
        float_bits=32,
        float_split=None,
        cost=0.0011,
        reach=None,
        interleave=2,
        ops=(20, 36),
        reference="O'Neill, HMC-CS-2014-0905, pcg_basic.c, stream 54 of its demo",
        oracle="pcg_basic.c",
        verified=True,
        check=(42, (0xA15C02B7, 0x7B47F409, 0xBA1D3330)),
    ),
    Family(
        id="philox4x32/key",
        algorithm="philox4x32",
        seeding="key",
        aliases=("philox4x32", "philox4x32-10"),
        header="philox4x32.h",
        kernel="Philox4x32",
        word_bits=32,
        seed_bits=64,
        state_bits=128,
        structure="counter",
        mappings=("mod", "float(32)", "mulshift"),
        float_bits=32,
        float_split=None,
        cost=0.003,
        reach=None,
        interleave=2,
        ops=(0, 45),
        reference="Salmon, Moraes, Dror and Shaw, SC 2011; Random123",
        oracle="Random123 known answers",
        verified=True,
        check=(0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C)),
    ),
)


def _names(families: Iterable[Family]) -> dict[str, Family]:
    return {name.casefold(): f for f in families for name in (f.id, *f.aliases)}


_BY_NAME = _names(FAMILIES)


def family(name: str) -> Family:
    """Return the family of an id or alias (case does not matter); UnknownName names the three nearest."""
    found = _BY_NAME.get(name.strip().casefold())
    if found is None:
        raise UnknownName(f"family {name!r} is not known; nearest: {', '.join(_nearest(name))}")
    return found


def _nearest(name: str) -> list[str]:
    spelled = {n.casefold(): n for f in FAMILIES for n in (f.id, *f.aliases)}
    return [spelled[n] for n in get_close_matches(name.casefold(), spelled, n=3, cutoff=0.0)]


def resolve_families(patterns: Sequence[str]) -> list[Family]:
    """Return the families that the ids, aliases, globs or "all" name, each once, in registry order."""
    chosen: set[str] = set()
    for pattern in patterns:
        chosen.update(f.id for f in _matching(pattern))
    return [f for f in FAMILIES if f.id in chosen]


def _matching(pattern: str) -> list[Family]:
    wanted = pattern.strip().casefold()
    if wanted == "all":
        return list(FAMILIES)
    if not any(c in wanted for c in "*?["):
        return [family(pattern)]
    found = [f for name, f in _BY_NAME.items() if fnmatchcase(name, wanted)]
    if not found:
        raise UnknownName(f"no family matches {pattern!r}; nearest: {', '.join(_nearest(pattern))}")
    return found
