"""What the pipeline's last steps are worth: lift against chance, silence on null data, p-values, calibration, time, and unbroken resuming.

Each measure runs the real steps over scenarios whose truth the pipeline cannot see. `lift`, `nulls` and `permutation` do the workers' tasks
in this process (the same functions, no worker processes), so that hundreds of histories fit into minutes on one core; `whole` and
`resume` use the command and the engine as they are. Rows go to --out as JSON lines; `report` sums them up, over several runs.
Run: python benchmarks/pipeline.py lift|nulls|reliability|permutation|whole|resume [--count N] [--seed S] [--out FILE]; report FILE
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kstest

from engine.compute.inputs import Input
from engine.compute.inputs import Shelf as Inputs
from engine.compute.kinds import resolve
from engine.compute.stop import Stop, StopWord
from engine.compute.stream import Tasks, each
from engine.compute.task import Task, TaskResult
from engine.history.history import Draw, History
from engine.pipeline import proper, reacquire, step6_prediction
from engine.pipeline.artifacts import MODEL_META, POOL, SCORED, WINDOW, ModelMeta, Pool, WindowConfig
from engine.pipeline.bias import bias_of, chances
from engine.pipeline.context import RunContext
from engine.pipeline.gains import rates, weights
from engine.pipeline.intervals import hits_interval, permutation_ps
from engine.pipeline.parameters import PipelineParameters
from engine.pipeline.pool import Believer, make, reissue
from engine.pipeline.replay import Lines, next_position, predictions
from engine.pipeline.runner import run_pipeline
from engine.pipeline.seedtree import SeedTree
from engine.pipeline.shelf import Shelf
from engine.pipeline.trainers import trainer
from engine.scenarios import balls, reseeded
from engine.scenarios.catalog import make as scenario
from engine.scenarios.scenario import Asked
from engine.search.ranges import Range
from engine.search.space import Space
from engine.seedtree import named_rng
from state.artifacts import ArtifactStore
from state.journal import Journal

STEPS = ("1", "2.5", "3", "4", "5", "6")
SMALL = {
    "window_trials": 4, "window_batch": 2, "window_seeds": 1 << 12, "max_survivors": 64, "scorer_trials": 4, "scorer_batch": 2,
    "twins": 12, "twin_decoys": 12, "min_candidates": 24, "rungs": 1, "decoy_histories": 1,
}  # fmt: skip
POOL_SIZE = 20


class Here:
    """The compute engine's interface over this process: the same kinds of task, no workers."""

    def __init__(self, folder: Path) -> None:
        self.word = StopWord(folder / "stop.word")
        self.inputs = folder / "inputs"

    async def run(self, task: Task) -> TaskResult:
        """Do one task now."""
        await asyncio.sleep(0)
        began = time.perf_counter()
        stop = Stop(self.word, self.word.generation())
        given = {**Inputs(self.inputs).arrays(one.digest for one in task.inputs), **task.arrays}
        meta, arrays = resolve(task.kind)(dict(task.params), given, stop)
        return TaskResult(task.key, True, meta, arrays, None, time.perf_counter() - began, "here", False)

    @asynccontextmanager
    async def shared(self, arrays: Mapping[str, np.ndarray]) -> AsyncIterator[Input]:
        """Lend arrays as a file."""
        yield Input.write(self.inputs, arrays)

    async def map(self, tasks: Tasks, *, window: int | None = None) -> AsyncIterator[TaskResult]:
        """Do tasks one after the other."""
        async for task in each(tasks):
            yield await self.run(task)


@contextmanager
def context(history: History, seed: int, space: Space, **changes: Any) -> Iterator[RunContext]:
    """Open a run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mimicry-pipeline-") as name:
        folder = Path(name)
        with Journal.open(folder) as journal:
            yield RunContext(
                history=history, compute=Here(folder), journal=journal, artifacts=ArtifactStore(folder / "artifacts"), run="run",
                seeds=SeedTree(seed), parameters=PipelineParameters(**{**SMALL, **changes}), space=space,
            )  # fmt: skip


def run_steps(ctx: RunContext) -> None:
    """Run all six; a failed step ends the benchmark."""
    for outcome in asyncio.run(run_pipeline(ctx, STEPS, lambda _: None)):
        if not outcome.ok:
            raise SystemExit(f"step {outcome.step} failed: {outcome.note} {outcome.findings}")


def published(ctx: RunContext) -> Pool:
    """Return step 6's pool."""
    return Pool.parse(ctx.artifacts.read_json(POOL), POOL)


# -- lift through a reseed ------------------------------------------------------------------------------------------------

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


