"""Writers of the project at work, one function each, to be recorded: `python scenarios.py NAME FOLDER`. And what a reader must find after.

`ack(text)` says that the code under test has returned: from then on the power may go and the text's promise must hold.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.dispatch.inbox import Inbox
from engine.dispatch.queue import Queue
from engine.feedback.acceptance import Acceptance
from engine.halt import Halt
from engine.history.cursor import Cursor
from engine.history.store import Arrival, DrawStore
from engine.selfplay.candidate import Candidate
from engine.selfplay.rules import Mask, Policy
from state import files
from state import thinning as bulk
from state.artifacts import ArtifactStore, Lineage
from state.journal import Journal
from state.mirrors import Mirrors

ACK = ".acknowledged"
Ack = Callable[[str], None]
FIXTURE = Path(__file__).parents[1] / "state" / "fixtures" / "journal_v1.db"


# -- writers --------------------------------------------------------------------------------------------------------------


def artifacts(folder: Path, ack: Ack) -> None:
    """Two versions of a JSON artifact, an NPZ made from it, and its next version."""
    store = ArtifactStore(folder / "artifacts")
    first = store.write_json("a.json", {"version": 1}, Lineage("a/1"))
    ack("a1")
    store.write_npz(
        "b.npz", {"x": np.arange(300)}, {"of": 1}, Lineage("b/1", inputs={"a.json": first.sha256})
    )
    ack("b1")
    second = store.write_json("a.json", {"version": 2}, Lineage("a/1"))
    ack("a2")
    store.write_npz(
        "b.npz", {"x": np.arange(300) * 2}, {"of": 2}, Lineage("b/1", inputs={"a.json": second.sha256})
    )
    ack("b2")


def journal(folder: Path, ack: Ack) -> None:
    """A journal made, written, closed (its log is folded in), opened and written again; many projections in one transaction."""
    for life in range(2):
        with Journal.open(folder / "state") as book:
            ack(f"opened{life}")
            for number in range(3):
                with book.transaction():
                    book.append("noted", {"life": life, "number": number, "text": "x" * 900})
                    book.requests.enqueue(
                        "inject_draw", {"value": number}, origin="test", key=f"k{life}.{number}"
                    )
                ack(f"k{life}.{number}")
        ack(f"closed{life}")


def migration(folder: Path, ack: Ack) -> None:
    """A journal of the first released version is copied and migrated."""
    (folder / "state").mkdir(parents=True)
    data = FIXTURE.read_bytes()
    files.write_atomic(folder / "state" / "journal.db", data)
    files.sync_directory(folder)
    ack("old")
    with Journal.open(folder / "state") as book:
        ack("migrated")
        book.append("noted", {})
        ack("written")


def draws(folder: Path, ack: Ack) -> None:
    """Batches of draws."""
    store, given = DrawStore.open(folder / "history"), 0
    for size in (1, 3, 40, 1):
        store.append([Arrival(given + n, id=f"d{given + n}") for n in range(size)])
        given += size
        ack(str(given))
    store.close()


def inbox(folder: Path, ack: Ack) -> None:
    """Two request files and a broken one are dropped durably, claimed, recorded, ended, archived."""
    state, clock = folder / "state", [0.0]
    with Journal.open(state) as book:
        box = Inbox(state, book, Queue(book, Halt(book, _NoDevices())), clock=lambda: clock[0])
        for name, text in (
            ("one", '{"type": "inject_draw", "value": 1}'),
            ("two", '{"type": "inject_draw", "value": 2}'),
            ("bad", "{}"),
        ):
            files.write_atomic(box.folder / f"{name}.json", text.encode())
            ack(f"dropped:{name}")
        for _ in range(3):
            clock[0] += 2.0
            for row in (book.requests.get(name) for name in box.scan().queued):
                ack(f"queued:{row.args['value']}")
        while (row := book.requests.claim()) is not None:
            book.requests.start(row.id)
            book.requests.finish(row.id, "done", "stored")
            clock[0] += 2.0
            box.scan()
            ack(f"archived:{row.args['value']}")


def mirrors(folder: Path, ack: Ack) -> None:
    """The files that people tail, pumped after each commit."""
    state = folder / "state"
    with Journal.open(state) as book:
        pump = Mirrors.standard(state, book)
        for number in range(4):
            book.halt_set("finish", f"halt {number}", "test")
            ack(str(number))
            pump.pump()


def cursor(folder: Path, ack: Ack) -> None:
    """A reader's place moves on."""
    for seq in (3, 4, 9):
        Cursor(folder / "cursors", "reader").advance(seq)
        ack(str(seq))


