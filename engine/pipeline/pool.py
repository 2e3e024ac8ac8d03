"""The pool: a mixture of survivors' predictions with calibrated hit rates, over a uniform floor. Pure; knows no files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from engine.errors import UsageError
from engine.history.history import Draw
from engine.pipeline import bias, proper, varying
from engine.pipeline.artifacts import Component, Pool
from engine.pipeline.replay import NONE, stream
from engine.search.alignment import Alignment

PRIOR_DRAWS = 2.0  # how many draws the model's rate counts for against the draws themselves
LEAST_SHARE = 1e-6  # of the trust; below it a survivor is left to the uniform floor
Basis = Literal["evidence", "model", "bias", "uniform, no evidence"]
Counts = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Believer:
    """One survivor before the mixture: its trust (all of them sum to 1 at most), its rate, and what it scored out of the search."""

    alignment: Alignment
    position: int
    trust: float
    rate: float
    matched: int
    scored: int


def evidence_trust(bits: np.ndarray, rates: np.ndarray, chance: float) -> np.ndarray:
    """Return posterior shares against chance: odds 2^bits, each moved by its model's rate relative to the mean rate."""
    lean = np.log2(np.maximum(rates, chance) / max(float(rates.mean()), chance))
    logs = np.concatenate([[0.0], bits + np.clip(lean, -3.0, 3.0)])
    odds = np.exp2(logs - logs.max())
    return np.asarray(odds[1:] / odds.sum())


