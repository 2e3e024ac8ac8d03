"""Small languages that people write: formulas, mappings, filters, cron, ranges of seeds and gaps, pools, key=value, times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from engine.dispatch.cron import Cron
from engine.history.samples import Pool
from engine.search.ranges import parse_range, parse_seeds
from engine.tables.filters import Filter, sorted_by
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.formula import evaluate, parse_formula
from hip_cuda_kernels.mappings import parse_mapping
from hip_cuda_kernels.registry import family as family_of
from tests.fuzz.target import Reader, Target
from tui.model.words import parse_time

CONSTANTS = {"M": 1000.0, "lo": 0.0, "hi": 999.0, "w": 32.0}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Column(NamedTuple):
    """A column of a table, as far as a filter knows one."""

    name: str
    kind: str


COLUMNS = (Column("hot", "number"), Column("host", "text"), Column("at", "time"))
ROWS = [{"hot": 91.5, "host": "rig-1", "at": "2026-01-01T00:00:00Z"}, {"hot": None, "host": None, "at": None}]


def formula(data: bytes) -> object:
    made = parse_formula(data.decode("utf-8", "replace"))
    evaluate(made.program(CONSTANTS), 0.25, 12345.0)
    again = parse_formula(made.text)
    assert again.text == made.text, "a formula's canonical text is not stable"
    return made.text


def mapping(data: bytes) -> object:
    made = parse_mapping(data.decode("utf-8", "replace"), family_of("mt19937/cpython"))
    assert parse_mapping(made.id, family_of("mt19937/cpython")).id == made.id, (
        "a mapping's name does not read back"
    )
    return made.id


def filtered(data: bytes) -> object:
    where, _, sort = data.decode("utf-8", "replace").partition("\n")
    kept = Filter.parse(where, COLUMNS)
    return sorted_by([row for row in ROWS if kept.holds(row)], sort, COLUMNS)


def cron(data: bytes) -> object:
    entry = Cron.parse(data.decode("utf-8", "replace"))
    after, before = entry.after(NOON), entry.before(NOON)
    assert after is None or (after > NOON and entry.matches(after))
    assert before is None or (before <= NOON and entry.matches(before))
    return entry.between(NOON, after or NOON)


def span(data: bytes) -> object:
    made = parse_range(data.decode("utf-8", "replace"), what="--gaps")
    assert parse_range(made.text(), what="again") == made, "a range does not read back"
    return made


def seeds(data: bytes) -> object:
    made = parse_seeds(data.decode("utf-8", "replace"))
    assert parse_seeds(",".join(one.text() for one in made)) == made, "seeds do not read back"
    return made


def pool(data: bytes) -> object:
    text, _, order = data.decode("utf-8", "replace").partition("\n")
    return Pool.parse(text, order or "sorted")


TARGET = Target(
    "expressions",
    "formulas, mappings, filters, cron, ranges, pools, times",
    (
        Reader("formula", formula, (b"floor(100/(1.0001-u))", b"min(M-1, x % 7) ** 2 // -3", b"round(u*(hi-lo))+lo"), (KernelError,)),
        Reader("mapping", mapping, (b"mod", b"hi32:lemire", b"digits(3,mod)", b"sample(5,pool,sorted,float(31))", b"formula(u*M)"), (KernelError,)),
        Reader("filter", filtered, (b"hot>90 & host~rig- | at>=2026\n-hot", b"rig\nhost")),
        Reader("cron", cron, (b"*/15 0-6 1,15 * 1-5", b"@daily", b"0 0 29 2 *")),
        Reader("range", span, (b"0:2^32-1", b"0x10:0xff", b"2026-01-01T00:00..2026-01-02T00:00/ms", b"2026-01-01..2026-01-02/s^pid(1:99)")),
        Reader("seeds", seeds, (b"small,typed", b"0:9,10:20,unix")),
        Reader("pool", pool, (b"49", b"0:36\ndrawn")),
        Reader("time", lambda data: parse_time(data.decode("utf-8", "replace")), (b"2026-01-01T00:00:00Z",), ()),
    ),
)  # fmt: skip
