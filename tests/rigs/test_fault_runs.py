"""Each fault of the table in benchmarks/fleet.md, once: the books are an unbroken run's, and detection and recovery keep their bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_runs import FAULTS, Fault, NotPermitted, inflict
from sshd import SSHD

NOTICED, WHOLE = 12.0, 30.0
INITIALISATION = 10.0
"""Seconds that two staggered starts may take on a busy machine, beside the delay of their gate."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_costs_time_alone(fault: Fault, tmp_path: Path) -> None:
    """About 20 s each at rest, 45 s at load 30."""
    if SSHD is None:
        pytest.skip("sshd is missing: apt-get install openssh-server")
    try:
        outcome = inflict(fault, tmp_path / "run", delay=0.5)
    except NotPermitted as reason:
        pytest.skip(str(reason))
    print(f"MEASURED {outcome}")
    assert outcome.chunks == (
        100 if fault.name in ("link cut", "staged file rots") else 120 if fault.starts_itself else 60
    ) - len(fault.lost)
    assert (outcome.noticed or 0.0) <= NOTICED
    assert (outcome.gone or 0.0) <= NOTICED
    assert (outcome.whole or 0.0) <= WHOLE + INITIALISATION
