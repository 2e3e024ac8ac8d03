"""The page of bounds is true: every table stands in it, every queue has a bound or a reason, every test it names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.feedback import acceptance
from engine.feedback.consult import WAITING, Consultant
from engine.rigs.attempt import EVENTS, Running
from engine.rigs.inbox import Inbox
from engine.watcher import fingerprints
from engine.watcher.fingerprints import Fingerprints, Tried
from state.journal import Journal

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "bounds.md").read_text()
FOLDERS = ("engine", "state", "tui", "grammars", "hip_cuda_kernels")
QUEUES = ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")


def open_ended() -> Iterator[tuple[str, str]]:
    """Yield file and target of every queue, deque and ordered dictionary that is made without a bound, and of boundless caches."""
    for path in (found for folder in FOLDERS for found in (ROOT / folder).rglob("*.py")):
        text = path.read_text()
        if not re.search(r"deque\(|Queue\(|OrderedDict\(|@(functools\.)?cache$", text, re.M):
            continue
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                yield from (
                    (name, "cache")
                    for one in node.decorator_list
                    if ast.unparse(one) in ("cache", "functools.cache") and node.args.args
                )
            elif (
                isinstance(node, ast.Assign | ast.AnnAssign)
                and isinstance(node.value, ast.Call)
                and not _bounded(node.value)
            ):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                yield name, ast.unparse(target)


def _bounded(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    words = {keyword.arg for keyword in call.keywords}
    if name == "deque":
        return "maxlen" in words or len(call.args) > 1
    if name in QUEUES:
        return bool(call.args) or "maxsize" in words
    return name != "OrderedDict"


def test_every_queue_and_buffer_has_a_bound_or_stands_on_the_page() -> None:
    for name, target in set(open_ended()):
        told = [line for line in PAGE.splitlines() if f"`{name}`" in line]
        assert any(target == "cache" or f"`{target}`" in line for line in told), (
            f"{name}: {target} has no bound"
        )


def test_a_queue_without_a_bound_would_be_found() -> None:
    for text in ("asyncio.Queue()", "deque()", "collections.deque()", "OrderedDict()"):
        assert not _bounded(ast.parse(text, mode="eval").body)  # type: ignore[arg-type]
    for text in ("asyncio.Queue(5)", "deque(maxlen=3)", "deque([], 3)", "Queue(journal, halt)"):
        assert _bounded(ast.parse(text, mode="eval").body)  # type: ignore[arg-type]


def test_every_table_of_the_journal_stands_on_the_page(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal, journal.reading() as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    section = PAGE[PAGE.index("## Tables of the journal") : PAGE.index("## Files")]
    assert names == set(
        re.findall(
            r"`(\w+)`", "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))
        )
    )


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", PAGE))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_triggers_beyond_the_queue_are_passed_over_and_said() -> None:
    asked: Any = SimpleNamespace()
    consultant = Consultant(asked, asked, asked, asked)
    for number in range(WAITING + 3):
        consultant.tell(asked, number, {})
    assert consultant.degraded() == ["consultant: 3 triggers were not asked about"]
    assert [consultant._told.get_nowait()[1] for _ in range(WAITING)] == list(range(3, WAITING + 3))


def test_a_guard_that_floods_the_link_costs_its_worker_and_no_memory() -> None:
    ended: list[str] = []
    attempt: Any = SimpleNamespace(_events=Inbox(EVENTS), end=ended.append)
    for number in range(EVENTS + 5):
        Running.take(attempt, {"event": "line", "line": {"event": "word"}, "number": number})
    assert len(attempt._events) == EVENTS
    assert len(ended) == 5
    assert "floods the link" in ended[0]


def test_fingerprints_are_held_up_to_their_number_also_after_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "KEPT", 5)

    def tried(number: int) -> Tried:
        return Tried(
            fingerprint=f"{number:064x}",
            data="d",
            families=("all",),
            mappings=("native",),
            parameters={},
            outcome="no_evidence",
            run="run-0001",
        )

    with Journal.open(tmp_path) as journal:
        held = Fingerprints(journal)
        for number in range(9):
            held.record(tried(number))
        assert len(held) == len(Fingerprints(journal)) == 5
        assert held.find(f"{0:064x}") is None
        assert Fingerprints(journal).newest() == held.newest()


def test_candidates_that_were_judged_are_held_up_to_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "ENDED", 3)
    with Journal.open(tmp_path) as journal:
        book = acceptance.Acceptance(journal, tmp_path / "policy_history")
        for number in range(8):
            book.open[f"c-{number}"] = SimpleNamespace()  # type: ignore[assignment]
            book._replay(acceptance.REJECTED, {"candidate": f"c-{number}"})
    assert list(book.ended) == ["c-5", "c-6", "c-7"]
    assert (len(book.open), book.judged) == (0, 8)
