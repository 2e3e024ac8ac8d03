"""Step 1, window optimizer: Optuna searches window, session, gap law and gaps, starts and threshold; every trial is a sieve with null twins.

A trial's value is evidence in bits, never a count: how much rarer its best match is than the best of its null twins, plus its
e-value on draws that the window did not show, less what the number of trials costs. Each part is the log of an e-value, so 2^value
averages to 1 at most over all trials where nothing is to be found. A trial sieves its seeds rung by rung and is pruned where the
median of the trials before leads it. Everything here selects, so everything here stays inside the first part of the history; later
steps validate on the rest.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from engine.errors import BadInput, Halted
from engine.evidence.chance import log2_expected_false, search_block, threshold_for
from engine.evidence.evalue import required_bits
from engine.evidence.stretch import log2_stretch
from engine.evidence.uniformity import match_probability
from engine.history.importers import check_range, range_candidates
from engine.pipeline import content
from engine.pipeline.artifacts import (
    SURVIVORS,
    SURVIVORS_EXPORT,
    SURVIVORS_SCHEMA,
    WINDOW,
    TrialRow,
    WindowConfig,
)
from engine.pipeline.blocks import TooFewDraws
from engine.pipeline.context import Progress, RunContext, StepOutcome
from engine.pipeline.replay import Lines, predictions, refuse, tally
from engine.pipeline.shelf import Shelf, code_digest
from engine.pipeline.study import Rungs, Study, Trial, optimise, startup
from engine.search.analysis import Analysis
from engine.search.design import LONGEST_BLOCK, Law
from engine.search.ranges import Range
from engine.search.survivors import SurvivorHeader, Survivors, TrialHeader
from engine.search.sweep import SweepResult, SweepSpec, asked, sweep
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import resolve_families

ALL_DRAWS = "all draws"
SHORTEST_WINDOW = 4
DEEPEST_START, WIDEST_GAP = 7, 7  # where the asked space names no bounds
EXPECTED = (1.0, 8.0, 64.0)  # expected false survivors that set the count threshold
UNSEEN_FLOOR = -20.0  # bits; below it one hopeless survivor is hardly worse than another
SINCE_SEEDING = 8  # draws; a window whose generator was seeded anew is looked for so long after the seeding
OPENING_NOISE, OPENING_POWER = 0.2, 0.99  # that the first trials' windows are made for
ANCHORS = ("history", "window")  # where starts are counted from: the first draw, or the window's
ANCHORED = 4  # of the first trials one in so many looks for that
RUNG = 4  # a rung has so many times the seeds of all before it
Sweeps = dict[int, list[SweepResult]]  # of each trial, rung by rung


@dataclass(frozen=True)
class Plan:
    """What the trials have in common."""

    range: tuple[int, int]
    end: int
    seeds: Range
    starts: tuple[int, int]
    gaps: tuple[int, int]
    codes: int
    sessions: tuple[str | None, ...]
    laws: tuple[Law, ...]

    def reach(self, params: dict[str, Any]) -> tuple[int, int]:
        """Return the gaps that a trial tries; seeds that do not move between draws would repeat one draw."""
        least = max(1, self.gaps[0]) if params["law"] == "reseed" else self.gaps[0]
        return least, max(least, params["gaps"])

    def depth(self, params: dict[str, Any]) -> tuple[int, int]:
        """Return the starts that a trial tries; counted from the window, they cover the draws since the seeding too."""
        since = SINCE_SEEDING * (self.reach(params)[1] + 1) if self.anchored(params) else 0
        return self.starts[0], params["starts"] + since

    @staticmethod
    def anchored(params: dict[str, Any]) -> bool:
        """Say whether starts count from the window; a generator that is seeded before every draw has one way only."""
        return bool(params["anchor"] == "window" and params["law"] == "constant")

    def hypotheses(self, params: dict[str, Any]) -> int:
        """Return how many hypotheses a trial with these parameters tests, at most."""
        (shallow, deep), (least, most) = self.depth(params), self.reach(params)
        return int(self.seeds.size * self.codes * (deep - shallow + 1) * (most - least + 1))

    def rungs(self, count: int) -> list[Range]:
        """Return the seeds of each rung, the first ones fewest."""
        ends = [self.seeds.size // RUNG**back for back in range(count - 1, -1, -1)]
        firsts = [0, *ends[:-1]]
        return [
            self.seeds._replace(lo=self.seeds.lo + first, hi=self.seeds.lo + end - 1)
            for first, end in zip(firsts, ends, strict=True)
            if end > first
        ]


async def run(ctx: RunContext, progress: Progress) -> StepOutcome:
    """Search, keep the best survivors of all trials, write the window's configuration and the survivors."""
    plan = await asyncio.to_thread(make_plan, ctx)
    study = Study(
        "1",
        distributions(ctx, plan),
        ctx.parameters.window_trials,
        ctx.parameters.window_batch,
        _about(ctx, plan),
        ctx.parameters.deterministic,
        opening(ctx, plan),
    )
    key, rungs = study.key(ctx.run), plan.rungs(ctx.parameters.window_rungs)
    sweeps: Sweeps = {}

    def specs(number: int, params: dict[str, Any]) -> list[SweepSpec]:
        whole = spec_of(ctx, plan, key, number, params)
        return [replace(whole, seeds=seeds, key=f"{whole.key}/{at}") for at, seeds in enumerate(rungs)]

    async def one(number: int, params: dict[str, Any], at: Rungs) -> tuple[float, dict[str, Any]]:
        done = sweeps.setdefault(number, [])
        for spec in specs(number, params):
            done.append(await whole_sweep(ctx, spec))
            value = objective(joined(done), spec, study.trials, plan)
            if len(done) < len(rungs) and at.report(value):
                break
        return value, _detail(spec, joined(done), len(done))

    trials = await optimise(ctx, study, one, progress)
    for trial in trials:  # a resumed study: the ledger gives the sweeps back without running them again
        if trial.number not in sweeps:
            again = specs(trial.number, trial.params)[: trial.detail["rungs"]]
            sweeps[trial.number] = [await whole_sweep(ctx, spec) for spec in again]
    ran = {t.number: specs(t.number, t.params)[0] for t in trials}
    return await asyncio.to_thread(_write, ctx, plan, trials, ran, sweeps)


