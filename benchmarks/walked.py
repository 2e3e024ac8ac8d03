"""What the pool is worth on draws that nobody saw: a planted truth with noise walked draw by draw, through a reseed or under varying gaps."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import numpy as np
from one_run import POOL_SIZE, Column, Here, context, published, run_steps

from engine.history.history import Draw, History
from engine.history.injector import Plant
from engine.pipeline import proper, reacquire
from engine.pipeline.artifacts import Pool
from engine.pipeline.pool import reissue
from engine.scenarios import plants, reseeded
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked, Scenario, Truth
from engine.search.ranges import Range
from engine.search.space import Space
from engine.seedtree import named_rng

LIFT = Asked(draws=500, noise=0.2, seeds=1 << 20, gap=2)
LEARNT = 100  # draws that the pipeline sees; 400 are walked


def lift(seed: int) -> dict[str, Any]:
    """Walk 400 draws behind one run of the pipeline; the stream is reseeded at a random one of them."""
    rng = named_rng(seed, "lift")
    at = LEARNT + int(rng.integers(20, 380))
    made = reseeded.once(replace(LIFT, seed=seed), named_rng(seed, "scenario"), at)
    draws = [Draw(index, value) for index, value in enumerate(made.values)]
    space = Space(
        range=made.range, families=(made.truth.segments[0].family,), mappings=(made.truth.segments[0].mapping,),
        seeds=(Range(0, LIFT.seeds - 1),), starts=Range(0, 0), gaps=Range(2, 2),
    )  # fmt: skip
    began = time.perf_counter()
    with context(History.of(made.values[:LEARNT]), seed, space, window_seeds=LIFT.seeds) as ctx:
        run_steps(ctx)
        pool, learnt, here = published(ctx), time.perf_counter() - began, ctx.compute
        return {
            "learn_s": round(learnt, 1),
            "basis": pool.basis,
            **walk(pool, draws, at, made.truth.right, here),
        }


def walk(
    pool: Pool,
    draws: list[Draw],
    at: int,
    right: tuple[int, ...],
    here: Here,
    asked: Asked = LIFT,
    first: int = 1,
) -> dict[str, Any]:
    """Judge each draw by the pool sealed before it, then advance the pool; search again where the stream misses.

    A draw is named right where the right value is among the pool's `first`.
    """
    seeds, watch = (0, asked.seeds - 1), reacquire.begin(pool)
    hits, bits, named, slowest, searches, searching = [], [], [], 0.0, 0, 0.0
    for draw in draws[LEARNT:]:
        told = proper.outcome(pool, draw.value or 0)
        hits.append(told.inside[POOL_SIZE])
        bits.append(told.bits)
        named.append(right[draw.index] in [value for value, _ in pool.heads[:first]])
        watch = reacquire.look(watch, pool, draw) or reacquire.begin(pool)
        began = time.perf_counter()
        pool = reissue(pool, draw.index + 1, [draw])
        slowest = max(slowest, time.perf_counter() - began)
        if watch is not None and reacquire.due(watch):
            began, recent = time.perf_counter(), draws[: draw.index + 1]
            result = asyncio.run(here.run(reacquire.task(f"again/{draw.index}", watch, recent, seeds)))
            pool = reacquire.reacquired(pool, watch, result.arrays["found"], recent, seeds)
            searches, searching = searches + 1, searching + time.perf_counter() - began
    walked, oracle = len(hits), sum(a == b.value for a, b in zip(right[LEARNT:], draws[LEARNT:], strict=True))
    again = next((n for n, ok in enumerate(named[at - LEARNT :], start=1) if ok), walked)
    return {
        "reseeded": at, "lift": sum(hits) / walked * asked.size / POOL_SIZE, "oracle": oracle / walked * asked.size / POOL_SIZE,
        "recovered": again, "bits": float(np.mean(bits)), "before": sum(hits[: at - LEARNT]), "reissue_s": slowest,
        "searches": searches, "search_s": searching,
    }  # fmt: skip


def lift_told(column: Column, count: int) -> str:
    """Return the figures of all walks as one line."""
    return (
        f"{count} walks: lift mean {np.mean(column['lift']):.1f}, median {np.median(column['lift']):.1f} (oracle {np.mean(column['oracle']):.1f}), "
        f"recovered in median {np.median(column['recovered']):.0f} draws, worst {max(column['recovered'])}; reissue at most "
        f"{max(column['reissue_s']) * 1000:.0f} ms, {np.sum(column['search_s']) / max(1, np.sum(column['searches'])):.2f} s a search"
    )


# -- lift under varying gaps ----------------------------------------------------------------------------------------------

VARYING = Asked(draws=400, noise=0.2, seeds=1 << 16, gap=3)


def varying(seed: int) -> dict[str, Any]:
    """Walk 300 draws behind one run of the pipeline; another gap of 0 to 3 calls lies before every draw."""
    made = scenario("varying", replace(VARYING, seed=seed))
    return walk_varying(made, len(made.values), seed)


def varying_reseeded(seed: int) -> dict[str, Any]:
    """Do the same where the stream is reseeded at a random one of the 300 draws."""
    rng, first = named_rng(seed, "varying reseeded"), scenario("varying", replace(VARYING, seed=seed))
    at, told = LEARNT + int(rng.integers(20, 200)), first.truth.segments[0]
    plant = Plant(told.family, told.mapping, *first.range, int(rng.integers(VARYING.seeds)), told.start, 0)
    calls = np.concatenate([[0], np.cumsum(rng.integers(1, VARYING.gap + 2, size=VARYING.draws - at - 1))])
    right = plants.replay(plant, int(calls[-1]) + 1)[calls]
    values, wrong = plants.spoil(right, VARYING.noise, first.range, rng)
    truth = Truth((told,), first.truth.right[:at] + tuple(right.tolist()), tuple(one + at for one in wrong))
    return walk_varying(Scenario(first.values[:at] + tuple(values.tolist()), first.range, truth), at, seed)


def walk_varying(made: Scenario, at: int, seed: int) -> dict[str, Any]:
    """Run the steps on the first draws and walk the others."""
    truth = made.truth.segments[0]
    space = Space(
        range=made.range, families=(truth.family,), mappings=(truth.mapping,), seeds=(Range(0, VARYING.seeds - 1),),
        starts=Range(0, 0), gaps=Range(0, VARYING.gap), gap_law="range",
    )  # fmt: skip
    draws, began = [Draw(index, value) for index, value in enumerate(made.values)], time.perf_counter()
    with context(History.of(made.values[:LEARNT]), seed, space, window_seeds=VARYING.seeds) as ctx:
        run_steps(ctx)
        pool, learnt, here = published(ctx), time.perf_counter() - began, ctx.compute
        walked = walk(pool, draws, at, made.truth.right, here, VARYING, POOL_SIZE)
        return {"learn_s": round(learnt, 1), "basis": pool.basis, **walked}


def varying_told(column: Column, count: int) -> str:
    """Return the figures of all histories as one line."""
    return (
        f"{count} histories: lift {min(column['lift']):.1f} to {max(column['lift']):.1f}, mean {np.mean(column['lift']):.1f} (oracle "
        f"{np.mean(column['oracle']):.1f}), {np.mean(column['bits']):.2f} bits a draw; reissue at most {max(column['reissue_s']) * 1000:.0f} ms"
    )


def varying_reseeded_told(column: Column, count: int) -> str:
    """Return the same with how soon the new stream was named."""
    return (
        f"{varying_told(column, count)}; recovered in median {np.median(column['recovered']):.0f} draws, worst {max(column['recovered'])}; "
        f"{np.sum(column['search_s']) / max(1, np.sum(column['searches'])):.2f} s a search"
    )
