"""What the registry knows of one generator family: its numbers, its users, its oracle. Data only."""

from __future__ import annotations

from dataclasses import dataclass

STRUCTURES = {
    "f2": "linear over GF(2)",
    "f2+": "linear over GF(2) under a sum or product that hides it",
    "lcg2k": "linear congruential, modulus a power of two",
    "lcgp": "linear congruential, another modulus",
    "mrg": "multiple recursive or combined linear congruential",
    "alfg": "additive lagged Fibonacci",
    "swb": "subtract with borrow",
    "mwc": "multiply with carry",
    "counter": "a keyed or mixed counter",
    "mix": "a Weyl sequence through a mixer",
    "combined": "several of the above, combined",
    "none": "no structure that algebra could use",
}
ROUTES = ("gf2", "bm", "lattice", "low_bits", "orbit", "affine")


@dataclass(frozen=True, kw_only=True)
class Family:
    """One generator with one seeding: what a runtime calls its generator, in numbers.

    `id` is `<algorithm>/<seeding>`; the header is `generators/<algorithm>.h` and `kernel` the C++ struct in it.
    `rows` are the rows of the survey (survey.py) that it serves; `aliases` the runtimes and versions that use it.
    `mappings` are what its users call, most used first. `float_bits` are the bits of the runtime's own double,
    `float_split` how many come from each of two words where one is too short, `float_unit` what a word is divided by
    (None: 2^float_bits). `inverse`: the kernel can step back; `jump`: it skips n words in less than n steps.
    `routes` are the algebraic and structural shortcuts that apply (ROUTES). `weight` is how common the family is beside others.
    `unseeded` is the share of its users who leave the seeding to entropy or to a clock too fine to search: only its state can be found.
    `drawn` is the share for whom the runtime draws the seed, one of all alike: PHP and perl without a call of srand, `std::mt19937 g(rd())`.
    `reach` is how many words it can give before its stateful form takes over (None: no end).
    `interleave` native vectors run abreast on the host, and `ops` is what (seeding, one word) costs in vector operations on eight seeds,
    as benchmarks/calibrate.py measures it on one core with AVX2: both steer speed only, never a result.
    `check` is (seed, first raw words), the known answer that every device must give before it may search.
    `verified`: its words were compared with an implementation that is not ours (tests/vectors).
    """

    id: str
    rows: tuple[int, ...]
    aliases: tuple[str, ...]
    kernel: str
    word_bits: int
    seed_bits: int
    state_bits: int
    structure: str
    mappings: tuple[str, ...]
    float_bits: int
    ops: tuple[int, int]
    reference: str
    oracle: str
    check: tuple[int, tuple[int, ...]]
    float_split: tuple[int, int] | None = None
    float_unit: float | None = None
    inverse: bool = False
    jump: bool = False
    routes: tuple[str, ...] = ()
    weight: float = 1.0
    unseeded: float = 0.1
    drawn: float = 0.0
    reach: int | None = None
    interleave: int = 2
    verified: bool = True

    @property
    def algorithm(self) -> str:
        """Return the part of the id that names the recurrence."""
        return self.id.partition("/")[0]

    @property
    def header(self) -> str:
        """Return the file under generators/."""
        return f"{self.algorithm}.h"
