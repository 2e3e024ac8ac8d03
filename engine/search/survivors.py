"""Survivors: hypotheses that passed a sieve, as a structure of arrays with 24 fields, and their NPZ format version 3."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInput
from engine.search.alignment import Alignment, Gap, Origin
from state.npz import NpzRefused, load_arrays
from state.versions import refusal

FORMAT = 3
SCHEMA = f"survivors/{FORMAT}"
TEXT, COUNT, LONG, WIDE, REAL = (
    "U",
    np.dtype(np.int32),
    np.dtype(np.int64),
    np.dtype(np.uint64),
    np.dtype(np.float64),
)

FIELD_TYPES: dict[str, str | np.dtype[Any]] = {
    "family": TEXT,
    "mapping": TEXT,
    "origin_kind": TEXT,  # kind/bits[/unit]: seed/48, time/64/ms
    "origin_value": WIDE,  # shape (n, 2): high word, low word
    "start": LONG,  # calls before the first draw of the history (of its session); START_NULL = null
    "gap_law": TEXT,  # constant | reseed | range | range(0,2,1) as reconstructed | unknown | periodic(3,1,4)
    "gap_lo": LONG,
    "gap_hi": LONG,
    "unit": TEXT,
    "session": TEXT,  # NO_SESSION = one stream over all draws
    "direction": TEXT,
    "window_start": COUNT,
    "window_length": COUNT,
    "forward_matched": COUNT,
    "forward_scored": COUNT,
    "backward_matched": COUNT,
    "backward_scored": COUNT,
    "confirm_matched": COUNT,
    "confirm_scored": COUNT,
    "evidence_bits": REAL,
    "null_rank": COUNT,  # null-twin hits with at least as many matches; 0 = better than every one
    "trial": COUNT,  # -1 = not from a trial
    "sweep": TEXT,
    "digest": TEXT,  # of the alignment
}
SURVIVOR_FIELDS: tuple[str, ...] = tuple(FIELD_TYPES)
START_NULL = np.iinfo(np.int64).min
NO_SESSION = ""
DEFAULTS: dict[str, Any] = {"evidence_bits": 0.0, "null_rank": 0, "trial": -1, "sweep": ""}
EXPORTED = SURVIVOR_FIELDS[SURVIVOR_FIELDS.index("window_start") :]


class SurvivorError(BadInput):
    """A survivors file or table breaks its format; raised before a single row is used."""


class TrialHeader(BaseModel):
    """What one trial's sweep was asked and what it met; stands once, is never a feature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trial: int
    sweep: str
    window: tuple[int, int]
    session: str | None = None
    starts: tuple[int, int] = (0, 0)
    gaps: tuple[int, int] = (0, 0)
    threshold: int = 0
    hypotheses: int = 0
    expected_false: float = 0.0
    hits: int = 0
    null_hits: int = 0
    null_best: int = 0
    objective: float | None = None


