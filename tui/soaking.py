"""Soaks from the console: start one, end it, fire a fault at the one that runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from textual import work

from tui.asking import Asking
from tui.model.text import line, span
from tui.screens.soak import Soak
from tui.widgets.dialog import Order
from tui.widgets.forms import RequestDialog

SOAKS: Mapping[str, str] = {
    "a": "endurance: an engine of its own for hours, no leak, no lost handle",
    "b": "queue: back-to-back requests, each done once and in order",
    "c": "closed loop: synthetic draws keep coming, each handled once",
}
"""The soaks that can be started, and what each proves."""
SOAK_FORM: list[dict[str, Any]] = [
    {"name": name, "help": about, "needed": False, "default": usual}
    for name, about, usual in (
        ("hours", "how long", "a 2, b 0.5, c 1"),
        ("compress", "run H hours in H/N: shorter periods, weaker proof", "1"),
        ("faults", "none, all, or names: `mimicry soak faults` lists them", "none"),
        ("seed", "of draws, moments of halts, order of requests", "1"),
    )
]


class Soaking(Asking):
    """Asks which soak, how long, and which fault."""

    def action_inject(self) -> None:
        """Ask for a fault to fire at the soak that runs on the Soak screen, elsewhere for a draw."""
        soak = self.active.soak if isinstance(self.active, Soak) else None
        if soak is None:
            super().action_inject()
        elif self.may_act("inject"):
            self._offer_faults(soak["id"])

    def action_soak(self) -> None:
        """Ask which soak to start; where one runs, whether to end it."""
        if self.may_act("soak"):
            self._offer_soak()

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_soak(self) -> None:
        told = await self.asked("soak", "soak")
        if told is None:
            return
        if (now := told["soak"]) is not None:
            facts = [
                line(span(f"{now['id']} runs since {now['t'] / 60:.0f} of {now['seconds'] / 60:.0f} min"))
            ]
            facts.append(line(span("its runner ends at once; mimicry soak --resume goes on with it", "dim")))
            self.confirm("End the soak", facts, Order("soak_stop", {}), does=f"end {now['id']}", word="end")
            return
        choices = list(SOAKS.items())
        self.choose("Start a soak", choices, lambda at: self._plan_soak(choices[at][0]))

    def _plan_soak(self, letter: str) -> None:
        form = {"type": f"soak {letter}", "about": SOAKS[letter], "parameters": SOAK_FORM}
        made = partial(Order, "soak_start")
        dialog = RequestDialog(
            form, ascii_only=self.ascii_only, order=lambda given: made({"scenario": letter, **given})
        )
        self.push_screen(dialog, self.order)

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_faults(self, soak: str) -> None:
        """Show the faults that can be fired, then ask for the reason."""
        told = await self.asked("soak_faults", "fault")
        if told is None:
            return
        faults = told["faults"]
        choices = [(each["fault"], each["does"]) for each in faults]
        self.choose(f"Fire a fault at {soak}", choices, lambda at: self._fire(soak, faults[at]))

    def _fire(self, soak: str, fault: Mapping[str, Any]) -> None:
        facts = [line(span(fault["does"])), line(span("must hold after it: ", "dim"), fault["holds"])]
        facts += [line(span("needs ", "dim"), fault["needs"])] if fault["needs"] else []
        order = Order("soak_fire", {"fault": fault["fault"]})
        self.confirm("Fire a fault", facts, order, does=f"fire {fault['fault']} at {soak}")
