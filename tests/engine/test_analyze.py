"""`mimicry analyze` as a process: examples to verdicts, Ctrl-C and resume, the record it leaves."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.analyze import Order, considered, keep_history, open_history
from engine.history.history import History
from engine.history.importers import read_history
from engine.history.samples import Pool, Sample
from engine.search import ledger
from engine.search.analysis import Analysis
from engine.search.certificate import Certificate, digest
from hip_cuda_kernels import host
from hip_cuda_kernels.registry import family
from state.journal import Journal

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engine.cli", "analyze", *arguments]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run to the end with one worker: a second costs a second of imports before it does anything."""
    return subprocess.run(
        [*command(*arguments), "--workers", "1"],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip


def truth(name: str) -> dict[str, object]:
    listed = json.loads((EXAMPLES / "provenance.json").read_text())["examples"]
    return next(one["truth"] for one in listed if one["file"] == name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("php_mt_rand.csv", ["--families", "php", "--seeds", "4810000:4820000"]),
        pytest.param("java_nextint_gaps.csv", [], marks=pytest.mark.slow),  # 10 to 16 s
        pytest.param(
            "python_random_dice.csv",
            ["--families", "python", "--seeds", "20000:22000"],
            marks=pytest.mark.slow,
        ),  # 4 s
        ("glibc_rand_lotto.csv", []),
        pytest.param(
            "drand48_tables.jsonl",
            ["--families", "lcg48/*", "--seeds", "316000:317000"],
            marks=pytest.mark.slow,
        ),  # 4 s
        pytest.param(
            "numpy_random_sample.txt",
            ["--families", "numpy.RandomState", "--seeds", "900000:920000"],
            marks=pytest.mark.slow,
        ),  # 4 s
    ],
)
def test_an_example_of_a_real_runtime_is_identified(name: str, options: list[str], tmp_path: Path) -> None:
    shown = analyze(str(EXAMPLES / name), *options, "--json", "-", "--state", str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    found, wanted = Analysis.model_validate_json(shown.stdout), truth(name)
    best = found.hypotheses[0]
    assert (best.family, best.mapping) == (wanted["family"], wanted["mapping"])
    assert (int(best.origin["value"], 16), best.start, best.gap["value"]) == (
        wanted["seed"], wanted["start"], wanted["gap"],
    )  # fmt: skip
    assert found.next_draws is not None
    assert len(found.next_draws) >= 10


def test_entropy_gets_no_evidence_and_a_wider_search_takes_only_what_the_first_did_not_exclude(
    tmp_path: Path,
) -> None:
    options = ["--families", "msvc", "--mappings", "mod", "--gaps", "0:2", "--noise", "0", "--range", "0:999"]

    def searched(seeds: str) -> tuple[Analysis, subprocess.CompletedProcess[str]]:
        asked = [str(EXAMPLES / "entropy.csv"), *options, "--seeds", seeds]
        shown = analyze(*asked, "--json", str(tmp_path / "out.json"), "--state", str(tmp_path))
        return Analysis.model_validate_json((tmp_path / "out.json").read_text()), shown

    first, shown = searched("0:4095")
    assert shown.returncode == 0
    assert "NO EVIDENCE" in shown.stdout
    assert "not asked  gaps that vary (--gap-law range)" in shown.stdout
    assert "constant gaps" not in shown.stdout
    (run,) = (tmp_path / "runs").iterdir()
    record = Analysis.model_validate_json((run / "analysis.json").read_text())
    assert (record.verdict, record.complete, record.run) == ("no_evidence", True, run.name)
    journal = Journal.read_only(run)
    assert journal.billed() >= record.hypotheses_tested > 0
    assert journal.verify() > 0
    wider, shown = searched("0:8191")
    assert (first.hypotheses_tested, wider.hypotheses_tested, wider.excluded_before) == (3 * 4096,) * 3
    assert f"already excluded by run {first.run}" in shown.stderr
    order = Order.load(tmp_path / "runs" / str(wider.run) / "run.json")
    shelf = ledger.read(tmp_path, until=None)
    assert considered(order, shelf).plan.cells == ()
    assert considered(replace(order, again=True), shelf).plan.hypotheses == 3 * 8192
    exported = tmp_path / "certificate.json"
    shown = subprocess.run(
        [sys.executable, "-m", "engine.cli", "coverage", str(EXAMPLES / "entropy.csv"), *options, "--seeds", "0:9999",
         "--export", str(exported), "--state", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    made = Certificate.model_validate_json(exported.read_text())
    assert made.sha256 == digest(made.model_dump(mode="json"))
    assert [one.seeds for one in made.rectangles] == [["0:8191"]]
    assert [(one.seeds, one.hypotheses) for one in made.holes] == [("8192:9999", 3 * 1808)]
    assert max(map(len, shown.splitlines())) <= 80
    assert made.rectangles[0].power > 0.95
    assert f"power {int(made.rectangles[0].power * 100)}%" in shown, "a lower bound is not rounded up"


def test_a_history_with_varying_gaps_is_identified(tmp_path: Path) -> None:
    calls = np.cumsum([1, *np.random.default_rng(6).integers(1, 5, 59)])
    stream = host.values("msvc_rand/srand", "mod", 90_210, 0, 999, int(calls[-1]) + 1)
    draws = tmp_path / "draws.txt"
    draws.write_text("\n".join(map(str, stream[calls])))
    options = ["--gap-law", "range", "--families", "msvc", "--range", "0:999", "--state", str(tmp_path)]
    shown = analyze(str(draws), *options)
    assert shown.returncode == 0, shown.stderr
    assert "seed       90210" in shown.stdout
    assert "varying from draw to draw" in shown.stdout


def test_several_files_are_one_history_in_the_order_given(tmp_path: Path) -> None:
    rows = (EXAMPLES / "java_nextint_gaps.csv").read_text().splitlines()
    for name, part in (("a.csv", rows[1:51]), ("b.csv", rows[51:])):
        (tmp_path / name).write_text("\n".join([rows[0], *part]) + "\n")
    options = ["--families", "java", "--seeds", "583100:583200", "--gaps", "0:3", "--json", "-", "--state"]
    options += [str(tmp_path / "state")]
    shown = analyze(str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), *options)
    found = Analysis.model_validate_json(shown.stdout)
    assert (found.verdict, found.draws, found.sessions) == ("identified", 100, ["a.csv", "b.csv"])
    order = Order.load(tmp_path / "state" / "runs" / str(found.run) / "run.json")
    turned = open_history(replace(order, files=order.files[::-1]), None)
    assert turned.values.tolist() == [int(row.split(",")[-1]) for row in [*rows[51:], *rows[1:51]]]


def test_ctrl_c_stops_within_seconds_and_resume_goes_on_from_the_finished_chunks(tmp_path: Path) -> None:
    draws = tmp_path / "draws.txt"
    draws.write_text("\n".join(map(str, np.random.default_rng(5).integers(0, 1000, 60))))
    state = tmp_path / "state"
    # one worker and a pass of two chunks: the signal must come before the end
    options = ["--families", "mt19937/cpython", "--seeds", "0:25000000", "--noise", "0", "--range", "0:999"]
    process = subprocess.Popen(
        command(str(draws), *options, "--workers", "1", "--state", str(state)),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    finished = wait_for_chunk(state)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert time.monotonic() - asked < 10
    assert process.returncode == 4, told
    (run,) = (state / "runs").iterdir()
    assert f"mimicry analyze --resume {run}" in told
    resumed = analyze("--resume", str(run), "--json", "-", "--state", str(state))
    assert resumed.returncode == 0, resumed.stderr
    record = Analysis.model_validate_json(resumed.stdout)
    assert (record.verdict, record.complete) == ("no_evidence", True)
    assert record.hypotheses_tested == len(family("mt19937/cpython").mappings) * 25_000_001
    kinds = [event.kind for event in Journal.read_only(run).events()]
    assert finished >= 1
    assert kinds.count("analysis") == 2


def test_a_kept_copy_reads_back_as_the_same_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.history.history.BATCH", 3)  # several batches, the last one short
    times = [datetime(2026, 1, day, tzinfo=UTC) if day != 3 else None for day in range(1, 9)]
    history = History.of([7, None, 0, 5, 5, 999, 1, 2], times, ["b", "a", None, "a", "b", "b", "a", None])
    keep_history(history, tmp_path)
    back = read_history(
        tmp_path / "history.jsonl",
        column="value",
        time_column="time",
        session_column="session",
        format="jsonl",
    )
    assert (back.digest, back.draws, back.labels) == (history.digest, history.draws, history.labels)


def wait_for_chunk(state: Path) -> int:
    """Wait until the run's ledger holds a finished chunk."""
    for _ in range(600):
        time.sleep(0.1)
        for run in (state / "runs").glob("*"):
            if (run / "journal.db").exists():
                count = sum("chunk" in event.kind for event in Journal.read_only(run).events())
                if count:
                    return count
    raise AssertionError("no chunk finished within a minute")


def test_rows_of_six_numbers_are_identified_and_the_next_rows_are_named(tmp_path: Path) -> None:
    sample = Sample(6, Pool(1, 49, "sorted"))
    made = "mt19937/init_genrand", "sample(6,shuffle,sorted)", 4711
    ranks = host.values(*made, *sample.range, 22, start=2, gap=1).tolist()
    rows = [",".join(map(str, sample.row(rank))) for rank in ranks]
    (tmp_path / "rows.csv").write_text("\n".join(["n1,n2,n3,n4,n5,n6", *rows[:12]]))
    shown = analyze(
        str(tmp_path / "rows.csv"), "--columns", "n1,n2,n3,n4,n5,n6", "--pool", "1:49", "--families", made[0],
        "--seeds", "0:6000", "--starts", "0:2", "--gaps", "0:1", "--json", str(tmp_path / "out.json"),
        "--state", str(tmp_path),
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    found = Analysis.model_validate_json((tmp_path / "out.json").read_text())
    assert int(found.hypotheses[0].origin["value"], 16) == 4711
    assert found.next_draws is not None
    assert found.next_draws[:10] == ranks[12:]
    assert found.next_rows == [sample.row(rank) for rank in found.next_draws]
    assert f"next draws {rows[12].replace(',', ' ')}\n" in shown.stdout