def _about(ctx: RunContext, plan: Plan) -> dict[str, Any]:
    """Return what the trials' values depend on beside their parameters: another data digest, objective or code is another study."""
    return {
        "history": ctx.history.digest,
        "plan": str(plan),
        "space": ctx.space.model_dump(mode="json"),
        "code": code_digest(),
        "trials": ctx.parameters.window_trials,
        "rungs": ctx.parameters.window_rungs,
        "keep": ctx.parameters.max_survivors,
    }


async def whole_sweep(ctx: RunContext, spec: SweepSpec) -> SweepResult:
    """Run one sweep; raise Halted where it covered less than it was asked for, so that no trial is judged on a part."""
    found = await sweep(ctx.compute, ctx.journal, spec)
    if found.hypotheses < asked(spec):
        raise Halted(f"{spec.key}: halted after {found.hypotheses} of {asked(spec)} hypotheses")
    return found


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


def make_plan(ctx: RunContext) -> Plan:
    """Fix what all trials share; raise TooFewDraws or BadInput before anything is billed."""
    reserve = 4 * (ctx.parameters.embargo + 1)  # three blocks and the final one, of one draw each at least
    end = min(int(len(ctx.history) * ctx.parameters.search_share), len(ctx.history) - reserve)
    head = ctx.history.head(max(0, end))
    sessions = _sessions(ctx)
    streams = [head.values if label is None else _session_values(head, label) for label in sessions]
    long = [label for label, v in zip(sessions, streams, strict=True) if (v >= 0).sum() >= SHORTEST_WINDOW]
    if not long:
        raise TooFewDraws(
            f"{len(ctx.history)} draws: step 1 needs {SHORTEST_WINDOW} of a stream in the part it may select on, and "
            f"{reserve} after it; collect more draws"
        )
    seeds = max(ctx.space.seeds or (Range(0, 2**32 - 1),), key=lambda one: one.size)
    top = min(seeds.hi, seeds.lo + ctx.parameters.window_seeds - 1)
    starts, gaps = ctx.space.starts or Range(0, DEEPEST_START), ctx.space.gaps or Range(0, WIDEST_GAP)
    return Plan(
        draw_range(ctx),
        end,
        seeds._replace(hi=top),
        (starts.lo, starts.hi),
        (gaps.lo, gaps.hi),
        _codes(ctx),
        tuple(long),
        _laws(ctx),
    )


