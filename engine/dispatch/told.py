"""What the advisor's questions are asked over, beside what their callers hold: aggregates from the room's own records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.feedback.cycle import FIRED, HEALTH
from engine.feedback.drift import DRIFT
from engine.llm.documents import pool_part

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.pipeline.scored import Scored
    from engine.selfplay.candidate import Candidate
    from state.predictions import Judgement

Parts = dict[str, Any]
DECISIONS, RETRAINS, CANDIDATES, EPISODES, JUDGED = 6, 5, 5, 24, 400


def of_step(desk: Desk, step: str) -> Parts:
    """Return what stands beside a step's own documents: its earlier decisions and, for step 6, how its pools did."""
    parts: Parts = {"earlier_decisions": _decisions(desk, step)}
    if step == "6":
        parts["calibration"] = _health(desk)
    return parts


def of_loop(desk: Desk) -> Parts:
    """Return what stands beside a trigger: the pool, the policy, candidates, drift, and what earlier alarms led to."""
    pool, version = desk.journal.predictions.latest(), desk.acceptance.versions[-1]
    return {
        "pool": {} if pool is None else pool_part(pool.pool),
        "drift": _drift(desk),
        "policy": {"version": version.version, "policy": version.policy.line(), "how": version.how, "why": version.why},
        "candidates": _candidates(desk),
        "retrains": _retrains(desk),
        "earlier_decisions": _decisions(desk, None),
    }  # fmt: skip


def of_selfplay(desk: Desk, scored: Scored) -> Parts:
    """Return what a session would play on and what earlier ones came to believe, best and newest episodes first."""
    from engine.selfplay.arms import ARMS
    from engine.selfplay.session import EPISODE, FINISHED

    last, version = desk.journal.last([FINISHED]), desk.acceptance.versions[-1]
    episodes = [event.data for event in desk.journal.newest([EPISODE], EPISODES)]
    posterior = [] if last is None else last.data["posterior"]
    return {
        "material": {
            "rows": len(scored.alignments()), "columns": len(scored.head.names), "blocks": len(scored.head.dev),
            "chance": scored.head.chance, "draws_seen": scored.head.now,
        },
        "arms": [{name: row[name] for name in ("arm", "pulls", "mean", "spread")} for row in posterior]
        or [{"arm": name, "pulls": 0} for name in ARMS],
        "episodes": [_episode(one) for one in episodes],
        "best": max((_episode(one) for one in episodes), key=lambda one: one["gain"], default={}),
        "policy": {"version": version.version, "policy": version.policy.line(), "how": version.how, "why": version.why},
        "parameters": desk.parameters.values("selfplay."),
    }  # fmt: skip


def _health(desk: Desk) -> Parts:
    last = desk.journal.last([HEALTH])
    return {} if last is None else dict(last.data)


def _decisions(desk: Desk, step: str | None) -> list[str]:
    """Return the newest decisions, of one step if asked, each as a line."""
    rows = [row for row in desk.journal.decisions.list(limit=200) if step is None or row.step == step]
    return [f"d-{row.id} step {row.step} {row.action} ({row.rule})"[:160] for row in rows[:DECISIONS]]


def _drift(desk: Desk) -> list[dict[str, Any]]:
    last = desk.journal.last([DRIFT])
    return [] if last is None else list(last.data["most"])


def _candidates(desk: Desk) -> list[dict[str, Any]]:
    acceptance = desk.acceptance
    known = [
        *((one, "open") for one in acceptance.open.values()),
        *reversed(list(acceptance.ended.values())),
    ]
    return [_candidate(desk, one, outcome) for one, outcome in known[:CANDIDATES]]


def _candidate(desk: Desk, one: Candidate, outcome: str) -> dict[str, Any]:
    verdict = desk.acceptance.verdicts.get(one.id)
    told = (
        {}
        if verdict is None
        else {"draws": verdict.draws, "bits": verdict.bits, "required": verdict.required}
    )
    return {
        "id": one.id, "policy": one.policy.line(), "model": one.model, "fitness": one.fitness, "baseline": one.baseline,
        "null": one.null, "episodes": one.episodes, "outcome": outcome, **told,
    }  # fmt: skip


def _retrains(desk: Desk) -> list[dict[str, Any]]:
    """Return what earlier alarms asked for, how it ended, and the lift of the draws before and since."""
    judged = [one for one in desk.journal.predictions.judgements(limit=JUDGED) if one.score]
    rows = []
    for event in desk.journal.newest([FIRED], RETRAINS):
        before, since = (
            [one for one in judged if one.seq < event.seq],
            [one for one in judged if one.seq > event.seq],
        )
        rows.append({
            "trigger": event.data["trigger"], "request": event.data["asks"],
            "outcome": desk.journal.requests.get(event.data["request"]).state,
            "lift_before": _lift(before), "lift_since": _lift(since), "draws_since": len(since),
        })  # fmt: skip
    return rows


def _lift(judged: list[Judgement]) -> float | None:
    expected = sum(float(one.score["chance"]) for one in judged)
    return round(sum(bool(one.score["hit"]) for one in judged) / expected, 3) if expected else None


def _episode(data: dict[str, Any]) -> dict[str, Any]:
    from engine.selfplay.rules import Policy

    names = ("number", "arm", "model", "fitness", "baseline", "null", "gain", "seconds")
    return {**{name: data[name] for name in names}, "policy": Policy.model_validate(data["policy"]).line()}
