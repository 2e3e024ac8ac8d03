"""Generators known from papers and reference code: the oracles, and what is stored of their families."""

from oracle import HERE, MODULES, NPM, PIP, VENV, Oracle, compiled, debian, first_line, npm_version
from vector import NONZERO32, SEEDS32, SEEDS64, Check, Mapped, Raw

ORACLES: dict[str, Oracle] = {
    "pcg-cpp": Oracle(
        "pcg-cpp, the reference implementation by M. O'Neill",
        (("g++", "apt-get install g++"), ("/usr/include/pcg_random.hpp", "apt-get install libpcg-cpp-dev")),
        compiled("g++", "pcg_cpp.cpp"),
        lambda: debian("libpcg-cpp-dev"),
    ),
    "random123": Oracle(
        "Random123, the reference implementation by D. E. Shaw Research",
        (
            ("gcc", "apt-get install gcc"),
            ("/usr/include/Random123/philox.h", "apt-get install librandom123-dev"),
        ),
        compiled("gcc", "random123.c"),
        lambda: debian("librandom123-dev"),
    ),
    "random-seedable": Oracle(
        "npm random-seedable",
        (
            ("node", "apt-get install nodejs"),
            (str(MODULES / "random-seedable"), f"{NPM} random-seedable@1.0.8"),
        ),
        lambda work: [
            "node",
            str(HERE / "random_seedable.mjs"),
            str(MODULES / "random-seedable" / "src" / "index.js"),
        ],
        lambda: npm_version(MODULES / "random-seedable"),
    ),
    "gnablib": Oracle(
        "npm gnablib",
        (("node", "apt-get install nodejs"), (str(MODULES / "gnablib"), f"{NPM} gnablib@0.7.29")),
        lambda work: ["node", str(HERE / "gnablib.mjs"), str(MODULES / "gnablib")],
        lambda: npm_version(MODULES / "gnablib"),
    ),
    "randomgen": Oracle(
        "PyPI randomgen",
        ((str(VENV / "python"), f"{PIP} randomgen==2.5.1"),),
        lambda work: [str(VENV / "python"), str(HERE / "pypi_randomgen.py")],
        lambda: (
            "randomgen " + first_line(VENV / "python", "-c", "import randomgen; print(randomgen.__version__)")
        ),
    ),
}

RAW: tuple[Raw, ...] = (
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


MAPPED: tuple[Mapped, ...] = ()
