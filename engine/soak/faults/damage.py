"""Faults of content: requests that are none, an artifact with a flipped bit, a journal with a damaged page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.soak.fault import CannotBeDone
from engine.soak.faults.base import INBOX, Base, Letter, settled, whole
from engine.soak.target import Target
from state.artifacts import ArtifactStore
from state.errors import ArtifactRefused
from state.journal import JOURNAL_NAME, Journal

ENVIRONMENT = 5
START_S = 60.0
LETTERS: tuple[bytes, ...] = (
    b'{"type": "pipeline_rerun", "start_step":',
    b"\x00\xff\xfe not JSON at all \x80" * 40,
    b'{"type": "inject_draw", "value": "many"}',
    b'{"type": "no_such_request"}',
    b"[" * 100_000,
    b'{"type": "inject_draw", "value": 1, "surprise": 1}',
)
"""A torn file, bytes, a wrong type, an unknown request, a nest that overflows a naive parser, an unknown key."""


class CorruptRequest(Base):
    """Files in the inbox that can never become requests."""

    name = "corrupt_request"
    summary = f"{len(LETTERS)} files in the inbox that are torn, binary, too deep, unknown or wrong"
    holds = "each is refused with its reason and archived, once; everything beside them goes on"
    settle_s = 120.0

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Drop them."""
        self._letters = [Letter(target, text) for text in LETTERS]
        return f"dropped {len(LETTERS)} files into {INBOX}/"

    def recovered(self, target: Target) -> bool:
        """Say whether every one is answered; those that do not parse are given a minute to become whole."""
        return all(letter.answer for letter in self._letters) and whole(target)

    def findings(self, target: Target) -> list[str]:
        """Every answer must be a refusal with a reason."""
        found = []
        for letter in self._letters:
            assert letter.answer is not None
            answer = json.loads(letter.answer.read_text(encoding="utf-8"))
            if answer["state"] != "rejected" or not answer["why"]:
                found.append(f"{letter.name}: {answer['state']} ({answer['why']})")
        return found


class CorruptArtifact(Base):
    """One flipped bit in the middle of an artifact that steps read."""

    name = "corrupt_artifact"
    summary = "one bit flipped in the largest artifact, then a run that reads it"
    holds = "the damaged file is refused by its hash and made again by its step (a run that was past that step asks a person); nothing is built on it"
    needs = "a finished pipeline"
    settle_s = 600.0

    def __init__(self) -> None:
        self._request, self._path = "", Path()

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """Flip the bit and ask for the steps that read it."""
        folder = target.state / "artifacts"
        wanted = [name for name in options.get("names", ARTIFACTS) if (folder / name).is_file()]
        if not wanted:
            raise CannotBeDone("no pipeline has finished yet")
        self._path = max((folder / name for name in wanted), key=lambda path: path.stat().st_size)
        at = self._path.stat().st_size // 2
        with self._path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 0x10]))
        key = f"fault-{uuid4().hex[:12]}"
        reply = target.ask(
            "submit",
            request={"type": "pipeline_rerun", "end_step": str(options.get("end_step", "6"))},
            key=key,
        )
        if not reply.ok:
            raise CannotBeDone(f"the room takes no request: {reply.error}")
        self._request = str(reply.data["id"])
        return f"flipped a bit at byte {at} of {self._path.name}; {self._request} reads it"

    def recovered(self, target: Target) -> bool:
        """Say whether the request has ended and the artifact is what its lineage says."""
        return settled(lambda: self._ended(target) and self._intact() and whole(target))

    def _ended(self, target: Target) -> bool:
        with Journal.read_only(target.state) as journal:
            return journal.requests.get(self._request).terminal

    def _intact(self) -> bool:
        try:
            ArtifactStore(self._path.parent).ref(self._path.name)
        except ArtifactRefused:
            return False
        return True

    def findings(self, target: Target) -> list[str]:
        """The request must have been carried out, or refused for that reason."""
        with Journal.read_only(target.state) as journal:
            row = journal.requests.get(self._request)
        told = row.state == "done" or self._path.name in row.why
        return [] if told else [f"{row.id} {row.state} without a word of {self._path.name}: {row.why}"]


ARTIFACTS = ("survivors_with_scores.npz", "bidirectional_survivors.npz", "optimal_window_config.json", "optimal_scorer_config.json")  # fmt: skip


class CorruptJournal(Base):
    """A damaged page in the middle of the journal, found at the next start."""

    name = "corrupt_journal"
    summary = "one page of the journal overwritten while the engine is down; the copy is put back afterwards"
    holds = "the engine refuses to start, says which file and what to do (exit 5), and leaves the file as it found it"

    def __init__(self) -> None:
        self._found: list[str] = ["the engine was not restarted over the damaged journal"]

    def inject(self, target: Target, options: dict[str, Any]) -> str:
        """End the room, damage the journal, try to start, put the good one back, start."""
        target.restart({"between": lambda: self._try(target)})
        return f"overwrote a page of {JOURNAL_NAME}; the start over it was tried and the good copy put back"

    def _try(self, target: Target) -> None:
        path, good = target.state / JOURNAL_NAME, target.scratch / "journal.good"
        kept = [target.state / f"{JOURNAL_NAME}{end}" for end in ("", "-wal", "-shm")]
        kept = [one for one in kept if one.exists()]
        for one in kept:
            shutil.copy2(one, good.with_name(f"good-{one.name}"))
        try:
            _overwrite(path)
            damaged = path.read_bytes()
            self._found = self._judged(target.state, damaged)
        finally:
            for one in kept:
                shutil.copy2(good.with_name(f"good-{one.name}"), one)

    def _judged(self, state: Path, damaged: bytes) -> list[str]:
        command = [sys.executable, "-P", "-m", "engine.cli", "--state", str(state), "--no-ui"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=START_S, check=False, env=_env()
            )
        except subprocess.TimeoutExpired:
            return [f"the engine started over a damaged journal and ran for {START_S:g} s"]
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        found = (
            []
            if done.returncode == ENVIRONMENT
            else [f"exit {done.returncode} instead of {ENVIRONMENT}: {lines[-1:]}"]
        )
        if len(lines) != 1 or JOURNAL_NAME not in lines[0]:
            found.append(f"not one line that names the journal, but {len(lines)}: {' | '.join(lines)[:300]}")
        if (state / JOURNAL_NAME).read_bytes() != damaged:
            found.append("the damaged journal was changed by the attempt to open it")
        return found

    def findings(self, target: Target) -> list[str]:
        """Return what the attempt showed."""
        return self._found


def _overwrite(path: Path) -> None:
    """Overwrite the second half of a page in the middle with noise of a fixed kind."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        page = int.from_bytes(file.read(18)[16:18], "big") or 4096
        file.seek(max(page, size // 2 // page * page))
        file.write(bytes((37 * place) & 0xFF for place in range(page)))
        file.flush()
        os.fsync(file.fileno())


def _env() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[3])
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
