"""How many test processes `-n auto` means: one more than there are processors."""

import os


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than processors: half of a suite of daemons, workers and terminals is spent waiting for them."""
    return len(os.sched_getaffinity(0)) + 1
