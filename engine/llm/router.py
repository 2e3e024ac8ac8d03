"""The advisor of a room with a model: local first, then Claude, then typed silence. Every answer carries its source and is on record."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine import logs
from engine.errors import BadInput
from engine.llm import vram
from engine.llm.advice import Advice, Advised, NoAdvice, Spoken
from engine.llm.advisor import Reply
from engine.llm.asked import Asked
from engine.llm.claude import KEY, Claude
from engine.llm.context import ContextBundle, Window, build_llm_context
from engine.llm.keeper import Keeper, Told, Unavailable
from engine.llm.local import Local
from engine.llm.questions import QUESTIONS, Question
from engine.llm.record import CALL_EVENT, SWITCH_EVENT, Exchanges
from engine.llm.said import Said, Silent

if TYPE_CHECKING:
    from engine.config import LlmSettings
    from engine.llm.vram import Freed, Read

T = TypeVar("T", bound=Spoken)
SEEDS = 1 << 31


class Router:
    """Answers questions in turn. A question that waits too long, fails or is cancelled answers `none(reason)`."""

    def __init__(
        self,
        settings: LlmSettings,
        state: Path,
        told: Told,
        *,
        read: Read = vram.read_all,
        claude_url: str | None = None,
        off: str = "",
    ) -> None:
        """`told(kind, data)` puts calls and the server's life on record; exchanges are kept under `state`; `off`: why it is silent."""
        self._settings, self._told = settings, told
        self._keeper = Keeper(settings, told, read=read)
        self._local = Local(self._keeper)
        self._claude = Claude(settings.claude, state, url=claude_url) if settings.cloud else None
        self._exchanges = Exchanges(state)
        self._turn = asyncio.Semaphore(1)
        self._flying: set[asyncio.Task[Said]] = set()
        self._waiting = 0
        self._cancelled = ""
        self._sources: Counter[str] = Counter()
        self._last_silence: str | None = None
        self._off = off
        self._turning: asyncio.Task[None] | None = None
        if off:
            self._keeper.hold(off)

    # -- what can be had ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Say in a few words whether advice can be had."""
        keeper = self._keeper
        if self._off:
            return f"none(off: {self._off})"
        if keeper.state in ("ready", "busy") and keeper.facts is not None:
            return f"{keeper.state}: {Path(keeper.facts.model).name}, {keeper.facts.context} tokens"
        local = f"llm {keeper.state}" + (f": {keeper.why}" if keeper.why else "")
        if self._claude is not None and self._claude.obstacle is None:
            return f"claude only ({local})" if self._settings.command else "claude only"
        return f"none({local})"

    @property
    def window(self) -> Window:
        """Return how much the model can read."""
        return self._local.window

    def degraded(self) -> list[str]:
        """Return one line for each thing that is less than it should be; a server that loads or rests is as it should be."""
        if self._off:
            return [f"advice: off: {self._off}"[:300]]
        lines = []
        if self._settings.command and self._keeper.state == "failed":
            lines.append(f"advice: {self.state}")
        lines += [f"advice: grammar {name} is refused: {why}" for name, why in self._keeper.unfit.items()]
        if self._claude is not None and self._claude.obstacle is not None:
            lines.append(f"advice: {self._claude.obstacle}")
        if self._last_silence is not None:
            lines.append(f"advice: the last question got {self._last_silence}")
        if self._exchanges.fault is not None:
            lines.append(f"advice: {self._exchanges.fault}")
        return [line[:300] for line in lines]

    def report(self) -> dict[str, Any]:
        """Return everything an operator wants to know of the advisor."""
        keeper, counts, facts = self._keeper, self._local.counts, self._keeper.facts
        return {
            "schema": "llm_status/1",
            "state": "off" if self._off else keeper.state if self._settings.command else "none",
            "why": self._off or keeper.why,
            "model": facts and facts.model,
            "context": facts and facts.context,
            "chars_per_token": facts and round(facts.chars_per_token, 2),
            "pid": facts.pid if facts is not None and keeper.state in ("ready", "busy") else None,
            "start_seconds": facts and facts.start_seconds,
            "restarts": keeper.breaker.total,
            "next_restart_s": round(keeper.breaker.wait(time.monotonic()), 1),
            "grammars": {name: keeper.unfit.get(name, "ok") for name in sorted(QUESTIONS)},
            "waiting": self._waiting,
            "queue": self._settings.queue,
            "tokens_per_second": counts.tokens_per_second,
            "valid": counts.valid,
            "invalid": counts.invalid,
            "answers": {name: self._sources[name] for name in ("llm", "claude", "none")},
            "cloud": None
            if self._claude is None
            else self._claude.obstacle or f"ready: {self._settings.claude.model}",
            "cost": None if self._claude is None else self._claude.guard.summary(),
            "degraded": self.degraded(),
        }

    # -- asking -------------------------------------------------------------------------------------------------------

    async def advise(self, bundle: ContextBundle) -> Advised:
        """Return advice on one decision of the watcher."""
        reply = await self._reply(QUESTIONS[bundle.question], bundle, "watcher")
        if isinstance(reply.advice, NoAdvice) or reply.source == "none":
            return reply.advice if isinstance(reply.advice, NoAdvice) else NoAdvice(none="no source")
        return Advice(**reply.advice.model_dump(), source=reply.source)

    async def ask(
        self,
        question: Question[T],
        parts: Mapping[str, Any],
        *,
        kind: str | None = None,
        about: str = "",
        by: str = "loop",
    ) -> Reply[T]:
        """Ask any question; parts that break the question's rules are silence with the rule as the reason."""
        try:
            bundle = build_llm_context(question.name, parts, kind=kind, about=about[:200], window=self.window)
        except BadInput as error:
            self._last_silence = f"none({error})"
            return Reply(NoAdvice(none=str(error)))
        return await self._reply(question, bundle, by)

    async def again(self, question: Question[T], bundle: ContextBundle, by: str) -> Reply[T]:
        """Put a prompt of the record to the local model once more."""
        return await self._reply(question, bundle, by, local=True)

    def cancel(self, reason: str) -> None:
        """End every question in flight at once."""
        self._cancelled = reason
        for task in self._flying:
            task.cancel()

    async def _reply(
        self, question: Question[T], bundle: ContextBundle, by: str, *, local: bool = False
    ) -> Reply[T]:
        if self._off:
            return Reply(NoAdvice(none=f"off: {self._off}"[:200]))
        asked = Asked(local=local)
        with logs.bound(call=asked.id):
            task = asyncio.create_task(self._first(question, bundle, asked))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        advice: T | NoAdvice
        if task.cancelled():
            asked.cancelled = True
            advice = NoAdvice(none=f"cancelled: {self._cancelled}"[:200])
        elif isinstance(error := task.exception(), Silent):
            advice = NoAdvice(none=str(error)[:200])
        elif error is not None:
            raise error
        else:
            advice = question.answer.parse(task.result().text)
        return self._recorded(question, bundle, asked, advice, by)

    async def _first(self, question: Question[Any], bundle: ContextBundle, asked: Asked) -> Said:
        """Return the first valid answer in the order of the sources; Silent names what each of them said."""
        if self._settings.command:
            try:
                asked.said = await self._in_turn(question, bundle, asked)
                return asked.said
            except Silent as error:
                asked.failed.append(str(error))
        if self._claude is not None and not asked.local:
            try:
                asked.said = await self._cloud(question, bundle, asked)
                return asked.said
            except Silent as error:
                asked.failed.append(str(error))
        raise Silent("; ".join(asked.failed) or "not configured")

    async def _in_turn(self, question: Question[Any], bundle: ContextBundle, asked: Asked) -> Said:
        """Ask the local model when it is this question's turn, within the deadline."""
        if self._waiting >= self._settings.queue:
            raise Silent(f"llm: {self._waiting} questions wait already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                async with self._turn:
                    return await self._local.answer(
                        bundle, question.answer, _seed(bundle), asked.heard.append
                    )
        except TimeoutError:
            raise Silent(f"llm: no answer within {self._settings.deadline_s:g} s") from None
        finally:
            self._waiting -= 1

    async def _cloud(self, question: Question[Any], bundle: ContextBundle, asked: Asked) -> Said:
        assert self._claude is not None
        if bundle.refused:
            raise Silent(f"claude: {bundle.refused}")
        try:
            said = await self._claude.answer(bundle, question.answer)
        except Silent as error:
            asked.usd, asked.sent = asked.usd + error.usd, error.sent
            raise
        asked.usd, asked.sent = asked.usd + said.usd, said.sent
        asked.heard.append(said.text)
        try:
            question.answer.parse(said.text)
        except BadInput as error:
            raise Silent(f"claude: {error}") from None
        return said

    def _recorded(
        self, question: Question[T], bundle: ContextBundle, asked: Asked, advice: T | NoAdvice, by: str
    ) -> Reply[T]:
        call = asked.call(question.name, bundle, advice, by)
        self._sources[call.source] += 1
        # what was cancelled on purpose is not a fault to be shown until the next question
        silent = isinstance(advice, NoAdvice) and not asked.cancelled
        self._last_silence = f"none({'; '.join(asked.failed)})" if silent else None
        kept = self._exchanges.keep(call, asked.exchange(bundle), os.environ.get(KEY, ""))
        self._told(CALL_EVENT, kept.model_dump(mode="json"))
        return Reply(advice, call.source, call.id, call.seconds, bundle.prompt, asked.sent)

    # -- life ---------------------------------------------------------------------------------------------------------

    def switch(self, off: str) -> None:
        """Be silent for a reason, the local server stopped, or answer again; what is turned last holds, also after a restart."""
        turned, self._off = bool(off) != bool(self._off), off
        self._told(SWITCH_EVENT, {"off": off})
        if turned and self._settings.command:
            self._turning = asyncio.create_task(self._turned(self._turning, off))

    async def _turned(self, before: asyncio.Task[None] | None, off: str) -> None:
        """Stop the server, or let it come back, once what was turned before has been done."""
        if before is not None:
            await asyncio.wait({before})
        if off:
            await self.release(off)
        else:
            await self.restore()

    async def serve(self) -> None:
        """Keep the local server up until cancelled."""
        if self._settings.command:
            await self._keeper.serve()

    async def release(self, reason: str) -> Freed:
        """Stop the local server for GPU work, its questions with it; say whether the GPUs are free, as measured."""
        self.cancel(reason)
        return await self._keeper.release(reason)

    async def restore(self) -> str | None:
        """Start the local server again; return None when it is ready or others still need it aside, or why it is not."""
        if not self._settings.command:
            return None
        try:
            await self._keeper.restore()
        except Unavailable as error:
            return str(error)
        return None

    async def close(self) -> None:
        """End what is in flight, the server and the connections."""
        if self._turning is not None:
            self._turning.cancel()
        self.cancel("the room has ended")
        await self._keeper.close()
        if self._claude is not None:
            await self._claude.close()


def _seed(bundle: ContextBundle) -> int:
    """Return a seed that the prompt gives, so that the same question to the same model can be asked again."""
    return int(bundle.digest[:12] or "0", 16) % SEEDS
