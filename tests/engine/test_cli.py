"""The command line as a process: help on one screen, light imports, one clear line and the right exit code for bad input."""

import errno
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.commands.table import GROUPS, verbs
from engine.errors import Unreachable
from state.journal import Journal

EXAMPLES = Path(__file__).parents[2] / "examples"
LIGHT = ("numpy", "textual", "rich", "distributed", "torch", "optuna", "asyncssh", "pydantic", "scipy")


@dataclass(frozen=True)
class Shown:
    """What one command printed and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def mimicry(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shown]:
    """Run one command in this process, with its own standard input."""

    def run(*arguments: str, stdin: str = "", state: Path | None = None) -> Shown:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        try:
            code = main([*arguments, *(["--state", str(state)] if state else [])])
        except SystemExit as ended:  # argparse ends --help and usage errors so
            code = int(ended.code or 0)
        shown = capsys.readouterr()
        return Shown(code, shown.out, shown.err)

    return run


Run = Callable[..., Shown]


def test_help_fits_one_80x24_screen_and_names_every_verb(mimicry: Run) -> None:
    shown = mimicry("--help").stdout.splitlines()
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80
    for group in GROUPS:
        assert any(line.split()[:1] == [group.name] for line in shown)
    assert {verb.name for verb in verbs()} <= set(" ".join(shown).split())


def test_help_lists_every_verb_with_its_line_and_shows_one_page(mimicry: Run) -> None:
    lines = mimicry("help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for verb in verbs():
        assert f"  {verb.name:<14}{verb.summary}" in lines
    assert mimicry("help", "halt").stdout == mimicry("halt", "--help").stdout
    assert "resume" in mimicry("help", "room").stdout
    assert "hot>90 & host~rig-" in mimicry("help", "filter").stdout
    shown = mimicry("help", "hallt")
    assert (shown.returncode, "halt" in shown.stderr) == (2, True)


def test_every_command_that_the_pages_name_is_a_verb() -> None:
    root = Path(__file__).parents[2]
    pages = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]
    named = {word for page in pages for word in re.findall(r"`mimicry ([a-z]\w*)", page.read_text())}
    assert len(named) > 40
    assert named <= {verb.name for verb in verbs()}


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys, engine.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\nprint([m for m in {LIGHT!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", [verb.name for verb in verbs()])
def test_every_verb_explains_itself_and_takes_the_state_directory(name: str, mimicry: Run) -> None:
    shown = mimicry(name, "--help")
    assert shown.returncode == 0
    assert "--state DIR" in shown.stdout


@pytest.mark.parametrize(
    "verb", [["status"], ["resume"], ["stop"], ["decisions"], ["explain", "1"], ["requests"], ["pipeline"]]
)
def test_without_a_daemon_a_verb_says_so_with_exit_code_6(
    verb: list[str], tmp_path: Path, mimicry: Run
) -> None:
    shown = mimicry(*verb, state=tmp_path)
    assert shown.returncode == 6
    assert len(shown.stderr.strip().splitlines()) == 1
    assert "Traceback" not in shown.stderr


def test_a_halt_is_of_one_kind_and_a_second_one_is_told_which_stands(mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry("halt", "heat", "--finish", "--now", state=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "--finish and --now contradict each other" in shown.stderr
    assert mimicry("halt", "heat", "--finish", state=tmp_path).stdout.startswith(
        "halted (finish): heat; none running"
    )
    again = mimicry("halt", " fire ", "--finish", state=tmp_path)
    assert again.stdout.startswith("already halted (finish): heat, by ")
    assert mimicry("halt", "heat", "--finish", state=tmp_path).stdout.startswith("halted (finish): heat")
    stronger = json.loads(mimicry("halt", "fire", "--json", state=tmp_path).stdout)
    assert (stronger["kind"], stronger["reason"]) == ("now", "fire")
    bytes_of_a_shell = mimicry("halt", "\udcff", state=tmp_path / "other")
    assert (bytes_of_a_shell.returncode, bytes_of_a_shell.stdout[:14]) == (0, "halted (now): ")


def test_what_an_option_says_reaches_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[object] = []

    def order(_: str, verb: str, args: object) -> object:
        sent.append((verb, args))
        raise Unreachable("none")

    monkeypatch.setattr("engine.client.order", order)
    assert main(["series", "engine.pss_mb", "--seconds", "300", "--state", str(tmp_path)]) == 6
    assert sent == [("series", {"names": ["engine.pss_mb"], "seconds": 300, "count": 60})]


BAD = [
    (["--families", "mt19938"], 2, "mt19937"),
    (["--mappings", "modulo"], 2, "mod"),
    (["--seeds", "9:3"], 2, "reversed"),
    (["--gaps", "many"], 2, "not an integer"),
    (["--noise", "1.5"], 2, "--noise"),
    (["--range", "5:5"], 2, "two values"),
    (["--modulus", "1"], 2, "--modulus 1"),
    (["--modulus", str(2**63 + 1)], 2, "at most 9223372036854775808"),
    (["--seed", "-1"], 2, "--seed: -1: a whole number from 0 on"),
    (["--workers", "0"], 2, "--workers: 0: a whole number from 1 on"),
    (["--range", "-5:9"], 2, "written --range=-5"),
    (["--alpha", "0"], 2, "no evidence would do"),
    (["--alpha", "nan"], 2, "no evidence would do"),
    (["--noise", "nan"], 2, "must lie in [0, 1)"),
    (["--time-limit", "nan"], 2, "seconds above 0"),
    (["--range", "0:9", "--modulus", "10"], 2, "one of them"),
    (["--column", "price"], 3, "price"),
    (["--range", "0:99"], 3, "outside the range"),
    (["--session", "B"], 3, "no session"),
]


@pytest.mark.parametrize(("options", "code", "word"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_a_wrong_option_is_one_line_that_names_it(
    options: list[str], code: int, word: str, tmp_path: Path, mimicry: Run
) -> None:
    draws = tmp_path / "draws.csv"
    draws.write_text("value\n" + "\n".join(str(number * 37 % 1000) for number in range(40)) + "\n")
    shown = mimicry("analyze", str(draws), *options, state=tmp_path / "state")
    assert (shown.returncode, shown.stdout) == (code, "")
    lines = [line for line in shown.stderr.splitlines() if line.startswith(("mimicry:", "mimicry analyze:"))]
    assert len(lines) == 1
    assert word in lines[0]
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty"),
        ("1\n2\n", "draws"),
        ("1\nx\n3\n", "x"),
        ("007\n12\n005\n", "width"),
        ("1.5\n2.5\n3.5\n", "integer"),
    ],
)
def test_a_bad_file_is_one_line_and_exit_code_3(
    content: str, word: str, tmp_path: Path, mimicry: Run
) -> None:
    shown = mimicry("analyze", "-", "--format", "text", stdin=content, state=tmp_path)
    assert shown.returncode == 3
    assert word in shown.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [["report"], ["certificate", "verify"], ["dump"], ["analyze", "--resume"], ["init"]]
)
def test_a_name_that_no_path_can_have_is_one_line(words: list[str], mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry(*words, "x" * 256, state=tmp_path)
    assert (shown.returncode, shown.stdout) == (5, "")
    assert "File name too long" in shown.stderr


def test_a_missing_file_and_an_unwritable_state_are_named(tmp_path: Path, mimicry: Run) -> None:
    assert mimicry("analyze", str(tmp_path / "none.csv"), state=tmp_path).returncode == 3
    blocked = tmp_path / "file"
    blocked.write_text("")
    shown = mimicry(
        "analyze", "-", "--format", "text", "--families", "msvc", stdin="1\n2\n3\n4\n", state=blocked
    )
    assert shown.returncode == 5
    assert str(blocked) in shown.stderr


def test_the_json_contract_goes_to_stdout_alone(tmp_path: Path, mimicry: Run) -> None:
    text = "\n".join(map(str, np.random.default_rng(7).integers(0, 1000, 40)))
    options = ["--families", "xorshift32/raw_seed", "--seeds", "0:1000", "--range", "0:999", "--noise", "0"]
    shown = mimicry("analyze", "-", "--format", "text", *options, "--json", "-", stdin=text, state=tmp_path)
    assert shown.returncode == 0
    record = json.loads(shown.stdout)
    assert record["schema"] == "analysis/1"
    assert record["verdict"] == "no_evidence"
    assert record["controls"]["cells_found"] == record["controls"]["cells_planted"] > 0
    last = json.loads(mimicry("run", "show", "last", "--json", state=tmp_path).stdout)
    assert (last["kind"], last["why"]) == ("analyze", record["verdict"])


def test_the_registry_prints_as_table_and_json(tmp_path: Path, mimicry: Run) -> None:
    told = json.loads(mimicry("generators", "--json").stdout)
    rows = told["generators"]
    assert told["schema"] == "generators/1"
    assert len(rows) >= 12
    assert mimicry("generators").stdout.count("\n") == len(rows) + 1


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_output_that_takes_no_text_or_not_all_letters_ends_in_no_traceback(
    form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert main(["generators", *form]) == 0
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BufferedWriter(_Full())))
    assert main(["generators", *form]) == 5
    assert capsys.readouterr().err == (
        "mimicry: standard output: No space left on device; check the path, its permissions and the disk\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_unwinds_what_runs_in_one_line_and_leaves_the_handlers_as_they_were(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr("sys.stdout", _Ended(number))
    assert main(["generators"]) == 4
    assert capsys.readouterr().err == "mimicry: interrupted\n"
    assert signal.getsignal(number) is before


class _Ended(io.StringIO):
    """A reader that ends us instead of reading."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number

    def write(self, _: str) -> int:
        signal.raise_signal(self.number)
        return 0


