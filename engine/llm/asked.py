"""One question on its way: what came back from whom, and what is kept of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.llm.advice import NoAdvice, Spoken
from engine.llm.context import ContextBundle
from engine.llm.record import Call
from engine.llm.said import Said


@dataclass
class Asked:
    """One question on its way: what came back from whom, and what every source that failed said."""

    id: str = field(default_factory=lambda: f"{int(time.time()):010d}-{uuid.uuid4().hex[:8]}")
    begun: float = field(default_factory=time.monotonic)
    said: Said | None = None
    failed: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    usd: float = 0.0
    sent: str = ""
    cancelled: bool = False
    local: bool = False
    """True: this machine's model alone is asked; nothing leaves, nothing is paid."""

    def source(self, advice: Spoken | NoAdvice) -> Literal["llm", "claude", "none"]:
        """Return whose words the advice is."""
        return "none" if isinstance(advice, NoAdvice) or self.said is None else self.said.voice

    def call(self, question: str, bundle: ContextBundle, advice: Spoken | NoAdvice, by: str) -> Call:
        """Return the record of the call."""
        said = self.said
        return Call(
            id=self.id,
            question=question,
            kind=bundle.kind,
            about=bundle.about,
            by=by,
            source=self.source(advice),
            outcome=(advice.line() if isinstance(advice, NoAdvice) else advice.canonical())[:600],
            why="; ".join(self.failed)[:400],
            model=said.model if said else "",
            seconds=round(time.monotonic() - self.begun, 3),
            prompt_tokens=said.prompt_tokens if said else 0,
            tokens=said.tokens if said else 0,
            tokens_per_second=said.tokens_per_second if said else 0.0,
            attempts=len(self.heard),
            seed=said.seed if said else 0,
            usd=round(self.usd, 8),
            cut=bundle.cut,
            prompt_sha256=bundle.digest,
            grammar_sha256=bundle.grammar_digest,
            sources=dict(bundle.sources),
        )

    def exchange(self, bundle: ContextBundle) -> dict[str, Any]:
        """Return what was read, said and sent."""
        return {
            "prompt": bundle.prompt, "grammar": bundle.grammar, "answers": self.heard,
            "thought": self.said.thought if self.said else "", "sent_to_cloud": self.sent,
        }  # fmt: skip
