"""Each detector: fires on the fault it is named after and stays silent on its honest twin."""

from __future__ import annotations

from pathlib import Path

from engine.watcher import anomaly


def test_equal_directions() -> None:
    forward = list(range(20))
    assert anomaly.equal_directions(forward, forward) is not None
    assert anomaly.equal_directions(forward, [*forward[:-1], 3]) is None
    assert anomaly.equal_directions([7], [7]) is None, "one true seed is found in both directions"


def test_equal_trials() -> None:
    assert anomaly.equal_trials([0.5, 0.5, 0.5]) is not None
    assert anomaly.equal_trials([0.5, 0.5, 0.51]) is None
    assert anomaly.equal_trials([0.5]) is None


def test_constant_columns() -> None:
    spread = {"age": (3.0, 3.0), "bits": (0.0, 19.0)}
    assert [finding.code for finding in anomaly.constant_columns(spread, 100)] == ["column.constant"]
    assert anomaly.constant_columns(spread, 2) == []


def test_a_feature_that_equals_the_label_is_a_leak() -> None:
    ramp = [float(i) for i in range(20)]
    columns = {"feature": [2 * x + 1 for x in ramp], "label": ramp, "noise": [x % 7 for x in ramp]}
    found = anomaly.perfect_correlation(columns, label="label")
    assert [(finding.code, finding.level) for finding in found] == [("column.leak", "fail")]
    copied = anomaly.perfect_correlation({"a": ramp, "b": [-x for x in ramp]})
    assert [finding.level for finding in copied] == ["warn"]


def test_columns_that_tell_few_groups_apart_are_no_copies_of_each_other() -> None:
    hit, match = [0.0, 1.0, 0.5] * 4, [0.2, 0.4, 0.3] * 4
    assert anomaly.perfect_correlation({"match": match, "label": hit}, label="label") == []
    assert anomaly.perfect_correlation({"a": [0.0, 1.0, 2.0], "b": [0.0, 1.0, 2.0]}) == [], "three rows"


def test_repeated_episodes() -> None:
    codes = [finding.code for finding in anomaly.repeated_episodes([1.5] * 3, [0.2] * 3)]
    assert codes == ["episodes.durations", "episodes.metrics"]
    assert anomaly.repeated_episodes([1.5, 1.6, 1.5], [0.2, 0.3, 0.2]) == []


def test_an_output_too_small_for_its_rows() -> None:
    assert anomaly.too_small("survivors", 500, 10_000, 40.0) is not None
    assert anomaly.too_small("survivors", 200_000, 10_000, 40.0) is None
    assert anomaly.too_small("survivors", 10, 0, 40.0) is None


def test_inputs_newer_than_the_output() -> None:
    assert [f.code for f in anomaly.stale("pool", 100.0, {"draws": 160.0, "config": 50.0})] == [
        "artifact.stale"
    ]


def test_other_code_only_warns() -> None:
    finding = anomaly.other_code("pool", "a" * 40, "b" * 40)
    assert finding is not None
    assert finding.level == "warn"
    assert anomaly.other_code("pool", "a", "a") is None


def test_symlinks(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    real.write_text("{}")
    (tmp_path / "link.json").symlink_to(real)
    assert anomaly.link(tmp_path / "link.json") is not None
    assert anomaly.link(real) is None
