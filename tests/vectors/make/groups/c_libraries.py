"""The C libraries: the oracles, and what is stored of their families."""

from pathlib import Path

from oracle import HERE, Oracle, compiled, debian, first_line, run
from vector import M32, SEEDS32, Check, Mapped, Raw


def build_wine(work: Path) -> list[str]:
    """Compile for Windows and run under Wine in a prefix of its own, so msvcrt.dll is Wine's."""
    run(["x86_64-w64-mingw32-gcc", "-O1", HERE / "msvcrt_rand.c", "-o", work / "msvcrt_rand.exe"])
    prefix = work / "wineprefix"
    return [
        "env",
        f"WINEPREFIX={prefix}",
        "WINEDEBUG=-all",
        "/usr/lib/wine/wine64",
        str(work / "msvcrt_rand.exe"),
    ]


NEWLIB = Path("/usr/src/newlib/newlib-3.3.0.tar.xz")


def build_newlib(work: Path) -> list[str]:
    """Build newlib's own rand.c out of its source package, with our program around it."""
    run(["tar", "-C", work, "-xf", NEWLIB, "--strip-components=4", "--wildcards", "*/libc/stdlib/rand.c"])
    target, ours = work / "newlib_rand", HERE / "newlib"
    renamed = ("-Drand=newlib_rand", "-Dsrand=newlib_srand")
    run(["gcc", "-O1", "-w", f"-I{ours}", *renamed, "-c", work / "rand.c", "-o", work / "newlib_rand.o"])
    run(["gcc", "-O1", f"-I{ours}", ours / "newlib_rand.c", work / "newlib_rand.o", "-o", target])
    return [str(target)]


def build_musl(work: Path) -> list[str]:
    """Link the C library's program against musl."""
    run(["musl-gcc", "-O1", "-static", HERE / "libc_rand.c", "-o", work / "musl_rand", "-lm"])
    return [str(work / "musl_rand")]


ORACLES: dict[str, Oracle] = {
    "musl": Oracle(
        "musl, the program linked against it statically",
        (("musl-gcc", "apt-get install musl-tools"),),
        build_musl,
        lambda: debian("musl"),
    ),
    "newlib": Oracle(
        "newlib, its own rand.c built out of Debian's source package",
        (("gcc", "apt-get install gcc"), (str(NEWLIB), "apt-get install newlib-source")),
        build_newlib,
        lambda: debian("newlib-source"),
    ),
    "libc": Oracle(
        "GNU C Library",
        (("gcc", "apt-get install gcc"),),
        compiled("gcc", "libc_rand.c", "-lm"),
        lambda: first_line("ldd", "--version"),
    ),
    "wine": Oracle(
        "Wine msvcrt.dll, program built with MinGW-w64",
        (
            ("x86_64-w64-mingw32-gcc", "apt-get install gcc-mingw-w64-x86-64-win32"),
            ("/usr/lib/wine/wine64", "apt-get install wine64"),
        ),
        build_wine,
        lambda: debian("wine64", "mingw-w64-x86-64-dev"),
    ),
}

# TYPE_n of glibc's random() by the size of its state; the default, TYPE_3, stands apart
STATE_BYTES = {0: 8, 1: 32, 2: 64, 4: 256}

RAW: tuple[Raw, ...] = (
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
    *(
        Raw(
            f"glibc_random/type{size}",
            31,
            "libc",
            f"random{size_bytes}",
            f"initstate(seed, state, {size_bytes}); random()",
            SEEDS32,
            f"TYPE_{size}, a state of {size_bytes} bytes; seed 0 is treated as 1",
            (
                Check(
                    "gsl",
                    f"random{size_bytes}-glibc2",
                    f"generator random{size_bytes}-glibc2",
                    below=1 << 31,
                ),
            ),
        )
        for size, size_bytes in STATE_BYTES.items()
    ),
    Raw(
        "glibc_rand_r/rand_r",
        31,
        "libc",
        "rand_r",
        "unsigned state = seed; rand_r(&state)",
        SEEDS32,
        "three steps of the generator a word: 11, 10 and 10 bits",
    ),
    Raw(
        "knuth_lcg64/musl",
        31,
        "musl",
        "rand",
        "srand(seed); rand()",
        SEEDS32,
        "the state is seed - 1 as an unsigned int",
    ),
    Raw(
        "musl_random/srandom",
        31,
        "musl",
        "random",
        "srandom(seed); random()",
        SEEDS32,
        "the default state of 31 words; no words are dropped",
    ),
    Raw("knuth_lcg64/newlib", 31, "newlib", "rand", "srand(seed); rand()", SEEDS32, "random() is the same"),
    Raw(
        "bsd_random/weak_seed",
        31,
        "gsl",
        "random-bsd",
        "gsl_rng_set(generator random-bsd, seed); gsl_rng_get()",
        SEEDS32,
        "random() of 4.3BSD with the default state of 128 bytes; seed 0 is treated as 1",
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
        *(
            Mapped(
                f"glibc_random/type{size}",
                "mod",
                0,
                999,
                "libc",
                f"random{size_bytes}_mod",
                f"initstate(seed, state, {size_bytes}); random() % 1000",
                M32,
            )
            for size, size_bytes in STATE_BYTES.items()
        ),
        Mapped("glibc_rand_r/rand_r", "mod", 1, 6, "libc", "rand_r_mod", "rand_r(&state) % 6 + 1", M32),
        Mapped("knuth_lcg64/musl", "mod", 0, 999, "musl", "rand_mod", "srand(seed); rand() % 1000", M32),
        Mapped("knuth_lcg64/musl", "float(31)", 0, 99, "musl", "rand_float", scaled.format(100), M32),
        Mapped("musl_random/srandom", "mod", 0, 999, "musl", "random_mod", "random() % 1000", M32),
        Mapped("knuth_lcg64/newlib", "mod", 1, 6, "newlib", "rand_mod", "srand(seed); rand() % 6 + 1", M32),
        Mapped(
            "bsd_random/weak_seed",
            "float(31)",
            0,
            999,
            "gsl",
            "random-bsd:uniform",
            "floor(gsl_rng_uniform() * 1000)",
            M32,
        ),
        Mapped(msvc, "mod", 0, 999, "wine", "rand_mod", "srand(seed); rand() % 1000", M32),
        Mapped(msvc, "float(15)", 0, 99, "wine", "rand_float", scaled.format(100), M32),
    )


MAPPED: tuple[Mapped, ...] = (*c_libraries(),)
