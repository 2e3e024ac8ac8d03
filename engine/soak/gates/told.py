"""Did the room say what is true: the planted generators found, their change noticed, chance never taken for structure?"""

from __future__ import annotations

from typing import Any

from engine.soak.gate import Outcome, failed, passed, short
from engine.soak.records import Records
from engine.soak.streams import NULL

ENOUGH = 40
"""Draws after which a planted generator must have been found, as far as a search for it could end."""
ENOUGH_S = 240.0
LATE = 15
"""Draws by which the room may date the beginning of chance too early."""
NOTICE = 40
"""Judged draws after a change within which a trigger must have fired."""


def truth(records: Records) -> Outcome:
    """Every claim names a planted generator; every planted generator that had its time was named; chance was not."""
    regimes: list[dict[str, Any]] = records.begun["truth"]
    planted = {regime["seed"]: regime for regime in regimes if regime["seed"] is not None}
    claims = claimed(records)
    findings = [
        f"draws {claim['since']} to {claim['draws']}: seed {claim['seed']} was claimed, nobody planted it"
        for claim in claims
        if claim["seed"] not in planted
    ]
    seeds = {claim["seed"] for claim in claims}
    judged = waiting = 0
    for seed, regime in planted.items():
        if seed in seeds:
            judged += 1
        elif _had_its_time(records, regimes, seed):
            findings.append(
                f"the generator planted from draw {regime['first']} on (seed {seed}) was never found"
            )
        else:
            waiting += 1
    null = [regime for regime in regimes if regime["truth"] == NULL]
    numbers: dict[str, Any] = {
        "claims": len(claims),
        "planted": len(planted),
        "found": judged,
        "verdicts": len(records.room_of("verdict")),
    }
    if null:
        numbers["verdicts on chance"] = _on_chance(records, int(null[0]["first"]))
    if findings:
        return failed("what the room claimed is not what was planted", findings, **numbers)
    if waiting or (null and not numbers["verdicts on chance"]):
        return short(f"{judged} of {len(planted)} planted generators found, {waiting} had too little time; "
                     f"{numbers.get('verdicts on chance', 'no')} verdicts on chance", **numbers)  # fmt: skip
    told = f"; {numbers['verdicts on chance']} verdicts on null data, none a claim" if null else ""
    return passed(
        f"{judged} of {len(planted)} planted generators found, {len(claims)} claims, none false{told}",
        **numbers,
    )


def claimed(records: Records) -> list[dict[str, Any]]:
    """Return what was claimed: the seed of the best evidence before each verdict `identified`."""
    best: dict[str, Any] | None = None
    found = []
    for event in records.room:
        if event.kind == "evidence.improved":
            best = event.data["best"]
        elif event.kind == "verdict" and event.data["verdict"] == "identified" and best is not None:
            seed = int(best["origin"]["value"], 16)
            found.append(
                {
                    "seq": event.seq,
                    "seed": seed,
                    "since": event.data.get("since", 0),
                    "draws": event.data["draws"],
                }
            )
    return found


def _on_chance(records: Records, first: int) -> int:
    """Return how many verdicts rest on null data alone."""
    return sum(
        event.data.get("since", 0) >= first - LATE and event.data["verdict"] != "identified"
        for event in records.room_of("verdict")
    )


def _had_its_time(records: Records, regimes: list[dict[str, Any]], seed: int) -> bool:
    """Say whether a generator was in force for long enough, in draws and in time, to be found."""
    places = [place for place, regime in enumerate(regimes) if regime["seed"] == seed]
    first = int(regimes[places[0]]["first"])
    after = places[-1] + 1
    end = int(regimes[after]["first"]) if after < len(regimes) else 10**12
    times = [
        (event.data["first"], event.data["last"], event.mono) for event in records.room_of("draws.arrived")
    ]
    inside = [(at, mono) for at, last, mono in times if first <= last and at < end]
    return bool(inside) and inside[-1][0] - first >= ENOUGH and inside[-1][1] - inside[0][1] >= ENOUGH_S


def triggers(records: Records) -> Outcome:
    """A change is noticed, and triggers do not fire without one: they stay within the changes and the stated false-alarm rate.

    Noticed: a trigger fired, or the stream was found again under another seed, which opens an epoch and leaves triggers nothing to say.
    """
    regimes: list[dict[str, Any]] = records.begun["truth"]
    fired = [event.data for event in records.room_of("trigger.fired")]
    cycles = len(records.room_of("draw.judged"))
    epochs = [int(event.data["epoch"]["since"]) for event in records.room_of("epoch.opened")]
    changes = [int(regime["first"]) for regime in regimes[1:]]
    missed = []
    for place, change in enumerate(changes):
        end = changes[place + 1] if place + 1 < len(changes) else 10**12
        seen = _listening(records, change, end)
        noticed = [*(_draw(records, one) for one in fired), *epochs]
        if seen > NOTICE and not any(change <= draw < end for draw in noticed):
            missed.append(
                f"the change at draw {change} was not noticed in {seen} draws in which a trigger listened"
            )
    allowed = 2 * len(changes) + 2
    if len(fired) > allowed:
        missed.append(
            f"{len(fired)} triggers in {cycles} judged draws, {allowed} would do for {len(changes)} changes"
        )
    numbers: dict[str, Any] = {
        "fired": len(fired),
        "judged draws": cycles,
        "changes": len(changes),
        "which": [one["trigger"] for one in fired],
    }
    if missed:
        return failed("triggers did not follow the changes", missed, **numbers)
    if not cycles:
        return short("no draw was judged against a pool")
    return passed(
        f"{len(fired)} triggers on {cycles} judged draws with {len(changes)} changes: {', '.join(numbers['which']) or 'none'}",
        **numbers,
    )


def _listening(records: Records, first: int, end: int) -> int:
    """Return how many draws of a stretch were judged by a pool that claims something, while its trigger might ask."""
    count, draw = 0, -1
    for event in records.room:
        if event.kind == "draw.judged":
            draw = event.data["for_draw"]
        elif event.kind == "learning.health" and first <= draw < end:
            at = event.data.get("trigger") or {}
            count += (
                at.get("direction") == "below"
                and not at.get("silent_draws")
                and at.get("open_request") is None
            )
            draw = -1
    return count


def _draw(records: Records, fired: dict[str, Any]) -> int:
    """Return the draw at which a trigger fired, from the key of the request that it opened."""
    for event in records.room_of("request.queued"):
        if event.data["request"] == fired["request"]:
            return int(str(event.data["key"]).rsplit(":", 1)[-1])
    return -1
