"""One survivor from sieve to pool: a reader can follow it through every artifact, and is told what is missing."""

import json
import shutil

import pytest

from engine.cli import main
from engine.commands.trace import text
from engine.errors import BadInput, UsageError
from engine.pipeline import varying
from engine.pipeline.artifacts import POOL, SCORED, SURVIVORS
from engine.pipeline.pool import Believer, make
from engine.pipeline.score_spread import score_spread
from engine.pipeline.trace import _pool, trace
from engine.search.alignment import Alignment, Gap, Origin
from engine.search.survivors import alignment_digest
from hip_cuda_kernels import host
from state.artifacts import ArtifactStore, Lineage


@pytest.fixture(scope="module")
def told(full_run):
    return trace(full_run.ctx.artifacts.directory, "1")


def test_the_best_survivor_is_the_truth_and_its_way_is_told(told, steps):
    assert told["survivor"] == alignment_digest(steps["truth"])
    assert told["found"]["matches"]["forward"]["matched"] > 15
    assert told["found"]["matches"]["forward"]["expected"] == pytest.approx(0.3)
    scored = told["scored"]
    assert (scored["rank"], scored["of"]) == (1, 12)
    assert all(one["matched"] > 3 * one["expected"] for one in scored["blocks"])
    assert [len(one["hits"]) for one in scored["blocks"]] == [one["matched"] for one in scored["blocks"]]
    assert told["model"]["rank"] == 1
    assert told["model"]["rate"] > 10 * told["model"]["chance"]
    assert told["pool"]["place"] == 1
    assert told["missing"] == []


def test_the_scores_of_all_survivors_stand_beside_their_null_twins(full_run, told):
    spread = score_spread(full_run.ctx.artifacts.directory)
    assert sum(spread["survivors"]) == spread["of"]["survivors"] == 12
    assert sum(spread["null"]) == spread["of"]["null"] == told["scored"]["decoys"]
    assert spread["hi"] == told["scored"]["score"]
    assert spread["above"] >= 1


def test_it_foretells_what_its_alignment_replays(told):
    right = host.values("lcg48/java", "java_bounded", 4711, 0, 99, 95, start=2, gap=1)[90:]
    assert told["foretells"]["values"] == right.tolist()
    assert told["pool"]["predicted"] == right[0]


def test_a_stream_of_varying_gaps_has_the_weight_of_all_calls_within_reach(tmp_path):
    one = Alignment(
        family="lcg48/java", mapping="java_bounded", range=(0, 99), origin=Origin.seed(5, 48), start=0,
        gap=Gap(law="range", lo=0, hi=1, pattern=()),
    )  # fmt: skip
    ways = [Believer(varying.onward(one, gap), 1, share, 0.8, 1, 1) for gap, share in ((0, 0.6), (1, 0.3))]
    pool = make(ways, history="h", for_draw=1, session=None, span=(0, 99), basis="model", model="m", heads=9)
    store = ArtifactStore(tmp_path)
    store.write_json(
        POOL,
        pool.model_dump(mode="json"),
        Lineage(schema=pool.schema_name(), inputs={}, parameters={}, code="", run="r"),
    )
    told = _pool(store, one)
    assert (told["weight"], told["place"]) == (pytest.approx(0.9), 1)


def test_what_moved_the_score_adds_up_in_the_scorers_columns(told):
    pushes = list(told["scored"]["pushes"].values())
    assert pushes
    assert [abs(one) for one in pushes] == sorted((abs(one) for one in pushes), reverse=True)


def test_a_chance_survivor_is_told_to_stand_outside_the_pool(null_run):
    told = trace(null_run.ctx.artifacts.directory, "2")
    assert told["pool"]["note"] == "not in the pool: nothing is named"
    assert "nothing is named" in text(told)


def test_a_digest_names_it_too_and_a_wrong_one_is_refused_with_the_best(full_run, told):
    directory = full_run.ctx.artifacts.directory
    assert trace(directory, told["survivor"][:8]) == told
    with pytest.raises(UsageError, match=told["survivor"][:12]):
        trace(directory, "zz")
    with pytest.raises(UsageError, match="fits none of 12"):
        trace(directory, "99")


def test_steps_that_have_not_run_are_named_and_damage_is_refused(full_run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(full_run.ctx.artifacts.directory, part)
    for name in (SCORED, POOL):
        (part / name).unlink()
    told = trace(part, "1")
    assert (told["scored"], told["pool"]) == (None, None)
    assert told["missing"] == [SCORED, POOL]
    assert "not yet    survivors_with_scores.npz" in text(told)
    (part / SURVIVORS).write_bytes(b"PK")
    with pytest.raises(BadInput, match=SURVIVORS):
        trace(part, "1")
    with pytest.raises(UsageError, match="no step 1 has run"):
        trace(tmp_path, "1")


def test_the_verb_prints_it_and_gives_json(full_run, told, capsys):
    state = full_run.ctx.artifacts.directory.parent
    assert main(["trace", "--state", str(state)]) == 0
    shown = capsys.readouterr().out
    for word in ("found", "evidence", "blocks", "score", "model", "pool", "foretells", "by chance"):
        assert word in shown
    assert main(["trace", "1", "--json", "--state", str(state)]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert main(["trace", "nothing", "--state", str(state)]) == 2
