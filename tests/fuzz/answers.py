"""What language models say: grammar answers of every question, the HTTP talk of a model server, texts that are masked before they leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from engine.llm import questions
from engine.llm.advice import Spoken, parse
from engine.llm.client import Client, Refused, ServerFault
from engine.llm.questions import Question
from engine.masks import MASK, masked, raw_data
from tests.fuzz.server import loop
from tests.fuzz.target import Reader, Target

ASKED: tuple[Question[Any], ...] = tuple(one for one in vars(questions).values() if isinstance(one, Question))
SPOKEN = {
    "agent_decision": b'{"decision":"RETRY","confidence":0.55,"primary_signal":"power","reasoning":"thin"}',
    "step_evaluation": b'{"verdict":"DOUBTFUL","confidence":0.20,"strongest":"lift","concerns":[{"metric":"p","why":"x"}],"reasoning":"r"}',
    "chapter13_proposal": b'{"action":"RETRAIN","risk":"LOW","confidence":1.00,"changes":[{"parameter":"a","value":1.5,"why":"w"}],"reasoning":"r"}',
    "selfplay_strategy": b'{"strategy":"EXPLORE","episodes":8,"arms":[{"arm":"mask","weight":0.50}],"confidence":0.00,"reasoning":"r"}',
    "diagnostics_analysis": b'{"finding":"DRIFT","confidence":0.10,"signals":["lift"],"reasoning":"r"}',
    "parameter_adjustment": b'{"changes":[],"confidence":0.10,"reasoning":"r"}',
}
EVENTS = (
    b'data: {"content":"{\\"a\\"","stop":false}\n\n'
    b'data: {"content":"","stop":true,"stop_type":"eos","tokens_evaluated":9,"tokens_predicted":3,"timings":{"predicted_per_second":7.5}}\n\n'
)
PROPS = b'{"model_path":"/m.gguf","default_generation_settings":{"n_ctx":4096}}'
REFUSED = b'{"error":{"type":"exceed_context_size_error","message":"m","n_prompt_tokens":9,"n_ctx":4}}'


def spoken(kind: type[Spoken], data: bytes) -> object:
    """Read an answer; what is taken is spelled in the one way that the grammar has, and reads the same again."""
    said = kind.parse(data.decode("utf-8", "replace"))
    assert kind.parse(said.canonical()) == said, "an answer is not the same in its canonical spelling"
    return said


def advice(data: bytes) -> object:
    return parse(data.decode("utf-8", "replace")).line()


class Session:
    """A model server that answers every request with the same bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body, self.content = status, body, self

    @asynccontextmanager
    async def _answer(self, *args: object, **options: object) -> AsyncIterator[Session]:
        yield self

    get = post = request = _answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for line in self.body.splitlines(keepends=True):
            yield line

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self.body


def served(ask: Callable[[Client], Awaitable[object]], data: bytes, status: int = 200) -> object:
    client = Client.__new__(Client)
    client._session = Session(status, data)  # type: ignore[assignment]
    client._silence = client._short = 1.0

    async def one() -> object:
        return await ask(client)

    return loop().run_until_complete(one())


def masks(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    clean = masked(text, "hunter2hunter2")
    assert "hunter2hunter2" not in clean, "a given secret is left"
    assert masked(clean) == masked(masked(clean)), "masking is not stable"
    return raw_data(clean), MASK in clean


TALK = (ServerFault, Refused)
TARGET = Target(
    "answers",
    "grammar answers, a model server's HTTP, masked texts",
    (
        *(
            Reader(one.name, partial(spoken, one.answer), (SPOKEN[one.name],))
            for one in ASKED
        ),
        Reader("advice", advice, (SPOKEN["agent_decision"],)),
        Reader("completion", partial(served, lambda client: client.complete("p", tokens=9)), (EVENTS,), TALK),
        Reader("props", partial(served, lambda client: client.props()), (PROPS,), TALK),
        Reader("tokens", partial(served, lambda client: client.chars_per_token()), (b'{"tokens":[1,2]}',), TALK),
        Reader("template", partial(served, lambda client: client.templated("t")), (b'{"prompt":"p"}',), TALK),
        Reader("refusal", partial(served, lambda client: client.complete("p", tokens=9), status=400), (REFUSED,), TALK),
        Reader("masks", masks, (b"key sk-abcdefghijkl hunter2hunter2 password: abcd1234 https://u:p@host/ 1, 2, 3, 4",), ()),
    ),
)  # fmt: skip
