"""A request for selfplay, from advice to evaluation: the advisor is asked, steps aside, episodes run, it is back, candidates are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.dispatch.aside import advisor_aside
from engine.dispatch.told import of_selfplay
from engine.dispatch.waiting import unless_halted
from engine.errors import BadInput
from engine.feedback.duel import judge_open
from engine.llm.questions import SELFPLAY_STRATEGY
from engine.selfplay.episode import floor
from engine.selfplay.material import material_of
from engine.selfplay.rules import Policy
from engine.selfplay.session import play
from engine.watcher.anomaly import repeated_episodes
from engine.watcher.work import Done, Rejected

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.pipeline.scored import Scored
    from engine.selfplay.loop import Episode, Session
    from engine.watcher.evaluation import Finding
    from state.requests import RequestRow
    from state.runs import RunRow

ADVISED = "selfplay.advised"


def spec_of(desk: Desk, request: RequestRow) -> dict[str, Any]:
    """Return what the request asks for, with the room's parameter where it says nothing; Rejected without a scored table."""
    if desk.shelf.scored() is None:
        raise Rejected("selfplay needs the scored survivors of step 3; run the pipeline first")
    episodes = request.args.get("episodes") or desk.parameters.values()["selfplay.episodes"]
    return {"episodes": int(episodes), "policy_conditioned": bool(request.args.get("policy_conditioned"))}


async def selfplay(desk: Desk, request: RequestRow, run: RunRow, obey: Callable[[], None]) -> Done:
    """Carry the request out. `obey` raises Halted between two episodes."""
    found = desk.shelf.scored()
    assert found is not None
    await _advice(desk, request, found[0])
    async with advisor_aside(desk, f"selfplay {run.id}"):
        session = await _played(desk, run, found, obey)
    faults = doubts(session.played)
    if faults:
        raise BadInput(f"selfplay: {faults[0].text}")
    why = _proposed(desk, session)
    await evaluate(desk, found, run.id)
    result = {
        "run": run.id, "episodes": len(session.played), "candidate": session.candidate and session.candidate.id,
        "best_gain": max((one.gain for one in session.played), default=None),
    }  # fmt: skip
    return Done(why, result)


def doubts(played: Sequence[Episode]) -> list[Finding]:
    """Find episodes that may not have run: all of one length, or all of one score.

    Scores of few draws are few: where some episode misses everything, or does no better than on shuffled draws, equal ones prove nothing.
    """
    telling = all(one.fitness > floor() + 1e-9 and one.fitness != one.null for one in played)
    return repeated_episodes([one.seconds for one in played], [one.fitness for one in played if telling])


async def _advice(desk: Desk, request: RequestRow, scored: Scored) -> None:
    """Ask how the episodes might be spent. The answer is on record for people; the bandit's rewards decide."""
    parts = of_selfplay(desk, scored)
    reply = await desk.advisor.ask(SELFPLAY_STRATEGY, parts, by=f"selfplay {request.id}")
    told = {"request": request.id, "source": reply.source, "call": reply.call}
    desk.journal.append(ADVISED, told | {"advice": reply.advice.model_dump(mode="json")})


async def _played(desk: Desk, run: RunRow, found: tuple[Scored, str], obey: Callable[[], None]) -> Session:
    material = material_of(found[0], digest=found[1], run=run.id)
    await unless_halted(desk.bench.ready(), obey)
    async with desk.bench.lend() as compute:
        return await play(
            compute, material, desk.journal,
            seed=desk.space().seed + int(run.id.removeprefix("run-")), episodes=int(run.spec["episodes"]),
            width=desk.bench.planned_workers, obey=obey, parent=desk.acceptance.version,
            base=desk.acceptance.active if run.spec.get("policy_conditioned") else Policy(),
        )  # fmt: skip


def _proposed(desk: Desk, session: Session) -> str:
    """Hand the session's candidate to acceptance; say what came of it in one line."""
    found, played = session.candidate, f"{len(session.played)} episodes"
    if found is None:
        return f"{played}, no policy helped"
    desk.shelf.keep_candidate(found)
    fresh = "candidate" if desk.acceptance.propose(found) else "known already: candidate"
    return f"{played}, {fresh} {found.id}: {found.policy.line()}"


async def evaluate(desk: Desk, found: tuple[Scored, str], run: str) -> None:
    """Judge open candidates on the blocks of a scored table that they never saw."""
    if not desk.acceptance.open:
        return
    table, digest = found
    cuts = {block: dev.cut for block, dev in enumerate(table.head.blocks().dev)}
    async with desk.bench.lend() as compute:
        await judge_open(desk.acceptance, material_of(table, digest=digest, run=run), cuts, compute)
