"""The artifacts that steps hand on: one strict contract each, with its schema version; a reader refuses anything else.

Every field is either read by a later step or marked as meant for people; `lineage.unread` holds a run to that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from engine.errors import BadInput
from engine.search.alignment import Alignment
from state.versions import refusal

WINDOW = "optimal_window_config.json"
SURVIVORS = "bidirectional_survivors.npz"
SURVIVORS_EXPORT = "bidirectional_survivors.json"
SCORER = "optimal_scorer_config.json"
SCORED = "survivors_with_scores.npz"
SCORED_EXPORT = "survivors_with_scores.json"
ENGINE = "reinforcement_engine_config.json"
MODEL_META = "best_model.meta.json"
POOL = "prediction_pool.json"
SURVIVORS_SCHEMA = "survivors/3"
SCORED_SCHEMA = "survivors_with_scores/1"

PEOPLE: dict[str, Any] = {"for": "people"}
Overlap = Literal["none", "confirm", "search"]
C = TypeVar("C", bound="Contract")


class SchemaRefused(BadInput):
    """An artifact that lacks a field, has one too many, or was written under another schema."""


class Contract(BaseModel):
    """Base of every contract: strict, immutable, and it knows which of its fields a reader has looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)
    _looked: set[str] | None = PrivateAttr(default=None)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name in type(self).__pydantic_fields__:
            private = object.__getattribute__(self, "__pydantic_private__")
            if private and private.get("_looked") is not None:
                private["_looked"].add(name)
        return super().__getattribute__(name)

    @classmethod
    def schema_name(cls) -> str:
        """Return the schema version that this contract reads and writes."""
        return str(cls.model_fields["schema_"].default)

    @classmethod
    def parse(cls: type[C], data: Mapping[str, Any], what: str, looked: set[str] | None = None) -> C:
        """Check plain data; raise SchemaRefused naming the field and the step to run again."""
        if not isinstance(data, Mapping):
            raise SchemaRefused(
                f"{what}: is no JSON object, so it is no {cls.schema_name()}; run the step that writes it again"
            )
        if (why := refusal(data.get("schema", cls.schema_name()), cls.schema_name())) is not None:
            raise SchemaRefused(f"{what}: {why}")
        try:
            made = cls.model_validate(dict(data))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "(all)"
            raise SchemaRefused(
                f"{what}: field {place}: {first['msg']}; it is no {cls.schema_name()}, run the step that writes it again"
            ) from None
        made._looked = looked
        return made

    @classmethod
    def inputs(cls) -> set[str]:
        """Return the fields that a later step must read."""
        return {
            name
            for name, field in cls.model_fields.items()
            if field.json_schema_extra != PEOPLE and name != "schema_"
        }


class TrialRow(BaseModel):
    """One trial as the reports show it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    params: dict[str, Any]
    value: float
    detail: dict[str, Any] = {}
    state: Literal["complete", "pruned"] = "complete"


class WindowConfig(Contract):
    """What step 1 chose. `search`, `confirm`: half-open draw intervals that selected the survivors; `window`: the best trial's."""

    schema_: Literal["optimal_window_config/1"] = Field(default="optimal_window_config/1", alias="schema")
    history: str
    range: tuple[int, int]
    search: tuple[int, int]
    confirm: tuple[int, int] | None
    window: tuple[int, int]
    identified: bool
    required_bits: float
    origin: Literal["step 1", "analyze"] = Field(json_schema_extra=PEOPLE)
    session: str | None = Field(json_schema_extra=PEOPLE)
    starts: tuple[int, int] = Field(json_schema_extra=PEOPLE)
    gaps: tuple[int, int] = Field(json_schema_extra=PEOPLE)
    threshold: int = Field(json_schema_extra=PEOPLE)
    objective: float | None = Field(json_schema_extra=PEOPLE)
    trials: tuple[TrialRow, ...] = Field(default=(), json_schema_extra=PEOPLE)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse spans that cannot be of one history."""
        if self.range[0] > self.range[1] or not 0 <= self.search[0] <= self.search[1]:
            raise ValueError(f"range {self.range} and search {self.search} must run upward from 0")
        if not self.search[0] <= self.window[0] <= self.window[1] <= self.search[1]:
            raise ValueError(f"window {self.window} lies outside of the searched draws {self.search}")
        if self.confirm is not None and not 0 <= self.confirm[0] <= self.confirm[1]:
            raise ValueError(f"confirm {self.confirm} must run upward from 0")
        return self


class ScorerConfig(Contract):
    """The scorer that step 2.5 tuned: a linear score of standardised, clipped columns."""

    schema_: Literal["optimal_scorer_config/1"] = Field(default="optimal_scorer_config/1", alias="schema")
    history: str
    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    clip: float
    families: tuple[str, ...] = Field(json_schema_extra=PEOPLE)
    penalty: float = Field(json_schema_extra=PEOPLE)
    bits: float = Field(json_schema_extra=PEOPLE)
    bits_by_chance: float = Field(json_schema_extra=PEOPLE)
    reciprocal_rank: float = Field(json_schema_extra=PEOPLE)
    trials: tuple[TrialRow, ...] = Field(default=(), json_schema_extra=PEOPLE)

    @model_validator(mode="after")
    def _alike(self) -> Self:
        """Refuse columns, centres, scales and weights that do not belong together."""
        lengths = {len(self.names), len(self.centre), len(self.scale), len(self.weights)}
        if len(lengths) != 1 or len(set(self.names)) != len(self.names):
            raise ValueError(f"{len(self.names)} names, each once, need as many centres, scales and weights")
        numbers = (*self.centre, *self.scale, *self.weights, self.intercept, self.clip)
        if not all(map(math.isfinite, numbers)) or min((*self.scale, self.clip)) <= 0:
            raise ValueError("centres, scales and weights must be finite, scales and the clip above 0")
        return self


class EngineConfig(Contract):
    """The capacity that step 4 chose for each model family; step 5 trains with exactly this."""

    schema_: Literal["reinforcement_engine_config/1"] = Field(
        default="reinforcement_engine_config/1", alias="schema"
    )
    history: str
    features: str
    models: dict[str, dict[str, Any]]
    tried: dict[str, list[dict[str, Any]]] = Field(json_schema_extra=PEOPLE)
    draws: int = Field(json_schema_extra=PEOPLE)


class Estimate(BaseModel):
    """A number with its interval."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    lo: float
    hi: float


