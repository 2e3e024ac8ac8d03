"""Each grammar: loads by name, ends, and decides its examples; proven with llguidance over the translated GBNF."""

from __future__ import annotations

import pytest

from grammars.bounds import GrammarError
from grammars.bounds import longest as longest_of
from grammars.loader import load, names

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


def test_a_narrowed_grammar_accepts_the_given_names_only() -> None:
    whole = load("parameter_adjustment")
    narrow = whole.narrowed("parameter", ["pipeline.heads", "not allowed!", "pipeline.twins"])
    answer = '{"changes":[{"parameter":"%s","value":3,"why":"w"}],"confidence":0.50,"reasoning":"x"}'
    for name, good in (("pipeline.heads", True), ("pipeline.twins", True), ("pipeline.head", False)):
        assert accepts(narrow.text, answer % name) is good
        assert accepts(whole.text, answer % name)
    assert narrow.digest != whole.digest
    assert narrow.longest < whole.longest
    assert whole.narrowed("parameter", []) is whole
    assert whole.narrowed("weather", ["a"]) is whole


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(GrammarError, match="agent_decision"):
        load("weather")


ENDLESS = {
    'root ::= "a"*': "no upper bound",
    'root ::= "a"{2,}': "no upper bound",
    'root ::= "a"{1,2001}': "2000",
    'root ::= "a" root': "contains itself",
    "root ::= word": "not defined",
    'word ::= "a"': "no rule 'root'",
    'root ::= ( "a"': "not closed",
    'root ::= "a" ) "b"': "out of place",
    "root ::= %": "cannot read",
}


@pytest.mark.parametrize("text", ENDLESS)
def test_a_grammar_without_a_longest_answer_is_an_error_that_names_the_rule(text: str) -> None:
    with pytest.raises(GrammarError, match=ENDLESS[text]):
        longest_of(text)


def test_lengths_add_up() -> None:
    assert longest_of('root ::= "ab" | x{2,3} "\\"" ("c" | "dd")?\nx ::= [a-z] [0-9]{0,4}') == 15 + 1 + 2