def policies(folder: Path, ack: Ack) -> None:
    """Candidates are proposed, promoted and rolled back."""
    with Journal.open(folder / "state") as book:
        acceptance = Acceptance(
            book, folder / "state" / "policy_history", ArtifactStore(folder / "state" / "artifacts")
        )
        for seed in range(2):
            found = Candidate(policy=Policy(mask=Mask(columns=(f"c{seed}",))), model="lightgbm", fitness=1.0, baseline=0.0, null=0.0,
                              gains=(1.0,), episodes=1, exploration=1.0, seed=seed, draws_seen=1, table="0" * 64, run="run-0001")  # fmt: skip
            acceptance.propose(found)
            acceptance.promote(found.id, by="test", testing=True)
            ack(f"version{seed + 1}")
        acceptance.rollback(by="test")
        ack("version3")


def thinning(folder: Path, ack: Ack) -> None:
    """Old records give their content to an archive."""
    bulk.KEPT, bulk.BATCH = 1, 3
    with Journal.open(folder / "state") as book:
        for number in range(8):
            book.append("learning.health", {"number": number, "text": "x" * 300})
        for _ in range(2):
            bulk.thin(book, "9999", batches=1)
            ack("thinned")


class _NoDevices:
    def bump(self) -> int:
        return 0


# -- readers: what must be found, as the program itself reads it ------------------------------------------------------------


def artifacts_after(folder: Path, told: list[str]) -> None:
    """Each is whole: its newest acknowledged version or a newer one, with its own lineage; never refused."""
    store = ArtifactStore(folder / "artifacts")
    for name, read in (
        ("a", lambda: store.read_json("a.json")["version"]),
        ("b", lambda: store.read_npz("b.npz")[1]["of"]),
    ):
        least = max((int(word[1]) for word in told if word[0] == name), default=0)
        file = f"{name}.json" if name == "a" else f"{name}.npz"
        if not store.exists(file):
            assert least == 0, f"{file} is gone, version {least} had been written"
        else:
            assert least <= read() <= least + 1
            assert store.ref(file)


def journal_after(folder: Path, told: list[str]) -> None:
    """It opens, its chain verifies, every acknowledged request is there once, and it can be written."""
    with Journal.open(folder / "state") as book:
        book.verify()
        keys = [row.key for row in book.requests.list()]
        assert len(keys) == len(set(keys))
        assert not [word for word in told if word[0] == "k" and word not in keys]
        noted = {(event.data["life"], event.data["number"]) for event in book.events(kinds=("noted",))}
        assert noted == {(int(key[1]), int(key[3])) for key in keys if key}, (
            "an event and its projection are one"
        )
        book.append("noted", {"life": 9, "number": 9})


def migration_after(folder: Path, told: list[str]) -> None:
    """The journal opens as the new version, with everything that the old one had."""
    path = folder / "state" / "journal.db"
    if not told:
        return  # the old journal itself was not there yet
    assert path.exists()
    with Journal.open(folder / "state") as book:
        assert book.verify() >= 1
        if "written" in told:
            assert book.last(["noted"]) is not None


def draws_after(folder: Path, told: list[str]) -> None:
    """Every acknowledged draw is there, in order, and the next one can be stored."""
    store = DrawStore.open(folder / "history")
    try:
        values = [draw.value for _, draw in store.after(0)]
        assert values == list(range(len(values)))
        assert len(values) >= int(told[-1] if told else 0)
        store.append([Arrival(len(values), id=f"d{len(values)}")])
    finally:
        store.close()


