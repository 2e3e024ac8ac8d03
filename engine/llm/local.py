"""The local model's answer to one question: constrained by its grammar, checked by its type, tried again once where that can help."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import BadInput
from engine.llm.client import (
    THINK_CLOSE,
    THINK_OPEN,
    Client,
    Completion,
    Hung,
    Refused,
    ServerFault,
    TooLong,
    closed,
)
from engine.llm.context import ContextBundle, Window
from engine.llm.keeper import Keeper, Live, Unavailable
from engine.llm.said import Said, Silent

if TYPE_CHECKING:
    from engine.llm.advice import Spoken

THINKING_TEMPERATURE = 0.6
END_SECONDS = 0.5


@dataclass
class Counts:
    """How often the model's answers were valid, and how fast it speaks."""

    valid: int = 0
    invalid: int = 0
    speeds: list[float] = field(default_factory=list)

    def note(self, done: Completion) -> None:
        """Remember the speed of one completion."""
        if done.tokens_per_second:
            self.speeds = [*self.speeds[-49:], done.tokens_per_second]

    @property
    def tokens_per_second(self) -> float | None:
        """Return the median of the last answers."""
        return sorted(self.speeds)[len(self.speeds) // 2] if self.speeds else None


@dataclass
class Attempts:
    """What is left to try for one question: each kind of trouble is tried again once."""

    fault: int = 1
    invalid: int = 1
    shorter: int = 1


class Local:
    """Asks the keeper's server, one question at a time; the caller sees to that."""

    def __init__(self, keeper: Keeper) -> None:
        """Use this keeper."""
        self._keeper, self.counts = keeper, Counts()

    @property
    def window(self) -> Window:
        """Return what the running model can read, or what the settings promise."""
        facts = self._keeper.facts
        return (
            Window(self._keeper.settings.context)
            if facts is None
            else Window(facts.context, facts.chars_per_token)
        )

    async def answer(
        self, bundle: ContextBundle, answer: type[Spoken], seed: int, heard: Callable[[str], None]
    ) -> Said:
        """Return a valid answer; Silent says why there is none. `heard(text)` is told every raw answer."""
        left, window = Attempts(), self.window
        while True:
            try:
                live = await self._keeper.ready()
            except Unavailable as error:
                raise Silent(f"llm: {error}") from None
            if bundle.question in self._keeper.unfit:
                raise Silent(f"llm: the server refuses the grammar: {self._keeper.unfit[bundle.question]}")
            window = self.window if left.shorter else window
            fitted = bundle.refitted(
                replace(window, tokens=window.tokens - self._keeper.settings.thinking_tokens)
            )
            if fitted.refused:
                raise Silent(f"llm: {fitted.refused}")
            try:
                return await self._once(live, fitted, answer, seed, heard)
            except TooLong as error:
                left.shorter -= 1
                if left.shorter < 0:
                    raise Silent(f"llm: {error}") from None
                window = _smaller(window, len(fitted.prompt), error)
            except Refused as error:
                raise Silent(f"llm: the server refused the request: {error}") from None
            except ServerFault as error:
                left.fault -= 1
                await self._give_up(live, error)
                if left.fault < 0:
                    raise Silent(f"llm: {error}") from None
            except BadInput as error:
                self.counts.invalid += 1
                left.invalid -= 1
                if left.invalid < 0:
                    raise Silent(f"llm: {error}") from None
            seed += 1

    async def _once(
        self, live: Live, bundle: ContextBundle, answer: type[Spoken], seed: int, heard: Callable[[str], None]
    ) -> Said:
        settings, client = self._keeper.settings, live.client
        with self._keeper.asking():
            prompt, thought = await self._prompt(client, bundle, seed)
            done = await client.complete(
                prompt,
                tokens=bundle.answer_tokens,
                grammar=bundle.grammar,
                seed=seed,
                temperature=settings.temperature,
            )
        heard(done.text)
        self.counts.note(done)
        if not done.whole:
            raise BadInput(f"the answer was cut ({done.stop}{', context full' if done.truncated else ''})")
        answer.parse(done.text)
        self.counts.valid += 1
        return Said(
            "llm", done.text, live.facts.model, done.prompt_tokens, done.tokens, done.tokens_per_second,
            seed=seed, thought=thought,
        )  # fmt: skip

    async def _prompt(self, client: Client, bundle: ContextBundle, seed: int) -> tuple[str, str]:
        """Return the prompt in the model's form, and what it thought first where that is asked for."""
        raw = await client.templated(bundle.prompt)
        most = self._keeper.settings.thinking_tokens
        if not most:
            return closed(raw), ""
        if closed(raw) == raw:
            raw = f"{raw}{THINK_OPEN}\n"
        done = await client.complete(
            raw, tokens=most, seed=seed, temperature=THINKING_TEMPERATURE, stop=(THINK_CLOSE,)
        )
        return f"{raw}{done.text}\n{THINK_CLOSE}\n\n", done.text

    async def _give_up(self, live: Live, error: ServerFault) -> None:
        """Replace a server that hung or went away; one that only broke off an answer and is healthy stays."""
        with contextlib.suppress(
            TimeoutError
        ):  # the news of its end comes a moment after the broken connection
            await asyncio.wait_for(live.server.ended(), 0.0 if isinstance(error, Hung) else END_SECONDS)
        if isinstance(error, Hung) or not live.server.running or not await live.client.healthy():
            self._keeper.lost(live, str(error))


def _smaller(window: Window, chars: int, error: TooLong) -> Window:
    """Return the window by the server's own count of a prompt of so many characters that did not fit."""
    if error.prompt <= 0 or error.context <= 0:
        return replace(window, tokens=window.tokens // 2)
    ratio = min(window.chars_per_token, chars / error.prompt)
    return Window(min(window.tokens, error.context), 0.98 * ratio)
