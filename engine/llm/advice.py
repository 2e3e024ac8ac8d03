"""What an advisor may say: one typed answer, or typed silence. Advice makes a decision more careful, never less."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from engine.errors import BadInput

Action = Literal["PROCEED", "RETRY", "ESCALATE"]
CAUTION: dict[Action, int] = {"PROCEED": 0, "RETRY": 1, "ESCALATE": 2}


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Advice(Record):
    """An advisor's answer; the fields, their order and their bounds are those of grammars/agent_decision.gbnf."""

    decision: Action
    confidence: float = Field(ge=0, le=1)
    primary_signal: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,39}$")]
    reasoning: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\n]{1,300}$")]

    @field_validator("confidence")
    @classmethod
    def _hundredths(cls, value: float) -> float:
        if round(value, 2) != value:
            raise ValueError("confidence has two decimals")
        return value

    def canonical(self) -> str:
        """Return the one spelling that the grammar accepts: compact, fixed key order, two decimals."""
        return (
            f'{{"decision":"{self.decision}","confidence":{self.confidence:.2f},'
            f'"primary_signal":"{self.primary_signal}","reasoning":{json.dumps(self.reasoning)}}}'
        )

    def line(self) -> str:
        """Return the advice as one short word for a decision row."""
        return f"{self.decision} {self.confidence:.2f}"


class NoAdvice(Record):
    """Nobody advised, and why; the code's decision stands and the reason is shown."""

    none: str = "not configured"

    def line(self) -> str:
        """Return `none(reason)`."""
        return f"none({self.none})"


Advised = Advice | NoAdvice


def parse(text: str) -> Advice:
    """Read an advisor's answer; BadInput names the first broken rule. Nothing is guessed or repaired."""
    try:
        return Advice.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise BadInput(f"advice: {where}: {first['msg']}; the answer is dropped") from error


def read(data: dict[str, Any]) -> Advised:
    """Read advice back from a stored decision."""
    return NoAdvice.model_validate(data) if "none" in data else Advice.model_validate(data)


def more_careful(code: Action, advised: Advised) -> Action:
    """Combine: the advisor can move PROCEED to RETRY to ESCALATE and never back."""
    if isinstance(advised, NoAdvice):
        return code
    return max(code, advised.decision, key=CAUTION.__getitem__)
