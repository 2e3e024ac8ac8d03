"""What must not be left: stale locks, orphan processes, half-written files, test mode."""

from __future__ import annotations

from engine.soak import kinds
from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records

OVERDUE_S = 60.0
STRAY_S = 30.0


def locks(records: Records) -> Outcome:
    """No lock outlives its holder: claims are kept or returned, the state's lock is free at the end, nothing is half written."""
    after = records.of(kinds.AFTER)
    if not after:
        return short("the soak has not ended")
    left = after[-1].data
    findings = ["the state's lock is still held"] if left["lock_held"] else []
    findings += [f"{name}: half written" for name in left["half_written"]]
    if not records.interrupted:
        findings += [f"claimed/{name}: nobody's any more" for name in left["claimed"]]
    overdue = max(
        (event.data["values"].get("lock.overdue_s", 0.0) for event in records.of(kinds.READING)), default=0.0
    )
    if overdue > OVERDUE_S:
        findings.append(f"a claim was {overdue:.0f} s past its lease")
    if findings:
        return failed("a lock or a half-written file was left", findings, overdue_s=overdue)
    return passed(f"none left; no claim was more than {overdue:.0f} s past its lease", overdue_s=overdue)


def orphans(records: Records) -> Outcome:
    """Nothing that the daemon started outlives it, neither its deaths on the way nor its end."""
    after = records.of(kinds.AFTER)
    if not after:
        return short("the soak has not ended")
    findings = [
        f"process {one['pid']} outlived the daemon: {one['command']}" for one in after[-1].data["orphans"]
    ]
    findings += _strays(records)
    deaths = sum(event.data["what"] == "died" for event in records.of(kinds.DAEMON))
    most = max((event.data["values"].get("children", 0) for event in records.of(kinds.READING)), default=0)
    if findings:
        return failed("processes were left", findings, deaths=deaths)
    return passed(
        f"none after {deaths} deaths and the end; at most {most:.0f} child processes at once",
        deaths=deaths,
        most=most,
    )


def _strays(records: Records) -> list[str]:
    """A process of the soak below no living daemon is gone within half a minute, or it is an orphan."""
    since: float | None = None
    for event in records.of(kinds.READING):
        count = event.data["values"].get("strays", 0)
        if not count:
            since = None
            continue
        since = event.data["t"] if since is None else since
        if event.data["t"] - since > STRAY_S:
            return [
                f"{count:.0f} processes below no daemon for more than {STRAY_S:g} s, at {event.data['t']:.0f} s"
            ]
    return []


def test_mode(records: Records) -> Outcome:
    """Test mode was on for the soak's daemon, visibly, and is nowhere once the soak has ended."""
    ready = [event.data for event in records.of(kinds.DAEMON) if event.data["what"] == "ready"]
    after = records.of(kinds.AFTER)
    if not ready:
        return failed("the daemon was never ready")
    findings = [
        f"at {one['t']:.0f} s: a daemon ran without test mode" for one in ready if not one["test_mode"]
    ]
    if after and after[-1].data["test_mode_elsewhere"]:
        findings.append("an ordinary daemon over this state would be in test mode")
    if findings:
        return failed("test mode was not set, or not undone", findings)
    return passed(f"on for {len(ready)} daemons; it stands in the soak's own settings file and nowhere else")
