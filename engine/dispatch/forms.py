"""What a request may ask: one strict form for each type, read from files, the socket and the command line alike."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from engine.errors import BadInput, UsageError
from state.requests import MOST_PRIORITY, PRIORITY

STEPS = ("1", "2.5", "3", "4", "5", "6")

NEEDS = ("gpu", "workers", "draws", "llm")
Need = Literal["gpu", "workers", "draws", "llm"]
EPISODES = 256


def _step(value: object) -> object:
    return "2.5" if value == "2" else value


StepId = Annotated[Literal["1", "2.5", "3", "4", "5", "6"], BeforeValidator(_step)]


class RequestForm(BaseModel):
    """What every request may say about itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    origin: str | None = Field(default=None, min_length=1, max_length=100, description="who asks, if not you")
    priority: int = Field(
        default=PRIORITY, ge=0, le=MOST_PRIORITY, description=f"0 to {MOST_PRIORITY}, higher goes first"
    )
    reason: str = Field(default="", max_length=500, description="stays on the record")
    needs: Annotated[tuple[Need, ...], Field(strict=False, max_length=len(NEEDS))] = Field(
        default=(), description=f"wait for some of {','.join(NEEDS)}"
    )

    def args(self) -> dict[str, Any]:
        """Return what is particular to this type of request, and was said."""
        return self.model_dump(mode="json", exclude={"type", *RequestForm.model_fields}, exclude_none=True)


class PipelineRerun(RequestForm):
    """Run the pipeline from one step through another."""

    type: Literal["pipeline_rerun"] = "pipeline_rerun"
    start_step: StepId = Field(default="1", description=f"first step: {' '.join(STEPS)}")
    end_step: StepId = Field(default="6", description="last step")
    save_all_models: bool | None = Field(
        default=None, description="true: step 5 keeps the models of all families; else the room's parameter"
    )

    @model_validator(mode="after")
    def _forward(self) -> PipelineRerun:
        if STEPS.index(self.start_step) > STEPS.index(self.end_step):
            raise ValueError(f"start_step {self.start_step} comes after end_step {self.end_step}")
        return self


class StepForce(RequestForm):
    """Run one step whatever its gates say about being needed."""

    type: Literal["step_force"] = "step_force"
    step: StepId = Field(description=f"one of {' '.join(STEPS)}")


class LearningLoop(RequestForm):
    """Run exactly the named steps, in the pipeline's order."""

    type: Literal["learning_loop"] = "learning_loop"
    steps: Annotated[tuple[StepId, ...], Field(strict=False, min_length=1)] = Field(
        default=("3", "5", "6"), description="steps, as in 3,5,6"
    )

    @field_validator("steps", mode="after")
    @classmethod
    def _in_order(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(steps)) < len(steps):
            raise ValueError(f"a step is named twice in {', '.join(steps)}")
        return tuple(sorted(steps, key=STEPS.index))


class SelfplayRetrain(RequestForm):
    """Run selfplay episodes; what is not said is the room's parameter."""

    type: Literal["selfplay_retrain"] = "selfplay_retrain"
    episodes: int | None = Field(
        default=None, ge=1, le=EPISODES, description=f"1 to {EPISODES}; else the room's parameter"
    )
    policy_conditioned: bool | None = Field(
        default=None, description="true: play on top of the active policy; else on top of none"
    )


class InjectDraw(RequestForm):
    """Add one draw to the history; allowed in test mode only, which the engine checks."""

    type: Literal["inject_draw"] = "inject_draw"
    value: int = Field(description="the draw, a whole number")


AnyRequest = PipelineRerun | StepForce | LearningLoop | SelfplayRetrain | InjectDraw
FORMS: Mapping[str, type[AnyRequest]] = {
    form.model_fields["type"].default: form for form in get_args(AnyRequest)
}
_ADAPTERS = {name: TypeAdapter[AnyRequest](form) for name, form in FORMS.items()}


def described() -> dict[str, Any]:
    """Return every type with its parameters, those that all have in common last, for people and for the console."""
    return {
        "schema": "forms/1",
        "forms": [
            {"type": name, "about": (form.__doc__ or "").partition("\n")[0], "parameters": _parameters(form)}
            for name, form in FORMS.items()
        ],
    }


def _parameters(form: type[AnyRequest]) -> list[dict[str, Any]]:
    own = [name for name in form.model_fields if name not in RequestForm.model_fields and name != "type"]
    shared = [name for name in RequestForm.model_fields if name != "origin"]
    return [
        {"name": name, "help": field.description, "needed": field.is_required(), "default": _default(field)}
        for name in (*own, *shared)
        for field in (form.model_fields[name],)
    ]


def _default(field: FieldInfo) -> str:
    """Return the default as it would be typed; empty where there is none to type."""
    value = None if field.is_required() else field.default
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def parse_pairs(kind: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Return a request's data from `key=value` texts; values are JSON where they parse as such, lists `a,b,c` for list keys."""
    form, data = FORMS.get(kind), dict[str, Any]({"type": kind})
    for pair in pairs:
        key, eq, text = pair.partition("=")
        if not eq or not key:
            raise UsageError(f"--arg {pair!r}: write KEY=VALUE")
        field = form.model_fields.get(key) if form else None
        data[key] = _value(text, field.annotation if field else None)
    return data


def _value(text: str, annotation: object) -> Any:
    """Return the text as the field wants it: a step id stays text although it looks like a number."""
    shape = str(annotation)
    if "tuple[" in shape:
        return [part.strip() for part in text.split(",") if part.strip()]
    if "Literal[" in shape or annotation is str:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_request(data: object) -> AnyRequest:
    """Return a typed request; BadInput names the first fault, and for an unknown type or key the nearest one."""
    if not isinstance(data, dict):
        raise BadInput(f"request: must be a JSON object with a type, not {type(data).__name__}")
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in FORMS:
        raise BadInput(
            f"request: unknown type {kind!r}{_nearest(kind, list(FORMS))}; types: {', '.join(FORMS)}"
        )
    allowed = list(FORMS[kind].model_fields)
    for key in data:
        if key not in allowed:
            raise BadInput(
                f"request {kind}: unknown key {key!r}{_nearest(key, allowed)}; keys: {', '.join(allowed)}"
            )
    try:
        return _ADAPTERS[kind].validate_python(data)
    except ValidationError as error:
        raise BadInput(f"request {kind}: {_first_fault(error)}") from error


def _nearest(given: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(given)[:80], known, 1, cutoff=0.5)
    return f", did you mean {near[0]}?" if near else ""


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    given = "" if first["type"] in ("missing", "value_error") else f", not {str(first['input'])[:80]!r}"
    return f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}{given}"
