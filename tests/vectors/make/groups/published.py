"""Generators known from papers and reference code: the oracles, and what is stored of their families."""

import shutil
import sys
from pathlib import Path

from oracle import (
    HERE,
    MODULES,
    NPM,
    PIP,
    VENV,
    Oracle,
    compiled,
    debian,
    first_line,
    interpreted,
    npm_version,
    run,
)
from vector import M32, M64, NONZERO32, SEEDS32, SEEDS64, Check, Mapped, Raw

CRATES = Path("/usr/share/cargo/registry")
COMMONS = Path("/usr/share/java/commons-math3.jar")
ODD64 = (0x3, *SEEDS64[1:4], 0x4D1B054A32995C07)


def build_rust(work: Path) -> list[str]:
    """Build the crate without the network, from Debian's registry of crates."""
    crate = work / "rust_published"
    shutil.copytree(HERE / "rust_published", crate, ignore=shutil.ignore_patterns("target", "Cargo.lock"))
    sources = ['source.crates-io.replace-with="debian"', f'source.debian.directory="{CRATES}"']
    options = [part for source in sources for part in ("--config", source)]
    run(
        ["cargo", "build", "--release", "--offline", "--manifest-path", crate / "Cargo.toml", *options],
        CARGO_TARGET_DIR=str(crate / "target"),
    )
    return [str(crate / "target" / "release" / "rust-published")]


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
    "rust-published": Oracle(
        "Rust crate rand_xoshiro",
        (
            ("cargo", "apt-get install cargo"),
            (str(CRATES / "rand_xoshiro-0.6.0"), "apt-get install librust-rand-xoshiro-dev"),
        ),
        build_rust,
        lambda: debian("librust-rand-xoshiro-dev"),
    ),
    "dieharder": Oracle(
        "dieharder",
        (("dieharder", "apt-get install dieharder"),),
        interpreted(sys.executable, "dieharder_kiss.py"),
        lambda: debian("dieharder"),
    ),
    "commons-math": Oracle(
        "Apache Commons Math",
        (
            ("javac", "apt-get install openjdk-17-jdk-headless"),
            (str(COMMONS), "apt-get install libcommons-math3-java"),
        ),
        interpreted("java", "-cp", str(COMMONS), "CommonsMath.java"),
        lambda: debian("libcommons-math3-java"),
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
    Raw(
        "threefry64/2x64",
        64,
        "random123",
        "threefry2x64",
        "threefry2x64({i, 0}, {seed, 0}), 20 rounds",
        SEEDS64,
        "counter word 0 is i = 0, 1, 2, ...; the words of each block follow in order",
        (
            Check(
                "randomgen", "threefry2x64", "randomgen.ThreeFry(key=seed, number=2, width=64).random_raw()"
            ),
        ),
    ),
    Raw(
        "threefry64/4x64",
        64,
        "random123",
        "threefry4x64",
        "threefry4x64({i, 0, 0, 0}, {seed, 0, 0, 0}), 20 rounds",
        SEEDS64,
        "counter word 0 is i = 0, 1, 2, ...; the words of each block follow in order",
        (
            Check(
                "randomgen", "threefry4x64", "randomgen.ThreeFry(key=seed, number=4, width=64).random_raw()"
            ),
        ),
    ),
    Raw(
        "xorshift1024/randomgen",
        64,
        "randomgen",
        "xorshift1024",
        "randomgen.Xorshift1024(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state",
    ),
    Raw(
        "xorwow/marsaglia",
        32,
        "random-seedable",
        "xorwow",
        "new XORWow(seed).int()",
        SEEDS32,
        "x = seed; y, z, w, v, d and the step of d are the paper's",
    ),
    Raw(
        "xoroshiro128/plus",
        64,
        "rust-published",
        "xoroshiro128plus",
        "rand_xoshiro::Xoroshiro128Plus::seed_from_u64(seed).next_u64()",
        SEEDS64,
        "two words of splitmix64 from the seed fill the state",
    ),
    Raw(
        "xoroshiro128/plusplus",
        64,
        "rust-published",
        "xoroshiro128plusplus",
        "rand_xoshiro::Xoroshiro128PlusPlus::seed_from_u64(seed).next_u64()",
        SEEDS64,
        "two words of splitmix64 from the seed fill the state",
    ),
    Raw(
        "xoroshiro128/starstar",
        64,
        "rust-published",
        "xoroshiro128starstar",
        "rand_xoshiro::Xoroshiro128StarStar::seed_from_u64(seed).next_u64()",
        SEEDS64,
        "two words of splitmix64 from the seed fill the state",
    ),
    Raw(
        "xoroshiro128/randomgen",
        64,
        "randomgen",
        "xoroshiro128",
        "randomgen.Xoroshiro128(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state",
    ),
    Raw(
        "pcg_oneseq/xsh_rr",
        32,
        "pcg-cpp",
        "pcg32_oneseq",
        "pcg32_oneseq g(seed); g()",
        SEEDS64,
        "",
    ),
    Raw(
        "pcg_oneseq/rxs_m_xs_64",
        64,
        "pcg-cpp",
        "pcg64_oneseq_once_insecure",
        "pcg64_oneseq_once_insecure g(seed); g()",
        SEEDS64,
        "",
    ),
    Raw(
        "pcg_oneseq/rxs_m_xs_32",
        32,
        "pcg-cpp",
        "pcg32_oneseq_once_insecure",
        "pcg32_oneseq_once_insecure g(seed); g()",
        SEEDS32,
        "",
    ),
    Raw(
        "pcg_oneseq/fast",
        32,
        "pcg-cpp",
        "pcg32_fast",
        "pcg32_fast g(seed); g()",
        SEEDS64,
        "the seed's low two bits are set",
    ),
    Raw(
        "lcg128mix/upper",
        64,
        "randomgen",
        "lcg128_upper",
        "randomgen.LCG128Mix(seed, output='upper').random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state",
    ),
    Raw(
        "jsf/randomgen",
        64,
        "randomgen",
        "jsf64",
        "randomgen.JSF(seed).random_raw()",
        SEEDS64,
        "the first 64-bit word of SeedSequence(seed) is Jenkins' seed",
    ),
    Raw(
        "jsf/jenkins64",
        64,
        "randomgen",
        "jsf64_jenkins",
        "raninit(&x, seed); ranval(&x) in 64 bits",
        SEEDS64,
        "a = f1ea5eed, b = c = d = seed, twenty words dropped, the state set directly",
    ),
    Raw(
        "jsf/jenkins32",
        32,
        "randomgen",
        "jsf32_jenkins",
        "raninit(&x, seed); ranval(&x) in 32 bits",
        SEEDS32,
        "a = f1ea5eed, b = c = d = seed, twenty words dropped, the state set directly",
    ),
    Raw(
        "romu/quad",
        64,
        "randomgen",
        "romu_quad",
        "randomgen.Romu(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state; ten words dropped",
    ),
    Raw(
        "romu/trio",
        64,
        "randomgen",
        "romu_trio",
        "randomgen.Romu(seed, variant='trio').random_raw()",
        SEEDS64,
        "the last three of four words of SeedSequence(seed); ten words dropped",
    ),
    Raw(
        "efiix64/randomgen",
        64,
        "randomgen",
        "efiix64",
        "randomgen.EFIIX64(seed).random_raw()",
        SEEDS64,
        "four words of SeedSequence(seed) seed Arbee, which fills the tables",
    ),
    Raw(
        "tyche/randomgen",
        32,
        "randomgen",
        "tyche",
        "randomgen.Tyche(seed).random_raw()",
        SEEDS64,
        "two words of SeedSequence(seed) are the seed, the third is the stream",
    ),
    Raw(
        "squares/key32",
        32,
        "randomgen",
        "squares32",
        "randomgen.Squares(key=seed, counter=0, variant=32).random_raw()",
        ODD64,
        "keys are odd numbers, so 3 stands for 0",
    ),
    Raw(
        "squares/key64",
        64,
        "randomgen",
        "squares64",
        "randomgen.Squares(key=seed, counter=0, variant=64).random_raw()",
        ODD64,
        "keys are odd numbers, so 3 stands for 0",
    ),
    Raw(
        "mwc/mwc64x32",
        32,
        "randomgen",
        "mwc64x32",
        "randomgen.MWC64X32(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state, the carry last; a carry too large becomes 1",
    ),
    Raw(
        "mwc/mwc128x32",
        32,
        "randomgen",
        "mwc128x32",
        "randomgen.MWC128X32(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state, the carry last; a carry too large becomes 1",
    ),
    Raw(
        "mwc/mwc128x",
        64,
        "randomgen",
        "mwc128x",
        "randomgen.MWC128X(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state, the carry last; a carry too large becomes 1",
    ),
    Raw(
        "mwc/mwc192x",
        64,
        "randomgen",
        "mwc192x",
        "randomgen.MWC192X(seed).random_raw()",
        SEEDS64,
        "words of NumPy's SeedSequence(seed) fill the state, the carry last; a carry too large becomes 1",
    ),
    Raw(
        "kiss/dieharder",
        32,
        "dieharder",
        "208",
        "dieharder -o -g 208 -S seed",
        NONZERO32,
        "four words of MT19937 (seeding of 1999) fill the state; dieharder takes seed 0 for none, so 2 stands for it",
    ),
    Raw(
        "well1024a/commons_math",
        32,
        "commons-math",
        "Well1024a",
        "new Well1024a(seed).nextInt() as unsigned",
        SEEDS32,
        "",
    ),
    Raw(
        "well512a/commons_math",
        32,
        "commons-math",
        "Well512a",
        "new Well512a(seed).nextInt() as unsigned",
        SEEDS32,
        "",
    ),
)