def _laws(ctx: RunContext) -> tuple[Law, ...]:
    """Return the asked law of the gaps; where neither law nor gaps were stated, a new seed before every draw is tried as well."""
    if ctx.space.gap_law == "constant" and ctx.space.gaps is None:
        return ("constant", "reseed")
    return (ctx.space.gap_law,)


def draw_range(ctx: RunContext) -> tuple[int, int]:
    """Return the asked range of draws, or the most plausible one."""
    if ctx.space.range is not None:
        check_range(ctx.history, *ctx.space.range)
        return ctx.space.range
    candidates = range_candidates(ctx.history.values)
    if not candidates:
        raise BadInput(f"{ctx.history.source}: every draw is missing; there is nothing to search")
    return candidates[0][0], candidates[0][1]


def _sessions(ctx: RunContext) -> tuple[str | None, ...]:
    wanted = ctx.space.sessions
    if wanted == "all":
        return (None,)
    return (None, *ctx.history.sessions) if wanted == "each" else (wanted,)


def _session_values(history: Any, label: str) -> np.ndarray:
    return np.asarray(
        history.session(label).values if label in history.sessions else np.zeros(0, dtype=np.int64)
    )


def _codes(ctx: RunContext) -> int:
    try:
        return sum(
            len(resolve_mappings(ctx.space.mappings, one)) for one in resolve_families(ctx.space.families)
        )
    except KernelError as error:
        raise BadInput(f"step 1: {error}") from None


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


def objective(found: SweepResult, spec: SweepSpec, trials: int, plan: Plan) -> float:
    """Return the trial's evidence in bits over its null twins, corrected for the number of trials.

    The window's part is the e-value 1/(2 sqrt(p)) of its best match's p-value, what the null twins' best would earn taken off; the
    unseen part is the best survivor's e-value on draws outside the window, each survivor charged for its rank.
    """
    survivors, p = found.survivors, _chance(spec, plan)
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


def _chance(spec: SweepSpec, plan: Plan) -> float:
    """Return how often a fixed prediction matches a draw of the searched part."""
    return match_probability(spec.history.values[spec.history.values >= 0], *plan.range)


def _detail(spec: SweepSpec, found: SweepResult, rungs: int) -> dict[str, Any]:
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


def _write(
    ctx: RunContext,
    plan: Plan,
    trials: list[Trial],
    specs: dict[int, SweepSpec],
    sweeps: Sweeps,
) -> StepOutcome:
    best = max(trials, key=lambda one: (one.value, -one.number))
    results = {number: joined(parts) for number, parts in sweeps.items()}
    paid = math.log2(sum(map(len, sweeps.values())))  # choosing among sweeps costs a claim so much
    kept = _merge(ctx, plan, trials, specs, results)
    spec, required = specs[best.number], required_bits(ctx.space.alpha) + paid
    config = WindowConfig(
        history=ctx.history.digest,
        range=plan.range,
        search=(0, plan.end),
        confirm=None,
        window=_span(ctx, spec),
        identified=_claimed(ctx, plan, kept, required),
        required_bits=required,
        origin="step 1",
        session=spec.session,
        starts=spec.starts,
        gaps=spec.gaps,
        threshold=spec.threshold,
        objective=best.value,
        trials=tuple(
            TrialRow(number=t.number, params=t.params, value=t.value, detail=t.detail, state=t.state)
            for t in trials
        ),
    )
    outcome = _store(ctx, config, kept)
    outcome.findings += content.window_search([t.value for t in trials], kept, outcome.artifacts[1].bytes)
    _measure(outcome, trials, results, kept, config)
    even = _chance(spec, plan) * (plan.range[1] - plan.range[0] + 1) <= 1.0 + 1e-9
    if even and "range" not in plan.laws:  # else it is a bound, far above what chance leaves
        nulls = sum(sum(one.null_hits) for one in results.values()) / 2
        outcome.findings += content.null_counts(nulls, outcome.metrics["expected_false"])
    return outcome


