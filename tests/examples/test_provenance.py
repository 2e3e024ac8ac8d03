"""The example histories are the files that provenance.json describes, and runtimes make them again bit for bit."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
MAKE = EXAMPLES / "make" / "make.py"
ENTRIES: list[dict[str, Any]] = json.loads((EXAMPLES / "provenance.json").read_text(encoding="utf-8"))[
    "examples"
]
BY_FILE = {entry["file"]: entry for entry in ENTRIES}
FILES = sorted(BY_FILE)


def records(name: str) -> list[dict[str, Any]]:
    """Return a file's records with whole-number values."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    if name.endswith(".txt"):
        return [{"value": int(line)} for line in text.splitlines()]
    rows: list[dict[str, Any]] = [dict(row) for row in csv.DictReader(text.splitlines())]
    return [{**row, "draw": int(row["draw"]), "value": int(row["value"])} for row in rows]


def values(name: str) -> list[int]:
    return [record["value"] for record in records(name)]


def check(name: str, make: Path = MAKE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(make), name, "--check"], capture_output=True, text=True, check=False
    )


def test_every_history_has_an_entry() -> None:
    stored = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".csv", ".jsonl", ".txt"}}
    assert stored == set(FILES)
    assert len(FILES) >= 6


def test_three_formats_are_among_them() -> None:
    assert {entry["format"] for entry in ENTRIES} == {"csv", "jsonl", "text"}


@pytest.mark.parametrize("name", FILES)
def test_the_digest_is_the_stated_one(name: str) -> None:
    assert hashlib.sha256((EXAMPLES / name).read_bytes()).hexdigest() == BY_FILE[name]["sha256"]


@pytest.mark.parametrize("name", FILES)
def test_count_and_range_are_the_stated_ones(name: str) -> None:
    entry = BY_FILE[name]
    drawn, (lo, hi) = values(name), entry["range"]
    assert len(drawn) == entry["draws"]
    assert 60 <= len(drawn) <= 400
    assert lo <= min(drawn)
    assert max(drawn) <= hi


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".txt")])
def test_draws_are_numbered_without_a_hole(name: str) -> None:
    assert [record["draw"] for record in records(name)] == list(range(1, BY_FILE[name]["draws"] + 1))


@pytest.mark.parametrize("name", [entry["file"] for entry in ENTRIES if entry["truth"]])
def test_the_seed_stands_in_no_other_file(name: str) -> None:
    number = re.compile(rf"(?<!\d){BY_FILE[name]['truth']['seed']}(?!\d)")
    others = [path for path in EXAMPLES.rglob("*") if path.is_file() and path.name != "provenance.json"]
    found = [
        path.name
        for path in others
        if path.suffix != ".pyc" and number.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("name", [entry["file"] for entry in ENTRIES if not entry["sealed"]])
def test_a_present_runtime_makes_the_same_file(name: str) -> None:
    lacking = [need for need in BY_FILE[name]["needs"] if need != "python3" and shutil.which(need) is None]
    if lacking:
        pytest.skip(f"{lacking[0]} is missing")
    done = check(name)
    assert done.stdout == f"{name}: ok\n", done.stderr


def test_a_changed_draw_is_found(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    target = tmp_path / "examples" / "entropy.csv"
    first, second, rest = target.read_text(encoding="utf-8").split("\n", 2)
    target.write_text("\n".join([first, second[:-1] + str(9 - int(second[-1])), rest]), encoding="utf-8")
    done = check("entropy.csv", tmp_path / "examples" / "make" / "make.py")
    assert done.returncode == 1
    assert "not the one that provenance.json describes" in done.stdout


def test_sealed_histories_are_kept_when_all_are_made_again(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    make = tmp_path / "examples" / "make" / "make.py"
    done = subprocess.run(
        [sys.executable, str(make), "biased.csv"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "biased.csv: kept (sealed)\n"
    assert (tmp_path / "examples" / "biased.csv").read_bytes() == (EXAMPLES / "biased.csv").read_bytes()


def test_the_lotto_machine_was_seeded_seconds_before_its_first_draw() -> None:
    first = datetime.fromisoformat(records("glibc_rand_lotto.csv")[0]["time"])
    started = BY_FILE["glibc_rand_lotto.csv"]["truth"]["seed"]
    assert first - datetime.fromtimestamp(started, tz=first.tzinfo) == timedelta(seconds=4)


def test_one_reading_in_ten_is_wrong_and_time_runs_forward_over_both_tables() -> None:
    rows = records("drand48_tables.jsonl")
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == sorted(set(times))
    assert {row["session"] for row in rows} == {"table-1", "table-2"}
    state, wrong = (BY_FILE["drand48_tables.jsonl"]["truth"]["seed"] << 16) | 0x330E, 0
    for row in rows:
        state = (state * 0x5DEECE66D + 0xB) % 2**48
        wrong += row["value"] != state * 100 >> 48
    assert wrong == len(rows) // 10


def test_entropy_looks_uniform_and_the_loaded_die_does_not() -> None:
    tens = [sum(value // 100 == k for value in values("entropy.csv")) for k in range(10)]
    faces = [values("biased.csv").count(face) for face in range(1, 7)]
    assert sum((count - 40) ** 2 / 40 for count in tens) < 27.9  # 0.1 % point, 9 degrees of freedom
    assert sum((count - 400 / 6) ** 2 / (400 / 6) for count in faces) > 40
