"""When to ask for new work: sequential tests with a stated false-alarm rate, silent while a request is open and a while after."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.evidence.evalue import required_bits
from engine.evidence.evenness import Evenness
from engine.evidence.sequential import SHARES, Rise, Trigger, spent
from engine.feedback.diagnostics import Score

CLAIMS = 1.5
GROWTH = 1.5
LEAST, MOST = 1e-6, 0.99
SETTLED_DRAWS = 50
GONE = SHARES[-1]

Kind = Literal["pool_degraded", "generator_changed", "unnoticed_structure", "draws_uneven", "enough_draws", "history_grown"]  # fmt: skip
Asks = Literal["learning_loop", "pipeline_rerun"]


class Record(BaseModel):
    """Strict, immutable base of the records in this module."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Watch(Record):
    """One model under watch: the hit rate it states, which change matters, the detectors' levels, the open request.

    `draws` are those scored since the evidence began; `silent` are those still to pass before it may ask again.
    `rise_bits` and `rise_since` say where the present change seems to have begun; `counts` and `even_bits` test the
    draws themselves, which is all that an even pool leaves to test.
    """

    model: str
    baseline: float
    direction: Literal["below", "above"]
    levels: tuple[float | None, ...] = (None,) * len(SHARES)
    draws: int = 0
    rise_bits: float = 0.0
    rise_since: int | None = None
    counts: tuple[int, ...] = ()
    even_bits: float = 0.0
    silent: int = 0
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

    @property
    def may_ask(self) -> bool:
        """Say whether an alarm would be acted on now."""
        return self.open_request is None and self.silent == 0


class Fired(Record):
    """A trigger that fired: which, what it asks for, from which draw on, with the numbers that fired it."""

    trigger: Kind
    request: Asks
    reason: str
    since: int | None = None
    bits: float | None = None
    required: float | None = None


def watch(score: Score) -> Watch:
    """Begin to watch the model behind a score: a claim can degrade, an even pool can turn out to hit too often."""
    claims = score.stated > CLAIMS * score.chance
    baseline = min(max(score.stated if claims else score.chance, LEAST), MOST)
    return Watch(model=score.model, baseline=baseline, direction="below" if claims else "above")


def update(state: Watch | None, score: Score, alpha: float) -> tuple[Watch, Fired | None]:
    """Take in one score; a new model starts a new watch.

    Both tests spend half of `alpha` over all draws to come, so a sound model (the draws even, where the pool is) is
    ever accused with probability `alpha` at most, however long it is watched.
    """
    if state is None or state.model != score.model:
        kept = {"open_request": state.open_request, "loops": state.loops} if state else {}
        state = watch(score).model_copy(update=kept)
    after = _uneven(_degraded(state, score, alpha), score)
    after = after.model_copy(update={"draws": state.draws + 1, "silent": max(0, state.silent - 1)})
    if after.draws >= SETTLED_DRAWS:
        after = after.model_copy(update={"loops": 0})
    return after, _fired(after, alpha) if after.may_ask else None


def _degraded(state: Watch, score: Score, alpha: float) -> Watch:
    """Return the watch after the hit or miss; an even pool names everything and can neither hit nor miss."""
    if score.chance >= 1.0:
        return state
    detector = state.detector(alpha / 2)
    detector.update(score.hit, spent(state.draws + 1))
    rise = Rise(state.rise_bits, state.rise_since).update(detector.ratio(score.hit, GONE), score.for_draw)
    return state.model_copy(
        update={"levels": detector.levels, "rise_bits": rise.bits, "rise_since": rise.since}
    )


def _uneven(state: Watch, score: Score) -> Watch:
    """Return the watch after the drawn value; only an even pool says that draws are even."""
    if score.chance < 1.0 or score.offset is None:
        return state
    even = Evenness(state.counts, state.even_bits).update(score.offset, score.modulus)
    return state.model_copy(update={"counts": even.counts, "even_bits": even.bits})


def _fired(state: Watch, alpha: float) -> Fired | None:
    required = required_bits(alpha / 2)
    bits = state.bits(alpha / 2)
    stated = f"after {state.draws} draws; a sound model is ever accused with probability {alpha:g} at most"
    if state.even_bits >= required:
        return Fired(trigger="draws_uneven", request="pipeline_rerun", bits=state.even_bits, required=required,
                     reason=f"the draws are not even: {state.even_bits:.1f} of {required:.1f} bits {stated}")  # fmt: skip
    if bits is None or bits < required:
        return None
    numbers = f"{bits:.1f} of {required:.1f} bits {stated}, stated hit rate {state.baseline:.4g}"
    if state.direction == "above":
        return Fired(trigger="unnoticed_structure", request="pipeline_rerun", bits=bits, required=required,
                     reason=f"an even pool hits more than chance: {numbers}")  # fmt: skip
    if state.detector(alpha / 2).leading == GONE:
        return Fired(trigger="generator_changed", request="pipeline_rerun", since=state.rise_since, bits=bits, required=required,
                     reason=f"the pool has stopped hitting from draw {state.rise_since} on: {numbers}")  # fmt: skip
    # a loop that did not help is not asked for again: then the search itself is in question
    return Fired(trigger="pool_degraded", request="pipeline_rerun" if state.loops else "learning_loop", bits=bits,
                 required=required, reason=f"the pool hits less than it states: {numbers}")  # fmt: skip


def opened(state: Watch, request: str) -> Watch:
    """Return the watch while a request is open."""
    return state.model_copy(update={"open_request": request, "loops": state.loops + 1})


def closed(state: Watch, *, executed: bool, cooldown: int) -> Watch:
    """Return the watch after its request has ended, silent for `cooldown` draws.

    Where the work was really done, evidence starts from nothing again; where it was not (failed, rejected, cancelled),
    what is known stays known and is told again after the silence.
    """
    left = {"open_request": None, "silent": cooldown}
    if not executed:
        return state.model_copy(update=left)
    gone = {
        "levels": (None,) * len(SHARES),
        "draws": 0,
        "rise_bits": 0.0,
        "rise_since": None,
        "counts": (),
        "even_bits": 0.0,
    }
    return state.model_copy(update={**left, **gone})  # fmt: skip


def due_for_search(
    *, draws: int, searched: int | None, verdict: str | None, need: int | None
) -> Fired | None:
    """Say whether the epoch calls for another search: enough draws for what was not identifiable, or grown by half.

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
