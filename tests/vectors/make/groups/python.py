"""Python: the oracles, and what is stored of their families."""

import sys

from oracle import HERE, PIP, VENV, Oracle, interpreted, numpy_version, python_version, run
from vector import M32, M64, SEEDS32, SEEDS64, SMALL, Check, Mapped, Raw


def package_version(python: str, package: str) -> str:
    """Return the version of a package that an interpreter can import."""
    return f"{package} {run([python, '-c', f'import {package}; print({package}.__version__)']).strip()}"


ORACLES: dict[str, Oracle] = {
    "cpython": Oracle("CPython random", (), interpreted(sys.executable, "cpython_random.py"), python_version),
    "numpy": Oracle("NumPy RandomState", (), interpreted(sys.executable, "numpy_legacy.py"), numpy_version),
    "numpy-generators": Oracle(
        "NumPy bit generators", (), interpreted(sys.executable, "numpy_generators.py"), numpy_version
    ),
    "torch": Oracle(
        "PyTorch, CPU",
        (),
        interpreted(sys.executable, "torch_cpu.py"),
        lambda: package_version(sys.executable, "torch"),
    ),
    "jax": Oracle(
        "JAX, CPU",
        ((str(VENV / "python"), f"{PIP} jax==0.10.2"),),
        lambda work: [str(VENV / "python"), str(HERE / "jax_random.py")],
        lambda: package_version(str(VENV / "python"), "jax"),
    ),
}

# family -> NumPy's bit generator, the width of its words
SEED_SEQUENCE = {
    "pcg64/seed_sequence": ("PCG64", 64),
    "pcg64dxsm/seed_sequence": ("PCG64DXSM", 64),
    "sfc64/seed_sequence": ("SFC64", 64),
    "philox4x64/seed_sequence": ("Philox", 64),
    "mt19937/seed_sequence": ("MT19937", 32),
}

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
            Check("random-js", "random-js.mt19937.word", "MersenneTwister19937.seed(seed).next()"),
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
    *(
        Raw(
            family,
            bits,
            "numpy-generators",
            f"{name}.random_raw",
            f"numpy.random.{name}(seed).random_raw()",
            SEEDS64,
            "SeedSequence of the seed as one integer: its 32-bit words, low word first, padded with zeros to four",
        )
        for family, (name, bits) in SEED_SEQUENCE.items()
    ),
    Raw(
        "threefry2x32/jax",
        32,
        "jax",
        "bits",
        "jax.random.bits(jax.random.PRNGKey(seed), (count,), 'uint32')",
        SEEDS64,
        "64-bit mode (jax_enable_x64); without it a key keeps the low 32 bits of its seed. The partitionable layout, where "
        "word i depends on i alone. Seeds from 2**63 on are passed as the negative number of the same bits",
    ),
)


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
        Mapped(
            family,
            "mod",
            0,
            999,
            "libstdc++",
            "mt19937_mod",
            "std::mt19937 g(seed); g() % 1000",
            M32,
            "random-js rejects words above the last full multiple of M; none here",
            (Check("random-js", "random-js.mt19937.integer", "integer(0, 999)(engine)"),),
        ),
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


def numpy_generators() -> tuple[Mapped, ...]:
    """Return the calls of numpy.random.Generator."""
    return tuple(
        Mapped(
            family,
            "float(53)",
            0,
            999,
            "numpy-generators",
            f"{name}.random",
            f"floor(numpy.random.Generator(numpy.random.{name}(seed)).random() * 1000)",
            M64,
            "two words a draw: upper 27 bits of the first, upper 26 bits of the second" if bits == 32 else "",
        )
        for family, (name, bits) in SEED_SEQUENCE.items()
    )


def torch() -> tuple[Mapped, ...]:
    """Return the calls of PyTorch on the CPU, which seed MT19937 with the low 32 bits of the seed."""
    call = "torch.manual_seed(seed); torch.randint(1, 7, (count,))"
    return (Mapped("mt19937/init_genrand", "mod", 1, 6, "torch", "randint", call, M32),)


def jax() -> tuple[Mapped, ...]:
    """Return the calls of jax.random."""
    family, key = "threefry2x32/jax", "jax.random.PRNGKey(seed)"
    return (
        Mapped(
            family,
            "float(23)",
            0,
            999,
            "jax",
            "uniform",
            f"floor(jax.random.uniform({key}, (count,), 'float32') * 1000)",
            M64,
            "the upper 23 bits of a word become the fraction",
        ),
        Mapped(
            family,
            "mod",
            0,
            999,
            "jax",
            "bits_mod",
            f"jax.random.bits({key}, (count,), 'uint32') % 1000",
            M64,
        ),
    )


MAPPED: tuple[Mapped, ...] = (*init_genrand(), *cpython(), *numpy_generators(), *torch(), *jax())
