"""What an advisor may say: one typed answer, or typed silence. Advice makes a decision more careful, never less."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from engine.errors import BadInput

Action = Literal["PROCEED", "RETRY", "ESCALATE"]
Source = Literal["llm", "claude"]
CAUTION: dict[Action, int] = {"PROCEED": 0, "RETRY": 1, "ESCALATE": 2}
S = TypeVar("S", bound="Spoken")


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spoken(Record):
    """Base of whatever an advisor says under a grammar."""

    def canonical(self) -> str:
        """Return the one spelling that the grammar accepts: compact, fields in order, shares with two decimals."""
        return _spell(self)

    @classmethod
    def parse(cls: type[S], text: str) -> S:
        """Read an answer; BadInput names the first broken rule. Nothing is guessed or repaired."""
        try:
            return cls.model_validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "answer"
            raise BadInput(f"advice: {where}: {first['msg']}; the answer is dropped") from error


def _hundredths(value: float) -> float:
    if round(value, 2) != value:
        raise ValueError("a share has two decimals")
    return value


Share = Annotated[float, Field(ge=0, le=1), AfterValidator(_hundredths)]
Reasoning = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\n]{1,300}$")]


class Opinion(Spoken):
    """The watcher's question answered; the fields, their order and their bounds are those of grammars/agent_decision.gbnf."""

    decision: Action
    confidence: Share
    primary_signal: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,39}$")]
    reasoning: Reasoning


class Advice(Opinion):
    """An opinion and who gave it: the local model or Claude."""

    source: Source = "llm"

    def canonical(self) -> str:
        """Return the opinion's spelling; the source is ours, not the speaker's."""
        return Opinion.model_validate(self.model_dump(exclude={"source"})).canonical()

    def line(self) -> str:
        """Return the advice as one short word for a decision row."""
        said = f"{self.decision} {self.confidence:.2f}"
        return said if self.source == "llm" else f"{said} ({self.source})"


class NoAdvice(Record):
    """Nobody advised, and why; the code's decision stands and the reason is shown."""

    none: str = "not configured"

    def line(self) -> str:
        """Return `none(reason)`."""
        return f"none({self.none})"


Advised = Advice | NoAdvice


def parse(text: str, source: Source = "llm") -> Advice:
    """Read an answer to the watcher's question; BadInput names the first broken rule."""
    return Advice(**Opinion.parse(text).model_dump(), source=source)


def read(data: dict[str, Any]) -> Advised:
    """Read advice back from a stored decision."""
    return NoAdvice.model_validate(data) if "none" in data else Advice.model_validate(data)


def more_careful(code: Action, advised: Advised) -> Action:
    """Combine: the advisor can move PROCEED to RETRY to ESCALATE and never back."""
    if isinstance(advised, NoAdvice):
        return code
    return max(code, advised.decision, key=CAUTION.__getitem__)


def canonical_number(value: float) -> str:
    """Return a number with at most four decimals and no idle zeros."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


# Fields that are shares stand with two decimals, every other number as short as it can be.
SHARES = frozenset({"confidence", "weight"})


def _spell(value: Any, name: str = "") -> str:
    if isinstance(value, Record):
        fields = ((one, getattr(value, one)) for one in type(value).model_fields)
        return "{" + ",".join(f'"{one}":{_spell(item, one)}' for one, item in fields) + "}"
    if isinstance(value, tuple):
        return "[" + ",".join(_spell(item, name) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:.2f}" if name in SHARES else canonical_number(value)
    return json.dumps(value)
