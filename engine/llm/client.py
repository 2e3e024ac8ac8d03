"""The HTTP talk with a model server: health, facts, one streamed completion. What goes wrong has one of four names."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
LOOK_SECONDS, SHORT_SECONDS = 2.0, 10.0
ANSWER_LIMIT = 1 << 20
RULER = 'lift 1.0000 >= 1.2000 NOT MET\nthe pool holds draw 61 with 0.0200, chance 0.0010; {"window":[0,40],"gaps":3}\n'


class ServerFault(Exception):
    """The server is not there, went away, or answers nonsense; a restart may help."""


class Hung(ServerFault):
    """The server took the request and then stayed silent for too long."""


class Refused(Exception):
    """The server refused the request itself (400): a bug of ours, never retried."""


class TooLong(Refused):
    """The prompt does not fit the context; the server's own numbers."""

    def __init__(self, prompt: int, context: int) -> None:
        """Take the prompt's tokens and the context's."""
        super().__init__(f"prompt of {prompt} tokens, context {context}")
        self.prompt, self.context = prompt, context


@dataclass(frozen=True)
class Props:
    """What the server says of its model."""

    model: str
    context: int


@dataclass(frozen=True)
class Completion:
    """One finished answer: the text, why it ended, tokens and speed."""

    text: str
    stop: str
    truncated: bool
    prompt_tokens: int
    tokens: int
    tokens_per_second: float

    @property
    def whole(self) -> bool:
        """Say whether the model ended by itself: the grammar was satisfied, nothing was cut."""
        return self.stop in ("eos", "word") and not self.truncated


class Client:
    """Talks to one server; each request has its own connection, because one that has streamed cannot be used again."""

    def __init__(self, host: str, port: int, *, silence: float = 20.0) -> None:
        """`silence` is how long a running answer may say nothing."""
        self._session = aiohttp.ClientSession(
            f"http://{host}:{port}",
            connector=aiohttp.TCPConnector(force_close=True),
            trust_env=False,
            read_bufsize=1 << 18,
        )
        self._silence, self._short = silence, min(silence, SHORT_SECONDS)

    async def close(self) -> None:
        """Close every connection; a request in flight ends."""
        await self._session.close()

    async def healthy(self) -> bool:
        """Say whether the server is there and its model loaded; a server that hangs or loads is not."""
        try:
            async with self._session.get("/health", timeout=_within(LOOK_SECONDS)) as reply:
                return bool(reply.status == 200)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def props(self) -> Props:
        """Return what is served."""
        said = await self._talk("GET", "/props")
        try:
            return Props(str(said.get("model_path", "")), int(said["default_generation_settings"]["n_ctx"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ServerFault(f"/props lacks {error}") from None

    async def chars_per_token(self) -> float:
        """Measure how many characters of our kind of text a token of this model holds."""
        said = await self._talk("POST", "/tokenize", {"content": RULER})
        tokens = said.get("tokens")
        return len(RULER) / max(1, len(tokens) if isinstance(tokens, list) else 1)

    async def templated(self, text: str) -> str:
        """Return the prompt in the model's own chat form."""
        said = await self._talk("POST", "/apply-template", {"messages": [{"role": "user", "content": text}]})
        return str(said.get("prompt") or text)

    async def complete(
        self,
        prompt: str,
        *,
        tokens: int,
        grammar: str = "",
        seed: int = 0,
        temperature: float = 0.6,
        stop: tuple[str, ...] = (),
    ) -> Completion:
        """Stream one completion; cancelling this frees the server's slot, in the prompt phase too."""
        body = {
            "prompt": prompt, "n_predict": tokens, "seed": seed, "temperature": temperature, "stop": list(stop),
            "stream": True, "return_progress": True, "cache_prompt": False, **({"grammar": grammar} if grammar else {}),
        }  # fmt: skip
        text: list[str] = []
        last: dict[str, Any] = {}
        async for event in self._events(body):
            text.append(str(event.get("content", "")))
            last = event
        if not last.get("stop"):
            raise ServerFault("the answer ended before it was finished")
        return _completion("".join(text), last)

    async def _events(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=LOOK_SECONDS, sock_read=self._silence)
        size = 0
        try:
            async with self._session.post("/completion", json=body, timeout=limits) as reply:
                if reply.status != 200:
                    raise _refusal(reply.status, (await _whole(reply)).decode(errors="replace"))
                async for line in reply.content:
                    size += len(line)
                    if size > ANSWER_LIMIT:
                        raise ServerFault(f"an answer of more than {ANSWER_LIMIT} bytes")
                    if line.startswith(b"data: "):
                        yield _object(line[6:])
                    elif line.startswith(b"error: "):
                        raise ServerFault(line.decode(errors="replace").strip()[:300])
        except TimeoutError:
            raise Hung(f"silent for {self._silence:g} s in an answer") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ServerFault(f"{type(error).__name__}: {error}") from None

    async def _talk(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one short request that answers with a JSON object."""
        try:
            async with self._session.request(method, path, json=body, timeout=_within(self._short)) as reply:
                if reply.status != 200:
                    raise _refusal(reply.status, (await _whole(reply)).decode(errors="replace"))
                return _object(await _whole(reply))
        except TimeoutError:
            raise Hung(f"{path}: silent for {self._short:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ServerFault(f"{path}: {type(error).__name__}: {error}") from None


async def _whole(reply: aiohttp.ClientResponse) -> bytes:
    """Return the body of a short answer; ServerFault where it does not end."""
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise ServerFault(f"an answer of more than {ANSWER_LIMIT} bytes")
    return bytes(body)


def _object(text: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer; ServerFault for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ServerFault(f"its answer is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ServerFault(f"its answer is a JSON {type(found).__name__}, an object is the rule")
    return found


def _completion(text: str, last: Mapping[str, Any]) -> Completion:
    """Return the finished answer that the last event describes; ServerFault where its numbers are none."""
    timings = last.get("timings")
    speed = timings.get("predicted_per_second") if isinstance(timings, dict) else None
    try:
        return Completion(
            text=text,
            stop=str(last.get("stop_type", "none")),
            truncated=bool(last.get("truncated", False)),
            prompt_tokens=int(last.get("tokens_evaluated", 0)),
            tokens=int(last.get("tokens_predicted", 0)),
            tokens_per_second=round(float(speed or 0.0), 1),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ServerFault(f"the numbers of its answer are none ({error})") from None


def closed(prompt: str) -> str:
    """Return a prompt whose thinking is closed: a reasoning model's template leaves it open."""
    opened = prompt.rfind(THINK_OPEN)
    return f"{prompt}{THINK_CLOSE}\n\n" if opened > prompt.rfind(THINK_CLOSE) else prompt


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, LOOK_SECONDS))


def _refusal(status: int, text: str) -> Exception:
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        error = {"message": text}
    if not isinstance(error, dict):
        error = {"message": str(error)}
    sizes = [error.get(name, 0) for name in ("n_prompt_tokens", "n_ctx")]
    if error.get("type") == "exceed_context_size_error" and all(isinstance(size, int) for size in sizes):
        return TooLong(*sizes)
    said = f"{status}: {str(error.get('message', ''))[:300]}"
    return Refused(said) if 400 <= status < 500 else ServerFault(said)
