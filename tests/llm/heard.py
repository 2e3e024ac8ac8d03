"""What the advisor's tests share: the command of a real server, a step's context, and what was put on record."""

from __future__ import annotations

import sys
from typing import Any

SERVER = (sys.executable, "-P", "-m", "engine.llm.wheel")
STEP: dict[str, Any] = {
    "request": {"id": "r-1", "step": "1"},
    "evidence": ["power 0.9 >= 0.8 ok"],
    "findings": [],
    "code_decision": "PROCEED",
}


class Heard(list[tuple[str, dict[str, Any]]]):
    """What the advisor put on record."""

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        self.append((kind, data))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for name, data in self if name == kind]
