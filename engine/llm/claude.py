"""The advisor behind the local one: one capped, structured call to Claude through its official SDK. It sees aggregates only."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.llm.cost import Capped, Guard
from engine.llm.said import Said, Silent
from engine.masks import masked, raw_data

if TYPE_CHECKING:
    from engine.config import ClaudeSettings
    from engine.llm.context import ContextBundle

KEY = "ANTHROPIC_API_KEY"
MOST_TOKENS = 600
UNBILLED = frozenset({400, 401, 403, 404, 413, 429, 500, 503, 529})


class Claude:
    """Asks Claude; `obstacle` says why it cannot. The client library is loaded with the first question."""

    def __init__(self, settings: ClaudeSettings, directory: Path, *, url: str | None = None) -> None:
        """Keep the cost book in `directory`; `url` is for another address than the official one."""
        self._settings, self._url = settings, url
        self.guard = Guard(directory, settings)
        self._client: Any = None

    @property
    def obstacle(self) -> str | None:
        """Return what is missing before a question can be asked."""
        if not self._key:
            return f"cloud = true, but {KEY} is not set"
        if importlib.util.find_spec("anthropic") is None:
            return "cloud = true, but its library is missing: make install EXTRAS=room,claude"
        return None

    @property
    def _key(self) -> str:
        return os.environ.get(KEY, "")

    async def answer(self, bundle: ContextBundle, answer: type[Any]) -> Said:
        """Return the answer's text; Silent says why there is none. Whatever it costs is booked first."""
        if (obstacle := self.obstacle) is not None:
            raise Silent(f"claude: {obstacle}")
        prompt = masked(bundle.prompt, self._key)
        if (raw := raw_data(prompt)) is not None:
            raise Silent(f"claude: not asked, the prompt holds {raw}")
        sdk = await asyncio.to_thread(importlib.import_module, "anthropic")
        worst = self.guard.worst_case(prompt, MOST_TOKENS)
        try:
            self.guard.reserve(worst)
        except Capped as error:
            raise Silent(str(error)) from None
        message = await self._ask(sdk, prompt, answer, worst)
        used = message.usage
        usd = self.guard.usd(used.input_tokens, used.output_tokens)
        self._settle(worst, usd)
        text = "".join(block.text for block in message.content if block.type == "text")
        if message.stop_reason != "end_turn":
            raise Silent(f"claude: stopped by {message.stop_reason}", usd=usd, sent=prompt)
        return Said(
            "claude", text, message.model, used.input_tokens, used.output_tokens, usd=usd, sent=prompt
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _ask(self, sdk: Any, prompt: str, answer: type[Any], worst: float) -> Any:
        if self._client is None:
            self._client = sdk.AsyncAnthropic(
                api_key=self._key, base_url=self._url, timeout=self._settings.timeout_s,
                max_retries=self._settings.attempts - 1,
            )  # fmt: skip
        try:
            return await self._client.messages.create(
                model=self._settings.model,
                max_tokens=MOST_TOKENS,
                messages=[{"role": "user", "content": prompt}],
                output_config={"format": {"type": "json_schema", "schema": sdk.transform_schema(answer)}},
            )
        except sdk.APIStatusError as error:
            if error.status_code in UNBILLED:
                self._settle(worst, 0.0)
            raise Silent(f"claude: {error.status_code} {_first_line(error)}", sent=prompt) from None
        except (
            sdk.APIError
        ) as error:  # no answer came: it may have been billed, so the worst case stays booked
            raise Silent(f"claude: {type(error).__name__}: {_first_line(error)}", sent=prompt) from None

    def _settle(self, worst: float, usd: float) -> None:
        try:
            self.guard.settle(worst, usd)
        except Capped:
            return  # the worst case stays booked, and the next reservation says why


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:160]
