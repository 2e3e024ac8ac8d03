"""`mimicry certificate verify`: a coverage certificate held against the ledger, the runs' journals, the draws and these kernels."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from engine.analyze import open_history
from engine.checks import Check, check
from engine.errors import BadInput, MimicryError
from engine.history.history import History
from engine.recovery import task
from engine.runs import SPEC
from engine.search import algebra, chunk, recorded
from engine.search.cell import Cell
from engine.search.certificate import Certificate, Rectangle, digest, of_ledger
from engine.search.chunk import REAL
from engine.search.coverage import block_digests
from engine.search.layouts import Unstopped
from engine.search.ledger import FOLDER, Shelf
from engine.search.streams import told
from engine.search.sweeper import chunk_order
from engine.search.twins import twin_stream
from engine.witness import Recorded
from state.coverage import SEEDS, CoverageRow
from state.errors import NoJournal, StateError
from state.journal import Journal
from state.versions import refusal

CERTIFICATE = "coverage/1"

LARGEST = 256 << 20
"""Bytes of a certificate that are read."""


@dataclass(frozen=True)
class Wanted:
    """What a person asked beyond the certificate itself: chunks to run again, drawn by `seed`, and the draws in files."""

    replay: int = 3
    seed: int = 20260101
    draws: tuple[str, ...] = ()


def verify_file(path: Path, state: Path, kernel: str, wanted: Wanted) -> list[Check]:
    """Check an exported certificate; raise BadInput where the file cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path}: more than {LARGEST >> 20} MiB; no certificate is as large")
        content = path.read_bytes()
        if (why := _other_version(content)) is not None:
            raise BadInput(f"{path}: {why}")
        made = Certificate.model_validate_json(content)
    except OSError as error:
        raise BadInput(f"{path}: cannot read the certificate ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        return [Check("schema", "failed", f"{place}: {first['msg']}; it is no coverage/1")]
    seal = digest(made.model_dump(mode="json"))
    checks = [Check("schema", "ok", made.schema_)]
    checks.append(
        check("sha-256", seal == made.sha256, seal, f"the content gives {seal}, it states {made.sha256}")
    )
    return checks + _against_ledger(made, state, kernel, wanted)


def _other_version(content: bytes) -> str | None:
    """Return why a certificate of another version is not checked; None where the version is not what is wrong."""
    try:
        found = json.loads(content).get("schema", CERTIFICATE)
    except (ValueError, AttributeError, RecursionError):
        return None
    return refusal(found, CERTIFICATE, older="export it again with `mimicry coverage --export`")


def verify_run(directory: Path, kernel: str, wanted: Wanted) -> list[Check]:
    """Check what a run added to the ledger of its state directory."""
    state = directory.parent.parent
    try:
        with Journal.read_only(state / FOLDER) as journal:
            own = tuple(row for row in journal.coverage.rows() if row.run == directory.name)
            shelf = Shelf(own, journal.seq, journal.head)
    except NoJournal:
        shelf = Shelf()
    if not shelf.rows:
        return [
            Check("rows", "not checkable here", f"run {directory.name} added nothing to a coverage ledger")
        ]
    return _against_ledger(of_ledger(shelf, kernel), state, kernel, wanted)


def _against_ledger(made: Certificate, state: Path, kernel: str, wanted: Wanted) -> list[Check]:
    checks, rows = _chain(made, state)
    if rows is None:
        return checks
    if unlike := sum(len(one.runs) != len(one.proofs) for one in made.rectangles):
        return [
            *checks,
            Check("proofs", "failed", f"{unlike} rectangles name more runs than proofs, or fewer"),
        ]
    named = {(run, proof) for one in made.rectangles for run, proof in zip(one.runs, one.proofs, strict=True)}
    used = [row for row in rows if (row.run, row.proof) in named]
    checks.append(_rows(made.rectangles, used, made.chain.seq))
    runs = {name: Recorded(state / "runs" / name) for name in dict.fromkeys(row.run for row in used)}
    checks += [_proofs(runs, used), _kernels(made.rectangles, kernel), _draws(runs, used, wanted.draws)]
    return [*checks, _replayed(runs, [row for row in used if row.kernel == kernel], wanted)]


# ── the ledger ───────────────────────────────────────────────────────────────


def _chain(made: Certificate, state: Path) -> tuple[list[Check], list[CoverageRow] | None]:
    """Recompute the ledger's chain up to the certificate's head; the rows are read from its chained events."""
    at, head = made.chain.seq, made.chain.head
    if not at:
        return [
            Check("chain", "ok", "the certificate names an empty ledger")
        ], [] if not made.rectangles else None
    try:
        with Journal.read_only(state / FOLDER) as journal:
            journal.verify()
            events = list(journal.events(kinds=["coverage.added"]))
            found = next((one.hash for one in journal.events(after=at - 1, limit=1) if one.seq == at), None)
            table = journal.coverage.rows(until=at)
    except NoJournal as error:
        return [Check("chain", "not checkable here", str(error))], None
    except StateError as error:
        return [Check("chain", "failed", str(error))], None
    if found is None:
        note = f"this ledger ends before event {at}, which the certificate names; give the right --state DIR"
        return [Check("chain", "not checkable here", note)], None
    if found != head:
        note = f"event {at} of this ledger is {found[:16]}…, the certificate names {head[:16]}…"
        return [Check("chain", "failed", note)], None
    rows = [_row(one.data, one.seq) for one in events if one.seq <= at]
    if rows != table:
        return [Check("chain", "failed", "the ledger's table differs from its chained events")], None
    return [Check("chain", "ok", f"{at} events of the ledger lead to {head[:16]}…")], rows


def must_be_sound(made: Certificate, state: Path) -> None:
    """Refuse a certificate of a ledger that is damaged; BadInput says where."""
    for one in _chain(made, state)[0]:
        if one.state == "failed":
            raise BadInput(f"coverage ledger: {one.note}")


def _row(data: dict[str, Any], seq: int) -> CoverageRow:
    return CoverageRow(**{**data, **{name: int(data[name], 16) for name in SEEDS}, "seq": seq})


def _rows(claimed: Sequence[Rectangle], rows: Sequence[CoverageRow], seq: int) -> Check:
    """Hold every rectangle against the one that the ledger's rows make."""
    made = {one.model_dump_json() for one in of_ledger(Shelf(tuple(rows), seq, ""), "").rectangles}
    wrong = [one for one in claimed if one.model_dump_json() not in made]
    note = f"{len(claimed)} rectangles follow from {len(rows)} rows of the ledger"
    return check(
        "rows",
        not wrong,
        note,
        f"{len(wrong)} of {len(claimed)} rectangles do not follow from the ledger, {_first(wrong)}",
    )


def _first(wrong: Sequence[Rectangle]) -> str:
    return f"first {wrong[0].family} {wrong[0].mapping} {wrong[0].seeds[0]}" if wrong else ""


# ── the runs ─────────────────────────────────────────────────────────────────


def _proofs(runs: dict[str, Recorded], rows: Sequence[CoverageRow]) -> Check:
    """Recompute each row's proof and counts over the chunk results of its run."""
    wrong: list[str] = []
    absent: Counter[str] = Counter()
    for row in rows:
        try:
            if not _proven(runs[row.run], row):
                wrong.append(
                    f"run {row.run}: no chunks give the proof of {row.family} {row.mapping} seeds {row.seed_lo}:{row.seed_hi}"
                )
        except NoJournal:
            absent[row.run] += 1
        except (StateError, MimicryError) as error:
            wrong.append(str(error))
    if wrong:
        return Check("proofs", "failed", f"{len(wrong)} of {len(rows)} rows; first: {wrong[0]}")
    if absent:
        return Check(
            "proofs",
            "not checkable here",
            f"{absent.total()} of {len(rows)} rows: no journal of run {', '.join(absent)}",
        )
    chunks = sum(row.chunks for row in rows)
    return Check("proofs", "ok", f"{chunks} chunk results give the proofs of {len(rows)} rows")


def _proven(run: Recorded, row: CoverageRow) -> bool:
    for cell, stretch in run.stretches(row):
        proof = hashlib.sha256("".join(one.digest for one in stretch).encode()).hexdigest()
        counts = (
            len(stretch), sum(one.meta["planted"] for one in stretch), sum(one.meta["found"] for one in stretch),
            sum(int((one.hits["vector"] == REAL).sum()) for one in stretch)
            + sum(solved[0] == REAL for one in stretch for solved in one.meta.get("states", ())),
        )  # fmt: skip
        if proof == row.proof and counts == (row.chunks, row.planted, row.found, row.survivors):
            run.matched += [(row, cell, one.index) for one in stretch]
            return True
    return False


# ── this machine ─────────────────────────────────────────────────────────────


def _kernels(claimed: Sequence[Rectangle], kernel: str) -> Check:
    others = {one.kernel for one in claimed} - {kernel}
    if others:
        return Check(
            "kernels",
            "not checkable here",
            f"searched by build {', '.join(sorted(others))}; this is {kernel}",
        )
    return Check("kernels", "ok", f"searched by this build, {kernel[:16]}…")


def _draws(runs: dict[str, Recorded], rows: Sequence[CoverageRow], files: tuple[str, ...]) -> Check:
    """Compare the digests of the search blocks with the files given, or with the copies that the runs kept."""
    wrong: list[str] = []
    for row in rows:
        run = runs[row.run]
        if not (run.directory / SPEC).is_file():
            return Check("draws", "not checkable here", f"run {row.run} is not here")
        history = open_history(replace(run.order, files=files), None) if files else run.history
        if _block(history, row) != row.draws:
            wrong.append(
                f"{history.source} gives other draws than {row.family} {row.mapping} was searched on"
            )
    source = ", ".join(files) or "the runs' own copies"
    return check(
        "draws",
        not wrong,
        f"{len(rows)} search blocks are those of {source}",
        f"{len(wrong)} of {len(rows)} rows; first: {next(iter(wrong), None)}",
    )


def _block(history: History, row: CoverageRow) -> str | None:
    values, times = told(history, row.session, row.law)
    clock = times if row.law == "clock" else None
    return block_digests(values, row.range_lo, row.range_hi, 0, row.block, clock).get(row.block)


def _replayed(runs: dict[str, Recorded], rows: Sequence[CoverageRow], wanted: Wanted) -> Check:
    """Run chunks again, drawn at random, and compare hits and canaries with what the journal holds."""
    known = {row.seq for row in rows}
    all_chunks = [(run, *one[1:]) for run in runs.values() for one in run.matched if one[0].seq in known]
    if not rows and not runs:
        return Check("replay", "ok", "there is no chunk to run again")
    if not all_chunks:
        return Check("replay", "not checkable here", "no proven chunk was searched by this build's kernels")
    drawn = random.Random(wanted.seed).sample(all_chunks, min(wanted.replay, len(all_chunks)))
    wrong = [f"{cell.key} chunk {index}" for run, cell, index in drawn if not _same(run, cell, index)]
    note = f"{len(drawn)} of {len(all_chunks)} chunks run again: hits and canaries are the recorded ones"
    return check(
        "replay",
        not wrong,
        note,
        f"{len(wrong)} of {len(drawn)} chunks differ; first: {next(iter(wrong), None)}",
    )


def _same(run: Recorded, cell: Cell, index: int) -> bool:
    with Journal.read_only(run.directory) as journal:
        kept = next(one for one in recorded.chunks(journal, cell) if one.index == index)
    (values, times), rng = told(run.history, cell.session, cell.law), run.order.space.seed
    stream = twin_stream(values, cell.lo, cell.hi, rng, cell.session)
    if cell.origin == "state":
        order = algebra.task(
            replace(cell, noise=run.order.space.noise or 0.0), stream.first(cell.block), "", rng
        )
        meta, _ = task.run(dict(order.params), dict(order.arrays), Unstopped())  # type: ignore[arg-type]
        return meta == kept.meta
    seeds = (kept.seeds[0], kept.seeds[1] - kept.seeds[0] + 1)
    params, given = chunk_order(
        replace(cell, words=run.order.space.words, times=times), stream, index, seeds, rng
    )
    meta, arrays = chunk.run(params, given, Unstopped())
    return meta == kept.meta and np.array_equal(arrays["hits"], kept.hits)
