"""Selfplay as tables: its episodes with reward and regret, and what the bandit believes of every arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.selfplay.rules import Policy
from engine.tables.log import Log
from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.chain import Event

EPISODE, FINISHED = "selfplay.episode", "selfplay.finished"


def _episode(event: Event) -> Row:
    data = event.data
    return {
        "id": event.seq, "at": event.at, "run": data["run"], "number": data["number"], "arm": data["arm"],
        "policy": Policy.model_validate(data["policy"]).line(), "model": data["model"], "block": data["test"],
        "reward": data.get("reward"), "fitness": data["fitness"], "baseline": data["baseline"], "decoy": data["null"],
        "seconds": data["seconds"], "refused": data.get("refused"),
    }  # fmt: skip


def _arms(desk: Desk, most: int) -> list[Row]:
    last = desk.journal.last([FINISHED])
    rows = [] if last is None else last.data["posterior"]
    return [
        {"id": row["arm"], **{name: row[name] for name in ("pulls", "mean", "spread", "best")}}
        for row in rows
    ][:most]


LOG = Log(EPISODE, _episode, measured="reward")
EPISODES = Table(
    "episodes",
    "Episodes",
    (
        Column("id", "#", "number", help="journal number"),
        Column("run", "RUN"),
        Column("number", "EPISODE", "number"),
        Column("arm", "ARM", help="the transform; `final` replays a finalist on every block"),
        Column("policy", "POLICY"),
        Column("model", "MODEL"),
        Column("block", "BLOCK", "number", help="the later block that it was tested on"),
        Column(
            "reward",
            "REWARD",
            "number",
            "bits",
            "bits a draw that the policy adds; nothing where its decoy wins as much",
        ),
        Column("fitness", "FITNESS", "number", "bits"),
        Column("baseline", "BASELINE", "number", "bits", "the same learner without the policy"),
        Column("decoy", "DECOY", "number", "bits", "the same learner under the policy on shuffled targets"),
        Column("seconds", "TOOK", "number", "s"),
        Column("refused", "REFUSED"),
        Column("at", "AT", "time"),
    ),
    LOG.newest,
    past=LOG.past,
    log=LOG,
    empty="no episode was played yet; `mimicry selfplay` asks for some",
)

ARMS = Table(
    "arms",
    "Arms of the bandit",
    (
        Column("id", "ARM"),
        Column("pulls", "PULLS", "number"),
        Column("mean", "MEAN", "number", "bits", "believed reward of an episode"),
        Column("spread", "SPREAD", "number", "bits", "standard deviation of that belief"),
        Column("best", "BEST", "number", help="probability that this arm is the best of all"),
    ),
    _arms,
    empty="no session of selfplay has ended yet; `mimicry selfplay` asks for one",
)
