"""The prospective ledger as a table: every committed pool, and how its draw came out. Nothing in it can be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from engine.desk import Desk
    from state.predictions import Judgement, PoolRow


def _rows(desk: Desk, most: int) -> list[Row]:
    predictions = desk.journal.predictions
    judged = [_judged(one) for one in predictions.judgements(limit=most)]
    pending = predictions.latest()
    if pending is None or predictions.judgement(pending.for_draw) is not None:
        return judged
    return [{**_pool(pending), "state": "waits"}, *judged][:most]


def _pool(pool: PoolRow) -> Row:
    lo, hi = pool.pool["range"]
    heads = pool.pool["heads"]
    return {
        "id": pool.for_draw, "committed": pool.at, "seq": pool.seq, "sha256": pool.sha256[:12], "basis": pool.pool.get("basis"),
        "named": len(heads), "chance": (len(heads) or hi - lo + 1) / (hi - lo + 1),
        "stated": min(1.0, sum(share for _, share in heads)) if heads else 1.0,
    }  # fmt: skip


def _judged(one: Judgement) -> Row:
    score = one.score
    state = (
        "unforecast"
        if not one.forecast
        else "missing"
        if one.value is None
        else "hit"
        if score["hit"]
        else "missed"
    )
    known = {} if one.pool is None else _pool(one.pool)
    return {
        **known, "id": one.for_draw, "state": state, "value": one.value, "bits": score.get("bits"),
        "brier": score.get("brier"), "brier_even": score.get("brier_even"), "judged": one.at, "judged_seq": one.seq,
    }  # fmt: skip


PREDICTIONS = Table(
    "predictions",
    "Predictions",
    (
        Column("id", "DRAW", "number"),
        Column(
            "state",
            "STATE",
            "state",
            help="waits, hit, missed, missing, unforecast (no pool was committed in time)",
        ),
        Column("value", "VALUE", "number"),
        Column("named", "NAMED", "number", help="values that the pool names; 0 = an even pool"),
        Column("stated", "STATED", "number", help="how often this pool says that it holds the draw"),
        Column("chance", "CHANCE", "number", help="how often a random pool of this size holds it"),
        Column(
            "bits",
            "LOG SCORE",
            "number",
            "bits",
            "log2 of the probability given to the drawn value over an even one",
        ),
        Column("brier", "BRIER", "number", help="squared error of the whole forecast"),
        Column("brier_even", "BRIER EVEN", "number", help="that of an even forecast"),
        Column("basis", "BASIS"),
        Column("sha256", "POOL", help="first digits of the hash committed before the draw"),
        Column("seq", "COMMITTED #", "number", help="journal number of the commitment"),
        Column("judged_seq", "JUDGED #", "number", help="journal number of the judgement: always the larger"),
        Column("committed", "COMMITTED", "time"),
        Column("judged", "JUDGED", "time"),
    ),
    _rows,
    empty="no draw was judged yet; give the room a history and its pools are committed and judged here",
)
