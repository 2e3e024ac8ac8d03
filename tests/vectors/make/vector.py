"""One stored vector: raw words of a family or draws of one real call, the oracle that made it and the one that agreed."""

from dataclasses import dataclass

SEEDS32 = (0x0, 0x1, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)
SEEDS31 = (0x0, 0x1, 0x7FFFFFFF, 0x2C9F60D3, 0x5A17C3E9)
SEEDS48 = (0x0, 0x1, 0xFFFFFFFFFFFF, 0x3A9F15C2D7E4, 0xD1B054A32995)
SEEDS64 = (0x0, 0x1, 0xFFFFFFFFFFFFFFFF, 0x8F3A9F15C2D7E46B, 0x4D1B054A32995C07)
NONZERO32 = (0x1, 0x2, 0xFFFFFFFF, 0x5A17C3E9, 0xC0DE1E57)

M32, M48, M64 = SEEDS32[2:], SEEDS48[2:], SEEDS64[2:]
M31 = (0x1, 0x2C9F60D3, 0x5A17C3E9)
SMALL = (0x1, 0x7C5, 0x5A17C3E9)

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


@dataclass(frozen=True)
class Worded(Mapped):
    """Draws of one real call after seeding with words: a word stands as its UTF-8 behind a 1."""

    way: str = ""

    @property
    def path(self) -> str:
        """Return the file's name below tests/vectors."""
        return f"words/{self.way}__{self.family.replace('/', '_')}.csv"
