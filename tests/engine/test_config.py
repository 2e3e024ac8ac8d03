"""Settings: strict, each value with its origin, an unknown key named with its nearest neighbour."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load
from engine.errors import BadInput, UsageError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "room.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_gives_defaults_that_say_so() -> None:
    settings = load()
    assert settings.search.alpha == 1e-6
    assert settings.origin("search.alpha") == "default"
    assert not settings.testing


def test_flags_beat_the_file_and_the_file_beats_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path, '[compute]\nworkers = 2\nidle_release_s = 60\n[search]\nfamilies = ["mt19937/*"]\n'
    )
    settings = load(path, {"compute.workers": 3, "search.alpha": None})
    assert settings.compute.workers == 3
    assert settings.compute.idle_release_s == 60
    assert settings.search.families == ("mt19937/*",)
    origins = {key: source for key, _, source in settings.described()}
    assert origins["compute.workers"] == "flag"
    assert origins["compute.idle_release_s"] == "file"
    assert origins["search.alpha"] == "default"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[compute]\nwrokers = 2\n", ["compute.wrokers", "compute.workers"]),
        ("test_moed = true\n", ["test_moed", "test_mode"]),
        ("[serach]\nalpha = 0.01\n", ["serach.alpha", "search.alpha"]),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path, text: str, names: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        load(write(tmp_path, text))
    assert all(name in str(error.value) for name in names)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["[compute]\nworkers = 0\n", '[compute]\nworkers = "2"\n', "[search]\nalpha = 2.0\n", "rigs = 7\n"],
)
def test_a_value_outside_its_rule_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as error:
        load(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_broken_toml_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="TOML"):
        load(write(tmp_path, "compute = = 1"))


def test_an_unknown_flag_is_refused_too() -> None:
    with pytest.raises(UsageError, match=r"compute\.workers"):
        load(None, {"compute.worker": 1})


@pytest.mark.parametrize(
    ("first", "second", "testing"), [(1, 0, False), (0, 1, False), (1, 1, True), (0, 0, False)]
)
def test_test_mode_needs_both_flags(first: int, second: int, testing: bool) -> None:
    settings = load(None, {"test_mode": bool(first), "synthetic_injection.enabled": bool(second)})
    assert settings.testing is testing


def test_rigs_are_read_from_tables(tmp_path: Path) -> None:
    settings = load(
        write(
            tmp_path,
            '[[rigs]]\nname = "rig-6600"\nhost = "10.0.0.2"\nkey = "k"\nhost_keys = ["ssh-ed25519 AAAA"]\n',
        )
    )
    assert settings.rigs[0].backend == "rocm"


def test_an_empty_unknown_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="computer"):
        load(write(tmp_path, "[computer]\n"))
