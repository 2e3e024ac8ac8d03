"""What steps write becomes the parts of their kind: every field that a kind names is one that the program really writes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.feedback.diagnostics import Health
from engine.feedback.triggers import Fired
from engine.llm.context import build_llm_context
from engine.llm.documents import parts_of
from engine.llm.kinds import KINDS
from engine.pipeline.artifacts import EngineConfig, ModelMeta, Pool, ScorerConfig, TrialRow, WindowConfig
from engine.pipeline.scored import ScoredHead
from engine.selfplay.bandit import Posterior

WRITTEN: dict[tuple[str, str], set[str]] = {
    ("1", "window"): set(WindowConfig.model_fields),
    ("1", "trials"): set(TrialRow.model_fields),
    ("2.5", "scorer"): set(ScorerConfig.model_fields),
    ("2.5", "trials"): set(TrialRow.model_fields),
    ("3", "scores"): set(ScoredHead.model_fields) | {"rows"},
    ("4", "capacity"): set(EngineConfig.model_fields),
    ("5", "training"): set(ModelMeta.model_fields),
    ("6", "pool"): set(Pool.model_fields) | {"named", "covered", "chance"},
    ("6", "calibration"): set(Health().summary()),
    ("chapter13", "health"): set(Health().summary()),
    ("chapter13", "trigger"): set(Fired.model_fields),
    ("selfplay", "arms"): set(Posterior.__dataclass_fields__),
}


@pytest.mark.parametrize(("kind", "part"), WRITTEN)
def test_a_kind_names_only_fields_that_are_really_written(kind: str, part: str) -> None:
    assert set(KINDS[kind].part(part).fields) <= WRITTEN[kind, part]


TRIALS = [{"number": at, "params": {"gap": at}, "value": at / 10, "detail": {}} for at in range(300)]
DOCUMENTS: dict[str, dict[str, Any]] = {
    "optimal_window_config.json": {
        "gaps": [0, 3],
        "threshold": 24,
        "trials": TRIALS,
        "history": "secret-digest",
    },
    "optimal_scorer_config.json": {"bits": 1.5, "trials": TRIALS},
    "survivors_with_scores.json": {"scores": {"chance": 0.001}, "survivors": [{"origin": "0xdeadbeef"}] * 7},
    "reinforcement_engine_config.json": {"draws": 40, "tried": {"lightgbm": [{"rung": 0, "bits": 0.25}]}},
    "best_model.meta.json": {"verdict": "no signal", "models": {"lightgbm": {"lift": 1.02}}},
    "prediction_pool.json": {
        "range": [0, 9],
        "heads": [[3, 0.5], [4, 0.25]],
        "components": [{"predicted": 3}],
    },
}
SEEN = {
    "1": ("gaps: [0,3]", '"number":299'),
    "2.5": ("bits: 1.5", '"number":299'),
    "3": ("chance: 0.001", "rows: 7"),
    "4": ("draws: 40", '"family":"lightgbm"'),
    "5": ("verdict: no signal", 'lightgbm: {"lift":1.02}'),
    "6": ("named: 2", "covered: 0.75", "chance: 0.2"),
}


@pytest.mark.parametrize("step", SEEN)
def test_a_step_s_documents_stand_in_its_prompt_without_raw_data(step: str) -> None:
    parts = {"request": {"step": step}, "evidence": ["a 1 >= 0 ok"], **parts_of(step, DOCUMENTS)}
    prompt = build_llm_context("step_evaluation", parts).prompt
    for text in SEEN[step]:
        assert text in prompt
    for raw in ("deadbeef", "predicted", "secret-digest", "[3,0.5]"):
        assert raw not in prompt


def test_a_step_without_a_known_document_gives_nothing() -> None:
    assert parts_of("1", {}) == {}
    assert parts_of("7", DOCUMENTS) == {}
