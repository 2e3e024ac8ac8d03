"""Each answer's type and grammar accept the same answers: walks of the grammar are valid, values of the type are spelled in it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spoken import ANSWERS, Compiled

from engine.errors import BadInput
from engine.llm.questions import QUESTIONS
from grammars.loader import load, names

WALKS, WALKS_LONG = 6, 300


@cache
def compiled(name: str) -> Compiled:
    return Compiled(load(name).text)


def test_every_question_has_a_grammar_a_type_and_random_values() -> None:
    assert set(QUESTIONS) == set(names()) == set(ANSWERS)


def walks_are_valid(name: str, count: int) -> None:
    rng, kind = random.Random(7), QUESTIONS[name].answer
    for _ in range(count):
        walk = compiled(name).sample(rng)
        assert compiled(name).accepts(kind.parse(walk).canonical()), walk


@pytest.mark.parametrize("name", ANSWERS)
def test_every_walk_through_the_grammar_is_a_valid_answer(name: str) -> None:
    walks_are_valid(name, WALKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
def test_every_one_of_many_walks_is_a_valid_answer(name: str) -> None:
    """300 walks a grammar; about 15 s of CPU in all."""
    walks_are_valid(name, WALKS_LONG)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_value_of_the_type_is_spelled_in_the_grammar(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(ANSWERS)))
    answer = data.draw(ANSWERS[name])
    spelled = answer.canonical()
    assert compiled(name).accepts(spelled), spelled
    assert QUESTIONS[name].answer.parse(spelled) == answer


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
def test_every_one_of_many_values_is_spelled_in_the_grammar(name: str) -> None:
    """300 values a type; about 10 s of CPU in all."""

    @given(ANSWERS[name])
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    def spelled(answer: object) -> None:
        assert compiled(name).accepts(answer.canonical())  # type: ignore[attr-defined]

    spelled()


@pytest.mark.parametrize("name", ANSWERS)
def test_the_examples_are_judged_alike_by_type_and_grammar(name: str) -> None:
    grammar, kind = load(name), QUESTIONS[name].answer
    assert kind.parse(grammar.accepted).canonical() == grammar.accepted
    assert compiled(name).accepts(grammar.accepted)
    assert not compiled(name).accepts(grammar.refused)
    with pytest.raises(BadInput, match="dropped"):
        kind.parse(grammar.refused)


def longer(value: Any) -> Iterator[Any]:
    """Yield the value with one text a letter longer or one list a row longer, each in turn."""
    if isinstance(value, str):
        yield value + "a"
    elif isinstance(value, list):
        yield [*value, value[-1]]
        for at, item in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in longer(item))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: other} for other in longer(item))


@pytest.mark.parametrize("name", ANSWERS)
def test_the_upper_bounds_of_type_and_grammar_are_the_same(name: str) -> None:
    kind, fullest = QUESTIONS[name].answer, compiled(name).fullest()
    assert compiled(name).accepts(kind.parse(fullest).canonical()), "the grammar goes further than the type"
    more = [json.dumps(value, separators=(",", ":")) for value in longer(json.loads(fullest))]
    assert len(more) >= 3
    for text in more:
        with pytest.raises(BadInput):
            kind.parse(text)


CHANGE = '{"changes":[%s],"confidence":0.50,"reasoning":"x"}'
ONE = '{"parameter":"a","value":%s,"why":"w"}'
EDGES = {
    "a tenth digit": (CHANGE % (ONE % "1234567890"), False),
    "nine digits": (CHANGE % (ONE % "123456789"), True),
    "a fifth decimal": (CHANGE % (ONE % "0.12345"), False),
    "four decimals": (CHANGE % (ONE % "-0.1234"), True),
    "an exponent": (CHANGE % (ONE % "1e9"), False),
    "a leading zero": (CHANGE % (ONE % "01"), False),
    "text for a number": (CHANGE % (ONE % '"1"'), False),
    "four changes": (CHANGE % ",".join([ONE % "1"] * 4), False),
    "three changes": (CHANGE % ",".join([ONE % "1"] * 3), True),
    "no change": (CHANGE % "", True),
    "white space": (CHANGE % "" + " ", False),
    "a key of its own": (CHANGE.replace("}", ',"run":"rm"}') % "", False),
}


@pytest.mark.parametrize("case", EDGES)
def test_edges(case: str) -> None:
    text, good = EDGES[case]
    assert compiled("parameter_adjustment").accepts(text) is good
    if good:
        QUESTIONS["parameter_adjustment"].answer.parse(text)
    elif case not in ("white space",):  # JSON allows it around a value; the spelling is the grammar's
        with pytest.raises(BadInput):
            QUESTIONS["parameter_adjustment"].answer.parse(text)