def walk(pool: Pool, draws: list[Draw], at: int, right: tuple[int, ...], here: Here) -> dict[str, Any]:
    """Judge each draw by the pool sealed before it, then advance the pool; search again where the stream misses."""
    seeds, watch = (0, LIFT.seeds - 1), reacquire.begin(pool)
    hits, bits, named, slowest, searches, searching = [], [], [], 0.0, 0, 0.0
    for draw in draws[LEARNT:]:
        told = proper.outcome(pool, draw.value or 0)
        hits.append(told.inside[POOL_SIZE])
        bits.append(told.bits)
        named.append(bool(pool.heads) and pool.heads[0][0] == right[draw.index])
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
        "reseeded": at, "lift": sum(hits) / walked * LIFT.size / POOL_SIZE, "oracle": oracle / walked * LIFT.size / POOL_SIZE,
        "recovered": again, "bits": float(np.mean(bits)), "before": sum(hits[: at - LEARNT]), "reissue_s": slowest,
        "searches": searches, "search_s": searching,
    }  # fmt: skip


# -- silence on null data -------------------------------------------------------------------------------------------------

NULLS, NULL_DRAWS, NULL_LEARNT = 100, 240, 120
BALLS = (("euromillions", "b1"), ("euromillions", "b3"), ("euromillions", "b5"), ("loto", "b1"), ("loto", "b3"), ("loto", "b5"), ("loto", "e1"), ("powerball", "red"))  # fmt: skip


def null_histories(count: int) -> Iterator[tuple[str, tuple[int, ...], tuple[int, int]]]:
    """Yield half uniform draws, half balls: cuts of public lotteries that share no draw."""
    for number in range(count - count // 2):
        size = (30, 50, 100)[number % 3]
        yield "random", tuple(named_rng(number, "null").integers(0, size, NULL_DRAWS).tolist()), (0, size - 1)
    cuts = [(game, ball, first) for first in range(0, 1920, NULL_DRAWS) for game, ball in BALLS]
    whole = [one for one in cuts if one[2] + NULL_DRAWS <= len(balls.draws(one[0], one[1]))]
    for game, ball, first in whole[: count // 2]:
        made = scenario(game, Asked(draws=NULL_DRAWS, ball=ball, first=first))
        yield f"{game} {ball}", made.values, made.range


def null(kind: str, values: tuple[int, ...], span: tuple[int, int], seed: int) -> dict[str, Any]:
    """Run the steps on one half; judge on the other what the pool would name if the model were trusted all the same."""
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


# -- calibration, p-values ------------------------------------------------------------------------------------------------


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


# -- the command as it is -------------------------------------------------------------------------------------------------


def whole(seed: int) -> dict[str, Any]:
    """Run `analyze --pipeline` over 500 noisy draws on two workers; time it and watch the memory of all its processes."""
    import psutil

    with tempfile.TemporaryDirectory(prefix="mimicry-whole-") as name:
        draws = Path(name) / "draws.csv"
        draws.write_text(scenario("noisy", Asked(draws=500, seed=seed)).csv())
        command = [
            sys.executable,
            "-m",
            "engine.cli",
            "analyze",
            str(draws),
            "--range",
            "0:999",
            "--families",
            "lcg48/java",
        ]
        command += [
            "--seeds",
            "0:1048575",
            "--gaps",
            "0:3",
            "--starts",
            "0:0",
            "--noise",
            "0.2",
            "--workers",
            "2",
        ]
        command += ["--pipeline", "--state", f"{name}/state"]
        began, peak = time.perf_counter(), 0
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while child.poll() is None:
            peak = max(peak, memory(psutil.Process(child.pid)))
            time.sleep(0.2)
        assert child.stdout is not None
        said = child.stdout.read()
        seconds = time.perf_counter() - began
    if child.returncode:
        raise SystemExit(said)
    return {"seconds": seconds, "peak_gb": peak / 2**30, "said": said.splitlines()[-8:]}


def memory(process: Any) -> int:
    """Return the resident bytes of a process and its descendants."""
    import psutil

    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it ended while we looked
            continue
    return total


RESUME = Asked(draws=120, range=(0, 99), noise=0.2, seeds=1 << 12, gap=1)


def resume_child(folder: Path) -> None:
    """Run the steps in a folder that may hold an interrupted run; print nothing, be killed at any moment."""
    made = scenario("noisy", RESUME)
    space = Space(
        range=made.range,
        families=("lcg48/java",),
        mappings=("java_bounded",),
        gaps=Range(0, 1),
        starts=Range(0, 0),
    )
    with Journal.open(folder) as journal:
        ctx = RunContext(
            history=History.of(made.values), compute=Here(folder), journal=journal, artifacts=ArtifactStore(folder / "artifacts"),
            run="run", seeds=SeedTree(1), parameters=PipelineParameters(**{**SMALL, "save_all_models": True}), space=space,
        )  # fmt: skip
        run_steps(ctx)


def resume(seed: int) -> dict[str, Any]:
    """Kill the run at random moments until it ends, and compare every artifact's content with an unbroken run's."""
    rng = named_rng(seed, "resume")
    with tempfile.TemporaryDirectory(prefix="mimicry-resume-") as name:
        plain, broken = Path(name) / "plain", Path(name) / "broken"
        seconds = [_child(plain, None)]
        kills = 0
        while _child(broken, float(rng.uniform(0.15, 1.0)) * max(seconds)) is None:
            kills += 1
        whole, resumed = contents(plain), contents(broken)
        differ = sorted(name for name in {*whole, *resumed} if whole.get(name) != resumed.get(name))
        return {"kills": kills, "same": not differ, "differ": differ, "artifacts": len(whole)}


def _child(folder: Path, limit: float | None) -> float | None:
    """Run the child; return its seconds, or None where it was killed after `limit`."""
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, __file__, "resume-child", "--out", str(folder)], start_new_session=True
    )
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return None
    if code:
        raise SystemExit(f"the run in {folder} ended with {code}")
    return time.perf_counter() - began


