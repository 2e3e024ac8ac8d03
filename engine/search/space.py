"""What a user asked to search: families, mappings, seeds, starts, gaps, noise, ranges. Strict, printable, resumable."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.history.history import Ints
from engine.search.clock import Offset
from engine.search.design import Law
from engine.search.ranges import Range
from engine.search.streams import Asked
from engine.search.words import Words, ranges


class Space(BaseModel):
    """The asked space; None means: use the default ladder (see `levels`), from cheap to dear.

    Beside `seeds` a list of `words` may be stated; with the law `clock` the `offsets` from each draw's time stand in their place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    families: tuple[str, ...] = ("all",)
    mappings: tuple[str, ...] | None = None
    seeds: tuple[Range, ...] | None = None
    words: Words = ()
    offsets: tuple[Offset, ...] = ()
    starts: Range | None = None
    gaps: Range | None = None
    gap_law: Law = "constant"
    noise: float | None = Field(default=None, ge=0.0, lt=1.0)
    range: tuple[int, int] | None = None
    sessions: Literal["all", "each"] | str = "all"
    direction: Asked = "forward"
    alpha: float = Field(default=1e-6, gt=0.0, lt=1.0)
    time_limit: float = Field(default=600.0, gt=0.0)
    exhaust: bool = False
    methods: Literal["all", "seeds", "algebra"] = "all"
    seed: int = Field(default=20260101, ge=0)

    @property
    def stated(self) -> bool:
        """Say whether seeds are stated, as integers, times or words: only those are tried then."""
        return self.seeds is not None or bool(self.words or self.offsets)

    @field_validator("seeds", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        """Take one range for a tuple of one."""
        if value is None or not value:
            return None
        ranges = [value] if isinstance(value[0], int) else value
        return tuple(Range(*one) for one in ranges)

    @field_validator("offsets", mode="before")
    @classmethod
    def _offsets(cls, value: Any) -> Any:
        return tuple(Offset(*one) for one in value)

    @field_validator("starts", "gaps", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return Range(*value) if isinstance(value, (list, tuple)) else value


class Level(BaseModel):
    """One rectangle of the ladder: seeds x starts x gaps at an assumed noise, with its share of belief."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    seeds: Range
    starts: tuple[int, int]
    gaps: tuple[int, int]
    noise: float
    prior: float

    @property
    def ticks(self) -> str | None:
        """Return the unit of clock seeds."""
        return self.seeds.unit if self.seeds.way is None else None


UNIX_SECONDS = Range(1_420_070_400, 1_893_456_000, "s")  # 2015-01-01 .. 2030-01-01

LADDER: tuple[Level, ...] = (
    Level(
        name="small seeds, deep",
        seeds=Range(0, 2**16 - 1),
        starts=(0, 127),
        gaps=(0, 31),
        noise=0.2,
        prior=0.30,
    ),
    Level(name="small seeds", seeds=Range(0, 2**20 - 1), starts=(0, 7), gaps=(0, 15), noise=0.2, prior=0.25),
    Level(name="typed seeds", seeds=Range(0, 2**24 - 1), starts=(0, 1), gaps=(0, 7), noise=0.05, prior=0.15),
    Level(name="unix seconds", seeds=UNIX_SECONDS, starts=(0, 0), gaps=(0, 3), noise=0.0, prior=0.15),
    Level(name="32-bit seeds", seeds=Range(0, 2**32 - 1), starts=(0, 0), gaps=(0, 0), noise=0.0, prior=0.10),
    Level(
        name="32-bit seeds, gaps",
        seeds=Range(0, 2**32 - 1),
        starts=(0, 0),
        gaps=(0, 16),
        noise=0.0,
        prior=0.05,
    ),
)

PLAIN = Level(
    name="small seeds, plain", seeds=Range(0, 2**16 - 1), starts=(0, 7), gaps=(0, 1), noise=0.2, prior=0.15
)
"""What leads the ladder where a draw takes many calls: such cells are dear, and nearly all that users plant lies here."""

VARIABLE_LADDER: tuple[Level, ...] = (
    Level(name="small seeds", seeds=Range(0, 2**16 - 1), starts=(0, 15), gaps=(0, 7), noise=0.2, prior=0.30),
    Level(
        name="small seeds, wide gaps",
        seeds=Range(0, 2**16 - 1),
        starts=(0, 15),
        gaps=(0, 31),
        noise=0.05,
        prior=0.15,
    ),
    Level(name="typed seeds", seeds=Range(0, 2**20 - 1), starts=(0, 7), gaps=(0, 7), noise=0.05, prior=0.25),
    Level(name="unix seconds", seeds=UNIX_SECONDS, starts=(0, 0), gaps=(0, 3), noise=0.0, prior=0.15),
    Level(name="32-bit seeds", seeds=Range(0, 2**32 - 1), starts=(0, 0), gaps=(0, 3), noise=0.0, prior=0.15),
)
UNSTATED_GAPS: dict[Law, tuple[int, int]] = {
    "constant": (0, 0), "range": (0, 3), "reseed": (1, 1), "clock": (0, 0), "inverse": (0, 0), "periodic": (0, 7),
}  # fmt: skip
RESEED_LADDER: tuple[Level, ...] = (
    Level(name="small seeds", seeds=Range(0, 2**20 - 1), starts=(0, 3), gaps=(1, 16), noise=0.2, prior=0.40),
    Level(name="unix seconds", seeds=UNIX_SECONDS, starts=(0, 0), gaps=(1, 60), noise=0.05, prior=0.35),
    Level(name="32-bit seeds", seeds=Range(0, 2**32 - 1), starts=(0, 0), gaps=(1, 1), noise=0.05, prior=0.25),
)
PERIODIC_LADDER: tuple[Level, ...] = (
    Level(name="small seeds", seeds=Range(0, 2**16 - 1), starts=(0, 15), gaps=(0, 7), noise=0.2, prior=0.35),
    Level(name="typed seeds", seeds=Range(0, 2**20 - 1), starts=(0, 3), gaps=(0, 7), noise=0.05, prior=0.25),
    Level(name="unix seconds", seeds=UNIX_SECONDS, starts=(0, 0), gaps=(0, 3), noise=0.0, prior=0.20),
    Level(name="32-bit seeds", seeds=Range(0, 2**32 - 1), starts=(0, 0), gaps=(0, 3), noise=0.0, prior=0.20),
)
PERIODS: tuple[tuple[int, float], ...] = ((2, 0.75), (3, 0.25))
"""How many gaps take turns, each with its share of belief."""
INVERSE_LADDER: tuple[Level, ...] = (
    Level(name="small seeds", seeds=Range(0, 2**16 - 1), starts=(0, 7), gaps=(0, 7), noise=0.2, prior=0.60),
    Level(name="typed seeds", seeds=Range(0, 2**20 - 1), starts=(0, 1), gaps=(0, 1), noise=0.05, prior=0.40),
)
LADDERS: dict[Law, tuple[Level, ...]] = {
    "constant": LADDER,
    "range": VARIABLE_LADDER,
    "reseed": RESEED_LADDER,
    "periodic": PERIODIC_LADDER,
    "clock": (),
    "inverse": INVERSE_LADDER,
}


DAY, HOUR = 86_400, 3_600


def near(moment: float) -> tuple[Level, ...]:
    """Return the levels for seeds taken from a clock shortly before the first draw at `moment` (seconds since 1970)."""
    second, millisecond = int(moment), int(moment * 1000)
    return (
        Level(
            name="seconds of the day before", seeds=Range(second - DAY, second + HOUR, "s"),
            starts=(0, 15), gaps=(0, 15), noise=0.2, prior=0.30,
        ),
        Level(
            name="milliseconds of the hour before", seeds=Range(millisecond - HOUR * 1000, millisecond + 60_000, "ms"),
            starts=(0, 3), gaps=(0, 7), noise=0.05, prior=0.20,
        ),
    )  # fmt: skip


def periods(law: Law) -> tuple[tuple[int, float], ...]:
    """Return how many gaps a pattern of the law has, each with its share of belief."""
    return PERIODS if law == "periodic" else ((1, 1.0),)


CLOCK_LADDER: tuple[tuple[Offset, tuple[int, int], float, float], ...] = (
    (Offset(-15 * HOUR, 15 * HOUR, "s"), (0, 3), 0.2, 0.45),  # a clock of another zone
    (Offset(-60_000, 60_000, "ms"), (0, 1), 0.2, 0.30),
    (Offset(-(10**6), 10**6, "us"), (0, 0), 0.05, 0.25),
)
"""Offset, starts, noise and share of belief where every draw's seed is its own time and nothing is stated."""


def levels(
    space: Space, moment: float | None = None, times: Ints | None = None, *, composed: bool = False
) -> tuple[Level, ...]:
    """Return the ladder (led by clock seeds where the first draw has a time), or the one rectangle that the user stated.

    `times` are the draws', where these are their seeds; `composed` says that a draw is made of several calls.

    A stated rectangle is searched exactly first and then tolerant of noise, unless the noise is stated too.
    """
    if space.gap_law == "clock" and times is not None:
        return _own_clock(space, times)
    if not space.stated and space.starts is None and space.gaps is None:
        ladder = LADDERS[space.gap_law]
        if composed and space.gap_law == "constant":
            ladder = (PLAIN, *ladder)
        if moment is not None and space.gap_law == "constant":
            ladder = (*near(moment), *ladder)
        if space.noise is None:
            return ladder
        return tuple(level.model_copy(update={"noise": space.noise}) for level in ladder)
    seeds = (*(space.seeds or ()), *ranges(space.words)) or (Range(0, 2**32 - 1),)
    return _asked(space, seeds)


def _asked(space: Space, seeds: tuple[Range, ...]) -> tuple[Level, ...]:
    """Return the stated rectangles: first exactly, then tolerant of noise, unless the noise is stated too."""
    starts = (space.starts.lo, space.starts.hi) if space.starts else (0, 0)
    gaps = (space.gaps.lo, space.gaps.hi) if space.gaps else UNSTATED_GAPS[space.gap_law]
    shares = ((space.noise, 1.0),) if space.noise is not None else ((0.0, 0.6), (0.2, 0.4))
    return tuple(
        Level(name="asked", seeds=one, starts=starts, gaps=gaps, noise=noise, prior=prior / len(seeds))
        for noise, prior in shares
        for one in seeds
    )


def _own_clock(space: Space, times: Ints) -> tuple[Level, ...]:
    """Return the levels for seeds taken from each draw's own time: the stated offsets, or the ladder."""
    if space.stated or space.starts is not None:
        offsets = space.offsets or tuple(offset for offset, *_ in CLOCK_LADDER)
        return _asked(space, tuple(offset.seeds(times) for offset in offsets))
    return tuple(
        Level(
            name=f"own clock in {offset.unit}", seeds=offset.seeds(times), starts=starts, gaps=(0, 0),
            noise=noise if space.noise is None else space.noise, prior=prior,
        )
        for offset, starts, noise, prior in CLOCK_LADDER
    )  # fmt: skip
