"""Java: the oracles, and what is stored of their families."""

from oracle import Oracle, first_line, interpreted
from vector import M48, M64, SEEDS48, SEEDS64, Check, Mapped, Raw

OPENS = "java.base/java.util.concurrent=ALL-UNNAMED"

ORACLES: dict[str, Oracle] = {
    "java": Oracle(
        "OpenJDK",
        (("javac", "apt-get install openjdk-17-jdk-headless"),),
        interpreted("java", "--add-opens", OPENS, "JavaOracle.java"),
        lambda: first_line("java", "-version"),
    ),
}

# family -> (the JDK's name of it, raw word, bits)
FACTORY = {
    "lxm/l64x128mix": ("L64X128MixRandom", "nextLong", 64),
    "lxm/l32x64mix": ("L32X64MixRandom", "nextInt", 32),
    "lxm/l64x128starstar": ("L64X128StarStarRandom", "nextLong", 64),
    "lxm/l64x256mix": ("L64X256MixRandom", "nextLong", 64),
    "lxm/l128x128mix": ("L128X128MixRandom", "nextLong", 64),
    "xoshiro256pp/jdk": ("Xoshiro256PlusPlus", "nextLong", 64),
    "xoroshiro128pp/jdk": ("Xoroshiro128PlusPlus", "nextLong", 64),
}

RAW: tuple[Raw, ...] = (
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
        "splittable32/java",
        32,
        "java",
        "SplittableRandom.nextInt",
        "new java.util.SplittableRandom(seed).nextInt() as unsigned",
        SEEDS64,
        "nextInt mixes the state otherwise than nextLong: it is not the upper half of a long",
    ),
    Raw(
        "sha1prng/java",
        32,
        "java",
        "SHA1PRNG.nextInt",
        'SecureRandom.getInstance("SHA1PRNG"), setSeed(seed), nextInt() as unsigned',
        SEEDS64,
        "setSeed(long) passes eight bytes, lowest first, but ignores 0; for seed 0 setSeed(new byte[8]) stands",
    ),
    *(
        Raw(
            family,
            bits,
            "java",
            f"{name}.{method}",
            f'RandomGeneratorFactory.of("{name}").create(seed).{method}() as unsigned',
            SEEDS64,
            "",
        )
        for family, (name, method, bits) in FACTORY.items()
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


def factory() -> tuple[Mapped, ...]:
    """Return the calls of the generators that RandomGeneratorFactory makes."""
    sha, small, split = "sha1prng/java", "lxm/l32x64mix", "splittable32/java"
    made = 'RandomGeneratorFactory.of("L32X64MixRandom").create(seed)'
    secure = "SecureRandom of SHA1PRNG, setSeed(seed)"
    int_split = "new java.util.SplittableRandom(seed)"
    doubles = [family for family, (_, _, bits) in FACTORY.items() if bits == 64]
    others = (
        (small, "shift(1)", "L32X64MixRandom.nextInt_shift", f"({made}.nextInt() >>> 1) % 1000"),
        (small, "float(24)", "L32X64MixRandom.nextFloat", f"floor({made}.nextFloat() * 1000.0)"),
        (split, "shift(1)", "SplittableRandom.nextInt_shift", f"({int_split}.nextInt() >>> 1) % 1000"),
        (sha, "java_bounded", "SHA1PRNG.nextInt_bound", f"{secure}, nextInt(1000)"),
        (sha, "float(53)", "SHA1PRNG.nextDouble", f"floor({secure}, nextDouble() * 1000)"),
    )
    return tuple(
        Mapped(family, mapping, 0, 999, "java", call, text, M64) for family, mapping, call, text in others
    ) + tuple(
        Mapped(
            family,
            "float(53)",
            0,
            999,
            "java",
            f"{FACTORY[family][0]}.nextDouble",
            f'floor(RandomGeneratorFactory.of("{FACTORY[family][0]}").create(seed).nextDouble() * 1000)',
            M64,
        )
        for family in doubles
    )


MAPPED: tuple[Mapped, ...] = (*java(), *factory())
