"""What is stored: every family's raw words and every mapping's values, with the oracle that made them."""

from dataclasses import dataclass

SEEDS32 = (0x0, 0x1, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)
SEEDS31 = (0x0, 0x1, 0x7FFFFFFF, 0x2C9F60D3, 0x5A17C3E9)
SEEDS48 = (0x0, 0x1, 0xFFFFFFFFFFFF, 0x3A9F15C2D7E4, 0xD1B054A32995)
SEEDS64 = (0x0, 0x1, 0xFFFFFFFFFFFFFFFF, 0x8F3A9F15C2D7E46B, 0x4D1B054A32995C07)
NONZERO32 = (0x1, 0x2, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)

RAW_COUNT, MAPPED_COUNT = 1000, 300


@dataclass(frozen=True)
class Check:
    """A second implementation that must agree: its word equals ours shifted right, for seeds below a bound."""

    oracle: str
    call: str
    text: str
    shift: int = 0
    below: int = 1 << 64


@dataclass(frozen=True)
class Raw:
    """Raw output words of one family: RAW_COUNT for each seed."""

    family: str
    word_bits: int
    oracle: str
    call: str
    text: str  # the call as a user of that runtime writes it
    seeds: tuple[int, ...]
    note: str
    checks: tuple[Check, ...] = ()

    @property
    def path(self) -> str:
        """Return the file's name below tests/vectors."""
        return self.family.replace("/", "_") + ".csv"


@dataclass(frozen=True)
class Mapped:
    """Draws of one real call: MAPPED_COUNT values in lo..hi for each seed."""

    family: str
    mapping: str
    lo: int
    hi: int
    oracle: str
    call: str
    text: str
    seeds: tuple[int, ...]
    note: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def path(self) -> str:
        """Return the file's name below tests/vectors: the range is part of it, a mapping may have several."""
        mapping = self.mapping.replace("(", "_").replace(")", "")
        return f"mappings/{self.family.replace('/', '_')}__{mapping}__{self.lo}_{self.hi}.csv"


