"""What the pipeline says where there is nothing: pools and p-values on null data, and how well a bias is calibrated."""

import asyncio
from functools import cache
from typing import Any

import numpy as np
from one_run import POOL_SIZE, Column, context, published, run_steps
from scipy.stats import kstest

from engine.history.history import Draw, History
from engine.pipeline import proper, step6_prediction
from engine.pipeline.artifacts import MODEL_META, SCORED, WINDOW, ModelMeta, Pool, WindowConfig
from engine.pipeline.bias import bias_of, chances
from engine.pipeline.context import RunContext
from engine.pipeline.gains import rates, weights
from engine.pipeline.intervals import hits_interval, permutation_ps
from engine.pipeline.pool import Believer, make, reissue
from engine.pipeline.replay import Lines, next_position, predictions
from engine.pipeline.shelf import Shelf
from engine.pipeline.trainers import trainer
from engine.scenarios import balls
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked
from engine.search.ranges import Range
from engine.search.space import Space
from engine.seedtree import named_rng

NULLS, BALL_HISTORIES, NULL_DRAWS, NULL_LEARNT = 100, 48, 240, 120
BALLS = (("euromillions", "b1"), ("euromillions", "b3"), ("euromillions", "b5"), ("loto", "b1"), ("loto", "b3"), ("loto", "b5"), ("loto", "e1"), ("powerball", "red"))  # fmt: skip


@cache
def null_histories() -> list[tuple[str, tuple[int, ...], tuple[int, int]]]:
    """Return uniform draws, then balls: cuts of public lotteries that share no draw, as many as the packages hold."""
    found: list[tuple[str, tuple[int, ...], tuple[int, int]]] = []
    for number in range(NULLS - BALL_HISTORIES):
        size = (30, 50, 100)[number % 3]
        values = tuple(named_rng(number, "null").integers(0, size, NULL_DRAWS).tolist())
        found.append(("random", values, (0, size - 1)))
    cuts = [(game, ball, first) for first in range(0, 1920, NULL_DRAWS) for game, ball in BALLS]
    for game, ball, first in (one for one in cuts if one[2] + NULL_DRAWS <= len(balls.draws(one[0], one[1]))):
        made = scenario(game, Asked(draws=NULL_DRAWS, ball=ball, first=first))
        found.append((f"{game} {ball}", made.values, made.range))
    return found


