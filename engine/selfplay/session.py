"""A selfplay session on the record: earlier rewards are remembered, every episode is an event, the end is one summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, Protocol

from engine.selfplay.loop import FINAL, Compute, Episode, Session, Start, explore
from engine.selfplay.material import Material
from engine.selfplay.rules import Policy

EPISODE, FINISHED = "selfplay.episode", "selfplay.finished"
REMEMBERED = 256
LOOKED_BACK = 20_000
"""Episodes that no new one may equal."""
PAGE = 200


class Ledger(Protocol):
    """The part of the journal that selfplay may use: it adds events and reads its own."""

    def append(self, kind: str, data: Mapping[str, Any]) -> int:
        """Record one event."""

    def newest(self, kinds: Sequence[str], limit: int, *, upto: int | None = None) -> Sequence[Any]:
        """Return the newest events of these kinds with a number up to `upto`, newest first."""


async def play(
    compute: Compute, material: Material, journal: Ledger, *, seed: int, episodes: int, width: int,
    base: Policy, parent: int, obey: Callable[[], None] = lambda: None,
) -> Session:  # fmt: skip
    """Play one session on the material and put it on record; `obey` raises Halted between two episodes.

    A session that was cut off goes on: its episodes on record are its own as long as the table is the one they were played on.
    """
    start = _begun(
        journal, material, Start(seed=seed, episodes=episodes, width=width, base=base, parent=parent)
    )

    def record(episode: Episode) -> None:
        journal.append(EPISODE, {"run": material.run, "table": material.digest, **episode_record(episode)})
        obey()

    session = await explore(compute, material, start, record)
    journal.append(FINISHED, {"run": material.run, **summary(session)})
    return session


def _begun(journal: Ledger, material: Material, start: Start) -> Start:
    """Return the start with what is on record: rewards to remember, episodes not to repeat, its own ones if it was cut off."""
    told: list[tuple[str, float]] = []
    played: set[str] = set()
    own: list[Episode] = []
    for one in _earlier(journal):
        if "reward" in one and len(told) < REMEMBERED:
            told.append((one["arm"], one["reward"]))
        if one.get("fingerprint"):
            played.add(one["fingerprint"])
        if (one["run"], one.get("table")) == (material.run, material.digest):
            own.append(_recorded(one))
    return replace(start, told=tuple(told[::-1]), played=frozenset(played), before=tuple(own[::-1]))


def _earlier(journal: Ledger) -> Iterator[Mapping[str, Any]]:
    """Yield the episodes on record, newest first, a page at a time: all at once they would be 100 MB, for as long as a session lasts."""
    upto: int | None = None
    for _ in range(0, LOOKED_BACK, PAGE):
        page = journal.newest([EPISODE], PAGE, upto=upto)
        yield from (event.data for event in page)
        if len(page) < PAGE:
            return
        upto = page[-1].seq - 1


def episode_record(episode: Episode) -> dict[str, Any]:
    """Return an episode as plain JSON."""
    names = ("number", "arm", "model", "test", "fitness", "baseline", "null", "seconds", "gain", "reward", "fingerprint", "refused")  # fmt: skip
    return {
        **{name: getattr(episode, name) for name in names},
        "policy": episode.policy.model_dump(mode="json"),
    }


def _recorded(data: Mapping[str, Any]) -> Episode:
    """Return an episode as its event holds it."""
    names = [field.name for field in fields(Episode) if field.name != "policy"]
    return Episode(policy=Policy.model_validate(data["policy"]), **{name: data[name] for name in names})


def summary(session: Session) -> dict[str, Any]:
    """Return what a session came to: posteriors, rewards, regret against the arm that now looks best, the candidate."""
    rows = session.bandit.posterior()
    rewards = [episode.reward for episode in session.played if episode.arm != FINAL]
    found = session.candidate
    return {
        "schema": "selfplay/1",
        "episodes": len(session.played),
        "asked": session.start.episodes,
        "parent": session.start.parent,
        "exploration": round(session.bandit.exploration(), 4),
        "posterior": [{name: _rounded(value) for name, value in asdict(row).items()} for row in rows],
        "rewards": [round(reward, 5) for reward in rewards],
        "regret": [round(value, 5) for value in regret(rewards, rows[0].mean)],
        "best_gain": max((episode.gain for episode in session.played), default=None),
        "candidate": found and found.id,
    }


def regret(rewards: Sequence[float], best: float) -> list[float]:
    """Return how much was given up so far, episode by episode, against always playing an arm worth `best`."""
    curve, total = [], 0.0
    for reward in rewards:
        total += best - reward
        curve.append(total)
    return curve


def _rounded(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value
