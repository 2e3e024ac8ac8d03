"""C++ and the GNU Scientific Library: the oracles, and what is stored of their families."""

from oracle import Oracle, compiled, debian, first_line
from vector import M31, SEEDS31, Check, Mapped, Raw

ORACLES: dict[str, Oracle] = {
    "libstdc++": Oracle(
        "libstdc++ <random>",
        (("g++", "apt-get install g++"),),
        compiled("g++", "cpp_std.cpp"),
        lambda: first_line("g++", "--version"),
    ),
    "gsl": Oracle(
        "GNU Scientific Library",
        (("gcc", "apt-get install gcc"), ("/usr/include/gsl/gsl_rng.h", "apt-get install libgsl-dev")),
        compiled("gcc", "gsl_rng.c", "-lgsl", "-lgslcblas", "-lm"),
        lambda: debian("libgsl-dev"),
    ),
}

RAW: tuple[Raw, ...] = (
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
)


MAPPED: tuple[Mapped, ...] = (
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
)
