"""The table of everything that is fuzzed."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz import (
    answers,
    artifacts,
    certificates,
    client,
    draws,
    expressions,
    journal,
    npz,
    operations,
    requests,
    results,
    rigs,
    server,
    settings,
)
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    one.TARGET.name: one.TARGET
    for one in (
        draws, requests, settings, server, client, npz, artifacts, answers, journal, expressions, results, rigs, certificates,
        operations,
    )
}  # fmt: skip
