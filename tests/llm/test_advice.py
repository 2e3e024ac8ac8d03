"""Advice: the type and the grammar accept the same answers, and advice only ever adds care."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import ANSWERS, Compiled

from engine.errors import BadInput
from engine.llm.advice import CAUTION, Action, Advice, NoAdvice, more_careful, parse, read
from grammars.loader import load

COMPILED = Compiled(load("agent_decision").text)
advices = ANSWERS["agent_decision"].map(lambda opinion: Advice(**opinion.model_dump()))


BROKEN = {
    "unknown decision": '{"decision":"MAYBE","confidence":0.50,"primary_signal":"a","reasoning":"x"}',
    "too confident": '{"decision":"RETRY","confidence":1.01,"primary_signal":"a","reasoning":"x"}',
    "three decimals": '{"decision":"RETRY","confidence":0.501,"primary_signal":"a","reasoning":"x"}',
    "empty reason": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":""}',
    "long reason": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":"'
    + "a" * 301
    + '"}',
    "bad signal": '{"decision":"RETRY","confidence":0.50,"primary_signal":"A b","reasoning":"x"}',
    "extra key": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":"x","run":"rm"}',
    "missing key": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a"}',
    "not ascii": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":"é"}',
    "a source of its own": '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":"x","source":"claude"}',
    "cut": '{"decision":"RETRY","confid',
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_the_grammar_refuses_the_type_refuses_too(case: str) -> None:
    assert not COMPILED.accepts(BROKEN[case])
    with pytest.raises(BadInput, match="dropped"):
        parse(BROKEN[case])


@given(st.sampled_from(list(CAUTION)), advices)
def test_advice_never_makes_a_decision_less_careful(code: Action, advice: Advice) -> None:
    final = more_careful(code, advice)
    assert CAUTION[final] >= CAUTION[code]
    assert final in (code, advice.decision)


def test_silence_leaves_the_code_decision_and_says_why() -> None:
    silence = NoAdvice()
    assert more_careful("RETRY", silence) == "RETRY"
    assert silence.line() == "none(not configured)"
    assert read(silence.model_dump()) == silence


def test_advice_names_its_source_and_old_records_are_the_local_model_s() -> None:
    spoken = '{"decision":"RETRY","confidence":0.50,"primary_signal":"a","reasoning":"x"}'
    assert parse(spoken, "claude").line() == "RETRY 0.50 (claude)"
    assert parse(spoken).line() == "RETRY 0.50"
    assert read(parse(spoken).model_dump(exclude={"source"})) == parse(spoken)
    assert parse(spoken, "claude").canonical() == spoken
