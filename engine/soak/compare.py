"""Two soaks side by side: what each gate said, what each probe read, what changed by more than noise."""

from __future__ import annotations

from typing import Any

SCHEMA = "soak_compare/1"


def compared(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return both reports' gates, work per hour, probes and slopes, with what differs named."""
    gates = {gate["gate"]: gate["state"] for gate in one["gates"]}
    others = {gate["gate"]: gate["state"] for gate in other["gates"]}
    rows = [
        {
            "gate": name,
            "a": gates.get(name),
            "b": others.get(name),
            "differs": gates.get(name) != others.get(name),
        }
        for name in [*gates, *(name for name in others if name not in gates)]
    ]
    return {
        "schema": SCHEMA,
        "a": _head(one),
        "b": _head(other),
        "same_machine": _class(one) == _class(other),
        "same_plan": _plan(one) == _plan(other),
        "gates": rows,
        "work_per_hour": _rates(one, other),
        "probes": _probes(one, other),
        "trends": _trends(one, other),
    }


def _head(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("id", "scenario", "version", "passed", "seconds", "content_sha256")}


def _class(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told["machine"].items() if name != "load"}


def _plan(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told["plan"].items() if name != "seed"}


def _rates(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    names = dict.fromkeys([*one["work"], *other["work"]])
    return [{"what": name, "a": _rate(one, name), "b": _rate(other, name)} for name in names]


def _rate(told: dict[str, Any], name: str) -> float | None:
    return round(told["work"].get(name, 0) / told["seconds"] * 3600.0, 1) if told["seconds"] else None


def _probes(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    names = [name for name in one["probes"] if name in other["probes"]]
    return [
        {"probe": name, "a": one["probes"][name]["median"], "b": other["probes"][name]["median"],
         "a_highest": one["probes"][name]["highest"], "b_highest": other["probes"][name]["highest"]}
        for name in names
    ]  # fmt: skip


def _trends(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """A slope differs when neither interval holds the other's middle."""
    rows = []
    for name in one["trends"]:
        if name in other["trends"]:
            a, b = one["trends"][name], other["trends"][name]
            apart = not (a["lo"] <= b["per_hour"] <= a["hi"]) and not (b["lo"] <= a["per_hour"] <= b["hi"])
            rows.append(
                {
                    "probe": name,
                    "a": a["per_hour"],
                    "b": b["per_hour"],
                    "a_hi": a["hi"],
                    "b_hi": b["hi"],
                    "differs": apart,
                }
            )
    return rows
