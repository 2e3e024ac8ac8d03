"""Each grammar: loads by name, ends, and decides its examples; proven with llguidance over the translated GBNF."""

from __future__ import annotations

import pytest

from grammars.loader import GrammarError, load, names

llguidance = pytest.importorskip("llguidance")


def accepts(grammar: str, answer: str) -> bool:
    from llguidance.gbnf_to_lark import gbnf_to_lark

    compiled = llguidance.LLMatcher.grammar_from_lark(gbnf_to_lark(grammar))
    matcher = llguidance.LLMatcher(llguidance.LLTokenizer("byte"), compiled)
    tokens = list(answer.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


@pytest.mark.parametrize("name", names())
def test_the_accepted_example_is_accepted_and_the_refused_one_refused(name: str) -> None:
    grammar = load(name)
    assert accepts(grammar.text, grammar.accepted)
    assert not accepts(grammar.text, grammar.refused)


@pytest.mark.parametrize("name", names())
def test_the_grammar_is_valid_ascii_and_bounded(name: str) -> None:
    rules = "\n".join(line for line in load(name).text.splitlines() if not line.startswith("#"))
    assert rules.isascii()
    assert not any(star in rules for star in ("]*", "]+", ")*", ")+", ",}")), "an open repetition never ends"


def test_digest_follows_the_text() -> None:
    grammar = load("agent_decision")
    assert len(grammar.digest) == 64
    assert grammar.digest == load("agent_decision").digest


def test_the_worst_case_is_the_longest_accepted_answer() -> None:
    grammar = load("agent_decision")
    longest = (
        '{"decision":"ESCALATE","confidence":0.00,"primary_signal":"'
        + "a" * 40
        + '","reasoning":"'
        + '\\"' * 300
        + '"}'
    )
    assert accepts(grammar.text, longest)
    assert len(longest) == grammar.longest
    assert not accepts(grammar.text, longest.replace('\\""}', '\\"x"}'))


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(GrammarError, match="agent_decision"):
        load("weather")