def inbox_after(folder: Path, told: list[str]) -> None:
    """Two more scans and the work: every dropped file has become one request, ended once, archived once."""
    state, clock = folder / "state", [0.0]
    if not (state / "journal.db").exists():
        assert not told
        return
    with Journal.open(state) as book:
        box = Inbox(state, book, Queue(book, Halt(book, _NoDevices())), clock=lambda: clock[0])
        book.requests.recover(max_attempts=99)
        for _ in range(4):
            clock[0] += 61.0
            box.scan()
            while (row := book.requests.claim()) is not None:
                book.requests.start(row.id)
                book.requests.finish(row.id, "done", "stored")
        rows = book.requests.list()
        values = [row.args["value"] for row in rows if row.kind == "inject_draw"]
        assert len(values) == len(set(values)), f"twice: {values}"
        names = {word.split(":")[1] for word in told if word.startswith("dropped")}
        wanted = {value for name, value in (("one", 1), ("two", 2)) if name in names}
        assert wanted <= set(values), f"lost: {wanted - set(values)}"
        archived = [
            path.name
            for path in box.archive.iterdir()
            if not path.name.endswith(".result.json") and path.name[0] != "."
        ]
        assert len(archived) == len(rows)
        assert {f"{path}.result.json" for path in (Path(name).stem for name in archived)} <= {
            path.name for path in box.archive.iterdir()
        }


def mirrors_after(folder: Path, told: list[str]) -> None:
    """The next pump makes them say what the journal says, each line once; what cannot be theirs is set aside."""
    state = folder / "state"
    with Journal.open(state) as book:
        Mirrors.standard(state, book).pump()
        lines = (state / "watcher_decisions.jsonl").read_text().splitlines() if told else []
        wanted = [event.seq for event in book.events(kinds=("decision", "halt."))]
        assert not told or [json.loads(line)["seq"] for line in lines] == wanted
        assert len(wanted) >= len(told)
        assert json.loads((state / "watcher_history.json").read_text())["head"]


def thinning_after(folder: Path, told: list[str]) -> None:
    """The chain verifies, and what has no content in the journal has it in an archive."""
    if not (folder / "state" / "journal.db").exists():
        assert not told
        return
    with Journal.open(folder / "state") as book:
        book.verify()
        found = bulk.check(book, bulk.emptied(book))
        assert not found.missing, f"thinned, and the archive is gone: {found.missing}"
        assert found.records >= 3 * len(told)


def cursor_after(folder: Path, told: list[str]) -> None:
    """It stands at the acknowledged place or the next, never before."""
    assert Cursor(folder / "cursors", "reader").position >= int(told[-1] if told else 0)


def policies_after(folder: Path, told: list[str]) -> None:
    """The active policy is what the journal says, in the file that people read and in the artifact that training reads."""
    state = folder / "state"
    with Journal.open(state) as book:
        store = ArtifactStore(state / "artifacts")
        acceptance = Acceptance(book, state / "policy_history", store)
        assert acceptance.version >= len(told)
        assert (
            json.loads((state / "policy_history" / "active.json").read_text())["version"]
            == acceptance.version
        )
        assert store.read_json("active_policy.json")["policy"] == acceptance.active.model_dump(mode="json")


SCENARIOS: dict[str, tuple[Callable[[Path, Ack], None], Callable[[Path, list[str]], None]]] = {
    "artifacts": (artifacts, artifacts_after),
    "journal": (journal, journal_after),
    "migration": (migration, migration_after),
    "draws": (draws, draws_after),
    "inbox": (inbox, inbox_after),
    "thinning": (thinning, thinning_after),
    "mirrors": (mirrors, mirrors_after),
    "cursor": (cursor, cursor_after),
    "policies": (policies, policies_after),
}


def main() -> None:
    """Run one scenario in a folder, to be recorded."""
    folder = Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker = os.open(folder / ACK, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def ack(text: str) -> None:
        os.write(marker, f"{text}\n".encode())

    SCENARIOS[sys.argv[1]][0](folder, ack)


if __name__ == "__main__":
    main()
