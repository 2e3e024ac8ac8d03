"""Who writes what and who reads it: an output, or a field of one, that no later step reads fails the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.pipeline.artifacts import (
    ENGINE,
    MODEL_META,
    POOL,
    SCORED,
    SCORED_EXPORT,
    SCORER,
    SURVIVORS,
    SURVIVORS_EXPORT,
    WINDOW,
    Contract,
    EngineConfig,
    ModelMeta,
    ScorerConfig,
    WindowConfig,
)
from engine.pipeline.context import STEP_IDS
from engine.pipeline.scored import ScoredHead
from engine.watcher.evaluation import Finding

BEST_MODEL = "best_model"


@dataclass(frozen=True)
class Flow:
    """One step's outputs and inputs; `final` outputs are for people or for the next draw, no step reads them."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    final: tuple[str, ...] = ()


FLOWS: Mapping[str, Flow] = {
    "1": Flow((), (WINDOW, SURVIVORS), (SURVIVORS_EXPORT,)),
    "2.5": Flow((WINDOW, SURVIVORS), (SCORER,)),
    "3": Flow((WINDOW, SURVIVORS, SCORER), (SCORED,), (SCORED_EXPORT,)),
    "4": Flow((SCORED,), (ENGINE,)),
    "5": Flow((SCORED, ENGINE), (MODEL_META, BEST_MODEL)),
    "6": Flow((WINDOW, SCORED, MODEL_META, BEST_MODEL), (), (POOL,)),
}
CONTRACTS: Mapping[str, type[Contract]] = {
    WINDOW: WindowConfig,
    SCORER: ScorerConfig,
    SCORED: ScoredHead,
    ENGINE: EngineConfig,
    MODEL_META: ModelMeta,
}


def check_flows(flows: Mapping[str, Flow] = FLOWS) -> list[str]:
    """Return what is wrong with a table of flows: outputs nobody reads, inputs nobody wrote before."""
    faults = []
    order = [step for step in STEP_IDS if step in flows]
    for at, step in enumerate(order):
        later = {name for other in order[at + 1 :] for name in flows[other].reads}
        earlier = {name for other in order[:at] for name in flows[other].writes}
        faults += [
            f"step {step} writes {name}, no later step reads it"
            for name in flows[step].writes
            if name not in later
        ]
        faults += [
            f"step {step} reads {name}, no earlier step writes it"
            for name in flows[step].reads
            if name not in earlier
        ]
    return faults


def unread(looked: Mapping[str, set[str]]) -> list[Finding]:
    """Return the contract fields that no step looked at, for the artifacts that were read in this process."""
    return [
        Finding(
            code="lineage.unread",
            level="fail",
            text=f"{name}: no later step read {', '.join(sorted(missing))}",
        )
        for name, seen in looked.items()
        if name in CONTRACTS and (missing := CONTRACTS[name].inputs() - seen)
    ]
