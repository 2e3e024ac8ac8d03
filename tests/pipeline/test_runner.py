"""The pipeline as a whole: truth is found and named, chance is not, nothing is run twice, a halt loses nothing."""

from types import SimpleNamespace

import numpy as np
import pytest

from engine.errors import Halted, UsageError
from engine.pipeline import features, lint, training_decoys
from engine.pipeline.artifacts import MODEL_META, POOL, SCORED, SCORER, ModelMeta, Pool
from engine.pipeline.final_block import OPENED, open_final
from engine.pipeline.runner import normal_steps, run_pipeline, run_step
from engine.pipeline.scored import Scored
from engine.pipeline.trainers import TRAINERS
from hip_cuda_kernels import host

REST = ("2.5", "3", "4", "5", "6")


def meta_of(run):
    return ModelMeta.parse(run.ctx.artifacts.read_json(MODEL_META), MODEL_META)


def pool_of(run):
    return Pool.parse(run.ctx.artifacts.read_json(POOL), POOL)


def quiet(_):
    return None


def test_step_names_are_put_in_order_and_2_means_2_5():
    assert normal_steps(["3", "2", "1"]) == ["1", "2.5", "3"]
    with pytest.raises(UsageError, match="7"):
        normal_steps(["7"])


# -- a planted truth ------------------------------------------------------------------------------------------------------


def test_every_step_ran_and_stands_by_its_numbers(full_run):
    assert [(step, one.status) for step, one in full_run.outcomes.items()] == [
        (step, "done") for step in REST
    ]
    assert all(one.ok and one.evidence for one in full_run.outcomes.values())


def test_the_model_ranks_the_truth_first(full_run, steps):
    scored = Scored.from_bytes(full_run.ctx.artifacts.read_bytes(SCORED))
    pool = pool_of(full_run)
    best = max(pool.components, key=lambda one: one.weight)
    assert best.alignment == steps["truth"]
    at = scored.alignments().index(steps["truth"])
    score = scored.x[-1, :, scored.head.names.index("score.scorer")]
    assert score.argmax() == at


def test_the_signal_is_claimed_with_lift_interval_and_permutation_p(full_run):
    meta = meta_of(full_run)
    mine = meta.final["models"][meta.family]
    assert meta.signal
    assert mine["lift"]["lo"] > 1.0
    assert mine["p"] <= 0.01
    assert set(meta.final["models"]) == set(TRAINERS)
    assert meta.decoys["lift"]["lo"] <= 1.0 <= meta.decoys["lift"]["hi"]


def test_the_pool_names_the_next_draw(full_run, steps):
    pool, lo, hi = pool_of(full_run), *steps["span"]
    truth = host.values("lcg48/java", "java_bounded", 4711, lo, hi, 91, start=2, gap=1)[90]
    assert pool.for_draw == 90
    assert pool.basis == "model"
    assert pool.heads[0][0] == truth
    assert 0.5 < pool.heads[0][1] < 0.95  # one draw in five is wrong: certainty would be uncalibrated


def test_the_four_families_differ_and_none_is_a_constant(full_run):
    meta = meta_of(full_run)
    bits = [one["out_of_fold_bits"]["value"] for one in meta.models.values()]
    assert len(set(bits)) == 4
    assert min(bits) > 0.0


def test_the_final_block_is_opened_once_and_on_the_record(full_run):
    events = list(full_run.ctx.journal.events(kinds=(OPENED,)))
    assert len(events) == 1
    assert meta_of(full_run).opened == 1


def test_another_question_to_the_same_final_draws_is_counted_and_the_same_is_not(make_context, steps):
    ctx = make_context(steps["uniform_history"]())
    head = SimpleNamespace(head=SimpleNamespace(final=(80, 90, 79)))
    later = SimpleNamespace(head=SimpleNamespace(final=(90, 99, 89)))
    asked = [(head, "a"), (head, "a"), (head, "b"), (later, "c")]
    assert [open_final(ctx, scored, question) for scored, question in asked] == [1, 1, 2, 1]


# -- nothing planted ------------------------------------------------------------------------------------------------------