def calibrated(rates: np.ndarray, matched: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return hit rates after the draws that nobody selected on: the model's rate is worth PRIOR_DRAWS draws."""
    return np.asarray((PRIOR_DRAWS * rates + matched) / (PRIOR_DRAWS + scored))


def mix(
    believers: Sequence[Believer], span: tuple[int, int], heads: int
) -> tuple[list[tuple[int, float]], float, list[Component]]:
    """Return named values with their probabilities, the probability of every other value, and the components.

    Only values predicted by the `heads` most trusted are named; the trust of the rest goes to the uniform floor.
    """
    modulus = span[1] - span[0] + 1
    live = sorted(
        (one for one in believers if one.trust > LEAST_SHARE),
        key=lambda one: (-one.trust, one.alignment.line()),
    )
    parts = []
    for one in live[:heads]:
        value = int(stream(one.alignment, one.position, 1)[0])
        if value != NONE:
            parts.append((one, value))
    floor = (1.0 - sum(one.trust for one, _ in parts)) / modulus
    # a miss of a component spreads evenly over the other values
    misses = [one.trust * (1.0 - one.rate) / max(1, modulus - 1) for one, _ in parts]
    rest = floor + sum(misses)
    named: dict[int, float] = {}
    for (one, value), miss in zip(parts, misses, strict=True):
        named[value] = named.get(value, rest) - miss + one.trust * (one.rate if modulus > 1 else 1.0)
    ordered = sorted(named.items(), key=lambda item: (-item[1], item[0]))
    components = [
        Component(
            alignment=one.alignment,
            position=one.position,
            predicted=value,
            weight=one.trust,
            rate=one.rate,
            matched=one.matched,
            scored=one.scored,
        )
        for one, value in parts
    ]
    return ordered, rest, components


def make(
    believers: Sequence[Believer],
    *,
    history: str,
    for_draw: int,
    session: str | None,
    span: tuple[int, int],
    basis: Basis,
    model: str,
    heads: int,
) -> Pool:
    """Return the sealed pool for one draw; without believers it is uniform and says so."""
    named, rest, components = mix(believers, span, heads)
    data = {"history": history, "for_draw": for_draw, "session": session, "range": span, "model": model}
    if not named:
        return _sealed(data, basis="uniform, no evidence", heads=(), rest=1.0 / (span[1] - span[0] + 1))
    return _sealed(data, basis=basis, heads=tuple(named), rest=rest, components=tuple(components))


def make_biased(
    counts: Counts, prior: float, *, history: str, for_draw: int, span: tuple[int, int], model: str
) -> Pool:
    """Return the sealed pool of draws that are biased and that no generator explains: their frequencies, smoothed."""
    named, rest = bias.chances(counts, prior, span[1] - span[0] + 1)
    data = {"history": history, "for_draw": for_draw, "session": None, "range": span, "model": model}
    return _sealed(
        data, basis="bias", heads=tuple(named), rest=rest, counts=tuple(sorted(counts)), prior=prior
    )


def _sealed(data: dict[str, Any], **parts: Any) -> Pool:
    heads, (lo, hi) = parts["heads"], data["range"]
    lines = proper.lines(heads, parts["rest"], hi - lo + 1)
    bare = Pool(**{"components": (), **data, **parts}, uniform=not heads, pools=lines, sha256="")
    return bare.model_copy(update={"sha256": seal(bare)})


def seal(pool: Pool) -> str:
    """Return the sha-256 of everything in the pool but the seal itself: what is committed before the draw."""
    data = pool.model_dump(mode="json", exclude={"sha256"})
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def reissue(pool: Pool, next_draw_index: int, seen: Sequence[Draw] = ()) -> Pool:
    """Return the pool for a later draw by advancing the stored alignments; nothing is trained.

    `seen` are the draws from `pool.for_draw` on. They move trust and rates by Bayes' rule, and say which session's stream went on;
    without them only streams over all draws can be advanced. Raises UsageError where that is not enough.
    """
    if seen and next_draw_index != pool.for_draw + len(seen):
        raise UsageError(
            f"reissue for draw {next_draw_index}: {len(seen)} draws from {pool.for_draw} on lead to {pool.for_draw + len(seen)}"
        )
    if next_draw_index < pool.for_draw or (
        not seen and pool.session is not None and next_draw_index > pool.for_draw
    ):
        raise UsageError(
            f"reissue for draw {next_draw_index}: the pool is for draw {pool.for_draw} of session {pool.session}; give the draws between"
        )
    if pool.basis == "bias":
        return make_biased(
            bias.counted(pool.counts, [draw.value for draw in seen]),
            pool.prior,
            history=pool.history,
            for_draw=next_draw_index,
            span=pool.range,
            model=pool.model,
        )
    believers = [_believer(one) for one in pool.components]
    for draw in seen:
        believers = _learn(believers, draw, pool.range)
    if not seen:
        for _ in range(next_draw_index - pool.for_draw):
            believers = _onward([_moved(one, 1) for one in believers])
    return make(
        believers,
        history=pool.history,
        for_draw=next_draw_index,
        session=pool.session,
        span=pool.range,
        basis=pool.basis,
        model=pool.model,
        heads=max(1, len(believers)),
    )


def _believer(one: Component) -> Believer:
    return Believer(one.alignment, one.position, one.weight, one.rate, one.matched, one.scored)


def _moved(one: Believer, ahead: int) -> Believer:
    return Believer(one.alignment, one.position + ahead, one.trust, one.rate, one.matched, one.scored)


def _learn(believers: Sequence[Believer], draw: Draw, span: tuple[int, int]) -> list[Believer]:
    """Move trust by each survivor's likelihood of the draw against the uniform one, then advance the streams it belongs to."""
    modulus = span[1] - span[0] + 1
    chance = 1.0 / modulus
    odds, moved = [], []
    for one in believers:
        mine = one.alignment.session is None or one.alignment.session == draw.session
        if not mine or draw.value is None:
            odds.append(one.trust)
            moved.append(_moved(one, int(mine)))
            continue
        hit = int(stream(one.alignment, one.position, 1)[0]) == draw.value
        likely = one.rate if hit else (1.0 - one.rate) / max(1, modulus - 1)
        odds.append(one.trust * likely / chance)
        weight = PRIOR_DRAWS + one.scored
        rate = (one.rate * weight + hit) / (weight + 1.0)
        moved.append(Believer(one.alignment, one.position + 1, 0.0, rate, one.matched + hit, one.scored + 1))
    rest = max(0.0, 1.0 - sum(one.trust for one in believers))
    total = sum(odds) + rest
    return _onward(
        [
            replace(one, trust=share / total if total > 0 else 0.0)
            for one, share in zip(moved, odds, strict=True)
        ]
    )


def _onward(believers: Sequence[Believer]) -> list[Believer]:
    """Take each stream of varying gaps that went on to every call its next draw may be; those at the same call are one."""
    made = [one for one in believers if not _behind(one)]
    shares: dict[tuple[str, int], float] = {}
    likeliest: dict[tuple[str, int], tuple[Believer, int]] = {}
    for one in sorted((one for one in believers if _behind(one)), key=lambda one: -one.trust):
        stream_of = varying.stream_of(one.alignment).model_dump_json()
        for gap, share in varying.law_of(one.alignment).items():
            place = stream_of, sum(one.alignment.gap.pattern or ()) + gap
            likeliest.setdefault(place, (one, gap))
            shares[place] = shares.get(place, 0.0) + one.trust * share
    kept = sorted(shares, key=lambda place: -shares[place])[: max(varying.MOST, len(believers))]
    for place in kept:
        one, gap = likeliest[place]
        made.append(replace(one, alignment=varying.onward(one.alignment, gap), trust=shares[place]))
    return made


def _behind(one: Believer) -> bool:
    gap = one.alignment.gap
    return gap.law == "range" and one.position > len(gap.pattern or ())