# family, call of the program, seeds: NumPy's Generator makes doubles of 53 bits from all of them
SCALED = (
    ("xorshift1024/randomgen", "xorshift1024", M64),
    ("xoroshiro128/randomgen", "xoroshiro128", M64),
    ("threefry64/2x64", "threefry2x64", M64),
    ("threefry64/4x64", "threefry4x64", M64),
    ("lcg128mix/upper", "lcg128_upper", M64),
    ("jsf/randomgen", "jsf64", M64),
    ("romu/quad", "romu_quad", M64),
    ("romu/trio", "romu_trio", M64),
    ("efiix64/randomgen", "efiix64", M64),
    ("squares/key64", "squares64", ODD64[2:]),
    ("mwc/mwc128x", "mwc128x", M64),
    ("mwc/mwc192x", "mwc192x", M64),
    ("jsf/jenkins64", "jsf64_jenkins", M64),
    ("tyche/randomgen", "tyche", M64),
    ("squares/key32", "squares32", ODD64[2:]),
    ("mwc/mwc64x32", "mwc64x32", M64),
    ("mwc/mwc128x32", "mwc128x32", M64),
)


def scaled() -> tuple[Mapped, ...]:
    """Return the scaled doubles of NumPy's Generator over randomgen's sources."""
    call = "int(numpy.random.Generator(source).random() * 1000)"
    return tuple(
        Mapped(family, "float(53)", 0, 999, "randomgen", f"{name}*", call, seeds)
        for family, name, seeds in SCALED
    )


