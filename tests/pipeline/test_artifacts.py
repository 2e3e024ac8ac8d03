"""Artifact contracts: a missing, unknown or mistyped field is refused by name; a file of another schema is not read."""

import io

import numpy as np
import pytest

from engine.errors import BadInput
from engine.pipeline.artifacts import SCORED, SCORER, WINDOW, SchemaRefused, Scored, WindowConfig
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


def test_what_a_step_read_is_the_lineage_of_what_it_wrote(full_run):
    store = full_run.ctx.artifacts
    inputs = store.lineage(SCORED).inputs
    assert inputs[SCORER] == store.ref(SCORER).sha256
    assert inputs["history"] == full_run.ctx.history.digest
    assert set(inputs) == {"history", WINDOW, SCORER, "bidirectional_survivors.npz"}
