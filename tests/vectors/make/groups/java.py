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


MAPPED: tuple[Mapped, ...] = (*java(),)
