"""A tiny model, and routers over real servers that serve it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from heard import SERVER, Heard
from tiny_model import write

from engine.config import LlmSettings
from engine.llm.router import Router


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture
def settings(tiny: Path) -> Callable[..., LlmSettings]:
    def made(**changes: Any) -> LlmSettings:
        base: dict[str, Any] = {
            "command": SERVER,
            "model": tiny,
            "context": 4096,
            "temperature": 1.0,
            "start_s": 60.0,
        }
        return LlmSettings(**(base | changes))

    return made


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def advising(settings: Callable[..., LlmSettings], tmp_path: Path, heard: Heard) -> Callable[..., Any]:
    """Return a context that holds one router; `url` is the address of a stand-in for the cloud."""

    @asynccontextmanager
    async def held(*, url: str | None = None, read: Any = dict, **changes: Any) -> AsyncIterator[Router]:
        router = Router(settings(**changes), tmp_path, heard, read=read, claude_url=url)
        try:
            yield router
        finally:
            await router.close()

    return held
