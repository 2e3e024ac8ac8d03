"""What holds in a state directory at any moment, also right after kill -9: one function a rule, each returns what breaks it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from state.errors import StateError
from state.journal import Journal
from state.requests import TERMINAL, TRANSITIONS


def chain(journal: Journal, state: Path) -> list[str]:
    """The hash chain verifies from the first event to the tip, and SQLite finds no damaged page."""
    try:
        journal.verify()
    except StateError as error:
        return [str(error)]
    return []


def requests(journal: Journal, state: Path) -> list[str]:
    """A request has at most one end, and every move of it is one that the table allows."""
    found, at = [], dict[str, str]()
    for event in journal.events(kinds=("request.",)):
        name, move = str(event.data["request"]), event.kind.removeprefix("request.")
        before = at.get(name)
        if before is not None and move not in TRANSITIONS[before]:
            found.append(f"{name}: {before} -> {move} at event {event.seq}")
        at[name] = move
    rows = {row.id: row.state for row in journal.requests.list(limit=1_000_000)}
    found += [
        f"{name}: the row says {rows.get(name)}, the events {move}"
        for name, move in at.items()
        if rows.get(name) != move
    ]
    return found + [f"{name}: no event made it" for name in rows.keys() - at.keys()]


def keys(journal: Journal, state: Path) -> list[str]:
    """An idempotency key stands for one request."""
    counted = Counter(
        event.data["key"] for event in journal.events(kinds=("request.queued",)) if event.data.get("key")
    )
    return [f"key {key}: {count} requests" for key, count in counted.items() if count > 1]


def draws(journal: Journal, state: Path) -> list[str]:
    """Draws are numbered without a gap, an id stands for one draw, and a draw request that is done has its draw."""
    path = state / "history" / "draws.jsonl"
    lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
    records = [json.loads(line) for line in lines[:-1]]  # a torn last line is cut at the next start
    found = [f"line {n}: seq {one['seq']}" for n, one in enumerate(records, 1) if one["seq"] != n]
    ids = Counter(one["id"] for one in records if one["id"] is not None)
    found += [f"draw {name} stored {count} times" for name, count in ids.items() if count > 1]
    values = {one["id"]: one["value"] for one in records}
    for row in journal.requests.list(states=("done",), limit=1_000_000):
        if row.kind == "inject_draw" and values.get(f"injected-{row.id}", -1) != row.args["value"]:
            found.append(f"{row.id} is done, its draw is {values.get(f'injected-{row.id}', 'not there')}")
    return found


def arrived(journal: Journal, state: Path) -> list[str]:
    """Arrivals are on record without a gap or a repeat, at most one batch behind the store."""
    spans = [(int(e.data["first"]), int(e.data["last"])) for e in journal.events(kinds=("draws.arrived",))]
    wrong = [span for before, span in zip([(0, -1), *spans], spans, strict=False) if span[0] != before[1] + 1]
    return [f"arrivals recorded as {spans[-5:]}"] if wrong else []


def judged(journal: Journal, state: Path) -> list[str]:
    """A draw is judged or passed over once, in order, and the cursor stands after the last one."""
    seen: list[int] = []
    for event in journal.events(kinds=("draw.judged", "draws.unforecast")):
        first = int(event.data.get("first", event.data.get("for_draw", -1)))
        last = int(event.data.get("last", first))
        seen += range(first, last + 1)
    if seen != list(range(len(seen))):
        return [f"draws were taken as {seen[:20]}…" if len(seen) > 20 else f"draws were taken as {seen}"]
    cursor = int(journal.cursors.get("feedback", 0))
    return [] if cursor == len(seen) else [f"{len(seen)} draws were taken, the cursor stands at {cursor}"]


def pools(journal: Journal, state: Path) -> list[str]:
    """A pool was committed before its draw was judged, and is not changed after."""
    found, ended = [], set[int]()
    for event in journal.events(kinds=("pool.committed", "draw.judged")):
        draw = int(event.data["for_draw"])
        if event.kind == "draw.judged":
            ended.add(draw)
        elif draw in ended:
            found.append(f"{event.kind} for draw {draw} at event {event.seq}, after it was judged")
    return found


def decisions(journal: Journal, state: Path) -> list[str]:
    """A decision of code on the same evidence of the same run stands once."""
    rows = journal.decisions.list(limit=1_000_000)
    counted = Counter(
        (row.run, row.step, json.dumps(row.evidence), row.action) for row in rows if row.source == "rule"
    )
    return [
        f"{count} decisions {key[0]} step {key[1]} {key[3]}" for key, count in counted.items() if count > 1
    ]


def promotions(journal: Journal, state: Path) -> list[str]:
    """A candidate ends once, and versions of the active policy count up by one."""
    kinds = ("candidate.proposed", "policy.promoted", "policy.rejected", "policy.rolled_back")
    events = list(journal.events(kinds=kinds))
    ends = Counter(
        event.data["candidate"] for event in events if event.kind in ("policy.promoted", "policy.rejected")
    )
    found = [f"candidate {name} ended {count} times" for name, count in ends.items() if count > 1]
    proposed = Counter(event.data["candidate"] for event in events if event.kind == "candidate.proposed")
    found += [f"candidate {name} proposed {count} times" for name, count in proposed.items() if count > 1]
    numbers = [event.data["version"] for event in events if "version" in event.data]
    return found + ([] if numbers == list(range(1, len(numbers) + 1)) else [f"versions {numbers}"])


def chunks(journal: Journal, state: Path) -> list[str]:
    """A chunk counts once and was opened before; hypotheses are billed once per key."""
    found = []
    for folder in (state, state / "coverage"):
        if not (folder / "journal.db").exists():
            continue
        with Journal.read_only(folder) as ledger:
            done = Counter((e.data["sweep"], e.data["index"]) for e in ledger.events(kinds=("chunk.done",)))
            found += [
                f"{folder.name}: chunk {key} counted {count} times"
                for key, count in done.items()
                if count > 1
            ]
            bills = Counter(e.data["key"] for e in ledger.events(kinds=("bill.charged",)))
            found += [
                f"{folder.name}: {key} billed {count} times" for key, count in bills.items() if count > 1
            ]
    return found


def mirrors(journal: Journal, state: Path) -> list[str]:
    """The mirror of decisions has each line once, in order, and none that the journal does not have."""
    path = state / "watcher_decisions.jsonl"
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    seen = [json.loads(line)["seq"] for line in lines]
    wanted = [event.seq for event in journal.events(kinds=("decision", "halt."))]
    return [] if seen == wanted[: len(seen)] else [f"the mirror holds {seen[-5:]}, the journal {wanted[-5:]}"]


def inbox(journal: Journal, state: Path) -> list[str]:
    """An archived request file has its answer beside it, and the answer is that of a request that has ended."""
    archive = state / "watcher_requests" / "archive"
    found = []
    names = {path.name for path in archive.iterdir()} if archive.is_dir() else set()
    for name in names:
        if name.startswith(".") or name.endswith(".result.json"):
            continue
        if Path(name).with_suffix(".result.json").name not in names:
            found.append(f"{name} is archived without an answer")
        elif (row := journal.requests.get("-".join(name.split("-")[:2]))).state not in TERMINAL:
            found.append(f"{name} is archived, {row.id} is {row.state}")
    return found


Rule = Callable[[Journal, Path], list[str]]
MIRRORED: tuple[Rule, ...] = (mirrors, inbox)
"""Files that follow the record: read before it."""
RECORDED: tuple[Rule, ...] = (
    chain, requests, keys, draws, arrived, judged, pools, decisions, promotions, chunks,
)  # fmt: skip
"""The record, as of one moment, and files that go before it."""


def broken(state: Path, acknowledged: Mapping[str, str] | Iterable[str] = ()) -> list[str]:
    """Return what is broken in a state directory, also while an engine writes it.

    `acknowledged` are ids (or key -> id) that the engine has confirmed.
    """
    ids = set(acknowledged.values() if isinstance(acknowledged, Mapping) else acknowledged)
    with Journal.read_only(state) as journal:
        found = [f"{rule.__name__}: {what}" for rule in MIRRORED for what in rule(journal, state)]
        with journal.reading() as db:
            db.execute("BEGIN")  # all that follows is read as of one moment
        found += [f"{rule.__name__}: {what}" for rule in RECORDED for what in rule(journal, state)]
        known = {row.id for row in journal.requests.list(limit=1_000_000)}
        return found + [f"acknowledged: {name} is not on record" for name in sorted(ids - known)]
