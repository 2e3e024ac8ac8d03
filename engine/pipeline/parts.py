"""Finished pieces of a step that is not finished yet: kept as files until the step's own output is written, so that a kill loses none.

A piece is known by the digest of its task and of the code that ran it; a damaged or foreign file is no piece and is computed again.
"""

from __future__ import annotations

from pathlib import Path

from engine.compute.codec import CodecError, pack, unpack
from engine.compute.task import Task, TaskResult
from engine.pipeline.shelf import code_digest
from state.files import disk_errors, make_folder, write_atomic

FOLDER = "parts"


class Parts:
    """The pieces of one step, beside the artifacts."""

    def __init__(self, artifacts: Path, step: str) -> None:
        """Use a folder of the step's own."""
        self._folder = artifacts / FOLDER / step

    def get(self, task: Task) -> TaskResult | None:
        """Return the recorded result of a task, or None where it must run."""
        path = self._path(task)
        try:
            meta, arrays = unpack(path.read_bytes())
        except (FileNotFoundError, CodecError):
            return None
        return TaskResult(task.key, True, meta, arrays, None, 0.0, "recorded", False)

    def put(self, task: Task, result: TaskResult) -> None:
        """Record a finished task."""
        with disk_errors(self._folder, "creating the folder of pieces"):
            make_folder(self._folder)
        write_atomic(self._path(task), pack(result.meta, result.arrays))

    def clear(self) -> None:
        """Remove every piece, of earlier questions too: the step's output holds what they held."""
        for path in self._folder.glob("*"):
            path.unlink(missing_ok=True)

    def _path(self, task: Task) -> Path:
        return self._folder / f"{task.digest()}-{code_digest()[:16]}"
