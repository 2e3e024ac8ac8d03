"""Step 1: finds a planted hypothesis by evidence, claims nothing on chance, never looks at what later steps validate on."""

import numpy as np
import pytest

from engine.errors import Halted
from engine.history.history import History
from engine.pipeline import step1_window, window_plan, window_trials
from engine.pipeline.artifacts import SURVIVORS, WINDOW, WindowConfig
from engine.pipeline.blocks import TooFewDraws
from engine.pipeline.replay import NONE, stream
from engine.pipeline.runner import run_pipeline
from engine.pipeline.window_given import from_analysis
from engine.pipeline.window_plan import make_plan
from engine.search.analysis import Analysis, Controls, Hypothesis, Tally
from engine.search.layouts import reseeded
from engine.search.ranges import Range
from engine.search.survivors import Survivors
from hip_cuda_kernels import host

SEED = 1234


def quiet(_):
    return None


def drawn(draws=90, seed=SEED):
    return host.values("lcg48/java", "java_bounded", seed, 0, 99, draws, start=2, gap=1)


def context(make_context, history, **space):
    told = {"seeds": Range(0, 2047), "starts": Range(0, 3), "gaps": Range(0, 2), **space}
    return make_context(history, **told)


async def searched(ctx):
    (outcome,) = await run_pipeline(ctx, ("1",), quiet)
    config = WindowConfig.parse(ctx.artifacts.read_json(WINDOW), WINDOW)
    return outcome, config, Survivors.from_bytes(ctx.artifacts.read_bytes(SURVIVORS))


async def test_a_planted_hypothesis_is_found_with_its_whole_alignment(make_context):
    outcome, config, survivors = await searched(context(make_context, History.of(drawn().tolist())))
    best = survivors.alignment(0)
    assert (best.origin.number(), best.start, best.gap.value) == (SEED, 2, 1)
    assert config.identified
    assert outcome.ok
    assert {row.metric: row.value for row in outcome.evidence}["power"] == 1.0


async def test_chance_is_not_identified_and_the_twins_meet_as_many_hits(make_context, steps):
    outcome, config, survivors = await searched(context(make_context, steps["uniform_history"]()))
    assert not config.identified
    assert outcome.ok
    assert survivors["evidence_bits"].max(initial=-99.0) < config.required_bits
    hits = {row.metric: row.value for row in outcome.evidence}
    assert abs(hits["real_hits"] - hits["null_hits"]) < 6 * np.sqrt(hits["real_hits"] + hits["null_hits"] + 1)


async def test_draws_after_the_searched_part_change_nothing(make_context):
    values = drawn()
    changed = np.concatenate([values[:45], (values[45:] + 1) % 100])
    one = await searched(context(make_context, History.of(values.tolist())))
    other = await searched(context(make_context, History.of(changed.tolist())))
    assert one[1].search == (0, 45)
    columns = [name for name in one[2].columns if name != "sweep"]
    assert all(np.array_equal(one[2][name], other[2][name]) for name in columns)


async def test_every_trial_is_billed_and_its_sweep_too(make_context):
    ctx = context(make_context, History.of(drawn().tolist()))
    outcome, _, _ = await searched(ctx)
    rows = {row.metric: row.value for row in outcome.evidence}
    assert ctx.journal.billed() == rows["hypotheses"] + rows["trials"]


async def test_a_halted_search_resumes_to_the_same_survivors(make_context):
    history = History.of(drawn().tolist())
    whole = context(make_context, history)
    await searched(whole)
    halted = context(make_context, history)
    halted.compute.halt_after = 3
    with pytest.raises(Halted):
        await run_pipeline(halted, ("1",), quiet)
    assert not halted.artifacts.exists(SURVIVORS)
    halted.compute.halt_after = None
    await searched(halted)
    assert halted.compute.ran == whole.compute.ran
    contents = [ctx.artifacts.lineage(SURVIVORS).content_sha256 for ctx in (whole, halted)]
    assert contents[0] == contents[1]


