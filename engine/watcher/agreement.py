"""How advice and decisions went together: agreed, followed because it was more careful, or left behind by a more careful code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

Agreement = Literal["agreed", "followed", "stricter", "silent"]
KINDS: tuple[Agreement, ...] = ("agreed", "followed", "stricter", "silent")
ADVICE = "advice"
"""The signal of a decision that advice alone made more careful."""


def agreement(action: str, source: str, advice: object, signal: str) -> Agreement | None:
    """Return how advice stands to what was decided; None where code did not decide (a person, a halt).

    `followed`: the code alone would have been less careful; `stricter`: the code was more careful than the advice.
    """
    if source != "rule":
        return None
    said = str(advice or "none").partition(" ")[0]
    if said.startswith("none"):
        return "silent"
    if signal == ADVICE:
        return "followed"
    return "agreed" if said == action else "stricter"


def counted(found: Iterable[Agreement | None]) -> dict[str, int]:
    """Return how often each was."""
    counts = Counter(one for one in found if one is not None)
    return {kind: counts[kind] for kind in KINDS}