class SurvivorHeader(BaseModel):
    """The JSON header of the NPZ: what the rows were selected on, so that nobody validates on those draws.

    `search`, `confirm`: half-open intervals of draw numbers that took part in the selection. `found`: survivors before the
    cut to those kept. `carried`: how many candidates the confirm draws chose among; it multiplies every later p-value there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    schema_: Literal["survivors/3"] = Field(default="survivors/3", alias="schema")
    format: Literal[3] = 3
    fields: tuple[str, ...] = SURVIVOR_FIELDS
    range: tuple[int, int]
    history: str
    draws: int
    search: tuple[int, int]
    confirm: tuple[int, int] | None = None
    found: int
    carried: int = Field(ge=1)
    origin: Literal["step 1", "analyze"] = "step 1"
    trials: tuple[TrialHeader, ...] = ()


def alignment_digest(alignment: Alignment) -> str:
    """Return the first 32 hex digits of the sha-256 of the alignment's canonical JSON."""
    text = json.dumps(alignment.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Survivors:
    """A structure of arrays: `columns` has exactly SURVIVOR_FIELDS, one row a survivor."""

    header: SurvivorHeader
    columns: dict[str, np.ndarray]

    def __post_init__(self) -> None:
        _check_columns(self.columns)

    def __len__(self) -> int:
        return len(self.columns["digest"])

    def __getitem__(self, field: str) -> np.ndarray:
        return self.columns[field]

    def __iter__(self) -> Iterator[Alignment]:
        return (self.alignment(row) for row in range(len(self)))

    @classmethod
    def from_alignments(
        cls, alignments: Sequence[Alignment], header: SurvivorHeader, columns: Mapping[str, Any]
    ) -> Survivors:
        """Build the table; `columns` holds the fields that are not part of the alignment, arrays or one value for all."""
        rows = len(alignments)
        parts = [_row(alignment, header.range) for alignment in alignments]
        data: dict[str, np.ndarray] = {}
        for name in SURVIVOR_FIELDS:
            if name in EXPORTED and name != "digest":
                value = columns[name] if name in columns else DEFAULTS.get(name, 0)
                data[name] = np.broadcast_to(np.asarray(value), (rows,)).astype(FIELD_TYPES[name])
            else:
                data[name] = _column(name, [part[name] for part in parts])
        unknown = set(columns) - set(EXPORTED)
        if unknown:
            raise SurvivorError(
                f"survivors: {sorted(unknown)} are no survivor columns; give some of {EXPORTED}"
            )
        return cls(header, data)

    def alignment(self, row: int) -> Alignment:
        """Return the hypothesis of one row, complete; later steps use it as it is. SurvivorError where its fields make none."""
        try:
            return self._alignment(row)
        except ValueError as error:
            told = " ".join(str(error).split())[:200]
            raise SurvivorError(
                f"survivors: row {row} is no hypothesis ({told}); run the step again"
            ) from None

    def _alignment(self, row: int) -> Alignment:
        get = {name: self.columns[name][row] for name in SURVIVOR_FIELDS}
        high, low = (int(word) for word in get["origin_value"])
        kind, bits, *unit = str(get["origin_kind"]).split("/")
        origin = Origin.model_validate(
            {
                "kind": kind,
                "bits": int(bits),
                "value": f"{high << 64 | low:#x}",
                "unit": unit[0] if unit else None,
            }
        )
        session, start = str(get["session"]), int(get["start"])
        return Alignment(
            family=str(get["family"]),
            mapping=str(get["mapping"]),
            range=self.header.range,
            origin=origin,
            start=None if start == START_NULL else start,
            gap=_gap(str(get["gap_law"]), int(get["gap_lo"]), int(get["gap_hi"]), str(get["unit"])),
            session=None if session == NO_SESSION else session,
            direction="backward" if get["direction"] == "backward" else "forward",
        )

    @classmethod
    def join(cls, header: SurvivorHeader, parts: Sequence[Survivors]) -> Survivors:
        """Return the rows of several tables, in order, under one header."""
        if not parts:
            return cls.from_alignments([], header, {})
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in SURVIVOR_FIELDS}
        return cls(header, columns)

    def take(self, rows: np.ndarray | Sequence[int]) -> Survivors:
        """Return the chosen rows in the given order, header unchanged."""
        index = np.asarray(rows, dtype=np.intp)
        return Survivors(self.header, {name: column[index] for name, column in self.columns.items()})

    def with_header(self, **changes: Any) -> Survivors:
        """Return the same rows under a changed header."""
        return Survivors(self.header.model_copy(update=changes), self.columns)

    def with_columns(self, **changes: Any) -> Survivors:
        """Return the table with some columns replaced; unknown names are refused."""
        columns = dict(self.columns)
        for name, value in changes.items():
            if name not in FIELD_TYPES:
                raise SurvivorError(f"survivors: {name!r} is no survivor field")
            columns[name] = np.broadcast_to(np.asarray(value), columns[name].shape).astype(FIELD_TYPES[name])
        return Survivors(self.header, columns)

    def to_bytes(self, extra: Mapping[str, np.ndarray] | None = None) -> bytes:
        """Return the NPZ, byte for byte the same for the same content; `extra` arrays are stored with an `x_` prefix."""
        arrays = {"header": _encode(self.header), **self.columns}
        arrays |= {f"x_{name}": array for name, array in (extra or {}).items()}
        target = io.BytesIO()
        np.savez(target, **arrays)  # type: ignore[arg-type]
        return target.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, what: str = "survivors") -> Survivors:
        """Read the NPZ; raise SurvivorError on a missing or unknown field, another version or damage."""
        return cls.with_extra(data, (), what)[0]

    @classmethod
    def with_extra(
        cls, data: bytes, names: Sequence[str], what: str
    ) -> tuple[Survivors, dict[str, np.ndarray]]:
        """Read the NPZ together with exactly the extra arrays `names`."""
        arrays = _load(data, what)
        header = _decode(arrays.pop("header", None), what)
        extra = {name[2:]: arrays.pop(name) for name in list(arrays) if name.startswith("x_")}
        _same_names(set(SURVIVOR_FIELDS), set(arrays), what)
        _same_names(set(names), set(extra), what)
        return cls(header, {name: arrays[name] for name in SURVIVOR_FIELDS}), extra

    @classmethod
    def read(cls, path: Path) -> Survivors:
        """Read a file in format 3."""
        return cls.from_bytes(path.read_bytes(), str(path))

    def export(self) -> dict[str, Any]:
        """Return the JSON export that stands beside the NPZ."""
        rows = [
            {"alignment": self.alignment(row).model_dump(mode="json")}
            | {name: self.columns[name][row].item() for name in EXPORTED}
            for row in range(len(self))
        ]
        return {"header": self.header.model_dump(mode="json"), "survivors": rows}


