"""Was work really done, and was it different work each time? A soak that executed nothing, or one thing again and again, fails here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from engine.soak.gate import Outcome, failed, passed
from engine.soak.records import Records
from state.chain import digest

UNITS: Mapping[str, str] = {
    "chunk.done": "chunks", "trial.finished": "trials", "selfplay.episode": "episodes", "decision": "decisions",
    "draw.judged": "draws judged", "coverage.added": "rectangles", "candidate.judged": "candidates judged",
}  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "a": ("chunks", "trials", "trainings", "episodes", "decisions"),
    "b": ("chunks", "trials", "trainings", "episodes", "decisions"),
    "c": ("chunks", "trials", "trainings", "decisions", "draws judged"),
}
LEAST_SHARE = 0.5
"""Of soak A's steady time, the share in which a request was being worked on."""
ENDS = (
    "request.done",
    "request.failed",
    "request.rejected",
    "request.cancelled",
    "request.deferred",
    "request.queued",
)


def counts(records: Records) -> dict[str, Any]:
    """Return how much of each kind of work was executed."""
    found = Counter(UNITS[event.kind] for event in records.room if event.kind in UNITS)
    steps = [event.data for event in records.room_of("step.finished") if event.data["status"] == "done"]
    found["steps"] = len(steps)
    found["trainings"] = sum(step["step"] == "5" for step in steps)
    found["requests done"] = len(records.room_of("request.done"))
    return dict[str, Any](found)


def executed(records: Records) -> Outcome:
    """Every finished request left the traces of the work that its kind means; every kind of work was done."""
    done, made = records.room_of("request.done"), counts(records)
    if not done:
        return failed("no request was finished: nothing was executed", **made)
    findings = [
        f"{event.data['request']}: {fault}" for event in done if (fault := _unproven(records, event.data))
    ]
    missing = [name for name in NEEDED[records.plan.scenario] if not made.get(name)]
    findings += [f"no {name} at all" for name in missing]
    share = _busy(records)
    if records.plan.scenario == "a" and share is not None and share < LEAST_SHARE:
        findings.append(
            f"worked in {share:.0%} of the time, {LEAST_SHARE:.0%} are asked for: this load proves little"
        )
    numbers: dict[str, Any] = {**made, "busy share": share}
    if findings:
        return failed(
            f"{len(findings)} of {len(done)} finished requests cannot show their work", findings, **numbers
        )
    told = ", ".join(f"{count} {name}" for name, count in sorted(made.items()) if count)
    return passed(f"{len(done)} requests, each with its work on record: {told}", **numbers)


def _unproven(records: Records, end: Mapping[str, Any]) -> str:
    """Return why a finished request's result is not covered by executed work, empty if it is."""
    kind, result = _kind_of(records, str(end["request"])), end.get("result") or {}
    if kind == "inject_draw":
        index = result.get("index")
        stored = (
            any(
                event.data["first"] <= index <= event.data["last"]
                for event in records.room_of("draws.arrived")
            )
            if index is not None
            else False
        )
        return "" if stored else "inject_draw: no draw arrived for it"
    run = result.get("run")
    if run is None:
        return f"{kind}: names no run"
    if kind == "selfplay_retrain":
        played = sum(event.data["run"] == run for event in records.room_of("selfplay.episode"))
        return (
            ""
            if played >= max(1, int(result.get("episodes", 0)))
            else f"selfplay: {played} episodes on record, {result.get('episodes')} claimed"
        )
    return _steps_unproven(records, kind, run, result)


def _steps_unproven(records: Records, kind: str, run: str, result: Mapping[str, Any]) -> str:
    finished = {
        event.data["step"]: event.data
        for event in records.room_of("step.finished")
        if event.data["run"] == run and event.data["status"] == "done"
    }
    claimed = [step for step, at in result.get("steps", {}).items() if at.get("status") == "done"]
    for step in claimed:
        if step not in finished:
            return f"{kind}: step {step} is said to be done, but it never finished in {run}"
        if not finished[step]["artifacts"]:
            return f"{kind}: step {step} made nothing in {run}"
    searched = any(event.data["run"] == run for event in records.room_of("verdict")) or _known(records, run)
    return (
        ""
        if claimed or searched or finished
        else f"{kind}: every step was skipped and nothing was searched in {run}"
    )


