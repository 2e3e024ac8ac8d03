"""Applications: the oracles, and what is stored of their families."""

from oracle import Oracle, first_line, interpreted
from vector import M32, SEEDS32, Mapped, Raw

ORACLES: dict[str, Oracle] = {
    "r": Oracle(
        "R",
        (("Rscript", "apt-get install r-base-core"),),
        interpreted("Rscript", "r_rng.R"),
        lambda: first_line("Rscript", "--version"),
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

RAW: tuple[Raw, ...] = tuple(
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


MAPPED: tuple[Mapped, ...] = (*r(),)
