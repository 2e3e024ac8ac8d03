"""Coverage certificates that come back as files: read, sealed, shown, held against a ledger that knows one rectangle."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from engine.audit import Wanted, verify_file
from engine.coverage_text import render
from engine.search import ledger
from engine.search.certificate import Certificate, digest, of_ledger
from state.coverage import CoverageRow
from tests.fuzz import scratch
from tests.fuzz.target import Reader, Target

ROW = CoverageRow(
    run="run-1", kernel="k", history="h", session=None, family="lcg48/java", mapping="mod", range_lo=0, range_hi=999, seed_lo=0,
    seed_hi=65535, unit=None, start_lo=0, start_hi=3, law="constant", gap_lo=0, gap_hi=7, noise=0.0, scoring=None, alpha=1e-6,
    draws="d", block=20, threshold=18, confirm=0, survivors=0, planted=60, found=60, chunks=1, proof="p",
)  # fmt: skip


@cache
def state() -> Path:
    """Return a state directory whose ledger holds one row."""
    folder = scratch.folder() / "state"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ledger.record(folder, [ROW])
    return folder


@cache
def sound() -> bytes:
    return of_ledger(ledger.read(state()), "k").model_dump_json().encode()


def verified(data: bytes) -> object:
    return [
        check.line()
        for check in verify_file(scratch.file("certificate.json", data), state(), "k", Wanted(replay=1))
    ]


def sealed(data: bytes) -> object:
    """Seal whatever it says, so that the checks behind the digest are reached."""
    try:
        made = Certificate.model_validate_json(data)
    except ValidationError:
        return None
    whole = made.model_copy(update={"sha256": digest(made.model_dump(mode="json"))})
    return verified(json.dumps(whole.model_dump(mode="json")).encode())


def shown(data: bytes) -> object:
    return render(Certificate.model_validate_json(data), every=True)


TARGET = Target(
    "certificates",
    "coverage certificates against a ledger",
    (
        Reader("verify", verified, (sound(), b"{}")),
        Reader("sealed", sealed, (sound(),)),
        Reader("shown", shown, (sound(),), (ValidationError,)),
    ),
)