def _known(records: Records, run: str) -> bool:
    """Say whether the work on exactly the draws of a run was done before: by an earlier verdict, or by the steps of an earlier run."""
    began = {
        event.data["run"]: (event.seq, _draws_of(event.data["spec"]))
        for event in records.room_of("run.running")
        if "draws" in event.data.get("spec", {})
    }
    if run not in began:
        return False
    before, asked = began[run]
    twins = {name for name, (seq, draws) in began.items() if seq < before and draws == asked}
    return any(
        (one.data.get("since", 0), one.data["draws"]) == asked
        for one in records.room_of("verdict")
        if one.seq < before
    ) or any(
        one.data["run"] in twins and one.data["status"] == "done"
        for one in records.room_of("step.finished")
        if one.seq < before
    )


def _draws_of(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Return the first draw of what a run is about, and how many there are."""
    since = int(spec.get("since", 0))
    return since, int(spec["draws"]) - since


def _kind_of(records: Records, request: str) -> str:
    return records.kinds_of_requests.get(request, "unknown")


def _busy(records: Records) -> float | None:
    """Return the share of the soak's time in which a request was being worked on; draining after it is nobody's idleness."""
    open_since: dict[str, float] = {}
    busy, first, last = 0.0, None, None
    for event in records.room:
        if first is not None and event.mono > first + records.plan.seconds:
            last = first + records.plan.seconds
            break
        if event.kind in ("journal.opened",):
            open_since.clear()  # a crash ended what ran
        if event.kind == "request.claimed":
            open_since[event.data["request"]] = event.mono
            first = event.mono if first is None else first
        elif event.kind in ENDS and event.data.get("request") in open_since:
            busy += event.mono - open_since.pop(event.data["request"])
        last = event.mono
    if first is None or last is None or last <= first:
        return None
    busy += sum(last - since for since in open_since.values())
    return round(min(1.0, busy / (last - first)), 3)


def different(records: Records) -> Outcome:
    """No episode, trial, chunk or step was done twice and counted twice; no study whose every trial came out the same."""
    findings = [*_repeated(records), *_all_equal(records)]
    episodes = [
        event.data["fingerprint"]
        for event in records.room_of("selfplay.episode")
        if event.data["fingerprint"]
    ]
    numbers = {"distinct episodes": len(set(episodes)), "episodes": len(episodes)}
    if findings:
        return failed("the same work was counted twice", findings, **numbers)
    return passed(
        f"{len(set(episodes))} of {len(episodes)} episodes distinct; no chunk, trial or step repeats",
        **numbers,
    )


def _repeated(records: Records) -> Iterator[str]:
    keys: dict[str, Counter[str]] = defaultdict(Counter)
    for event in records.room_of("selfplay.episode"):
        if event.data["fingerprint"]:
            keys["episode"][event.data["fingerprint"]] += 1
    for event in records.room_of("chunk.done"):
        keys["chunk"][f"{event.data['sweep']} #{event.data['index']}"] += 1
    for event in records.room_of("trial.finished"):
        keys["trial"][_trial(event.data)] += 1
    for event in records.room_of("step.finished"):
        data = event.data
        if data["status"] == "done" and records.runs_kind.get(data["run"]) != "step_force":
            made_from = [data["step"], data["inputs"], data["parameters"], data["code"]]
            keys["step"][f"{data['step']} on {digest(made_from)[:12]}"] += 1
    for what, counted in keys.items():
        for key, times in counted.items():
            if times > 1:
                yield f"{what} {key[:80]}: {times} times"


def _trial(data: Mapping[str, Any]) -> str:
    return f"{data['study']} trial {data['trial']}"


def _all_equal(records: Records) -> Iterator[str]:
    studies: dict[str, list[str]] = defaultdict(list)
    for event in records.room_of("trial.finished"):
        data = event.data
        studies[f"{data.get('run')} step {data.get('step')}"].append(
            digest(data.get("value", data.get("detail")))
        )
    for study, values in studies.items():
        if len(values) >= 4 and len(set(values)) == 1:
            yield f"{study}: all {len(values)} trials came out the same"