class _Full(io.RawIOBase):
    """A disk without room."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        """Go without a last flush, which nobody hears of."""


def test_what_an_option_writes_goes_through_links_and_into_pipes_and_replaces_neither(
    mimicry: Run, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for name in ("link", "pipe"):
        assert mimicry("coverage", "--export", str(tmp_path / name), state=tmp_path).returncode == 0
    got = os.read(reader, 2**16)
    os.close(reader)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
    assert json.loads(got)["schema"] == json.loads((tmp_path / "real").read_text())["schema"] == "coverage/1"


def test_a_closed_standard_input_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert main(["plan", "-"]) == 3
    assert "standard input: is closed" in capsys.readouterr().err


def test_the_version_is_the_packages(mimicry: Run) -> None:
    packaged = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert mimicry("--version").stdout == f"mimicry {packaged}\n"


def test_a_plan_fits_80_columns_and_ends_before_anything_is_written(mimicry: Run, tmp_path: Path) -> None:
    history = str(EXAMPLES / "java_nextint_gaps.csv")
    shown = mimicry("plan", history, "--families", "java", state=tmp_path / "state")
    assert shown.returncode == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "lcg48/java java_bounded 0..999" in shown.stdout
    assert not (tmp_path / "state").exists()


def test_a_plan_shows_its_first_cells_and_all_on_request(mimicry: Run) -> None:
    options = ("plan", str(EXAMPLES / "entropy.csv"), "--families", "java", "--range", "0:999")
    brief, whole = mimicry(*options).stdout, mimicry(*options, "--all").stdout
    assert "more cells (--all" in brief
    assert "more cells" not in whole
    assert whole.count("      seeds ") > brief.count("      seeds ")


def test_a_plan_as_json_is_the_contract(mimicry: Run) -> None:
    shown = mimicry("plan", str(EXAMPLES / "entropy.csv"), "--families", "java", "--json", "-")
    made = json.loads(shown.stdout)
    assert made["schema"] == "plan/1"
    assert {cell["family"] for cell in made["cells"]} == {"lcg48/java"}


def test_a_plan_without_a_history_says_so(mimicry: Run) -> None:
    shown = mimicry("plan")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "give a history" in shown.stderr


def test_what_could_be_identified_fits_80_columns_and_writes_nothing(mimicry: Run, tmp_path: Path) -> None:
    history, state = str(EXAMPLES / "java_nextint_gaps.csv"), tmp_path / "state"
    shown = mimicry("identifiable", history, "--families", "java,php,taus88", "--range", "0:999", state=state)
    assert shown.returncode == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "by seed    3 of 3 families" in shown.stdout
    assert "6,861" in mimicry("identifiable", history, "--families", "php", "--all").stdout
    assert not state.exists()


def test_what_could_be_identified_as_json_is_the_contract(mimicry: Run) -> None:
    shown = mimicry("identifiable", str(EXAMPLES / "entropy.csv"), "--families", "java", "--json", "-")
    made = json.loads(shown.stdout)
    assert made["schema"] == "identifiable/1"
    assert {name for need in made["needs"] for name in need["families"]} == {"lcg48/java"}


@pytest.mark.parametrize(
    ("draws", "code", "line"),
    [("7\n" * 5, 0, "hopeless   all 5 draws are equal"), ("3\n4\n", 3, "at least 3 are needed")],
)
def test_what_no_draws_could_identify_is_one_line(mimicry: Run, draws: str, code: int, line: str) -> None:
    shown = mimicry("identifiable", "-", "--range", "0:9", stdin=draws)
    assert shown.returncode == code
    assert (shown.stdout + shown.stderr).count(line) == 1


def test_a_certificate_of_nothing_says_that_nothing_is_excluded(mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry("coverage", state=tmp_path)
    assert shown.returncode == 0
    assert "0 hypotheses in 0 rectangles" in shown.stdout
    made = json.loads(mimicry("coverage", "--json", state=tmp_path).stdout)
    assert (made["schema"], made["rectangles"], made["chain"]["head"]) == ("coverage/1", [], "")


def test_a_ledger_without_a_history_takes_no_options_of_one(mimicry: Run, tmp_path: Path) -> None:
    for option, value in (("--gap-law", "range"), ("--noise", "0")):  # a nought is said, too
        shown = mimicry("coverage", option, value, state=tmp_path)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert f"give FILE, or leave {option} out" in shown.stderr


def test_a_certificate_that_cannot_be_written_is_one_line(mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry("coverage", "--export", str(tmp_path / "no" / "c.json"), state=tmp_path)
    assert shown.returncode == 5
    assert shown.stderr.startswith("mimicry: --export")


def test_the_pipeline_refuses_gaps_that_take_turns(mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry(
        "analyze", str(EXAMPLES / "entropy.csv"), "--gap-law", "periodic", "--pipeline", state=tmp_path
    )
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("mimicry: --pipeline: its steps take constant and varying gaps only")


def test_the_pipeline_refuses_a_backward_search_and_says_how_to_go_on(mimicry: Run, tmp_path: Path) -> None:
    shown = mimicry(
        "analyze", str(EXAMPLES / "entropy.csv"), "--direction", "both", "--pipeline", state=tmp_path
    )
    assert shown.returncode == 2
    assert shown.stderr.startswith("mimicry: --pipeline: its steps go on from the newest draw")
    assert "--newest-first" in shown.stderr


def test_verify_recomputes_the_coverage_ledger_too(mimicry: Run, tmp_path: Path) -> None:
    with Journal.open(tmp_path / "coverage") as ledger:
        head, seq = ledger.head, ledger.seq
    shown = mimicry("verify", state=tmp_path)
    assert (shown.returncode, shown.stdout) == (0, f"coverage: {seq} records, chain intact, head {head}\n")
    Journal.open(tmp_path).close()
    assert set(json.loads(mimicry("verify", "--json", state=tmp_path).stdout)) == {
        "schema",
        "records",
        "head",
        "coverage",
    }
    with sqlite3.connect(tmp_path / "coverage" / "journal.db") as db:
        db.execute("UPDATE events SET data = '{}'")
    for verb in (["verify"], ["record", "--out", str(tmp_path / "slice")]):
        assert mimicry(*verb, state=tmp_path / "coverage").returncode == 3
        assert mimicry(*verb, state=tmp_path / "none").returncode == 5
    assert not (tmp_path / "slice").exists()


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--columns", "a,b"), "need their pool"),
        (("--order", "drawn"), "need their pool"),
        (("--pool", "49", "--columns", "a,b", "--column", "a"), "contradict"),
        (("--pool", "49", "--modulus", "49"), "contradict"),
        (("--pool", "49:1"), "--pool 49:1"),
    ],
)
def test_options_of_rows_that_contradict_each_other_are_refused(
    options: tuple[str, ...], rule: str, mimicry: Run, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    shown = mimicry("plan", str(tmp_path / "rows.csv"), *options)
    assert shown.returncode == 2
    assert rule in shown.stderr


def test_every_topic_fits_one_screen_and_hides_behind_no_verb() -> None:
    from engine.commands.topics import TOPICS

    assert not set(TOPICS) & {group.name for group in GROUPS}
    assert not set(TOPICS) & {verb.name for verb in verbs()}
    for told, text in TOPICS.values():
        assert told
        assert len(text.splitlines()) <= 24
        assert max(map(len, text.splitlines())) <= 80