RAW: tuple[Raw, ...] = (
    Raw(
        "mt19937/init_genrand",
        32,
        "libstdc++",
        "mt19937",
        "std::mt19937 g(seed); g()",
        SEEDS32,
        "the seeding is Knuth's 1812433253 recurrence; PHP shows the upper 31 bits of each word",
        (
            Check("numpy", "raw", "numpy.random.RandomState(seed).randint(0, 2**32, dtype=uint32)"),
            Check("php", "mt_rand", "mt_srand(seed); mt_rand() equals word >> 1", shift=1),
        ),
    ),
    Raw(
        "mt19937/cpython",
        32,
        "cpython",
        "getrandbits",
        "random.Random(seed).getrandbits(32)",
        (*SEEDS32, (1 << 40) + 7),
        "init_by_array over the seed's 32-bit words, low word first; the sixth seed, 2**40 + 7, has two",
        (Check("numpy", "by_array", "numpy.random.RandomState([low word, high word if any]).randint"),),
    ),
    Raw(
        "lcg48/java",
        32,
        "java",
        "nextInt",
        "new java.util.Random(seed).nextInt() as unsigned",
        SEEDS48,
        "the runtime xors the seed with 0x5DEECE66D and keeps 48 bits",
        (Check("libc", "jrand48", "jrand48(xsubi) with xsubi = seed ^ 0x5DEECE66D, the same recurrence"),),
    ),
    Raw(
        "xorshift32/raw_seed",
        32,
        "java",
        "probe",
        "java.util.concurrent.ThreadLocalRandom.advanceProbe(x)",
        NONZERO32,
        "state = seed, set directly; steps x^=x<<13; x^=x>>>17; x^=x<<5, each word is the new state. "
        "The JDK's thread probe is this step on a caller's value. Seed 0 is a fixed point and invalid: 2 stands instead",
        (Check("random-seedable", "xorshift32", "new XORShift(seed, 13, 17, 5).int()"),),
    ),
    Raw(
        "lcg48/drand48",
        48,
        "libc",
        "drand48",
        "srand48(seed); drand48() * 2**48",
        SEEDS32,
        "a word is the whole 48-bit state after a step; srand48 sets the state to seed << 16 | 0x330E",
        (
            Check("libc", "nrand48", "nrand48(xsubi), the state read from the caller's array"),
            Check("perl", "rand", "srand(seed); rand() * 2**48, perl's own drand48"),
        ),
    ),
    Raw(
        "glibc_random/type3",
        31,
        "libc",
        "random",
        "srandom(seed); random()",
        SEEDS32,
        "the default state of 128 bytes; rand() is the same stream; seed 0 is treated as 1",
        (Check("gsl", "random-glibc2", "generator random-glibc2", below=1 << 31),),
    ),
    Raw(
        "lcg31/minstd16807",
        31,
        "libstdc++",
        "minstd_rand0",
        "std::minstd_rand0 g(seed); g()",
        SEEDS31,
        "seeds are taken modulo 2**31 - 1 and a state of 0 becomes 1, so seeds 0, 1 and 7fffffff agree",
        (Check("gsl", "minstd", "generator minstd", below=0x7FFFFFFF),),
    ),
    Raw(
        "lcg31/minstd48271",
        31,
        "libstdc++",
        "minstd_rand",
        "std::minstd_rand g(seed); g()",
        SEEDS31,
        "seeds are taken modulo 2**31 - 1 and a state of 0 becomes 1, so seeds 0, 1 and 7fffffff agree",
        (Check("gsl", "fishman20", "generator fishman20, the same recurrence", below=0x7FFFFFFF),),
    ),
    Raw(
        "msvc_rand/srand",
        15,
        "wine",
        "rand",
        "srand(seed); rand()",
        SEEDS32,
        "Wine's msvcrt.dll, which is written independently of Microsoft's; "
        "seed 1 starts with the widely published 41, 18467, 6334, 26500, 19169",
    ),
    Raw(
        "xorshift128/marsaglia",
        32,
        "rust",
        "xorshift128",
        "rand_xorshift::XorShiftRng::from_seed(x, y, z, w as little-endian bytes).next_u32()",
        (*SEEDS32, 0x75BCD15),
        "x = seed, y = 362436069, z = 521288629, w = 88675123, the state set directly; "
        "t = x ^ x << 11; x, y, z = y, z, w; w ^= w >> 19 ^ t ^ t >> 8; the word is the new w. "
        "The sixth seed is Marsaglia's own x, 123456789",
        (
            Check(
                "random-seedable",
                "xorshift128",
                "new XORShift128(seed, 362436069, 521288629, 88675123).int()",
            ),
        ),
    ),
    Raw(
        "xoshiro128pp/splitmix64",
        32,
        "rust",
        "xoshiro128pp",
        "rand_xoshiro::Xoshiro128PlusPlus::seed_from_u64(seed).next_u32()",
        SEEDS64,
        "two splitmix64 outputs a, b from the seed: s0 = low half of a, s1 = high half of a, s2 = low half of b, "
        "s3 = high half of b; word = rotl(s0 + s3, 7) + s0",
        (Check("gnablib", "xoshiro128pp", "Xoshiro128pp seeded by two outputs of its SplitMix64"),),
    ),
    Raw(
        "splitmix64/raw_seed",
        64,
        "java",
        "split_nextLong",
        "new java.util.SplittableRandom(seed).nextLong()",
        SEEDS64,
        "the public constructor uses the golden gamma 9e3779b97f4a7c15, which makes it plain splitmix64 with state = seed",
        (Check("rust", "splitmix64", "rand_xoshiro::SplitMix64::seed_from_u64(seed).next_u64()"),),
    ),
    Raw(
        "pcg32/pcg_basic",
        32,
        "pcg-cpp",
        "pcg32",
        "pcg32 g(seed, 54u); g()",
        (*SEEDS64, 0x2A),
        "stream 54, as pcg32_srandom_r(&g, seed, 54): state = 0, one step, add seed, one step; increment 109; "
        "the sixth seed, 42, is the one whose output the PCG demo prints",
        (Check("rust", "pcg32", "rand_pcg::Pcg32::new(seed, 54).next_u32()"),),
    ),
    Raw(
        "philox4x32/key",
        32,
        "random123",
        "philox4x32",
        "philox4x32({i, 0, 0, 0}, {low half of seed, high half of seed}), 10 rounds",
        SEEDS64,
        "counter word 0 is i = 0, 1, 2, ...; the four words of each block follow in output order v[0] v[1] v[2] v[3]",
        (Check("randomgen", "philox4x32", "randomgen.Philox(key=seed, number=4, width=32).random_raw()"),),
    ),
)

M32 = SEEDS32[2:]
M31 = (0x1, 0x2C9F60D3, 0x5A17C3E9)
M48 = SEEDS48[2:]
M64 = SEEDS64[2:]
SMALL = (0x1, 0x7C5, 0x5A17C3E9)


def init_genrand() -> tuple[Mapped, ...]:
    """Return the calls of PHP, NumPy and C++ over one seeding."""
    family, php = "mt19937/init_genrand", "mt_srand(seed); mt_rand({}, {})"
    ranges = (
        (0, 999, "the whole 32-bit word modulo M; words above the last full multiple of M are rejected"),
        (1, 6, ""),
        (0, 1023, "a power of two keeps the low bits"),
        (0, 3_000_000_000, "three words in ten are rejected"),
    )
    real = tuple(
        Mapped(family, "php_range", lo, hi, "php", "mt_rand_range", php.format(lo, hi), M32, note)
        for lo, hi, note in ranges
    )
    lemire = (
        "Generator.integers multiplies and shifts; it would reject a word with probability 7e-8, none here"
    )
    shift = Check("libstdc++", "mt19937_mulshift", "(std::mt19937(seed)() * M) >> 32")
    return (
        *real,
        Mapped(family, "shift(1)", 0, 999, "php", "mt_rand_mod", "mt_srand(seed); mt_rand() % 1000", M32),
        Mapped(
            family,
            "float(53)",
            0,
            999,
            "numpy",
            "random_sample",
            "floor(numpy.random.RandomState(seed).random_sample() * 1000)",
            M32,
            "two words a draw: upper 27 bits of the first, upper 26 bits of the second",
        ),
        Mapped(
            family,
            "mulshift",
            0,
            999,
            "numpy",
            "integers",
            "numpy.random.Generator(MT19937 with init_genrand).integers(0, 1000, dtype=uint32)",
            M32,
            lemire,
            (shift,),
        ),
        Mapped(family, "mod", 0, 999, "libstdc++", "mt19937_mod", "std::mt19937 g(seed); g() % 1000", M32),
    )


