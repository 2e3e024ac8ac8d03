"""Answers made at random: walks through a grammar, and values of its type. For the tests that hold the two together."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import llguidance
import llguidance.numpy as masks
import numpy as np
from hypothesis import strategies as st
from llguidance.gbnf_to_lark import gbnf_to_lark

from engine.llm import answers as a
from engine.llm.advice import CAUTION, Opinion

QUOTE = ord('"')
TOKENS = llguidance.LLTokenizer("byte")


class Compiled:
    """One grammar, read by another implementation than the server's."""

    def __init__(self, text: str) -> None:
        self._grammar = llguidance.LLMatcher.grammar_from_lark(gbnf_to_lark(text))

    def accepts(self, answer: str) -> bool:
        matcher = llguidance.LLMatcher(TOKENS, self._grammar)
        spelled = list(answer.encode())
        return bool(matcher.try_consume_tokens(spelled) == len(spelled) and matcher.is_accepting())

    def sample(self, rng: random.Random) -> str:
        """Walk the grammar at random, closing strings early now and then so that short ones appear too."""
        close = rng.choice([0.02, 0.1, 0.3])

        def choose(allowed: list[int]) -> int:
            return QUOTE if QUOTE in allowed and rng.random() < close else rng.choice(allowed)

        return self._walk(choose)

    def fullest(self) -> str:
        """Walk the grammar so that every text and list gets as long as it can."""

        def choose(allowed: list[int]) -> int:
            going_on = [one for one in allowed if one not in b'"]}'] or allowed
            return next((one for one in b',az{"' if one in going_on), going_on[-1])

        return self._walk(choose)

    def _walk(self, choose: Callable[[list[int]], int]) -> str:
        matcher = llguidance.LLMatcher(TOKENS, self._grammar)
        mask = masks.allocate_token_bitmask(1, TOKENS.vocab_size)  # type: ignore[attr-defined]
        out = bytearray()
        while not matcher.is_stopped():
            masks.fill_next_token_bitmask(matcher, mask)
            bits = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little")[:256])
            allowed = [int(bit) for bit in bits]
            if not allowed:
                break
            token = choose(allowed)
            assert matcher.consume_token(token)
            out.append(token)
        return out.decode()


def _text(most: int) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from([*map(chr, range(32, 127)), "\n"]), min_size=1, max_size=most)


SHARE = st.integers(0, 100).map(lambda n: n / 100)
NAME = st.from_regex(r"[a-z][a-z0-9_.+ ]{0,39}", fullmatch=True)
VALUE = st.integers(-(10**13) + 1, 10**13 - 1).map(lambda n: n / 1e4) | st.integers(
    -999_999_999, 999_999_999
).map(float)
CHANGES = st.lists(st.builds(a.Change, parameter=NAME, value=VALUE, why=_text(80)), max_size=3).map(tuple)


def _of(kind: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, confidence=SHARE, reasoning=_text(300), **fields)


def _words(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words)


ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "agent_decision": _of(
        Opinion,
        decision=st.sampled_from(list(CAUTION)),
        primary_signal=st.from_regex(r"[a-z][a-z0-9_.]{0,39}", fullmatch=True),
    ),
    "step_evaluation": _of(
        a.StepEvaluation,
        verdict=_words("SOUND", "DOUBTFUL", "UNSOUND"),
        strongest=NAME,
        concerns=st.lists(st.builds(a.Concern, metric=NAME, why=_text(80)), max_size=3).map(tuple),
    ),
    "chapter13_proposal": _of(
        a.Chapter13Proposal,
        action=_words("WAIT", "RETRAIN", "FULL_RUN", "ESCALATE"),
        risk=_words("LOW", "MEDIUM", "HIGH"),
        changes=CHANGES,
    ),
    "selfplay_strategy": _of(
        a.SelfplayStrategy,
        strategy=_words("EXPLORE", "EXPLOIT", "STOP"),
        episodes=st.integers(1, 999),
        arms=st.lists(st.builds(a.ArmWeight, arm=NAME, weight=SHARE), min_size=1, max_size=4).map(tuple),
    ),
    "diagnostics_analysis": _of(
        a.DiagnosticsAnalysis,
        finding=_words("HEALTHY", "DRIFT", "REGIME_CHANGE", "MISCALIBRATED", "DATA_FAULT", "UNCLEAR"),
        signals=st.lists(NAME, min_size=1, max_size=4).map(tuple),
    ),
    "parameter_adjustment": _of(a.ParameterAdjustment, changes=CHANGES),
}
Spoken = Callable[[str], Compiled]
