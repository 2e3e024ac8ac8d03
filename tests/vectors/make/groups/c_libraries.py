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


ORACLES: dict[str, Oracle] = {
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
        Mapped(msvc, "mod", 0, 999, "wine", "rand_mod", "srand(seed); rand() % 1000", M32),
        Mapped(msvc, "float(15)", 0, 99, "wine", "rand_float", scaled.format(100), M32),
    )


MAPPED: tuple[Mapped, ...] = (*c_libraries(),)