RESIDUES = (
    ("pcg_oneseq/xsh_rr", "pcg-cpp", "pcg32_oneseq", "pcg32_oneseq g(seed); g() % 100", M64),
    (
        "pcg_oneseq/rxs_m_xs_64",
        "pcg-cpp",
        "pcg64_oneseq_once_insecure",
        "pcg64_oneseq_once_insecure g(seed); g() % 100",
        M64,
    ),
    (
        "pcg_oneseq/rxs_m_xs_32",
        "pcg-cpp",
        "pcg32_oneseq_once_insecure",
        "pcg32_oneseq_once_insecure g(seed); g() % 100",
        M32,
    ),
    ("pcg_oneseq/fast", "pcg-cpp", "pcg32_fast", "pcg32_fast g(seed); g() % 100", M64),
    (
        "xoroshiro128/plus",
        "rust-published",
        "xoroshiro128plus",
        "Xoroshiro128Plus::seed_from_u64(seed).next_u64() % 100",
        M64,
    ),
    (
        "xoroshiro128/plusplus",
        "rust-published",
        "xoroshiro128plusplus",
        "Xoroshiro128PlusPlus::seed_from_u64(seed).next_u64() % 100",
        M64,
    ),
    (
        "xoroshiro128/starstar",
        "rust-published",
        "xoroshiro128starstar",
        "Xoroshiro128StarStar::seed_from_u64(seed).next_u64() % 100",
        M64,
    ),
    ("xorwow/marsaglia", "random-seedable", "xorwow", "new XORWow(seed).int() % 100", M32),
    ("jsf/jenkins32", "randomgen", "jsf32_jenkins", "raninit(&x, seed); ranval(&x) % 100 in 32 bits", M32),
    ("kiss/dieharder", "dieharder", "208", "dieharder -o -g 208 -S seed, the words modulo 100", M32),
)


def residues() -> tuple[Mapped, ...]:
    """Return the residues that users take of whole words."""
    return tuple(
        Mapped(family, "mod", 0, 99, oracle, f"{name}%", text, seeds)
        for family, oracle, name, text, seeds in RESIDUES
    )


def commons_math() -> tuple[Mapped, ...]:
    """Return the scaled doubles of Commons Math: 26 bits from each of two words."""
    return tuple(
        Mapped(
            f"{name.lower()}/commons_math",
            "float(52)",
            0,
            999,
            "commons-math",
            f"{name}*",
            f"(int) (new {name}(seed).nextDouble() * 1000)",
            M32,
        )
        for name in ("Well512a", "Well1024a")
    )


MAPPED: tuple[Mapped, ...] = (*scaled(), *residues(), *commons_math())
