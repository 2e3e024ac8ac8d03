"""The line above the plots: which soak this daemon is in, how far it is, what was fired at it, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.model.text import Item, Line, line, span, spread
from tui.model.words import duration

TITLES = {"a": "endurance", "b": "queue", "c": "closed loop"}
NONE = "no soak runs here: mimicry soak a, b or c starts one over a state of its own"


def soak_line(told: Mapping[str, Any] | None, cells: int) -> Line:
    """Return the status of a soak in one row; of its parts the least important ones give way where there is no room."""
    if told is None:
        return (span(" "), span(NONE, "dim"))
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
