"""When to ask for new work: sequential tests with a stated false-alarm rate, silent while their last request is open."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.evidence.evalue import required_bits
from engine.evidence.sequential import SHARES, Trigger
from engine.feedback.diagnostics import Score

CLAIMS = 1.5
GROWTH = 1.5
LEAST, MOST = 1e-6, 0.99
SETTLED_DRAWS = 50


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Watch(Record):
    """One model under watch: the hit rate it states, which change matters, the detector's levels, the open request."""

    model: str
    baseline: float
    direction: Literal["below", "above"]
    levels: tuple[float | None, ...] = (None,) * len(SHARES)
    draws: int = 0
    open_request: str | None = None
    loops: int = 0

    def detector(self, alpha: float) -> Trigger:
        """Return the detector as it stands."""
        levels = tuple(-math.inf if level is None else level for level in self.levels)
        return Trigger(alpha, self.baseline, self.direction, levels)

    def bits(self, alpha: float) -> float | None:
        """Return how far the detector has risen, in bits; None before the first draw."""
        bits = self.detector(alpha).bits
        return bits if math.isfinite(bits) else None


class Fired(Record):
    """A trigger that fired: which, on what, with the numbers that fired it."""

    trigger: Literal["pool_degraded", "unnoticed_structure", "enough_draws", "history_grown"]
    request: Literal["learning_loop", "pipeline_rerun"]
    reason: str
    bits: float | None = None
    required: float | None = None


def watch(score: Score) -> Watch:
    """Begin to watch the model behind a score: a claim can degrade, an even pool can turn out to hit too often."""
    claims = score.stated > CLAIMS * score.chance
    baseline = min(max(score.stated if claims else score.chance, LEAST), MOST)
    return Watch(model=score.model, baseline=baseline, direction="below" if claims else "above")


def update(state: Watch | None, score: Score, alpha: float) -> tuple[Watch, Fired | None]:
    """Take in one score; a new model starts a new watch, an open request keeps the trigger silent.

    Under a sound model the mean number of draws between false alarms is at least 1/alpha.
    """
    if state is None or state.model != score.model:
        kept = {"open_request": state.open_request, "loops": state.loops} if state else {}
        state = watch(score).model_copy(update=kept)
    if score.chance >= 1.0:
        return state, None
    detector = state.detector(alpha)
    bits = detector.update(score.hit)
    after = state.model_copy(update={"levels": detector.levels, "draws": state.draws + 1})
    if after.draws >= SETTLED_DRAWS:
        after = after.model_copy(update={"loops": 0})
    if not detector.fired or after.open_request is not None:
        return after, None
    return after, _fired(after, bits, alpha)


def _fired(state: Watch, bits: float, alpha: float) -> Fired:
    required = required_bits(alpha)
    numbers = (
        f"{bits:.1f} of {required:.1f} bits after {state.draws} draws, stated hit rate {state.baseline:.4g}; "
        f"false alarms at most once in {1 / alpha:.0f} draws"
    )
    if state.direction == "below":
        # a loop that did not help is not asked for again: then the search itself is in question
        request: Literal["learning_loop", "pipeline_rerun"] = (
            "pipeline_rerun" if state.loops else "learning_loop"
        )
        return Fired(trigger="pool_degraded", request=request, bits=bits, required=required,
                     reason=f"the pool hits less than it states: {numbers}")  # fmt: skip
    return Fired(trigger="unnoticed_structure", request="pipeline_rerun", bits=bits, required=required,
                 reason=f"an even pool hits more than chance: {numbers}")  # fmt: skip


def opened(state: Watch, request: str) -> Watch:
    """Return the watch while a request is open."""
    return state.model_copy(update={"open_request": request, "loops": state.loops + 1})


def closed(state: Watch) -> Watch:
    """Return the watch after its request has ended, in whatever way: evidence starts from nothing again."""
    return state.model_copy(update={"open_request": None, "levels": (None,) * len(SHARES), "draws": 0})


def due_for_search(
    *, draws: int, searched: int | None, verdict: str | None, need: int | None
) -> Fired | None:
    """Say whether the history calls for another search: enough draws for what was not identifiable, or grown by half.

    `searched` is the number of draws at the last search, None if there was none; an identified history is not
    searched again for its length.
    """
    if searched is None or verdict == "identified" or draws <= searched:
        return None
    if verdict == "not_identifiable" and need is not None:
        if draws < need:
            return None
        return Fired(trigger="enough_draws", request="pipeline_rerun",
                     reason=f"{draws} draws now, {need} make the asked space identifiable")  # fmt: skip
    if draws < math.ceil(searched * GROWTH):
        return None
    return Fired(trigger="history_grown", request="pipeline_rerun",
                 reason=f"{draws} draws now, {searched} when last searched ({verdict})")  # fmt: skip
