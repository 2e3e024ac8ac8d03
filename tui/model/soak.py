"""The lines above the plots: which soak runs, how far it is, what grows, how it came back from faults; and two soaks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.model.text import BLANK, Item, Line, cell, line, span, spread
from tui.model.words import duration, number, signed, spread_of

TITLES = {"a": "endurance", "b": "queue", "c": "closed loop"}
NONE = "no soak runs here: S starts one, d compares two that ran"
PAST = "the journal of a room does not say which soaks ran"
BRIEF = "no soak runs here: S starts one"


def soak_line(told: Mapping[str, Any] | None, cells: int, *, past: bool = False) -> Line:
    """Return the status of a soak in one row; of its parts the least important ones give way where there is no room."""
    if told is None:
        forms = [PAST] if past else [NONE, BRIEF]
        return (span(" "), *spread([Item(0, *(line(span(form, "dim")) for form in forms))], cells - 1))
    letter = str(told["scenario"])
    at, whole, warm = float(told["t"]), float(told["seconds"]), float(told["warm_up"])
    phase = "warm-up" if at < warm else {"runs": "steady"}.get(str(told["phase"]), str(told["phase"]))
    findings = int(told["findings"])
    worst = told["halt_worst"]
    halts = f"halts {told['halts']}" + ("" if worst is None else f" worst {worst:.2f} s")
    items = [
        Item(
            0,
            line(span(f"SOAK {letter.upper()} {TITLES.get(letter, '')}".rstrip(), "head")),
            line(span(f"SOAK {letter.upper()}", "head")),
        ),
        Item(1, line(span(f"{duration(at)} of {duration(whole)}"))),
        Item(2, line(span(phase, "ok" if phase == "steady" else "idle"))),
        Item(3, line(span(halts, "warn" if worst is not None and worst > 1.0 else ""))),
        Item(4, line(span(f"faults {told['faults']}/{told['faults_planned']}"))),
        Item(5, line(span(f"deaths {told['deaths']}"))),
        Item(6, line(span(f"asked {told['asked']}"))),
        Item(7, line(span(f"draws {told['draws']}"))),
        Item(2, line(span(f"findings {findings}", "fail" if findings else "dim"))),
    ]
    return (span(" "), *spread(items, cells - 1))


def growers_line(
    series: Mapping[str, Mapping[str, Any]], titles: Mapping[str, tuple[str, str]], cells: int
) -> Line:
    """Return what grows by more than its noise, the fastest for its size first; `titles` gives title and unit of a series."""
    found = []
    for name, got in series.items():
        values = [value for value in got["values"] if value is not None]
        if got["per_hour"] is not None and got["lo"] > 0.0 and values:
            found.append((got["per_hour"] / max(abs(values[-1]), 1e-9), name, got))
    head = Item(0, line(span("grows ", "dim")))
    if not found:
        known = any(got["per_hour"] is not None for got in series.values())
        early = "too early to say: a slope takes some minutes" if series else "no reading yet"
        said = "nothing by more than its noise" if known else early
        return (span(" "), *spread([head, Item(1, line(span(said, "dim")))], cells - 1, gap=""))
    items = []
    for rank, (_, name, got) in enumerate(sorted(found, key=lambda one: -one[0]), 1):
        title, unit = titles.get(name, (name, ""))
        sure = spread_of(got["per_hour"], got["lo"], got["hi"])
        text = f"{title} {signed(got['per_hour'])} {sure}{f' {unit}' if unit else ''}/h"
        items.append(Item(rank, line(span(text, "warn"))))
    return (span(" "), *spread([head, *items], cells - 1))


def faults_line(faults: Sequence[Mapping[str, Any]], cells: int) -> Line:
    """Return the faults that were fired, the newest first, each with how long the room took to come back."""
    items = [Item(0, line(span("faults ", "dim")))]
    for rank, told in enumerate(faults, 1):
        by = f" ({told['by']})" if told.get("by") else ""
        if told["skipped"]:
            part = span(f"– {told['name']} not shown here{by}", "dim")
        elif told["holds"]:
            part = span(f"✔ {told['name']} back in {told['seconds']:.1f} s{by}", "ok")
        else:
            part = span(f"✖ {told['name']}: {(told['findings'] or ['did not hold'])[0]}{by}", "fail")
        items.append(Item(rank, line(part)))
    return (span(" "), *spread(items, cells - 1))


def compared_lines(told: Mapping[str, Any], cells: int) -> list[Line]:
    """Return two soaks side by side, as the engine compares them: gates, work an hour, medians, slopes; a mark stands where they differ."""
    parts = (
        ("gates", [(row["gate"], row["a"] or "–", row["b"] or "–", row["differs"]) for row in told["gates"]]),
        ("work an hour", [(row["what"], number(row["a"]), number(row["b"]), False) for row in told["work_per_hour"]]),
        ("medians", [(row["probe"], number(row["a"]), number(row["b"]), False) for row in told["probes"]]),
        ("slopes an hour, marked where they are apart by more than noise", [
            (row["probe"], signed(row["a"], 3), signed(row["b"], 3), row["differs"]) for row in told["trends"]
        ]),
    )  # fmt: skip
    lines = [_pair("", told["a"]["id"], told["b"]["id"], False, "head")]
    for said, same in (("different machines: memory and rates do not compare", "same_machine"),
                       ("different plans: work and findings do not compare", "same_plan")):  # fmt: skip
        if not told[same]:
            lines.append(line(span(f"▲ {said}", "warn")))
    for name, rows in parts:
        if rows:
            lines += [BLANK, line(span(name, "head"))]
            lines += [_pair(what, a, b, differs, "") for what, a, b, differs in rows]
    return lines


def _pair(name: str, a: str, b: str, differs: bool, role: str) -> Line:
    mark = "*" if differs else " "
    role = "warn" if differs else role
    return (span(f"{mark} "), cell(name, 26, "dim"), cell(a, 20, role), span(" "), cell(b, 20, role))
