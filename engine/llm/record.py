"""What is kept of every question: one event for the record, and the whole exchange as a file, secrets masked, oldest files dropped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from engine.llm.advice import Record
from engine.masks import masked
from state.errors import StateError
from state.files import make_folder, write_atomic

CALL_EVENT = "llm.call"
SWITCH_EVENT = "llm.switch"
"""Somebody turned the advisor off (`off` says why) or on again."""
DIRECTORY = "llm_calls"
KEPT_FILES = 500
Voiced = Literal["llm", "claude", "none"]


class Call(Record):
    """One question, as the record holds it; the exchange itself lies in `file`, under its sha-256."""

    schema_: Literal["llm_call/1"] = Field(default="llm_call/1", alias="schema")
    id: str
    question: str
    kind: str
    about: str
    by: str
    source: Voiced
    outcome: str
    why: str = ""
    model: str = ""
    seconds: float
    prompt_tokens: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0
    attempts: int = 0
    seed: int = 0
    usd: float = 0.0
    cut: tuple[str, ...] = ()
    prompt_sha256: str
    grammar_sha256: str
    sources: dict[str, str] = Field(default_factory=dict)
    file: str | None = None
    file_sha256: str | None = None
    model_config = {"extra": "forbid", "frozen": True, "populate_by_name": True, "serialize_by_alias": True}


class Exchanges:
    """The files of exchanges in one directory; `fault` says why the last one could not be kept."""

    def __init__(self, directory: Path) -> None:
        """Use `llm_calls/` under the state directory; it is made with the first exchange."""
        self._directory = directory / DIRECTORY
        self.fault: str | None = None

    def keep(self, call: Call, exchange: dict[str, Any], *secrets: str) -> Call:
        """Write one exchange and return the call that names its file; a full disk costs the file, never the answer."""
        text = masked(
            json.dumps({"call": call.model_dump(mode="json"), **exchange}, indent=1, default=str), *secrets
        )
        data = (text + "\n").encode()
        path = self._directory / f"{call.id}.json"
        try:
            make_folder(self._directory, mode=0o700)
            write_atomic(path, data)
            self._drop_oldest()
        except (OSError, StateError) as error:
            self.fault = f"exchange not kept: {error}"
            return call
        self.fault = None
        digest = hashlib.sha256(data).hexdigest()
        return call.model_copy(update={"file": f"{DIRECTORY}/{path.name}", "file_sha256": digest})

    def _drop_oldest(self) -> None:
        files = sorted(self._directory.glob("*.json"))
        for old in files[: max(0, len(files) - KEPT_FILES)]:
            old.unlink(missing_ok=True)