class ModelMeta(Contract):
    """The sidecar of the best model: what made it, how it was judged, and whether anything beats chance."""

    schema_: Literal["best_model.meta/1"] = Field(default="best_model.meta/1", alias="schema")
    history: str
    family: str
    file: str
    model: str
    features: str
    names: tuple[str, ...]
    chance: float
    calibration: float = 1.0
    signal: bool
    selected: str = Field(json_schema_extra=PEOPLE)
    verdict: str = Field(json_schema_extra=PEOPLE)
    config: dict[str, Any] = Field(json_schema_extra=PEOPLE)
    size: int = Field(json_schema_extra=PEOPLE)
    overlap: Overlap = Field(json_schema_extra=PEOPLE)
    confidence: float = Field(json_schema_extra=PEOPLE)
    blocks: dict[str, Any] = Field(json_schema_extra=PEOPLE)
    models: dict[str, dict[str, Any]] = Field(json_schema_extra=PEOPLE)
    final: dict[str, Any] = Field(json_schema_extra=PEOPLE)
    decoys: dict[str, Any] = Field(json_schema_extra=PEOPLE)
    opened: int = Field(json_schema_extra=PEOPLE)


class Component(BaseModel):
    """One survivor's part in a pool: its weight, its calibrated hit rate, its next position and what it predicts there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alignment: Alignment
    position: int
    predicted: int
    weight: float
    rate: float
    matched: int
    scored: int


class PoolLine(BaseModel):
    """How often a pool of this size holds the draw: by chance, and as the pool states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    chance: float
    stated: float


class Pool(Contract):
    """Probabilities for one coming draw. Values not named in `heads` have `rest` each; everything sums to 1.

    On the basis `bias` no generator stands behind it: `counts` are the draws so far by value, `prior` is added to each.
    """

    schema_: Literal["prediction_pool/1"] = Field(default="prediction_pool/1", alias="schema")
    history: str
    for_draw: int
    session: str | None
    range: tuple[int, int]
    basis: Literal["evidence", "model", "bias", "uniform, no evidence"]
    uniform: bool
    heads: tuple[tuple[int, float], ...]
    rest: float
    components: tuple[Component, ...]
    model: str
    sha256: str
    pools: tuple[PoolLine, ...] = ()
    counts: tuple[tuple[int, int], ...] = ()
    prior: float = 0.0

    def probability(self, value: int) -> float:
        """Return the probability of one value."""
        if not self.range[0] <= value <= self.range[1]:
            return 0.0
        return dict(self.heads).get(value, self.rest)

    def total(self) -> float:
        """Return the sum over all values; 1 but for rounding."""
        others = self.range[1] - self.range[0] + 1 - len(self.heads)
        return sum(chance for _, chance in self.heads) + others * self.rest
