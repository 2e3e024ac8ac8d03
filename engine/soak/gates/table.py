"""All gates, in the order of the report."""

from __future__ import annotations

from engine.soak.gate import Gate, Judged, Outcome, Verdict
from engine.soak.gates import clean, growth, halted, lived, once, recorded, searched, told, work
from engine.soak.records import Records

GATES: tuple[Gate, ...] = (
    Gate("executed", "was the work of every finished request really done?", work.executed),
    Gate("different", "was it different work each time?", work.different),
    Gate("draws", "is each draw stored and taken once?", once.draws),
    Gate("requests", "has each request one end, the right one?", once.requests),
    Gate("decisions", "does each decision stand once?", once.decisions),
    Gate("coverage", "is what was excluded really searched?", searched.coverage),
    Gate("canaries", "did every chunk find its canary?", searched.canaries),
    Gate("truth", "is what was claimed what was planted?", told.truth),
    Gate("triggers", "do triggers follow changes?", told.triggers, "c"),
    Gate("halts", "does a halt stop everything within a second?", halted.halts),
    Gate("memory", "does the engine's memory stay flat?", growth.memory),
    Gate("handles", "do handles, threads and tasks stay flat?", growth.handles),
    Gate("children", "does the memory of its processes stay flat?", growth.children),
    Gate("disk", "do journal and disk stay in bounds?", growth.disk),
    Gate("locks", "is no lock left?", clean.locks),
    Gate("orphans", "is no process left?", clean.orphans),
    Gate("alive", "did the daemon die only where it was killed?", lived.alive),
    Gate("advisor", "did the advisor come back?", lived.advisor),
    Gate("faults", "did everything hold after each fault?", lived.faults),
    Gate("chain", "is the record whole?", recorded.chain),
    Gate("mirror", "does the file that people tail hold everything?", recorded.mirror),
    Gate("readings", "was everything measured all along?", recorded.readings),
    Gate("test_mode", "was test mode set, shown and undone?", clean.test_mode),
)


def judge(records: Records) -> Verdict:
    """Ask every gate that counts for this scenario; one that cannot read its records fails, it never passes."""
    return Verdict(
        tuple(
            Judged(gate.name, gate.asks, _asked(gate, records))
            for gate in GATES
            if records.plan.scenario in gate.scenarios
        )
    )


def _asked(gate: Gate, records: Records) -> Outcome:
    try:
        return gate.judge(records)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return Outcome("fail", f"the records cannot be read: {type(error).__name__}: {error}"[:300])