async def test_a_sweep_that_covered_a_part_is_a_halt_and_no_trial(make_context, monkeypatch):
    ctx = context(make_context, History.of(drawn().tolist()))
    whole = step1_window.sweep

    async def cut_short(*arguments):
        found = await whole(*arguments)
        found.hypotheses -= 1
        return found

    monkeypatch.setattr(step1_window, "sweep", cut_short)
    with pytest.raises(Halted, match="hypotheses"):
        await run_pipeline(ctx, ("1",), quiet)
    assert not [event for event in ctx.journal.events(kinds=("trial.finished",))]


async def test_a_session_stream_is_searched_in_its_own_draws_and_told_in_the_historys(make_context):
    values, labels = [], []
    own = iter(drawn(60).tolist())
    rng = np.random.default_rng(3)
    for at in range(120):
        labels.append("ab"[at % 2])
        values.append(next(own) if at % 2 else int(rng.integers(100)))
    ctx = context(make_context, History.of(values, sessions=labels), sessions="b")
    _, config, survivors = await searched(ctx)
    best = survivors.alignment(0)
    assert (best.origin.number(), best.session) == (SEED, "b")
    first, length = int(survivors["window_start"][0]), int(survivors["window_length"][0])
    assert labels[first] == "b"
    assert first + length <= config.search[1] == 60
    assert survivors["forward_matched"][0] == survivors["forward_scored"][0]


async def test_seeding_anew_before_every_draw_is_a_law_of_the_search(make_context):
    values = reseeded("lcg48/java", "java_bounded", 500, 0, 99, 90, 0, 3)
    ctx = context(
        make_context, History.of(values.tolist()), gaps=Range(1, 4), starts=Range(0, 1), gap_law="reseed"
    )
    _, config, survivors = await searched(ctx)
    best = survivors.alignment(0)
    assert (best.gap.law, best.gap.value, best.origin.number(), best.start) == ("reseed", 3, 500, 0)
    assert survivors["forward_matched"][0] == survivors["forward_scored"][0]
    assert config.identified


def test_where_nobody_states_gaps_both_laws_are_searched(make_context):
    free = make_plan(context(make_context, History.of(drawn().tolist()), gaps=None))
    assert free.laws == ("constant", "reseed")
    assert free.reach({"law": "reseed", "gaps": 0}) == (1, 1)
    assert make_plan(context(make_context, History.of(drawn().tolist()))).laws == ("constant",)


async def test_a_truth_that_ended_is_a_survivor_with_evidence_and_no_claim_on_the_future(make_context):
    rng = np.random.default_rng(5)
    values = np.concatenate([drawn(50), rng.integers(0, 100, 90)])
    _, config, survivors = await searched(context(make_context, History.of(values.tolist())))
    best = survivors.alignment(0)
    assert (best.origin.number(), best.start, best.gap.value) == (SEED, 2, 1)
    assert survivors["evidence_bits"][0] > config.required_bits
    assert not config.identified


async def test_a_generator_seeded_anew_inside_the_history_is_found_where_a_window_follows_the_seeding(
    make_context,
):
    later = host.values("lcg48/java", "java_bounded", 777, 0, 99, 80, start=1, gap=1)
    values = np.concatenate([drawn(20), later])
    ctx = context(make_context, History.of(values.tolist()))
    plan = make_plan(ctx)
    told = {
        "law": "constant",
        "session": "all draws",
        "start": 23,
        "length": 20,
        "gaps": 1,
        "starts": 1,
        "expected": 1.0,
    }
    spec = window_trials.spec_of(ctx, plan, "k", 0, told | {"anchor": "window"})
    assert (spec.anchored, spec.starts) == (True, (0, 17))
    found = await step1_window.whole_sweep(ctx, spec)
    best = found.survivors.alignment(0)
    assert (best.origin.number(), best.gap.value, best.start) == (777, 1, 1 - 20 * 2)
    assert stream(best, 20, 30).tolist() == values[20:50].tolist()
    assert set(stream(best, 0, 19)) == {NONE}
    assert found.survivors["confirm_matched"][0] == found.survivors["confirm_scored"][0] == 50 - 43
    blind = window_trials.spec_of(ctx, plan, "k", 1, told | {"anchor": "history"})
    assert 777 not in [one.origin.number() for one in (await step1_window.whole_sweep(ctx, blind)).survivors]


