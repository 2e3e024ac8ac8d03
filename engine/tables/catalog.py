"""Every table of the room by name. A new list is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from engine.errors import UsageError
from engine.tables.alerts import ALERTS
from engine.tables.approvals import APPROVALS
from engine.tables.attempts import ATTEMPTS
from engine.tables.candidates import CANDIDATES, POLICY
from engine.tables.coverage import COVERAGE
from engine.tables.deaths import DEATHS
from engine.tables.decisions import DECISIONS
from engine.tables.episodes import ARMS, EPISODES
from engine.tables.fingerprints import FINGERPRINTS, UNTRIED
from engine.tables.gpus import GPUS
from engine.tables.llm_calls import LLM_CALLS
from engine.tables.parameters import PARAMETER_CHANGES, PARAMETERS
from engine.tables.policies import POLICIES, POLICY_CHANGES
from engine.tables.predictions import PREDICTIONS
from engine.tables.requests import REQUESTS
from engine.tables.rigs import RIGS
from engine.tables.runs import RUNS
from engine.tables.schedule import SCHEDULE
from engine.tables.soaks import SOAKS
from engine.tables.sources import SOURCES
from engine.tables.steps import STEPS
from engine.tables.survivors import SURVIVORS
from engine.tables.table import Table
from engine.tables.trials import TRIALS
from engine.tables.triggers import TRIGGERS
from engine.tables.workers import WORKERS

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        REQUESTS,
        DECISIONS,
        APPROVALS,
        POLICIES,
        POLICY_CHANGES,
        PARAMETERS,
        PARAMETER_CHANGES,
        FINGERPRINTS,
        UNTRIED,
        SCHEDULE,
        SOURCES,
        PREDICTIONS,
        TRIGGERS,
        EPISODES,
        ARMS,
        CANDIDATES,
        POLICY,
        STEPS,
        RUNS,
        TRIALS,
        SURVIVORS,
        LLM_CALLS,
        RIGS,
        GPUS,
        DEATHS,
        COVERAGE,
        WORKERS,
        ATTEMPTS,
        ALERTS,
        SOAKS,
    )
}


def table(name: object) -> Table:
    """Return the table of that name; UsageError with the nearest names."""
    if isinstance(name, str) and name in TABLES:
        return TABLES[name]
    near = get_close_matches(str(name), TABLES, n=3, cutoff=0.0)
    raise UsageError(f"no table {name!r}; nearest: {', '.join(near)}")