def contents(folder: Path) -> dict[str, str]:
    """Return content_sha256 by artifact."""
    store = ArtifactStore(folder / "artifacts")
    names = [one.name.removesuffix(".lineage.json") for one in store.directory.glob("*.lineage.json")]
    return {name: store.lineage(name).content_sha256 for name in sorted(names)}


# -- running and summing up -----------------------------------------------------------------------------------------------


def rows(measure: str, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row per repetition."""
    if measure == "nulls":
        for number, (kind, values, span) in itertools.islice(
            enumerate(null_histories(NULLS)), seed, seed + count
        ):
            yield null(kind, values, span, number)
        return
    one = {
        "lift": lift,
        "reliability": reliability,
        "permutation": permutation,
        "whole": whole,
        "resume": resume,
    }[measure]
    for number in range(seed, seed + count):
        yield one(number)


def summary(measure: str, found: list[dict[str, Any]]) -> str:
    """Return the figures of one measure as one line."""
    column = {name: [row[name] for row in found] for name in found[0]}
    count = len(found)
    if measure == "lift":
        return (
            f"{count} walks: lift mean {np.mean(column['lift']):.1f}, median {np.median(column['lift']):.1f} (oracle {np.mean(column['oracle']):.1f}), "
            f"recovered in median {np.median(column['recovered']):.0f} draws, worst {max(column['recovered'])}; reissue at most "
            f"{max(column['reissue_s']) * 1000:.0f} ms, {np.sum(column['search_s']) / max(1, np.sum(column['searches'])):.2f} s a search"
        )
    if measure == "nulls":
        return (
            f"{count} histories: 1.00 inside in {sum(column['holds'])}, uniform and no evidence in {sum(column['uniform'])}, "
            f"mean lift {np.mean(column['lift']):.3f}; step 5's own interval holds 1.00 in {sum(column['final_holds'])}"
        )
    if measure == "reliability":
        return (
            f"{count} histories: slope {sum(column['together']) / sum(column['alone']):.3f} over all (each {min(column['slope']):.2f} to "
            f"{max(column['slope']):.2f}), {np.mean(column['bits']):.3f} bits a draw over an even chance"
        )
    if measure == "permutation":
        exact, ties = (kstest(column[name], "uniform").pvalue for name in ("p", "p_random_ties"))
        low = [sum(p <= level for p in column["p"]) / count for level in (0.01, 0.05, 0.1)]
        fresh = [p for row in found for p in row["fresh"]]
        more = f"; {len(fresh)} fresh blocks: KS p {kstest(fresh, 'uniform').pvalue:.3f}"
        return (
            f"{count} runs: KS p {ties:.3f} with ties split at random, {exact:.3g} as used (ties count as reached); shares below 0.01, 0.05, 0.1: {low}; signals {sum(column['signal'])}"
            + more
        )
    if measure == "resume":
        return f"{count} runs, {sum(column['kills'])} kills: same contents in {sum(column['same'])}"
    return f"{count} runs: {max(column['seconds']):.0f} s and {max(column['peak_gb']):.2f} GiB at most"


def main() -> int:
    """Run one measure, or sum up rows that were measured before."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measure")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.measure == "resume-child":
        resume_child(asked.out)
        return 0
    if asked.measure == "report":
        for path in asked.files:
            found = [json.loads(line) for line in path.read_text().splitlines()]
            print(f"{path.stem}: {summary(path.stem.partition('-')[0], found)}")
        return 0
    began, found = time.perf_counter(), []
    if asked.measure == "nulls" and asked.seed >= NULLS:
        parser.error(f"nulls: there are {NULLS} histories; --seed is the first of them")
    for row in rows(asked.measure, asked.count, asked.seed):
        found.append(row)
        if asked.out:
            with asked.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print(f"{asked.measure}: {summary(asked.measure, found)}; {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
