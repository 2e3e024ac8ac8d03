"""Artifact contracts: a missing, unknown or mistyped field is refused by name; a file of another schema is not read."""

import io
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import BadInput
from engine.pipeline.artifacts import SCORED, SCORER, WINDOW, SchemaRefused, WindowConfig
from engine.pipeline.runner import run_pipeline
from engine.pipeline.scored import Scored
from engine.pipeline.shelf import Shelf
from state.artifacts import Lineage


def stored_window(ctx):
    return ctx.artifacts.read_json(WINDOW)


def rewrite(ctx, data):
    lineage = Lineage(schema=str(data.get("schema")), inputs={"history": ctx.history.digest})
    ctx.artifacts.write_json(WINDOW, data, lineage)


def test_a_missing_field_is_refused_by_name(planted):
    data = stored_window(planted)
    del data["search"]
    rewrite(planted, data)
    with pytest.raises(SchemaRefused, match="search"):
        Shelf(planted, "3").read(WINDOW, WindowConfig)


def test_an_unknown_field_is_refused_by_name(planted):
    rewrite(planted, stored_window(planted) | {"skip_mode": 2})
    with pytest.raises(SchemaRefused, match="skip_mode"):
        Shelf(planted, "3").read(WINDOW, WindowConfig)


def test_another_schema_version_is_refused(planted):
    rewrite(planted, stored_window(planted) | {"schema": "optimal_window_config/0"})
    with pytest.raises(SchemaRefused, match="optimal_window_config"):
        Shelf(planted, "3").read(WINDOW, WindowConfig)


def test_an_artifact_of_another_history_is_refused(planted):
    rewrite(planted, stored_window(planted) | {"history": "0" * 64})
    with pytest.raises(BadInput, match="history"):
        Shelf(planted, "3").read(WINDOW, WindowConfig)


def test_a_changed_file_is_refused(planted):
    path = planted.artifacts.directory / WINDOW
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SchemaRefused, match="sha-256"):
        Shelf(planted, "3").read(WINDOW, WindowConfig)


def test_a_missing_artifact_names_itself(planted):
    with pytest.raises(SchemaRefused, match=SCORER):
        Shelf(planted, "3").raw(SCORER)


def test_scored_survivors_with_a_lost_row_are_refused(full_run):
    with np.load(io.BytesIO(full_run.ctx.artifacts.read_bytes(SCORED))) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["x_x"] = arrays["x_x"][:, 1:]
    target = io.BytesIO()
    np.savez(target, **arrays)
    with pytest.raises(SchemaRefused, match="x has shape"):
        Scored.from_bytes(target.getvalue())


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("missing", "does not exist; run the step that writes it"),
        ("truncated", "sha-256"),
        ("symlink", "is a symlink"),
        ("no lineage", "has no lineage"),
        (
            "other schema",
            "written by an older mimicry (optimal_scorer_config/0; this one reads optimal_scorer_config/1)",
        ),
        ("other history", "made from history 000000000000"),
        ("older code", "made by code 0123456789ab"),
        ("stale", "is older than its inputs"),
        ("weights lost", "as many centres, scales and weights"),
        ("not finite", "must be finite"),
    ],
)
async def test_every_bad_input_of_step_3_is_refused_by_name_with_what_to_do(planted, fault, says):
    await run_pipeline(planted, ("2.5",), lambda _: None)
    spoil(planted, fault)
    (outcome,) = await run_pipeline(planted, ("3",), lambda _: None)
    assert outcome.status == "failed"
    assert SCORER in outcome.note
    assert says in outcome.note
    assert "run " in outcome.note
    assert not planted.artifacts.exists(SCORED)


def spoil(ctx, fault):
    store, path = ctx.artifacts, ctx.artifacts.directory / SCORER
    data, note = store.read_json(SCORER), store.lineage(SCORER)
    if fault == "missing":
        path.unlink()
    elif fault == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    elif fault == "symlink":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
    elif fault == "no lineage":
        path.with_name(f"{SCORER}.lineage.json").unlink()
    elif fault == "stale":
        window, made = store.read_json(WINDOW), store.lineage(WINDOW)
        again = Lineage(schema=made.schema, inputs=made.inputs, parameters=made.parameters, code=made.code)
        store.write_json(WINDOW, window | {"threshold": window["threshold"] + 1}, again)
    else:
        changes = {
            "other schema": {"schema": "optimal_scorer_config/0"},
            "other history": {"history": "0" * 64},
            "weights lost": {"weights": data["weights"][1:]},
            "not finite": {"scale": [0.0, *data["scale"][1:]]},
        }.get(fault, {})
        code = "0123456789abcdef" if fault == "older code" else note.code
        made = data | changes
        store.write_json(SCORER, made, Lineage(schema=made["schema"], inputs=note.inputs, code=code))


@pytest.mark.parametrize(("name", "dtype"), [("x", "<f4"), ("targets", "<i8"), ("marks", "<i2")])
def test_an_array_of_another_type_is_refused_where_it_is_read_and_where_it_is_written(full_run, name, dtype):
    scored = Scored.from_bytes(full_run.ctx.artifacts.read_bytes(SCORED))
    wrong = replace(scored, **{name: getattr(scored, name).astype(dtype)})
    with pytest.raises(SchemaRefused, match=f"{name} has shape"):
        wrong.to_bytes()
    with pytest.raises(SchemaRefused, match="holds numbers that are not finite"):
        replace(scored, x=np.where(scored.x == scored.x.max(), np.inf, scored.x)).to_bytes()


def test_what_a_step_read_is_the_lineage_of_what_it_wrote(full_run):
    store = full_run.ctx.artifacts
    inputs = store.lineage(SCORED).inputs
    assert inputs[SCORER] == store.ref(SCORER).sha256
    assert inputs["history"] == full_run.ctx.history.digest
    assert set(inputs) == {"history", WINDOW, SCORER, "bidirectional_survivors.npz"}
