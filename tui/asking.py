"""What the keys that act ask before anything is sent: halt, resume, skip, inject, new work, and what is done to a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual import work

from tui.acting import Acting
from tui.feed import Refused
from tui.model import halts, pages
from tui.model.text import Line, line, span
from tui.screens.lists import Lists
from tui.widgets.dialog import Order, ResumeDialog
from tui.widgets.forms import InjectDialog, RequestDialog
from tui.widgets.halting import HaltDialog

if TYPE_CHECKING:
    from tui.wire import Alert

ALERT_ACTS: dict[str, Mapping[str, Any]] = {
    key: {
        "key": key,
        "verb": verb,
        "word": word,
        "arg": "id",
        "fixed": fixed,
        "reason": True,
        "number": False,
        "typed": False,
    }
    for key, verb, word, fixed in (
        ("A", "ack", "acknowledge", {}),
        ("M", "mute", "mute for an hour", {"minutes": 60}),
    )
}
"""What the keys for alerts do on every screen: to the newest alert that nobody has seen."""
SWITCHES: Mapping[bool, Mapping[str, Any]] = {
    off: {
        "key": "O",
        "verb": f"llm_{word}",
        "word": f"switch the advisor {word}",
        "arg": "",
        "fixed": {},
        "reason": True,
        "number": False,
        "typed": False,
    }
    for off, word in ((True, "on"), (False, "off"))
}
"""What O does on the advisor's screen, by whether it is off."""


class Asking(Acting):
    """Opens the dialog of an acting key, with the facts that it rests on."""

    def action_halt(self, kind: str = "now") -> None:
        """Ask how to halt; the newest snapshot counts, also while the view is frozen."""
        if self.may_act("halt"):
            shot = self.view().newest
            dialog = HaltDialog(halts.choices(shot), halts.facts(shot), at=kind, ascii_only=self.ascii_only)
            self.push_screen(dialog, self.order)

    def action_resume(self) -> None:
        """Ask before work goes on."""
        if not self.may_act("resume"):
            return
        shot = self.view().newest
        if shot is None or shot.halt is None:
            self.say("nothing to resume: the engine is not halted", "head")
            return
        facts, word = pages.resume_facts(shot, shot.halt), halts.needs_word(shot.halt)
        self.push_screen(ResumeDialog(facts, word=word, ascii_only=self.ascii_only), self.order)

    def action_skip(self) -> None:
        """Ask before the running step is skipped."""
        if not self.may_act("skip"):
            return
        shot = self.view().newest
        step = (
            next((each for each in shot.pipeline.steps if each.status == "running"), None) if shot else None
        )
        if step is None:
            self.say("nothing to skip: no step runs", "head")
            return
        facts = [
            line(span(f"step {step.id} {step.name}, {step.done or 0:,} of {step.total or 0:,} done")),
            line(span("it ends at its next piece; the run goes on with what an earlier one made", "dim")),
        ]
        order = Order("skip", {"step": step.id})
        self.confirm("Skip the step", facts, order, does=f"skip step {step.id}", word="skip")

    def action_inject(self) -> None:
        """Ask for a draw to give to the room, test mode only."""
        if not self.may_act("inject"):
            return
        shot = self.view().newest
        if shot is None or not shot.test_mode:
            self.say("inject: only in test mode; real draws come from their sources alone", "held")
            return
        self.push_screen(InjectDialog(shot.evidence.draws, ascii_only=self.ascii_only), self.order)

    async def asked(self, verb: str, what: str) -> Mapping[str, Any] | None:
        """Return what the engine answers; None where it refuses, which is said: no `what`, and why."""
        try:
            return await self.feed.ask(verb)
        except Refused as error:
            self.say(f"no {what}: {error}", "fail")
            return None

    def action_request(self) -> None:
        """Ask which work to request."""
        if self.may_act("request"):
            self._offer_requests()

    @work(group="forms", exclusive=True, exit_on_error=True)
    async def _offer_requests(self) -> None:
        """Show the types of requests as the engine describes them, then the parameters of the chosen one."""
        told = await self.asked("forms", "request")
        if told is None:
            return
        forms = told["forms"]
        choices = [(form["type"], form["about"]) for form in forms]
        self.choose("Ask for work", choices, lambda at: self._fill_in(forms[at]))

    def _fill_in(self, form: Mapping[str, Any]) -> None:
        self.push_screen(RequestDialog(form, ascii_only=self.ascii_only), self.order)

    def action_act(self, key: str) -> None:
        """Ask before the engine does to a row what a key stands for."""
        active = self.active
        acts = active.acts(key) if isinstance(active, Lists) else []
        if key == "O" and isinstance(active, Lists) and (told := active.advisor) is not None:
            said = [line(span(f"the advisor is {told['state']}  {told['why'] or ''}"))]
            self._one_of([SWITCHES[told["state"] == "off"]], "", said)
        elif acts and isinstance(active, Lists):
            self._one_of(acts, active.shown.key or "", active.facts())
        elif key in ALERT_ACTS and (alert := self._newest_alert()) is not None:
            facts = [line(span(f"{alert.at}  {alert.text}"))]
            self._one_of([ALERT_ACTS[key]], alert.id, facts)
        else:
            why = active.why_not(key) if isinstance(active, Lists) else "nothing here that it could act on"
            self.say(f"{key}: {why}", "head")

    def _newest_alert(self) -> Alert | None:
        shot = self.view().newest
        return next((alert for alert in shot.alerts if alert.id and not alert.acked), None) if shot else None

    def _one_of(self, acts: list[Mapping[str, Any]], row: str, facts: list[Line]) -> None:
        """Let one of several acts be chosen, then ask for the reason."""
        if not self.may_act(acts[0]["verb"]):
            return
        if len(acts) == 1:
            self._ask_about(acts[0], row, facts)
            return
        choices = [(act["word"], "") for act in acts]
        self.choose(f"What shall happen to {row}", choices, lambda at: self._ask_about(acts[at], row, facts))

    def _ask_about(self, act: Mapping[str, Any], row: str, facts: list[Line]) -> None:
        named = {act["arg"]: int(row) if act["number"] else row} if act["arg"] else {}
        order = Order(act["verb"], {**named, **act["fixed"]})
        does = f"{act['word']} {row}".rstrip()
        self.confirm(
            does.replace(" {}", "").capitalize(), facts, order, does=does, reason=act["reason"],
            word=act["verb"] if act["typed"] else "", asks=act.get("asks", ""), hint=act.get("hint", ""),
        )  # fmt: skip