def cpython() -> tuple[Mapped, ...]:
    """Return the calls of CPython's random."""
    family, made = "mt19937/cpython", "random.Random(seed)"
    reject = "getrandbits(k) until below M, k = bit length of M"
    return (
        Mapped(family, "float(53)", 0, 999, "cpython", "random", f"floor({made}.random() * 1000)", SMALL),
        Mapped(
            family, "top_reject", 0, 999, "cpython", "randrange", f"{made}.randrange(1000)", SMALL, reject
        ),
        Mapped(family, "top_reject", 1, 6, "cpython", "randint", f"{made}.randint(1, 6)", SMALL, reject),
        Mapped(
            family,
            "top_reject",
            0,
            1023,
            "cpython",
            "randrange",
            f"{made}.randrange(1024)",
            SMALL,
            f"{reject}: 11 bits for 1024, so half of the words are rejected",
        ),
    )


def java() -> tuple[Mapped, ...]:
    """Return the calls of java.util.Random and SplittableRandom."""
    family, made = "lcg48/java", "new java.util.Random(seed)"
    bounds = (
        (0, 999, "nextInt(1000)", ""),
        (1, 6, "1 + nextInt(6)", ""),
        (0, 1023, "nextInt(1024)", "a power of two takes the high bits: (M * next31) >> 31"),
        (0, 1_431_655_765, "nextInt(1431655766)", "one word in three is rejected"),
    )
    bounded = tuple(
        Mapped(family, "java_bounded", lo, hi, "java", "nextInt_bound", f"{made}.{call}", M48, note)
        for lo, hi, call, note in bounds
    )
    split, split_made = "splitmix64/raw_seed", "new java.util.SplittableRandom(seed)"
    return (
        *bounded,
        Mapped(
            family,
            "float(53)",
            0,
            999,
            "java",
            "nextDouble",
            f"floor({made}.nextDouble() * 1000)",
            M48,
            "two words a draw: upper 26 bits of the first, upper 27 bits of the second",
        ),
        Mapped(family, "shift(1)", 0, 999, "java", "nextInt_shift", f"({made}.nextInt() >>> 1) % 1000", M48),
        Mapped(
            split,
            "float(53)",
            0,
            999,
            "java",
            "split_nextDouble",
            f"floor({split_made}.nextDouble() * 1000)",
            M64,
        ),
        Mapped(
            split, "shift(33)", 0, 999, "java", "split_shift", f"({split_made}.nextLong() >>> 33) % 1000", M64
        ),
    )


def c_libraries() -> tuple[Mapped, ...]:
    """Return the calls of the C and C++ libraries, Windows' among them."""
    glibc, drand, msvc = "glibc_random/type3", "lcg48/drand48", "msvc_rand/srand"
    scaled = "floor(rand() / (RAND_MAX + 1.0) * {})"
    return (
        Mapped(glibc, "mod", 0, 999, "libc", "rand_mod", "srand(seed); rand() % 1000", M32),
        Mapped(glibc, "mod", 1, 49, "libc", "rand_mod", "srand(seed); rand() % 49 + 1", M32),
        Mapped(glibc, "float(31)", 0, 99, "libc", "rand_float", scaled.format(100), M32),
        Mapped(drand, "float(48)", 0, 999, "libc", "drand48_float", "floor(drand48() * 1000)", M32),
        Mapped(drand, "shift(17)", 0, 999, "libc", "lrand48_mod", "lrand48() % 1000", M32),
        Mapped(
            "lcg31/minstd16807",
            "mod",
            0,
            99,
            "libstdc++",
            "minstd_rand0_mod",
            "std::minstd_rand0 g(seed); g() % 100",
            M31,
        ),
        Mapped(
            "lcg31/minstd48271",
            "mod",
            0,
            99,
            "libstdc++",
            "minstd_rand_mod",
            "std::minstd_rand g(seed); g() % 100",
            M31,
        ),
        Mapped(msvc, "mod", 0, 999, "wine", "rand_mod", "srand(seed); rand() % 1000", M32),
        Mapped(msvc, "float(15)", 0, 99, "wine", "rand_float", scaled.format(100), M32),
    )


MAPPED: tuple[Mapped, ...] = (*init_genrand(), *cpython(), *java(), *c_libraries())