def _row(alignment: Alignment, draws: tuple[int, int]) -> dict[str, Any]:
    if alignment.range != draws:
        raise SurvivorError(f"survivors: {alignment.line()} maps to {alignment.range}, the table to {draws}")
    value = alignment.origin.number()
    if value >> 128:
        raise SurvivorError(
            f"survivors: {alignment.line()}: an origin of more than 128 bits has no place in format 3"
        )
    origin = alignment.origin
    gap = alignment.gap
    low, high = _gap_ends(gap)
    return {
        "family": alignment.family,
        "mapping": alignment.mapping,
        "origin_kind": f"{origin.kind}/{origin.bits}" + (f"/{origin.unit}" if origin.unit else ""),
        "origin_value": (value >> 64, value & (2**64 - 1)),
        "start": START_NULL if alignment.start is None else alignment.start,
        "gap_law": gap.law if gap.pattern is None else f"{gap.law}({','.join(map(str, gap.pattern))})",
        "gap_lo": low,
        "gap_hi": high,
        "unit": gap.unit,
        "session": NO_SESSION if alignment.session is None else alignment.session,
        "direction": alignment.direction,
        "digest": alignment_digest(alignment),
    }


def _gap_ends(gap: Gap) -> tuple[int, int]:
    if gap.law in ("constant", "reseed"):
        return int(gap.value or 0), int(gap.value or 0)
    if gap.law == "periodic" and gap.pattern is not None:
        return min(gap.pattern), max(gap.pattern)
    return int(gap.lo or 0), int(gap.hi or 0)


def _gap(law: str, low: int, high: int, unit: str) -> Gap:
    name, _, inside = law.partition("(")
    if name in ("constant", "reseed"):
        return Gap.model_validate({"law": name, "unit": unit, "value": low})
    pattern = tuple(int(part) for part in inside.rstrip(")").split(",")) if inside else None
    if name == "periodic":
        return Gap.model_validate({"law": name, "unit": unit, "pattern": pattern})
    ends = {"lo": low, "hi": high, "pattern": pattern} if name == "range" else {}
    return Gap.model_validate({"law": name, "unit": unit, **ends})


def _column(name: str, values: list[Any]) -> np.ndarray:
    if FIELD_TYPES[name] == TEXT:
        return np.array(values, dtype=np.str_) if values else np.zeros(0, dtype="U1")
    shape = (len(values), 2) if name == "origin_value" else (len(values),)
    return np.array(values, dtype=FIELD_TYPES[name]).reshape(shape)


def _check_columns(columns: Mapping[str, np.ndarray]) -> None:
    _same_names(set(SURVIVOR_FIELDS), set(columns), "survivors")
    rows = len(columns["digest"])
    for name, kind in FIELD_TYPES.items():
        column = columns[name]
        shape = (rows, 2) if name == "origin_value" else (rows,)
        right = column.dtype.kind == "U" if kind == TEXT else column.dtype == kind
        if column.shape != shape or not right:
            raise SurvivorError(
                f"survivors: field {name} is {column.dtype}{column.shape}, format 3 wants {kind}{shape}; write it again"
            )


def _same_names(wanted: set[str], present: set[str], what: str) -> None:
    missing, unknown = sorted(wanted - present), sorted(present - wanted)
    if missing or unknown:
        raise SurvivorError(
            f"{what}: fields missing {missing}, unknown {unknown}; format {FORMAT} has exactly its own fields, run the step that writes it again"
        )


def _load(data: bytes, what: str) -> dict[str, np.ndarray]:
    try:
        return load_arrays(io.BytesIO(data))
    except NpzRefused as error:
        raise SurvivorError(
            f"{what}: not a survivors NPZ ({error}); run the step that writes it again"
        ) from None


def _encode(header: SurvivorHeader) -> np.ndarray:
    text = json.dumps(header.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def _schema(array: np.ndarray) -> object:
    """Return the schema that a header names; ours where it names none, so that what is missing is told."""
    try:
        return json.loads(array.tobytes()).get("schema", SCHEMA)
    except (ValueError, AttributeError, RecursionError):
        return SCHEMA


def _decode(array: np.ndarray | None, what: str) -> SurvivorHeader:
    if array is None:
        raise SurvivorError(
            f"{what}: no header; this is not format {FORMAT}, run the step that writes it again"
        )
    if (why := refusal(_schema(array), SCHEMA)) is not None:
        raise SurvivorError(f"{what}: {why}")
    try:
        header = SurvivorHeader.model_validate_json(array.tobytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise SurvivorError(
            f"{what}: header field {first['loc']}: {first['msg']}; run the step again"
        ) from None
    if header.fields != SURVIVOR_FIELDS:
        raise SurvivorError(f"{what}: its field list is not that of format {FORMAT}; run the step again")
    return header