def test_chance_gives_no_claim_and_a_uniform_pool(null_run):
    meta, pool = meta_of(null_run), pool_of(null_run)
    mine = meta.final["models"][meta.family]
    assert not meta.signal
    assert mine["lift"]["lo"] <= 1.0 <= mine["lift"]["hi"]
    assert pool.uniform
    assert pool.basis == "uniform, no evidence"
    assert all(one.ok for one in null_run.outcomes.values())


def test_chance_survivors_look_good_where_they_were_selected_and_nowhere_else(null_run, steps):
    scored = Scored.from_bytes(null_run.ctx.artifacts.read_bytes(SCORED))
    selected = scored.survivors["forward_matched"].sum() / scored.survivors["forward_scored"].sum()
    later = scored.targets[0].sum() / scored.targets[1].sum()
    assert selected > 4 * scored.head.chance
    assert later < 2 * scored.head.chance


# -- again, halted, changed -----------------------------------------------------------------------------------------------


async def test_a_second_run_does_no_work_and_still_shows_its_evidence(full_run):
    before = len(full_run.ctx.compute.ran)
    again = await run_pipeline(full_run.ctx, REST, quiet)
    assert [one.status for one in again] == ["skipped"] * 5
    assert len(full_run.ctx.compute.ran) == before
    assert [one.evidence for one in again] == [one.evidence for one in full_run.outcomes.values()]


async def test_a_forced_step_runs_whatever_others_made_and_once_in_a_run_that_was_halted_behind_it(
    make_context, steps
):
    first = steps["with_first_step"](make_context, steps["planted_history"]())
    await run_pipeline(first, ("2.5",), quiet)
    forcing = steps["replace"](first, run="run-of-the-force")
    assert (await run_step(forcing, "2.5", quiet, force=True)).status == "done"
    assert (await run_step(forcing, "2.5", quiet, force=True)).status == "skipped"


async def test_a_changed_parameter_runs_its_step_and_those_behind_it(make_context, steps):
    ctx = steps["with_first_step"](make_context, steps["planted_history"]())
    await run_pipeline(ctx, ("2.5", "3"), quiet)
    changed = steps["replace"](ctx, parameters=ctx.parameters.model_copy(update={"min_candidates": 30}))
    assert [one.status for one in await run_pipeline(changed, ("2.5", "3"), quiet)] == ["skipped", "done"]
    other = steps["replace"](changed, parameters=changed.parameters.model_copy(update={"scorer_trials": 6}))
    assert [one.status for one in await run_pipeline(other, ("2.5", "3"), quiet)] == ["done", "done"]


async def test_a_damaged_output_is_made_again(make_context, steps):
    ctx = steps["with_first_step"](make_context, steps["planted_history"]())
    await run_pipeline(ctx, ("2.5",), quiet)
    (ctx.artifacts.directory / SCORER).write_text("{}")
    assert [one.status for one in await run_pipeline(ctx, ("2.5",), quiet)] == ["done"]


async def test_a_halted_step_goes_on_from_its_last_finished_trial(make_context, steps):
    whole = steps["with_first_step"](make_context, steps["planted_history"]())
    await run_pipeline(whole, ("2.5",), quiet)
    halted = steps["with_first_step"](make_context, steps["planted_history"]())
    halted.compute.halt_after = 3
    with pytest.raises(Halted):
        await run_pipeline(halted, ("2.5",), quiet)
    assert not halted.artifacts.exists(SCORER)
    halted.compute.halt_after, ran = None, set(halted.compute.ran)
    await run_pipeline(halted, ("2.5",), quiet)
    trials = [key for key in halted.compute.ran if "/trial/" in key]
    assert len(trials) == len(set(trials)) == 4
    assert len(ran & set(trials)) == 2
    contents = [ctx.artifacts.lineage(SCORER).content_sha256 for ctx in (whole, halted)]
    assert contents[0] == contents[1]


# -- faults that must not pass --------------------------------------------------------------------------------------------


async def test_a_planted_leak_fails_the_run_before_anything_is_written(planted, monkeypatch):
    await run_pipeline(planted, ("2.5",), quiet)
    monkeypatch.setattr(features, "past", lambda board, reads: board.head(reads + 3))
    outcomes = await run_pipeline(planted, ("3", "4"), quiet)
    assert [one.status for one in outcomes] == ["failed"]
    assert "match.rate" in outcomes[0].note
    assert not planted.artifacts.exists(SCORED)


