"""A stand-in for the cloud on loopback: answers each call as its script says, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

ANSWER = {"decision": "RETRY", "confidence": 0.7, "primary_signal": "lift", "reasoning": "lift is not met"}


class Cloud:
    """Scripted replies: a status, `refusal`, `max_tokens`, `hang`, or a text to answer; without script it answers well."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.sent: list[dict[str, Any]] = []
        self.url = ""

    async def messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.sent.append(body)
        step = self.script.pop(0) if self.script else json.dumps(ANSWER)
        if isinstance(step, int):
            error = {"type": "error", "error": {"type": "x_error", "message": "stub"}, "request_id": "req_1"}
            return web.json_response(error, status=step, headers={"retry-after": "0.01"})
        if step == "hang":
            await asyncio.sleep(30)
        stop = step if step in ("refusal", "max_tokens") else "end_turn"
        text = "" if step == "refusal" else step
        return web.json_response({
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": stop,
            "stop_sequence": None, "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": 400, "output_tokens": 50, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
        })  # fmt: skip


@asynccontextmanager
async def cloud() -> AsyncIterator[Cloud]:
    made = Cloud()
    app = web.Application()
    app.router.add_post("/v1/messages", made.messages)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
