"""One trial of step 1: which parameters are searched, what the first trials are told, its sweep, and its worth in bits of evidence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from engine.evidence.chance import log2_expected_false, search_block, threshold_for
from engine.evidence.uniformity import match_probability
from engine.pipeline.context import RunContext
from engine.pipeline.study import startup
from engine.pipeline.window_plan import SHORTEST_WINDOW, Plan
from engine.search.design import LONGEST_BLOCK
from engine.search.survivors import Survivors
from engine.search.sweep import SweepResult, SweepSpec

ALL_DRAWS = "all draws"
EXPECTED = (1.0, 8.0, 64.0)  # expected false survivors that set the count threshold
UNSEEN_FLOOR = -20.0  # bits; below it one hopeless survivor is hardly worse than another
OPENING_NOISE, OPENING_POWER = 0.2, 0.99  # that the first trials' windows are made for
ANCHORS = ("history", "window")  # where starts are counted from: the first draw, or the window's
ANCHORED = 4  # of the first trials one in so many looks for that


def distributions(ctx: RunContext, plan: Plan) -> dict[str, BaseDistribution]:
    """Return the searched parameters; `start` and `length` count draws of the chosen stream."""
    longest = min(LONGEST_BLOCK, plan.end)
    return {
        "anchor": CategoricalDistribution(ANCHORS),
        "law": CategoricalDistribution(plan.laws),
        "session": CategoricalDistribution([ALL_DRAWS if one is None else one for one in plan.sessions]),
        "start": IntDistribution(0, max(0, plan.end - SHORTEST_WINDOW)),
        "length": IntDistribution(min(SHORTEST_WINDOW, longest), longest),
        "gaps": IntDistribution(*plan.gaps),
        "starts": IntDistribution(*plan.starts),
        "expected": CategoricalDistribution(EXPECTED),
    }


def opening(ctx: RunContext, plan: Plan) -> dict[int, dict[str, Any]]:
    """Return what the first trials are told: the whole asked depth, in a window that a fifth of wrong draws leaves sharp.

    Streams take turns, each at the first draws, then at the latest, then between. One in four looks for a seeding inside the
    history, one tries the other law of gaps; what is not told here the sampler finds.
    """
    deep = {"gaps": plan.gaps[1], "starts": plan.starts[1]}
    labels = [ALL_DRAWS if one is None else one for one in sorted(plan.sessions, key=lambda one: one is None)]
    told: dict[int, dict[str, Any]] = {}
    for at in range(min(startup(ctx.parameters.window_batch), ANCHORED * len(labels))):
        if at % ANCHORED == ANCHORED - 1:
            told[at] = {"anchor": "window", "law": plan.laws[0], **deep}
            continue
        law = plan.laws[-1] if at % ANCHORED == ANCHORED - 2 else plan.laws[0]
        length = _sharp(plan, {"law": law, "anchor": "history", **deep})
        turn, stream = divmod(at - at // ANCHORED, len(labels))
        if (
            law == "range"
        ):  # laid out from the first draw, wherever it is told to start: each turn looks further
            length = min(LONGEST_BLOCK, plan.end, length * (2 + turn) // 2)
        spots = (0, plan.end - length, (plan.end - length) // 2)
        told[at] = {
            "anchor": "history", "law": law, "session": labels[stream], "start": spots[turn % len(spots)], "length": length,
            "expected": EXPECTED[0], **deep,
        }  # fmt: skip
    return told


def _sharp(plan: Plan, params: dict[str, Any]) -> int:
    """Return how long a window must be to leave one false survivor in, and the truth with a fifth of its draws wrong."""
    longest = min(LONGEST_BLOCK, plan.end)
    chance = 1.0 / (plan.range[1] - plan.range[0] + 1)
    found = search_block(plan.hypotheses(params), longest, chance, OPENING_NOISE, power=OPENING_POWER)
    return max(min(SHORTEST_WINDOW, longest), found.draws if found else longest)


def spec_of(ctx: RunContext, plan: Plan, key: str, number: int, params: dict[str, Any]) -> SweepSpec:
    """Turn a trial's parameters into its sweep; a window that does not fit its stream is moved, then cut, to fit."""
    head = ctx.history.head(plan.end)
    session = None if params["session"] == ALL_DRAWS else params["session"]
    values = head.values if session is None else head.session(session).values
    present = np.flatnonzero(values >= 0)
    length = min(params["length"], len(present))
    first = min(params["start"], int(present[len(present) - length]))
    first = (
        0 if params["law"] == "range" else first
    )  # gaps that vary are laid out from the stream's first draw
    p = match_probability(values[present], *plan.range)
    threshold = threshold_for(plan.hypotheses(params), length, p, expected=params["expected"]) or length
    return SweepSpec(
        history=head,
        families=ctx.space.families,
        mappings=ctx.space.mappings,
        range=plan.range,
        seeds=plan.seeds,
        starts=plan.depth(params),
        gaps=plan.reach(params),
        window_start=first,
        window_length=length,
        threshold=max(1, threshold),
        run=ctx.run,
        key=f"{key}/sweep/{number}",
        rng_seed=ctx.seeds.child("step1").integer(f"sweep/{number}"),
        session=session,
        noise=ctx.space.noise,
        keep=ctx.parameters.max_survivors,
        trial=number,
        law=params["law"],
        anchored=plan.anchored(params),
    )


