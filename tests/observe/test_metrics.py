"""The table of metrics: every one has a value in a full room, stays within its bound, and stands in the page and the dashboard."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from engine.alerts.rules import Sight
from engine.observe.metrics import ALL, METRICS, SERIES, page

DOCS = Path(__file__).parents[2] / "docs"
LABELS = {metric.full: set(metric.labels) for metric in ALL}
PROMETHEUS_OWN = {"instance", "job"}


def value(sight: Sight, name: str, *labels: str) -> float | None:
    metric = next(one for one in ALL if one.name == name)
    return dict(metric.samples(sight)).get(labels)


def test_in_a_full_room_every_metric_tells_something(sight: Sight) -> None:
    assert [metric.name for metric in ALL if not metric.samples(sight)] == []


def test_values_are_those_of_status_in_base_units(sight: Sight) -> None:
    assert value(sight, "journal_records") == 1234
    assert value(sight, "resident_bytes") == 50 * 2**20
    assert value(sight, "loop_lag_seconds") == pytest.approx(0.012)
    assert value(sight, "hypotheses_per_second") == pytest.approx(5.0e6)
    assert value(sight, "disk_free_bytes") == 2048 * 2**20
    assert value(sight, "verdict", "identified") == 1
    assert value(sight, "verdict", "biased") == 0
    assert value(sight, "step_progress_ratio", "3") == 0.75
    assert value(sight, "host_devices", "rig-0", "fail") == 1


def test_what_is_not_known_is_absent_and_not_zero(bare: Sight) -> None:
    for name in (
        "autonomy_ratio",
        "hypotheses_per_second",
        "disk_free_bytes",
        "loop_stalls",
        "host_hottest_celsius",
    ):
        assert value(bare, name) is None


def test_no_metric_outgrows_its_bound_however_many_machines_there_are(crowd: Sight) -> None:
    assert {metric.name for metric in ALL if len(metric.samples(crowd)) > SERIES} == set()
    assert sum(len(metric.samples(crowd)) for metric in ALL) < 1000
    assert (value(crowd, "series_left_out") or 0) >= 1000 - SERIES


def test_label_values_match_the_label_names(sight: Sight) -> None:
    for metric in ALL:
        assert all(len(labels) == len(metric.labels) for labels, _ in metric.samples(sight)), metric.name


def test_names_are_what_prometheus_takes_and_none_is_there_twice() -> None:
    names = [metric.full for metric in ALL]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"mimicry_[a-z][a-z_]*[a-z]", name) for name in names)
    assert all(metric.help and not metric.help.endswith(".") for metric in METRICS)
    assert dataclasses.is_dataclass(METRICS[0])


def test_the_page_is_the_tables() -> None:
    assert (DOCS / "metrics.md").read_text() == page(), "make pages writes it anew"


def expressions() -> list[str]:
    board = json.loads((DOCS / "grafana" / "mimicry.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_the_dashboard_asks_only_for_metrics_and_labels_that_exist() -> None:
    for expression in expressions():
        found = re.findall(r"(mimicry_\w+)(?:\{([^}]*)\})?", expression)
        assert found, expression
        for name, inside in found:
            assert name in LABELS, f"{name} in {expression}"
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
            assert asked <= LABELS[name] | PROMETHEUS_OWN, f"{asked} of {name}"
        grouped = re.search(r"by \(([^)]*)\)", expression)
        if grouped:
            assert {word.strip() for word in grouped[1].split(",")} <= LABELS[found[0][0]] | PROMETHEUS_OWN


def test_the_dashboard_shows_every_metric() -> None:
    shown = set(re.findall(r"mimicry_\w+", " ".join(expressions())))
    assert {metric.full for metric in ALL} - shown == {"mimicry_build_info"}, "it names the rooms"