def _claimed(ctx: RunContext, plan: Plan, kept: Survivors, required: float) -> bool:
    """Say whether a survivor carries a claim that still holds at the end of the searched part: one that ended foretells nothing."""
    rows = [
        row
        for row in np.flatnonzero(kept["evidence_bits"] >= required).tolist()
        if refuse(kept.alignment(row)) is None
    ]
    lines = Lines.of(ctx.history.head(plan.end))
    told = predictions([kept.alignment(row) for row in rows], lines)
    ends = [int(kept["window_start"][row] + kept["window_length"][row]) for row in rows]
    p = match_probability(lines.values[lines.values >= 0], *plan.range)
    return any(_lasts(one[end:], lines.values[end:], p) for one, end in zip(told, ends, strict=True))


def _lasts(told: np.ndarray, drawn: np.ndarray, p: float) -> bool:
    """Say whether "it holds to the last draw" explains what followed the window no worse than "it ended somewhere"."""
    hits = (told == drawn)[None, (told >= 0) & (drawn >= 0)]
    return bool(log2_stretch(hits, p, lasting=True)[0] >= log2_stretch(hits, p)[0])


def _store(ctx: RunContext, config: WindowConfig, kept: Survivors) -> StepOutcome:
    shelf = Shelf(ctx, "1")
    shelf.write(WINDOW, config)
    shelf.write_bytes(SURVIVORS, kept.to_bytes(), SURVIVORS_SCHEMA)
    shelf.write_export(SURVIVORS_EXPORT, kept.export(), SURVIVORS_SCHEMA)
    return StepOutcome("1", artifacts=shelf.written)


def _measure(
    outcome: StepOutcome,
    trials: list[Trial],
    results: dict[int, SweepResult],
    kept: Survivors,
    config: WindowConfig,
) -> None:
    planted = sum(one.planted for one in results.values())
    found = sum(one.found for one in results.values())
    best = float(kept["evidence_bits"].max()) if len(kept) else None
    outcome.measure("trials", len(trials), ">=", 1)
    outcome.measure(
        "power", found / planted if planted else None, ">=", 1.0, f"{found} of {planted} planted truths found"
    )
    outcome.measure("hypotheses", sum(one.hypotheses for one in results.values()), ">=", 1)
    outcome.measure("objective", max(trial.value for trial in trials))
    outcome.measure("survivors", len(kept), note="kept; their number is no evidence")
    outcome.measure(
        "null_hits", sum(sum(one.null_hits) for one in results.values()) / 2, note="per null twin"
    )
    outcome.measure("real_hits", sum(one.hits for one in results.values()))
    outcome.metrics |= {
        "kept": len(kept),
        "best_evidence_bits": best,
        "required_bits": config.required_bits,
        "identified": config.identified,
        "null_hits": sum(sum(one.null_hits) for one in results.values()) / 2,
        "expected_false": sum(one.expected_false for one in results.values()),
        "found": sum(one.hits for one in results.values()),
        "pruned": sum(trial.state == "pruned" for trial in trials),
        "backward": dict(sum((Counter(one.backward) for one in results.values()), Counter())),
    }
    outcome.note = f"{len(kept)} survivors of {outcome.metrics['found']}, " + (
        f"best {best:.1f} of {config.required_bits:.1f} bits" if best is not None else "none by chance either"
    )


def _merge(
    ctx: RunContext,
    plan: Plan,
    trials: list[Trial],
    specs: dict[int, SweepSpec],
    results: dict[int, SweepResult],
) -> Survivors:
    """Join the trials' survivors, best evidence first, each hypothesis once, windows counted in draws of the history."""
    parts = []
    for number, result in results.items():
        if result.survivors is not None and len(result.survivors):
            first, end = _span(ctx, specs[number])
            parts.append(
                result.survivors.with_columns(
                    window_start=first, window_length=end - first, trial=number, sweep=f"trial {number}"
                )
            )
    header = SurvivorHeader(
        range=plan.range,
        history=ctx.history.digest,
        draws=len(ctx.history),
        search=(0, plan.end),
        confirm=(0, plan.end),
        found=sum(one.hits for one in results.values()),
        carried=max(1, sum(one.hits for one in results.values())),
        trials=tuple(_trial_header(trial, specs[trial.number], results[trial.number]) for trial in trials),
    )
    table = Survivors.join(header, parts)
    order = np.lexsort((table["digest"], -table["forward_matched"], -table["evidence_bits"]))
    _, firsts = np.unique(table["digest"][order], return_index=True)
    return table.take(order[np.sort(firsts)][: ctx.parameters.max_survivors])


