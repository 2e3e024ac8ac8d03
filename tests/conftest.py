"""How many test processes `-n auto` means, and that no property fails because the machine is busy."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than processors: half of a suite of daemons, workers and terminals is spent waiting for them."""
    return len(os.sched_getaffinity(0)) + 1
