"""What one backend said, before anybody has checked it; or why it was silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Voice = Literal["llm", "claude"]


@dataclass(frozen=True)
class Said:
    """One raw answer. `sent` is the text that left this machine, where it did."""

    voice: Voice
    text: str
    model: str
    prompt_tokens: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0
    usd: float = 0.0
    sent: str = ""
    seed: int = 0
    thought: str = ""


class Silent(Exception):
    """A backend has no answer, and why; it may have cost something, and something may have been sent."""

    def __init__(self, why: str, *, usd: float = 0.0, sent: str = "", text: str = "") -> None:
        """Take the reason in one line."""
        super().__init__(why)
        self.usd, self.sent, self.text = usd, sent, text
