"""What is stored: every family's raw words and every mapping's values, with the oracle that made them."""

from dataclasses import dataclass

SEEDS32 = (0x0, 0x1, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)
SEEDS31 = (0x0, 0x1, 0x7FFFFFFF, 0x2C9F60D3, 0x5A17C3E9)
SEEDS48 = (0x0, 0x1, 0xFFFFFFFFFFFF, 0x3A9F15C2D7E4, 0xD1B054A32995)
SEEDS64 = (0x0, 0x1, 0xFFFFFFFFFFFFFFFF, 0x8F3A9F15C2D7E46B, 0x4D1B054A32995C07)
NONZERO32 = (0x1, 0x2, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)

RAW_COUNT, MAPPED_COUNT = 1000, 300


@dataclass(frozen=True)
class Check:
    """A second implementation that must agree: its word equals ours shifted right, for seeds below a bound."""

    oracle: str
    call: str
    text: str
    shift: int = 0
    below: int = 1 << 64


@dataclass(frozen=True)
class Raw:
    """Raw output words of one family: RAW_COUNT for each seed."""

    family: str
    word_bits: int
    oracle: str
    call: str
    text: str  # the call as a user of that runtime writes it
    seeds: tuple[int, ...]
    note: str
    checks: tuple[Check, ...] = ()

    @property
    def path(self) -> str:
        """Return the file's name below tests/vectors."""
        return self.family.replace("/", "_") + ".csv"


@dataclass(frozen=True)
class Mapped:
    """Draws of one real call: MAPPED_COUNT values in lo..hi for each seed."""

    family: str
    mapping: str
    lo: int
    hi: int
    oracle: str
    call: str
    text: str
    seeds: tuple[int, ...]
    note: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def path(self) -> str:
        """Return the file's name below tests/vectors: the range is part of it, a mapping may have several."""
        mapping = self.mapping.replace("(", "_").replace(")", "")
        return f"mappings/{self.family.replace('/', '_')}__{mapping}__{self.lo}_{self.hi}.csv"


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
    ),
    Raw(
        "lcg48/java",
        32,
        "java",
        "nextInt",
        "new java.util.Random(seed).nextInt() as unsigned",
        SEEDS48,
        "the runtime xors the seed with 0x5DEECE66D and keeps 48 bits",
    ),
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
)

MAPPED: tuple[Mapped, ...] = ()
