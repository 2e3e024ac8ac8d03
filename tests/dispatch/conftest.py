"""A queue over a real journal, with a halt nobody asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dispatch.queue import Queue
from engine.halt import Halt
from state.journal import Journal

sys.path.insert(0, str(Path(__file__).parent))  # kills.py, which the tests and a person at a shell share


class NoDevices:
    """A stop word that reaches nothing."""

    def bump(self) -> int:
        return 0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def halt(journal: Journal) -> Halt:
    return Halt(journal, NoDevices())


@pytest.fixture
def queue(journal: Journal, halt: Halt) -> Queue:
    return Queue(journal, halt)