async def test_the_rungs_of_a_trial_cover_its_seeds_once(make_context):
    ctx = context(make_context, History.of(drawn().tolist()))
    plan = make_plan(ctx)
    rungs = plan.rungs(3)
    assert [one.lo for one in rungs] == [plan.seeds.lo, *(one.hi + 1 for one in rungs[:-1])]
    assert rungs[-1].hi == plan.seeds.hi
    outcome, config, _ = await searched(ctx)
    assert outcome.metrics["backward"].keys() == {"inverse"}
    assert {one.state for one in config.trials} <= {"complete", "pruned"}


def test_too_few_draws_are_refused_with_the_number_needed(make_context):
    with pytest.raises(TooFewDraws, match="step 1 needs"):
        make_plan(context(make_context, History.of(drawn(9).tolist())))


def test_the_range_is_taken_from_the_draws_where_nobody_gave_it(make_context, steps):
    ctx = context(make_context, History.of(drawn().tolist()))
    ctx = steps["replace"](ctx, space=ctx.space.model_copy(update={"range": None}))
    assert window_plan.draw_range(ctx) == (0, 99)


def analysis(block, scored=90, **changes):
    one = Hypothesis(
        family="lcg48/java",
        aliases=[],
        mapping="java_bounded",
        origin={"kind": "seed", "bits": 48, "value": hex(SEED), "unit": None},
        start=2,
        gap={"law": "constant", "unit": "call", "value": 1},
        session=None,
        direction="forward",
        noise=0.0,
        matched=scored,
        scored=scored,
        confirmed=Tally(matched=scored - block, scored=scored - block),
        evidence_bits=300.0,
        equivalents=1,
    )
    told = {
        "verdict": "identified",
        "evidence_bits": 300.0,
        "required_bits": 19.93,
        "alpha": 1e-6,
        "complete": False,
        "stopped_by": "found",
        "need_draws": None,
        "range": (0, 99),
        "range_candidates": [],
        "draws": scored,
        "sessions": [],
        "hypotheses": [one],
        "next_draws": [1] * 10,
        "excluded": [],
        "not_tested": [],
        "controls": Controls(null_best=0, null_expected=0.1, cells_planted=3, cells_found=3),
        "hypotheses_tested": 1000,
        "elapsed_s": 1.0,
        "run": "run-1",
    }
    return Analysis(**{**told, **changes})


def test_an_identification_becomes_the_first_steps_artifacts(make_context):
    ctx = context(make_context, History.of(drawn().tolist()))
    outcome = from_analysis(ctx, analysis(12))
    config = WindowConfig.parse(ctx.artifacts.read_json(WINDOW), WINDOW)
    survivors = Survivors.from_bytes(ctx.artifacts.read_bytes(SURVIVORS))
    assert outcome.ok
    assert (config.search, config.confirm, config.identified) == ((0, 12), (12, 90), True)
    assert list(survivors) == analysis(12).alignments()
    assert (survivors["forward_matched"][0], survivors["confirm_matched"][0]) == (12, 78)


async def test_an_identification_that_used_every_draw_is_said_to_overlap(make_context):
    ctx = context(make_context, History.of(drawn().tolist()))
    from_analysis(ctx, analysis(0))
    outcomes = await run_pipeline(ctx, ("2.5", "3"), quiet)
    assert [one.note for one in outcomes if not one.ok] == []
    assert outcomes[-1].metrics["overlap"] == "search"
    assert outcomes[-1].metrics["dropped"]["record.forward_rate"].startswith("later")


def test_the_first_trials_look_at_different_draws_under_varying_gaps_too(make_context, steps):
    ctx = make_context(steps["uniform_history"](), gap_law="range", gaps=Range(0, 2))
    plan = make_plan(ctx)
    told = window_trials.opening(ctx, plan)
    rest = {"gaps": 2, "starts": 0}
    specs = [window_trials.spec_of(ctx, plan, "k", at, rest | told[at]) for at in range(3)]
    windows = [(one.window_start, one.window_length) for one in specs]
    assert len(set(windows)) == 3, windows