def joined(parts: Sequence[SweepResult]) -> SweepResult:
    """Return what the rungs of a trial found together."""
    backward: Counter[Any] = Counter()
    for one in parts:
        backward.update(one.backward)
    tables = [one.survivors for one in parts if one.survivors is not None and len(one.survivors)]
    return SweepResult(
        hits=sum(one.hits for one in parts),
        best=max(one.best for one in parts),
        null_hits=(sum(one.null_hits[0] for one in parts), sum(one.null_hits[1] for one in parts)),
        null_best=(max(one.null_best[0] for one in parts), max(one.null_best[1] for one in parts)),
        planted=sum(one.planted for one in parts),
        found=sum(one.found for one in parts),
        hypotheses=sum(one.hypotheses for one in parts),
        expected_false=sum(one.expected_false for one in parts),
        survivors=Survivors.join(tables[0].header, tables) if tables else None,
        backward=backward,
    )


def objective(found: SweepResult, spec: SweepSpec, trials: int, plan: Plan) -> float:
    """Return the trial's evidence in bits over its null twins, corrected for the number of trials.

    The window's part is the e-value 1/(2 sqrt(p)) of its best match's p-value, what the null twins' best would earn taken off; the
    unseen part is the best survivor's e-value on draws outside the window, each survivor charged for its rank.
    """
    survivors, p = found.survivors, chance_of(spec, plan)
    cost = math.log2(trials) + 1.0

    def rarity(best: int) -> float:
        bits = -log2_expected_false(max(1, found.hypotheses), spec.window_length, best, p)
        return max(0.0, bits) / 2.0

    if survivors is None or not len(survivors):
        return UNSEEN_FLOOR - cost - math.log2(1.0 + found.expected_false)
    unseen = float(survivors["evidence_bits"].max())
    if unseen < UNSEEN_FLOOR:
        unseen = UNSEEN_FLOOR - math.log2(1.0 + UNSEEN_FLOOR - unseen)
    return max(0.0, rarity(found.best) - rarity(max(found.null_best))) + unseen - cost


def chance_of(spec: SweepSpec, plan: Plan) -> float:
    """Return how often a fixed prediction matches a draw of the searched part."""
    return match_probability(spec.history.values[spec.history.values >= 0], *plan.range)


def detail(spec: SweepSpec, found: SweepResult, rungs: int) -> dict[str, Any]:
    """Return what a reader of the trial wants to know beside its parameters and value."""
    return {
        "rungs": rungs,
        "law": spec.law,
        "anchored": spec.anchored,
        "window": [spec.window_start, spec.window_length],
        "threshold": spec.threshold,
        "hits": found.hits,
        "best": found.best,
        "null_hits": list(found.null_hits),
        "null_best": list(found.null_best),
        "expected_false": found.expected_false,
        "hypotheses": found.hypotheses,
        "planted": found.planted,
        "found": found.found,
    }
