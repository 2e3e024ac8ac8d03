"""One real compute engine for the search tests: a scheduler and two worker processes on loopback."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from engine.compute.cluster import Compute
from engine.history.history import History
from state.journal import Journal


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def compute(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Compute]:
    engine = await Compute.start(tmp_path_factory.mktemp("compute"), workers=2)
    yield engine
    await engine.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """One journal for many searches that share no cell."""
    opened = Journal.open(tmp_path_factory.mktemp("ledger"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def make_history() -> Callable[..., History]:
    def build(values: np.ndarray, times: Sequence[datetime | None] | None = None) -> History:
        return History.of([None if value < 0 else int(value) for value in values], times, source="planted")

    return build