def null(seed: int) -> dict[str, Any]:
    """Run the steps on one half of a null history; judge on the other what the pool would name if the model were trusted all the same."""
    kind, values, span = null_histories()[seed]
    space = Space(range=span, families=("lcg48/java",), mappings=("java_bounded",), gaps=Range(0, 3))
    with context(History.of(values[:NULL_LEARNT]), seed, space) as ctx:
        run_steps(ctx)
        pool, meta = published(ctx), ModelMeta.parse(ctx.artifacts.read_json(MODEL_META), MODEL_META)
        shadow = forced(ctx, meta)
    size = max(1, (span[1] - span[0] + 1) // 5)
    hits = 0
    for index, value in enumerate(values[NULL_LEARNT:], start=NULL_LEARNT):
        hits += value in proper.members(shadow, size)
        shadow = reissue(shadow, index + 1, [Draw(index, value)])
    walked = NULL_DRAWS - NULL_LEARNT
    got = hits_interval(hits, walked, size / (span[1] - span[0] + 1))
    mine = meta.final["models"][meta.family]
    return {
        "kind": kind, "uniform": pool.uniform, "basis": pool.basis, "signal": meta.signal, "hits": hits, "size": size,
        "lift": got.value, "lo": got.lo, "hi": got.hi, "holds": got.lo <= 1.0 <= got.hi,
        "final_holds": mine["lift"]["lo"] <= 1.0 <= mine["lift"]["hi"],
    }  # fmt: skip


def forced(ctx: RunContext, meta: ModelMeta) -> Pool:
    """Return the pool that would be published if a model without a signal were trusted."""
    shelf, lines = Shelf(ctx, "6"), Lines.of(ctx.history)
    scored, config = shelf.scored(SCORED), shelf.read(WINDOW, WindowConfig)
    stated = asyncio.run(step6_prediction.state_rates(ctx, scored, meta, shelf.raw(meta.file)))
    share = weights(stated, meta.chance)
    believers = [
        Believer(
            one, next_position(one, lines), float(share[at]) * 0.5, float(max(stated[at], meta.chance)), 0, 0
        )
        for at, one in enumerate(scored.survivors)
    ]
    return make(
        believers, history=ctx.history.digest, for_draw=len(ctx.history), session=None, span=config.range, basis="model",
        model=meta.model, heads=POOL_SIZE,
    )  # fmt: skip


def reliability(seed: int) -> dict[str, Any]:
    """Foretell each draw of a biased history from those before it, as step 6 and its re-issues do; keep what was stated and what came."""
    asked = Asked(draws=1000, range=(0, 99), seed=seed)
    values, size = np.array(scenario("biased", asked).values), asked.size
    first, stated, came = 500, [], []
    skew = bias_of(values[:first], asked.range)
    counts = np.bincount(values[:first], minlength=size)
    for value in values[first:]:
        named, rest = chances([(at, int(one)) for at, one in enumerate(counts) if one], skew.prior, size)
        row = np.full(size, rest)
        row[[at for at, _ in named]] = [chance for _, chance in named]
        stated.append(row)
        came.append(np.arange(size) == value)
        counts[value] += 1
    told, happened = np.concatenate(stated), np.concatenate(came).astype(float)
    bits, spread = np.log2(told[happened == 1.0] * size), told - told.mean()
    return {
        "evidence": skew.bits, "slope": proper.reliability_slope(told, happened), "bits": float(bits.mean()),
        "together": float(spread @ happened), "alone": float(spread @ spread),
    }  # fmt: skip


def permutation(seed: int) -> dict[str, Any]:
    """Run all steps on uniform draws; return the stored model's p on its final block, and on eight fresh blocks of uniform draws."""
    values = named_rng(seed, "permutation").integers(0, 10, 150).tolist()
    space = Space(range=(0, 9), families=("lcg48/java",), mappings=("java_bounded",), gaps=Range(0, 3))
    with context(History.of(values), seed, space) as ctx:
        run_steps(ctx)
        meta = ModelMeta.parse(ctx.artifacts.read_json(MODEL_META), MODEL_META)
        fresh = [fresh_p(ctx, meta, named_rng(seed, "fresh", turn)) for turn in range(8)]
    mine = meta.final["models"][meta.family]
    return {
        "p": mine["permutation_p"], "p_random_ties": mine["permutation_p_random_ties"], "signal": meta.signal, "fresh": fresh,
    }  # fmt: skip


def fresh_p(ctx: RunContext, meta: ModelMeta, rng: np.random.Generator) -> float:
    """Return the trained model's p, ties split at random, on a final block of draws that nothing has seen."""
    shelf, lines = Shelf(ctx, "6"), Lines.of(ctx.history)
    scored = shelf.scored(SCORED)
    cut, end, _ = scored.head.final
    rate = rates(trainer(meta.family).load(shelf.raw(meta.file)).margin(scored.x[-2]), meta.chance)[
        : scored.real
    ]
    told = predictions(list(scored.survivors), lines)[:, cut:end]
    drawn = rng.integers(0, 10, end - cut)
    return permutation_ps(told, drawn, weights(rate, meta.chance), 999, rng, lambda: None).random_ties


def nulls_told(column: Column, count: int) -> str:
    """Return the figures of null histories as one line."""
    return (
        f"{count} histories: 1.00 inside in {sum(column['holds'])}, uniform and no evidence in {sum(column['uniform'])}, "
        f"mean lift {np.mean(column['lift']):.3f}; step 5's own interval holds 1.00 in {sum(column['final_holds'])}"
    )


def reliability_told(column: Column, count: int) -> str:
    """Return the figures of biased histories as one line."""
    return (
        f"{count} histories: slope {sum(column['together']) / sum(column['alone']):.3f} over all (each {min(column['slope']):.2f} to "
        f"{max(column['slope']):.2f}), {np.mean(column['bits']):.3f} bits a draw over an even chance"
    )


def permutation_told(column: Column, count: int) -> str:
    """Return how uniform the p-values are."""
    exact, ties = (kstest(column[name], "uniform").pvalue for name in ("p", "p_random_ties"))
    low = [sum(p <= level for p in column["p"]) / count for level in (0.01, 0.05, 0.1)]
    fresh = [p for row in column["fresh"] for p in row]
    return (
        f"{count} runs: KS p {ties:.3f} with ties split at random, {exact:.3g} as used (ties count as reached); shares below 0.01, 0.05, "
        f"0.1: {low}; signals {sum(column['signal'])}; {len(fresh)} fresh blocks: KS p {kstest(fresh, 'uniform').pvalue:.3f}"
    )
