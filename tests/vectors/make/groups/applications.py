"""Applications: the oracles, and what is stored of their families."""

import sys
from pathlib import Path

from oracle import HERE, Oracle, compiled, debian, first_line, interpreted
from vector import M32, M64, SEEDS32, SEEDS64, Mapped, Raw


def build_godot(work: Path) -> list[str]:
    """Run the script in a home of its own, where the engine leaves logs; its greeting holds no comma."""
    shell = 'cd && godot3-server --no-window -s "$0" "$@" 2> /dev/null | grep ,'
    return ["env", f"HOME={work}", "sh", "-c", shell, str(HERE / "godot_rand.gd")]


ORACLES: dict[str, Oracle] = {
    "r": Oracle(
        "R",
        (("Rscript", "apt-get install r-base-core"),),
        interpreted("Rscript", "r_rng.R"),
        lambda: first_line("Rscript", "--version"),
    ),
    "mariadb": Oracle(
        "MariaDB",
        (("mariadbd", "apt-get install mariadb-server-core"),),
        interpreted(sys.executable, "mariadb_rand.py"),
        lambda: first_line("mariadbd", "--version"),
    ),
    "postgres": Oracle(
        "PostgreSQL",
        (("/usr/lib/postgresql", "apt-get install postgresql"),),
        interpreted(sys.executable, "postgres_random.py"),
        lambda: debian("postgresql-15"),
    ),
    "godot": Oracle(
        "Godot",
        (("godot3-server", "apt-get install godot3-server"),),
        build_godot,
        lambda: "Godot " + first_line("godot3-server", "--version"),
    ),
    "rocrand": Oracle(
        "rocRAND, its device header compiled for the host",
        (
            ("g++", "apt-get install g++"),
            ("/usr/include/rocrand/rocrand_xorwow.h", "apt-get install librocrand-dev"),
        ),
        compiled("g++", "rocrand_xorwow.cpp"),
        lambda: debian("librocrand-dev"),
    ),
}

# family -> (R's name of the kind, how a word follows from the double, a note)
R_KINDS = {
    "r_mersenne/set_seed": ("Mersenne-Twister", "floor(u * 2^32)", "R's default; 0 is shown as 2^-33"),
    "wichmann_hill/r": ("Wichmann-Hill", "floor(u * 2^32)", "the sum of three fractions, cut to 32 bits"),
    "r_multicarry/set_seed": ("Marsaglia-Multicarry", "u * (2^32 - 1)", ""),
    "r_super_duper/set_seed": ("Super-Duper", "u * (2^32 - 1)", ""),
    "mrg32k3a/r": ("L'Ecuyer-CMRG", "u * 4294967088", "a word is 1 .. 4294967087"),
}

# what setseed() can make is below 2^52 in size
SETSEED = (0x0, 0x1, 0xFFFFFFFFFFFFFFFF, 0xF3A9F15C2D7E4, 0xFFF54995C07D1B05)


def r_raw() -> tuple[Raw, ...]:
    """Return the words of R's generators."""
    return tuple(
        Raw(
            family,
            32,
            "r",
            f"{kind}:words",
            f'set.seed(seed, kind = "{kind}"); u <- runif(1); {word}',
            SEEDS32,
            f"seeds from 2^31 on are the negative integers{'; ' if note else ''}{note}",
        )
        for family, (kind, word, note) in R_KINDS.items()
    )


RAW: tuple[Raw, ...] = (
    Raw(
        "mysql_rand/rand_n",
        30,
        "mariadb",
        "words",
        "ROUND(RAND(seed) * 1073741823) of every row of one SELECT",
        SEEDS32,
        "the double is a word over 2^30 - 1; MySQL has the same function",
    ),
    Raw(
        "xoroshiro128ss/postgres",
        52,
        "postgres",
        "words",
        "SELECT setseed(x); SELECT random() * 2^52",
        SETSEED,
        "the seed is the int64 that setseed(x) makes, (2^52 - 1) * x cut to an integer; random() shows the upper 52 bits of a "
        "word. Before version 15 the generator was erand48",
    ),
    Raw(
        "pcg32/godot",
        32,
        "godot",
        "randi",
        "seed(seed); randi()",
        SEEDS64,
        "stream 1442695040888963407; RandomNumberGenerator with its seed set gives the same words",
    ),
    Raw(
        "rocrand_xorwow/seed",
        32,
        "rocrand",
        "next",
        "rocrand_init(seed, 0, 0, &state); rocrand(&state)",
        SEEDS64,
        "subsequence 0, offset 0",
    ),
    *r_raw(),
)


def r() -> tuple[Mapped, ...]:
    """Return the calls of R's uniform generators."""
    return tuple(
        Mapped(
            family,
            "float(32)",
            0,
            999,
            "r",
            f"{kind}:runif",
            f'set.seed(seed, kind = "{kind}"); floor(runif(1) * 1000)',
            M32,
        )
        for family, (kind, _, _) in R_KINDS.items()
    )


def servers_and_engines() -> tuple[Mapped, ...]:
    """Return the calls of the databases, of Godot and of rocRAND."""
    mysql, postgres, godot, rocrand = (
        "mysql_rand/rand_n",
        "xoroshiro128ss/postgres",
        "pcg32/godot",
        "rocrand_xorwow/seed",
    )
    return (
        Mapped(mysql, "float(30)", 0, 999, "mariadb", "floor", "FLOOR(RAND(seed) * 1000)", M32),
        Mapped(
            postgres,
            "float(52)",
            0,
            999,
            "postgres",
            "floor",
            "setseed(x); floor(random() * 1000)",
            SETSEED[2:],
        ),
        Mapped(godot, "mod", 0, 999, "godot", "randi_mod", "seed(seed); randi() % 1000", M64),
        Mapped(rocrand, "mod", 0, 999, "rocrand", "mod", "rocrand(&state) % 1000", M64),
    )


MAPPED: tuple[Mapped, ...] = (*r(), *servers_and_engines())
