"""The advisor's prompt: one entry, budgets in the bundle, the question itself never dropped or cut."""

from __future__ import annotations

import pytest

from engine.errors import BadInput
from engine.llm.advisor import NoAdvisor
from engine.llm.context import CUT, PARTS, build_llm_context, tokens_of

NEEDED = {"request": {"id": "r-1"}, "evidence": ["a 1 <= 2 ok"], "findings": [], "code_decision": "PROCEED"}


def test_every_part_stands_in_the_prompt_with_its_tokens() -> None:
    bundle = build_llm_context("agent_decision", NEEDED)
    assert all(f"## {name}" in bundle.prompt for name in NEEDED)
    assert set(bundle.tokens) == set(NEEDED)
    assert tokens_of(bundle.prompt) <= bundle.budget


def test_optional_parts_are_cut_at_a_line_and_the_bundle_says_so() -> None:
    long = [f"decision {i} PROCEED because every gate was met" for i in range(200)]
    bundle = build_llm_context("agent_decision", {**NEEDED, "earlier_decisions": long})
    budget = next(part.budget for part in PARTS if part.name == "earlier_decisions")
    assert bundle.cut == ("earlier_decisions",)
    assert bundle.tokens["earlier_decisions"] <= budget
    assert bundle.prompt.endswith(CUT)


def test_a_required_part_is_refused_rather_than_cut() -> None:
    with pytest.raises(BadInput, match="'evidence'"):
        build_llm_context("agent_decision", {**NEEDED, "evidence": ["x" * 10_000]})


@pytest.mark.parametrize(
    ("change", "word"), [({"request": None}, "missing"), ({"weather": "fine"}, "unknown")]
)
def test_a_dropped_request_or_an_unknown_part_is_an_error(change: dict[str, object], word: str) -> None:
    parts = {**NEEDED, **change}
    parts = {name: value for name, value in parts.items() if value is not None}
    with pytest.raises(BadInput, match=word):
        build_llm_context("agent_decision", parts)


async def test_a_room_without_a_model_answers_none() -> None:
    advisor = NoAdvisor()
    advice = await advisor.advise(build_llm_context("agent_decision", NEEDED))
    assert advice.line() == advisor.state == "none(not configured)"
    await advisor.close()
