"""Advice: the type and the grammar accept the same answers, and advice only ever adds care."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.llm.advice import CAUTION, Action, Advice, NoAdvice, more_careful, parse, read
from grammars.loader import load

llguidance = pytest.importorskip("llguidance")


@pytest.fixture(scope="module")
def compiled() -> tuple[object, object]:
    from llguidance.gbnf_to_lark import gbnf_to_lark

    grammar = llguidance.LLMatcher.grammar_from_lark(gbnf_to_lark(load("agent_decision").text))
    return llguidance.LLTokenizer("byte"), grammar


def accepts(compiled: tuple[object, object], answer: str) -> bool:
    matcher = llguidance.LLMatcher(*compiled)
    tokens = list(answer.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def sample(compiled: tuple[object, object], rng: random.Random) -> str:
    """Walk the grammar at random, closing strings early now and then so that short ones appear too."""
    import llguidance.numpy as masks

    tokenizer, grammar = compiled
    matcher = llguidance.LLMatcher(tokenizer, grammar)
    mask = masks.allocate_token_bitmask(1, tokenizer.vocab_size)  # type: ignore[attr-defined]
    close = rng.choice([0.0, 0.02, 0.2])
    out = bytearray()
    while not matcher.is_stopped():
        masks.fill_next_token_bitmask(matcher, mask)
        allowed = [
            int(i) for i in np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")) if i < 256
        ]
        if not allowed:
            break
        token = 34 if 34 in allowed and rng.random() < close else rng.choice(allowed)
        assert matcher.consume_token(token)
        out.append(token)
    return out.decode()


advices = st.builds(
    Advice,
    decision=st.sampled_from(list(CAUTION)),
    confidence=st.integers(0, 100).map(lambda n: n / 100),
    primary_signal=st.from_regex(r"[a-z][a-z0-9_.]{0,39}", fullmatch=True),
    reasoning=st.text(st.sampled_from([chr(c) for c in range(32, 127)] + ["\n"]), min_size=1, max_size=300),
)


def test_every_sampled_answer_is_valid_advice(compiled: tuple[object, object]) -> None:
    rng = random.Random(7)
    answers = [sample(compiled, rng) for _ in range(25)]
    for answer in answers:
        assert parse(answer).canonical() == answer or "\\" in answer
        assert accepts(compiled, parse(answer).canonical())


@given(advices)
@settings(max_examples=60, deadline=None)
def test_every_advice_is_spelled_in_the_grammar(compiled: tuple[object, object], advice: Advice) -> None:
    assert accepts(compiled, advice.canonical())
    assert parse(advice.canonical()) == advice


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
    "cut": '{"decision":"RETRY","confid',
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_the_grammar_refuses_the_type_refuses_too(compiled: tuple[object, object], case: str) -> None:
    assert not accepts(compiled, BROKEN[case])
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
