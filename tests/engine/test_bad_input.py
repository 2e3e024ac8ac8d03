"""What a person meets when something is wrong: one clear line, the documented exit code, nothing lost or half-written."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import report
from engine.analyze import Order, new_run
from engine.cli import _parser, main
from engine.commands import orders
from engine.errors import EnvironmentFault, UsageError
from engine.runs import SPEC
from engine.search.space import Space
from state.journal import Journal

ROOT = Path(__file__).parents[2]


def mimicry(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def one_line(shown: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert shown.returncode == code, shown.stderr
    assert "Traceback" not in shown.stderr
    line = shown.stderr.strip().splitlines()[-1]
    assert line.startswith("mimicry: ")
    for word in words:
        assert word in line


def test_a_10_gb_file_is_refused_by_its_size_without_being_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as handle:
        handle.truncate(10 * 2**30)
    one_line(mimicry("analyze", str(huge), "--state", str(tmp_path / "state")), 3, "huge.csv", "GiB")
    assert not (tmp_path / "state").exists()


def test_a_refused_order_leaves_no_run_behind(tmp_path: Path) -> None:
    draws = tmp_path / "draws.txt"
    draws.write_text("\n".join(map(str, range(50))))
    one_line(
        mimicry("analyze", str(draws), "--families", "mt19938", "--state", str(tmp_path / "state")),
        2,
        "mt19938",
    )
    assert not (tmp_path / "state").exists()


def test_a_state_that_is_a_file_is_named(tmp_path: Path) -> None:
    draws, state = tmp_path / "draws.txt", tmp_path / "state"
    draws.write_text("\n".join(map(str, range(50))))
    state.write_text("")
    with pytest.raises(EnvironmentFault, match=r"state/runs/.*cannot create the run directory"):
        new_run(state, "f" * 64)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["analyze", "x", "--sessions", "all"],
            "mimicry analyze: there is no option '--sessions'; nearest: --session,",
        ),
        (
            ["analyze", "x", "--direction", "up"],
            "mimicry analyze: argument --direction: invalid choice: 'up'",
        ),
        (["status", "now"], "mimicry status: 'now' is one word too many;"),
        (["--foo"], "mimicry: unrecognized arguments: --foo;"),
    ],
)
def test_what_a_verb_does_not_take_is_one_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(words)
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert shown.startswith(told)
    assert shown.count("\n") == 1


def test_a_verb_that_does_not_exist_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["analyse", "draws.txt"])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("mimicry: there is no verb 'analyse'; nearest: analyze")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was asked for eight seconds of PHP."""
    asked = Order(("draws.txt",), Space(families=("php",), time_limit=8.0), {}, False, 2)
    (tmp_path / SPEC).write_text(json.dumps(asked.dump()))
    return tmp_path


@pytest.mark.parametrize(
    "more", ["draws.txt", "--families=java", "--exhaust", "--gap-law=range", "--alpha=1e-3"]
)
def test_what_a_resumed_run_would_pass_over_is_refused(run: Path, more: str) -> None:
    with pytest.raises(UsageError, match=f"--resume: .*leave {more.partition('=')[0]} out"):
        orders.order(_parser().parse_args(["analyze", "--resume", str(run), more]))


def test_a_resumed_run_takes_more_time_and_other_workers(run: Path) -> None:
    words = ["analyze", "--resume", str(run), "--time-limit", "600", "--workers", "1", "--json", "-"]
    order, _ = orders.order(_parser().parse_args(words))
    assert (order.space.time_limit, order.workers, order.space.families) == (600.0, 1, ("php",))
    order, _ = orders.order(_parser().parse_args(words[:3]))
    assert (order.space.time_limit, order.workers) == (8.0, 2)


def test_the_last_run_can_be_resumed_by_that_word_and_what_is_no_run_gets_the_nearest(run: Path) -> None:
    state = run / "state"
    run.rename(held := run.with_name("held"))
    (state / "runs").mkdir(parents=True)
    held.rename(kept := state / "runs" / "20260101T000000-1")
    words = ["--state", str(state), "analyze", "--resume"]
    assert orders.order(_parser().parse_args([*words, "last"]))[1] == kept
    with pytest.raises(UsageError, match="nearest are: 20260101T000000-1"):
        orders.order(_parser().parse_args([*words, "20260101"]))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB that is full but for a few blocks."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a small file system here: {made.stderr.decode().strip()}")
    try:
        (mounted / "filler").write_bytes(b"x" * 200_000)
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


def test_no_disk_is_one_line_that_says_so(full_disk: Path, tmp_path: Path) -> None:
    draws = tmp_path / "draws.txt"
    draws.write_text("\n".join(str(number * 7919 % 1000) for number in range(500)))
    shown = mimicry("analyze", str(draws), "--state", str(full_disk), "--seeds", "0:1000")
    one_line(shown, 5, "space")
    assert not list(full_disk.rglob("*.tmp"))


def test_a_corrupt_journal_is_named_and_left_untouched(tmp_path: Path) -> None:
    with_journal = tmp_path / "state"
    journal = Journal.open(with_journal)
    for number in range(200):
        journal.append("note", {"number": number, "text": "x" * 200})
    journal.close()
    file = with_journal / "journal.db"
    damaged = bytearray(file.read_bytes())
    damaged[8192:12288] = os.urandom(4096)
    file.write_bytes(damaged)
    shown = mimicry("verify", "--state", str(with_journal))
    assert shown.returncode in (3, 5)
    assert "journal.db" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert file.read_bytes() == bytes(damaged)


def test_a_missing_compiler_is_named_with_the_fix_before_anything_is_installed() -> None:
    shown = subprocess.run(
        ["make", "check-machine", "CXX=no-such-compiler"], capture_output=True, text=True, cwd=ROOT, check=False,
        env=os.environ | {"CXX": "no-such-compiler"},
    )  # fmt: skip
    assert shown.returncode != 0
    assert "compiler is missing. Fix: apt-get install g++" in shown.stdout + shown.stderr


def test_a_reason_that_names_a_range_is_told_whole() -> None:
    reason = "range 0:9223372036854775807 holds 9223372036854775808 values, mod takes 1 to 4294967296"
    left = [SimpleNamespace(reason=reason), SimpleNamespace(reason="time limit: java|mod")]
    told = " ".join(" ".join(report._left_out(SimpleNamespace(not_tested=left))).split())  # type: ignore[arg-type]
    assert f"1 cell ({reason}); 1 cell (time limit)" in told
