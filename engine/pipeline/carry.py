"""Carry a step's outputs over to a grown history: the same numbers under the new history's name, marked as carried.

A learning loop runs the steps it names and no other. What an earlier step chose on the first draws of a history stays
true on more of them; it is written again for the history it is now used on, and a later full run does not take it for current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.pipeline import lineage
from engine.pipeline.artifacts import (
    ENGINE,
    SCORED,
    SCORER,
    SURVIVORS,
    WINDOW,
    Contract,
    EngineConfig,
    ScorerConfig,
    WindowConfig,
)
from engine.pipeline.context import RunContext, StepOutcome, StepRefused
from engine.pipeline.scored import Scored
from engine.pipeline.shelf import code_digest
from engine.search.survivors import Survivors
from state.artifacts import Lineage, Provenance
from state.errors import ArtifactRefused

CARRIED = "carried_from"
CONTRACTS: Mapping[str, type[Contract]] = {WINDOW: WindowConfig, SCORER: ScorerConfig, ENGINE: EngineConfig}


def carry(ctx: RunContext, step: str) -> StepOutcome:
    """Make a step's outputs current for this run's history; StepRefused says why they cannot be."""
    carried = [name for name in lineage.FLOWS[step].writes if not _current(ctx, step, name)]
    for name in carried:
        _carry(ctx, step, name)
    refs = [ctx.artifacts.ref(name) for name in lineage.FLOWS[step].writes]
    told = f"carried over: {', '.join(carried)}" if carried else "not named, and current"
    return StepOutcome(step, "skipped", artifacts=refs, note=told)


def _current(ctx: RunContext, step: str, name: str) -> bool:
    note = _note(ctx, step, name)
    return note.inputs.get("history") == ctx.history.digest and not ctx.artifacts.stale(name)


def _note(ctx: RunContext, step: str, name: str) -> Provenance:
    try:
        return ctx.artifacts.lineage(name)
    except ArtifactRefused as refused:
        raise StepRefused(f"step {step} is not named and has nothing to carry over: {refused}") from refused


def _carry(ctx: RunContext, step: str, name: str) -> None:
    note = _note(ctx, step, name)
    if step not in WRITERS:
        raise StepRefused(
            f"step {step} is not named, and its outputs cannot be carried over to more draws: name it"
        )
    if note.code != code_digest():
        raise StepRefused(f"{name}: was made by other code; name step {step}, or ask for pipeline_rerun")
    _must_begin_with(ctx, step, name, note)
    WRITERS[step](ctx, name, _lineage(ctx, note))


def _must_begin_with(ctx: RunContext, step: str, name: str, note: Provenance) -> None:
    """Refuse what was made from draws that this history does not begin with."""
    before, draws = note.inputs.get("history"), _draws(ctx, note)
    if before == ctx.history.digest:
        return
    if draws is None or draws > len(ctx.history) or ctx.history.head(draws).digest != before:
        raise StepRefused(
            f"{name}: was made from another history, not from the first draws of this one; name step {step}, "
            "or ask for pipeline_rerun"
        )


def _draws(ctx: RunContext, note: Provenance) -> int | None:
    """Return how many draws the run had that made an artifact."""
    spec = ctx.journal.runs.get(note.run).spec if note.run else {}
    return int(spec["draws"]) - int(spec.get("since") or 0) if "draws" in spec else None


def _lineage(ctx: RunContext, note: Provenance) -> Lineage:
    held = {
        key: ctx.artifacts.lineage(key).sha256 for key in note.inputs if key != "history" and _held(ctx, key)
    }
    return Lineage(
        schema=note.schema,
        inputs={**note.inputs, **held, "history": ctx.history.digest},
        parameters={CARRIED: note.inputs.get("history"), **note.parameters},
        code=note.code,
        run=ctx.run,
    )


def _held(ctx: RunContext, name: str) -> bool:
    return "." in name and ctx.artifacts.exists(name)


def _write(ctx: RunContext, name: str, note: Lineage) -> None:
    """Write a contract or the survivors again under this history's digest."""
    if name == SURVIVORS:
        made = Survivors.from_bytes(ctx.artifacts.read_bytes(name), name).with_header(
            history=ctx.history.digest
        )
        ctx.artifacts.write_bytes(name, made.to_bytes(), note)
        return
    data = ctx.artifacts.read_json(name)
    contract = CONTRACTS[name].parse(data | {"history": ctx.history.digest}, name)
    ctx.artifacts.write_json(name, contract.model_dump(mode="json"), note)


def _write_capacities(ctx: RunContext, name: str, note: Lineage) -> None:
    """Write step 4's capacities again for the features that step 3 has just written."""
    head = Scored.from_bytes(ctx.artifacts.read_bytes(SCORED)).head
    data = ctx.artifacts.read_json(name) | {"history": ctx.history.digest, "features": head.features}
    contract = EngineConfig.parse(data, name)
    ctx.artifacts.write_json(name, contract.model_dump(mode="json"), note)


Writer = Callable[[RunContext, str, Lineage], None]
# What steps 3 and 5 make is about the very draws they saw: it is made again or not at all.
WRITERS: Mapping[str, Writer] = {"1": _write, "2.5": _write, "4": _write_capacities}