def _span(ctx: RunContext, spec: SweepSpec) -> tuple[int, int]:
    """Return the half-open interval of the history's draws that a sweep's window covers."""
    places = Lines.of(spec.history).places(spec.session)
    present = np.flatnonzero(spec.history.values[places][spec.window_start :] >= 0)[: spec.window_length]
    inside = places[present + spec.window_start]
    return int(inside[0]), int(inside[-1]) + 1


def _trial_header(trial: Trial, spec: SweepSpec, found: SweepResult) -> TrialHeader:
    return TrialHeader(
        trial=trial.number,
        sweep=f"trial {trial.number}",
        window=(spec.window_start, spec.window_length),
        session=spec.session,
        starts=spec.starts,
        gaps=spec.gaps,
        threshold=spec.threshold,
        hypotheses=found.hypotheses,
        expected_false=found.expected_false,
        hits=found.hits,
        null_hits=sum(found.null_hits),
        null_best=max(found.null_best),
        objective=trial.value,
    )


def from_analysis(ctx: RunContext, analysis: Analysis) -> StepOutcome:
    """Write step 1's artifacts from an identification: its claims are the survivors, its blocks the selected draws."""
    claims = [(one, h) for one, h in zip(analysis.alignments(), analysis.hypotheses, strict=True)]
    playable = [(one, h) for one, h in claims if refuse(one) is None]
    block = max((h.scored - h.confirmed.scored for _, h in claims), default=0)
    draws = len(ctx.history)
    end = _draws_for(ctx, block) if block > 0 else draws
    header = SurvivorHeader(
        range=analysis.range,
        history=ctx.history.digest,
        draws=draws,
        search=(0, end),
        confirm=(end, draws) if end < draws else None,
        found=len(claims),
        carried=max(1, len(claims)),
        origin="analyze",
    )
    kept = Survivors.from_alignments(
        [one for one, _ in playable], header, _counts(ctx, [one for one, _ in playable], header)
    ).with_columns(evidence_bits=np.array([h.evidence_bits for _, h in playable], dtype=float))
    config = WindowConfig(
        history=ctx.history.digest,
        range=analysis.range,
        search=header.search,
        confirm=header.confirm,
        window=header.search,
        identified=analysis.verdict == "identified" and bool(len(kept)),
        required_bits=analysis.required_bits,
        origin="analyze",
        session=playable[0][0].session if playable else None,
        starts=_ends([one.start or 0 for one, _ in playable]),
        gaps=_ends([one.gap.value or 0 for one, _ in playable]),
        threshold=0,
        objective=analysis.evidence_bits,
    )
    outcome = _store(ctx, config, kept)
    outcome.measure("survivors", len(kept), note=f"{len(claims) - len(kept)} claims cannot be replayed")
    outcome.measure("best_evidence_bits", analysis.evidence_bits, ">=", analysis.required_bits)
    outcome.measure(
        "power", analysis.controls.cells_found / max(1, analysis.controls.cells_planted), ">=", 1.0
    )
    outcome.metrics |= {"identified": config.identified, "required_bits": config.required_bits}
    outcome.note = f"{len(kept)} identified by analyze, {analysis.evidence_bits:.1f} bits"
    return outcome


def _draws_for(ctx: RunContext, block: int) -> int:
    """Return how many draws of the history hold `block` present ones."""
    present = np.flatnonzero(ctx.history.values >= 0)
    return int(present[min(block, len(present)) - 1]) + 1


def _counts(ctx: RunContext, alignments: list[Any], header: SurvivorHeader) -> dict[str, Any]:
    predicted = predictions(alignments, Lines.of(ctx.history))
    forward = tally(predicted, ctx.history.values, *header.search)
    confirm = tally(predicted, ctx.history.values, *(header.confirm or (0, 0)))
    return {
        "window_start": header.search[0],
        "window_length": header.search[1],
        "forward_matched": forward[0],
        "forward_scored": forward[1],
        "confirm_matched": confirm[0],
        "confirm_scored": confirm[1],
        "sweep": "analyze",
    }


def _ends(values: list[int]) -> tuple[int, int]:
    return (min(values), max(values)) if values else (0, 0)
