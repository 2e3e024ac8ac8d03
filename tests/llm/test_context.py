"""The advisor's prompt: one entry, budgets in the bundle, each kind contains what it names, the question itself is never cut."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import BadInput
from engine.llm.advisor import NoAdvisor
from engine.llm.context import DEFAULT, Window, build_llm_context
from engine.llm.kinds import KINDS, Part
from engine.llm.questions import QUESTIONS, WATCHER_DECISION

NEEDED = {"request": {"id": "r-1"}, "evidence": ["a 1 <= 2 ok"], "findings": [], "code_decision": "PROCEED"}
TINY = Window(4096, 1.0)


def sample(part: Part, word: str = "seen") -> Any:
    """Return a value for a part in which every field can be told from the others."""
    if part.fields:
        return {name: f"{word}-{part.name}-{name}" for name in part.fields}
    return [f"{word}-{part.name}"]


def whole(kind: str) -> dict[str, Any]:
    return {part.name: sample(part) for part in KINDS[kind].parts}


def question_about(kind: str) -> str:
    return next(name for name, question in QUESTIONS.items() if kind in question.kinds)


FIELDS = [
    (kind.name, part.name, name)
    for kind in KINDS.values()
    for part in kind.parts
    for name in part.fields or ("",)
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_really_contains_every_field_that_it_names(kind: str) -> None:
    question, parts = question_about(kind), whole(kind)
    prompt = build_llm_context(question, parts, kind=kind).prompt
    for _, part, name in (row for row in FIELDS if row[0] == kind):
        without = dict(parts)
        if name:
            without[part] = {key: value for key, value in parts[part].items() if key != name}
        else:
            without[part] = [] if part in QUESTIONS[question].needs else without.pop(part) and None
            without = {key: value for key, value in without.items() if value is not None}
        changed = build_llm_context(question, without, kind=kind).prompt
        marker = f"seen-{part}-{name}".rstrip("-")
        assert marker in prompt, f"{kind}: {part}.{name} is named and not there"
        assert marker not in changed.replace(f"{marker}_", ""), f"{kind}: {part}.{name} came from elsewhere"


def test_a_part_takes_its_fields_and_nothing_else_so_no_draw_or_origin_gets_in() -> None:
    window = sample(KINDS["1"].part("window")) | {"draws": [7, 77, 777], "origin": {"value": "0xdeadbeef"}}
    bundle = build_llm_context("agent_decision", {**NEEDED, "window": window}, kind="1")
    assert "777" not in bundle.prompt
    assert "deadbeef" not in bundle.prompt


def test_what_was_not_handed_in_is_named_as_not_known() -> None:
    bundle = build_llm_context("agent_decision", {**NEEDED, "window": {"gaps": [0, 3]}}, kind="1")
    assert {"survivors", "trials", "window.threshold"} <= set(bundle.absent)
    assert "Not known:" in bundle.prompt


@pytest.mark.parametrize("window", [DEFAULT, TINY], ids=["primary", "tiny"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_prompt_and_answer_fit_the_window_whatever_is_handed_in(question: str, window: Window) -> None:
    for kind in {QUESTIONS[question].kinds[0], QUESTIONS[question].kinds[-1]}:
        parts = {
            part.name: [sample(part, "x" * 90)] * 250 if part.fields else [f"{part.name} {'y' * 90}"] * 250
            for part in KINDS[kind].parts
        }
        bundle = build_llm_context(question, parts, kind=kind, window=window)
        assert window.tokens_of(bundle.prompt) + bundle.answer_tokens <= window.tokens
        assert bundle.cut


def test_rows_are_cut_whole_and_the_prompt_says_how_many() -> None:
    rows = [f"decision {i} PROCEED because every gate was met" for i in range(2000)]
    bundle = build_llm_context("agent_decision", {**NEEDED, "earlier_decisions": rows}, window=TINY)
    (said,) = bundle.cut
    kept = [line for line in bundle.prompt.splitlines() if line in rows]
    assert said == f"earlier_decisions: {2000 - len(kept)} of 2000 rows"
    assert f"[cut: {2000 - len(kept)} of 2000 rows]" in bundle.prompt
    assert kept == rows[: len(kept)]


def test_a_limit_that_was_not_met_survives_the_cut() -> None:
    rows = [f"metric_{i} 1 >= 0 ok" for i in range(500)] + ["lift 1 >= 1.2 NOT MET"]
    bundle = build_llm_context("agent_decision", {**NEEDED, "evidence": rows}, window=TINY)
    assert "lift 1 >= 1.2 NOT MET" in bundle.prompt
    assert bundle.refused is None


def test_a_question_whose_matter_does_not_fit_is_refused_not_cut_and_not_raised() -> None:
    rows = [f"metric_{i} 1 >= 2 NOT MET" for i in range(500)]
    bundle = build_llm_context("agent_decision", {**NEEDED, "evidence": rows}, window=TINY)
    assert bundle.refused is not None
    assert "evidence" in bundle.refused
    assert bundle.refitted(DEFAULT).refused is None


def test_keys_are_cut_by_name() -> None:
    parameters = {f"pipeline.parameter_{i}": i for i in range(500)}
    bundle = build_llm_context("agent_decision", {**NEEDED, "parameters": parameters}, window=TINY)
    assert "keys: pipeline.parameter_" in bundle.cut[0]


def test_provenance_names_each_part_by_its_digest_before_the_cut() -> None:
    one = build_llm_context("agent_decision", {**NEEDED, "earlier_decisions": ["a" * 50] * 4000}, window=TINY)
    other = build_llm_context(
        "agent_decision", {**NEEDED, "earlier_decisions": ["a" * 50] * 4001}, window=TINY
    )
    assert set(one.sources) == {*NEEDED, "earlier_decisions"}
    assert one.sources["earlier_decisions"] != other.sources["earlier_decisions"]
    assert one.sources["evidence"] == other.sources["evidence"]


def test_an_answer_may_name_only_the_parameters_and_arms_that_the_context_names() -> None:
    asked = build_llm_context("parameter_adjustment", {"parameters": {"pipeline.heads": 20}}, kind="6")
    assert r'parameter ::= "\"pipeline.heads\""' in asked.grammar
    arms = build_llm_context(
        "selfplay_strategy", {"arms": [{"arm": "mask+weight", "pulls": 3}, {"arm": "window"}]}
    )
    assert r'arm ::= "\"mask+weight\"" | "\"window\""' in arms.grammar
    assert asked.grammar_digest != arms.grammar_digest


@pytest.mark.parametrize(
    ("change", "word"), [({"request": None}, "missing"), ({"weather": "fine"}, "unknown")]
)
def test_a_dropped_request_or_an_unknown_part_is_an_error(change: dict[str, object], word: str) -> None:
    parts = {name: value for name, value in {**NEEDED, **change}.items() if value is not None}
    with pytest.raises(BadInput, match=word):
        build_llm_context("agent_decision", parts)


def test_a_question_is_asked_over_its_own_kinds() -> None:
    with pytest.raises(BadInput, match="chapter13"):
        build_llm_context("chapter13_proposal", {"health": {}, "trigger": {}}, kind="1")
    with pytest.raises(BadInput, match="nearest is 'agent_decision'"):
        build_llm_context("agent_decisions", {})


def test_the_kind_follows_the_request_s_step_and_about_its_number() -> None:
    parts = {**NEEDED, "request": {"step": "5", "request": "r-7"}}
    bundle = build_llm_context("agent_decision", parts)
    assert (bundle.kind, bundle.about) == ("5", "r-7")
    other = build_llm_context("agent_decision", parts, kind="6", about="run-0001")
    assert (other.kind, other.about) == ("6", "run-0001")
    assert build_llm_context("agent_decision", NEEDED).kind == "step"


def test_a_grammar_that_cannot_be_read_is_a_refused_bundle_and_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.llm import context
    from grammars.bounds import GrammarError

    def broken(name: str) -> Any:
        raise GrammarError("grammar: rule 'root' contains itself")

    monkeypatch.setattr(context, "load", broken)
    assert "contains itself" in str(build_llm_context("agent_decision", NEEDED).refused)


async def test_a_room_without_a_model_answers_none() -> None:
    advisor = NoAdvisor()
    advice = await advisor.advise(build_llm_context("agent_decision", NEEDED))
    assert advice.line() == advisor.state == "none(not configured)"
    assert (await advisor.ask(WATCHER_DECISION, NEEDED)).source == "none"
    assert (await advisor.release("GPU work")).freed
    await advisor.close()
