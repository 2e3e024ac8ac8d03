"""A certificate held against its witnesses: genuine ones pass, a changed byte anywhere is caught and named."""

import asyncio
import json
import shutil
import sqlite3
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyze import Order, analyze
from engine.audit import Wanted, _block, verify_file, verify_run
from engine.checks import Check, exit_code
from engine.cli import main
from engine.compute.codec import pack, unpack
from engine.errors import BadInput, Exit
from engine.history.history import History
from engine.search import ledger
from engine.search.certificate import digest, of_ledger
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels.host import build_digest

ENTROPY = Path(__file__).parents[2] / "examples" / "entropy.csv"
READING = {
    "column": None, "time_column": None, "session_column": None, "format": None, "newest_first": False, "decimals": None,
}  # fmt: skip
ONE = Wanted(replay=1)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with one finished run and its exported certificate."""
    state = tmp_path_factory.mktemp("state")
    space = Space(
        families=("msvc", "glibc"), mappings=("mod",), seeds=(Range(0, 2**13 - 1),), gaps=Range(0, 2), range=(0, 999), noise=0.0
    )  # fmt: skip
    asyncio.run(analyze(Order((str(ENTROPY),), space, READING, False, 1), state))
    made = of_ledger(ledger.read(state), build_digest())
    (state / "c.json").write_text(made.model_dump_json(indent=1))
    return state


@pytest.fixture
def state(searched: Path, tmp_path: Path) -> Path:
    return shutil.copytree(searched, tmp_path / "state")


def run_of(state: Path) -> Path:
    return next((state / "runs").iterdir())


def states(checks: list[Check]) -> dict[str, str]:
    return {one.name: one.state for one in checks}


def verified(state: Path, wanted: Wanted = ONE, kernel: str | None = None) -> dict[str, str]:
    return states(verify_file(state / "c.json", state, kernel or build_digest(), wanted))


def changed(state: Path, **values: Any) -> None:
    record = json.loads((state / "c.json").read_text()) | values
    (state / "c.json").write_text(json.dumps({**record, "sha256": digest(record)}))


def rewritten(journal: Path, *statement: Any) -> None:
    with sqlite3.connect(journal / "journal.db") as db:
        assert db.execute(*statement).rowcount > 0


def test_a_genuine_certificate_and_its_run_pass_every_check(state: Path) -> None:
    checks = verify_file(state / "c.json", state, build_digest(), Wanted(replay=2, draws=(str(ENTROPY),)))
    assert set(states(checks).values()) == {"ok"}, checks
    assert [one.name for one in checks] == [
        "schema", "sha-256", "chain", "rows", "proofs", "kernels", "draws", "replay",
    ]  # fmt: skip
    assert exit_code(checks) is Exit.OK
    assert set(states(verify_run(run_of(state), build_digest(), ONE)).values()) == {"ok"}


def test_a_block_of_any_length_has_its_name(state: Path) -> None:
    row = replace(ledger.read(state).rows[0], range_lo=1, range_hi=6, law="constant")
    dice = History.of(np.random.default_rng(1).integers(1, 7, 120).tolist(), source="t")
    names = {_block(dice, replace(row, block=count)) for count in (60, 64, 65, 120)}
    assert len(names - {None}) == 4


def test_a_changed_byte_of_the_certificate_is_caught_by_its_own_digest(state: Path) -> None:
    text = (state / "c.json").read_text()
    (state / "c.json").write_text(text.replace('"alpha": 1e-6', '"alpha": 1e-9', 1))
    assert verified(state)["sha-256"] == "failed"


def test_a_certificate_sealed_anew_does_not_follow_from_the_ledger(state: Path) -> None:
    rectangles = json.loads((state / "c.json").read_text())["rectangles"]
    rectangles[0]["seeds"] = ["0:9999"]
    changed(state, rectangles=rectangles)
    found = verified(state)
    assert (found["sha-256"], found["rows"]) == ("ok", "failed")


def test_a_certificate_that_names_another_chain_is_caught(state: Path) -> None:
    chain = json.loads((state / "c.json").read_text())["chain"]
    changed(state, chain={**chain, "head": "f" * 64})
    assert verified(state) == {"schema": "ok", "sha-256": "ok", "chain": "failed"}
    changed(state, chain={**chain, "seq": chain["seq"] + 1000})
    assert verified(state)["chain"] == "not checkable here"


def test_what_is_no_certificate_breaks_the_schema(state: Path) -> None:
    changed(state, holes="none")
    checks = verify_file(state / "c.json", state, build_digest(), ONE)
    assert (states(checks), exit_code(checks)) == ({"schema": "failed"}, Exit.BAD_INPUT)
    with pytest.raises(BadInput, match="cannot read"):
        verify_file(state / "none.json", state, build_digest(), ONE)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET data = replace(data, '1e-06', '1e-09') WHERE kind = 'coverage.added'", "UPDATE coverage SET threshold = 1"],
)  # fmt: skip
def test_a_changed_row_of_the_ledger_is_caught(statement: str, state: Path) -> None:
    rewritten(state / "coverage", statement)
    assert verified(state)["chain"] == "failed"


def test_a_changed_event_of_a_run_is_caught(state: Path) -> None:
    rewritten(
        run_of(state),
        "UPDATE events SET data = replace(data, 'worker', 'wOrker') WHERE kind = 'chunk.done'",
    )
    assert verified(state)["proofs"] == "failed"


def test_a_changed_byte_of_a_chunk_result_is_caught(state: Path) -> None:
    rewritten(run_of(state), "UPDATE chunks SET result = CAST(substr(result, 1, 100) || x'00' || substr(result, 102) AS BLOB)")  # fmt: skip
    assert verified(state)["proofs"] == "failed"


def test_a_chunk_result_forged_with_its_digest_is_caught_by_the_chained_event(state: Path) -> None:
    with sqlite3.connect(run_of(state) / "journal.db") as db:
        (result,) = db.execute("SELECT result FROM chunks LIMIT 1").fetchone()
    meta, arrays = unpack(result)
    forged = pack({**meta, "found": meta["found"] + 1}, arrays)
    rewritten(run_of(state), "UPDATE chunks SET result = ?, digest = ?", (forged, sha256(forged).hexdigest()))
    proofs = next(
        one for one in verify_file(state / "c.json", state, build_digest(), ONE) if one.name == "proofs"
    )
    assert (proofs.state, "not the one that the journal recorded" in proofs.note) == ("failed", True)


def test_other_draws_are_caught(state: Path) -> None:
    other = state / "other.csv"
    lines = ENTROPY.read_text().splitlines()
    other.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert verified(state, Wanted(replay=1, draws=(str(other),)))["draws"] == "failed"


def test_a_replay_that_finds_something_else_is_caught(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import audit

    real = audit.chunk.run

    def forgetful(*arguments: Any) -> Any:
        meta, arrays = real(*arguments)
        return {**meta, "canary": [0, 0, 0, False]}, arrays

    monkeypatch.setattr(audit.chunk, "run", forgetful)
    assert verified(state)["replay"] == "failed"


def test_another_build_and_absent_witnesses_are_said_not_to_be_checkable_here(state: Path) -> None:
    found = verified(state, kernel="build-2")
    assert (found["kernels"], found["replay"], found["proofs"]) == (
        "not checkable here",
        "not checkable here",
        "ok",
    )
    shutil.rmtree(run_of(state))
    checks = verify_file(state / "c.json", state, build_digest(), ONE)
    assert states(checks)["proofs"] == "not checkable here"
    assert exit_code(checks) is Exit.ENVIRONMENT
    shutil.rmtree(state / "coverage")
    assert verified(state)["chain"] == "not checkable here"


def test_the_verb_prints_one_line_a_check_and_ends_with_the_documented_code(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certificate", "verify", "last", "--replay", "1", "--state", str(state)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "chain", "rows", "proofs", "kernels", "draws", "replay",
    ]  # fmt: skip
    rewritten(state / "coverage", "UPDATE coverage SET threshold = 1")
    assert main(["coverage", "--state", str(state)]) == 3
    assert "differs from its chained events" in capsys.readouterr().err
    assert main(["certificate", "verify", str(state / "c.json"), "--state", str(state)]) == 3
    assert main(["certificate", "verify", "lost", "--state", str(state)]) == 2
    assert run_of(state).name in capsys.readouterr().err


def test_states_that_algebra_excluded_are_proven_and_solved_again(tmp_path: Path) -> None:
    space = Space(
        families=("lcg48/java",), mappings=("java_bounded",), gaps=Range(0, 1), range=(0, 999), methods="algebra"
    )  # fmt: skip
    asyncio.run(analyze(Order((str(ENTROPY),), space, READING, False, 1), tmp_path))
    checks = verify_run(run_of(tmp_path), build_digest(), ONE)
    assert {one.state for one in checks} == {"ok"}, [one.line() for one in checks]
    with sqlite3.connect(tmp_path / "coverage" / "journal.db") as db:
        db.execute("UPDATE coverage SET gap_hi = 9")
    assert "failed" in {one.state for one in verify_run(run_of(tmp_path), build_digest(), ONE)}