@pytest.mark.parametrize("fault", ["constant", "copy", "trial"])
async def test_a_column_that_can_tell_nothing_fails_the_run_by_name(planted, monkeypatch, fault):
    await run_pipeline(planted, ("2.5",), quiet)
    whole = features.columns
    made = {"constant": lambda c: c["match.rate"] * 0, "copy": lambda c: c["match.rate"] * 3 + 1}

    def faulty(board, meta, reads):
        told = whole(board, meta, reads)
        return told | {"run.open": made[fault](told)} if fault in made else told

    monkeypatch.setattr(features, "columns", faulty)
    if fault == "trial":
        monkeypatch.setattr(
            lint, "_trial_marks", lambda *_: [lint.Dropped("run.open", "trial", "names the trial")]
        )
        monkeypatch.setattr(lint, "check", lambda table, **_: lint.Verdict(table.names, (), ()))
    outcomes = await run_pipeline(planted, ("3",), quiet)
    assert [one.status for one in outcomes] == ["failed"]
    assert "run.open" in outcomes[0].note
    assert not planted.artifacts.exists(SCORED)


async def test_a_killed_scoring_keeps_its_finished_pieces(make_context, steps):
    small = steps["tiny"].model_copy(update={"feature_rows": 8})
    whole, cut = (
        steps["with_first_step"](make_context, steps["planted_history"](), parameters=small) for _ in range(2)
    )
    await run_pipeline(whole, ("2.5", "3"), quiet)
    await run_pipeline(cut, ("2.5",), quiet)
    before = len(cut.compute.ran)
    cut.compute.halt_after = before + 2
    with pytest.raises(Halted):
        await run_pipeline(cut, ("3",), quiet)
    cut.compute.halt_after = None
    await run_pipeline(cut, ("3",), quiet)
    assert cut.compute.ran == whole.compute.ran  # no piece twice
    assert len(cut.compute.ran) - before == 3
    assert not list((cut.artifacts.directory / "parts" / "3").iterdir())
    contents = [ctx.artifacts.lineage(SCORED).content_sha256 for ctx in (whole, cut)]
    assert contents[0] == contents[1]


async def test_a_target_in_the_features_shows_as_lift_on_decoy_histories(full_run, steps, monkeypatch):
    honest = training_decoys.decoy_table

    async def leaking(ctx, scored, turn):
        table = await honest(ctx, scored, turn)
        rate = table["targets"][0] / np.maximum(1, table["targets"][1])
        x = table["x"].copy()
        x[: len(rate), :, 0] = rate * 100
        return table | {"x": x}

    monkeypatch.setattr(training_decoys, "decoy_table", leaking)
    ctx = full_run.ctx
    ctx = steps["replace"](ctx, parameters=ctx.parameters.model_copy(update={"decoy_histories": 8}))
    scored = Scored.from_bytes(ctx.artifacts.read_bytes(SCORED))
    with pytest.raises(training_decoys.Artefact, match=r"expected 1\.00"):
        await training_decoys.decoy_lift(
            ctx, scored, dict(TRAINERS["xgboost"].ladder[2][0]), "xgboost", quiet
        )


async def test_few_survivors_are_complemented_by_decoys_and_one_is_enough(make_context, steps):
    ctx = make_context(steps["planted_history"]())
    table = steps["survivors_of"](ctx.history, [steps["truth"]], 120.0)
    steps["put_first_step"](ctx, table, identified=True)
    outcomes = await run_pipeline(ctx, ("2.5", "3"), quiet)
    assert outcomes[-1].ok
    assert outcomes[-1].metrics["decoys"] == 23


async def test_no_survivor_at_all_is_a_normal_run(make_context, steps):
    ctx = make_context(steps["uniform_history"]())
    steps["put_first_step"](ctx, steps["survivors_of"](ctx.history, [], 0.0), identified=False)
    outcomes = await run_pipeline(ctx, ("2.5", "3"), quiet)
    assert [one.ok for one in outcomes] == [True, True]
