"""How the console acts: what may be sent now, the question before it, the order, and the engine's answer in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import work

from tui.desk import Desk
from tui.feed import Refused
from tui.model.beside import again_lines
from tui.model.shell import typed
from tui.model.text import Line
from tui.widgets.dialog import Confirm, Order
from tui.widgets.page import Page

if TYPE_CHECKING:
    from tui.wire import Reply

NAMED = ("kind", "id", "type", "target", "candidate", "to", "value")
"""Arguments by which an order is named in its answer, the first that it has."""


class Acting(Desk):
    """Sends orders, each after a dialog."""

    def confirm(self, title: str, facts: Sequence[Line], order: Order, **options: Any) -> None:
        """Ask before an order is sent."""
        self.push_screen(Confirm(title, facts, order, ascii_only=self.ascii_only, **options), self.order)

    def take_control(self, reason: str) -> None:
        """Take control from another viewer, with a reason that all see."""
        if self.readonly:
            self.say("read-only console: attach without --readonly to act", "held")
        else:
            self.order(Order("control", {"reason": reason}))

    def may_act(self, verb: str) -> bool:
        """Say whether an order could be sent now; where not, the footer says why."""
        if self._recording:
            self.say(f"a recording: nothing runs here, {verb} has nothing to act on", "held")
        elif self._past is not None and verb != "halt":
            self.say("this is a replay of the past: Esc goes back to now, then act", "held")
        elif self.readonly:
            self.say(f"read-only console: {verb} is off; attach without --readonly to act", "held")
        elif self.view().other and verb != "halt":
            self.say(f"{self.view().other} holds control; `:control REASON` takes it, seen by all", "held")
        elif self.view().link.state != "live":
            self.say(
                f"no engine answers; from a shell: {typed(verb.replace('_', ' '), self._state)}",
                "fail",
            )
        else:
            return True
        return False

    def order(self, order: Order | None) -> None:
        """Send what a dialog ordered; None means that nothing is sent."""
        if order is not None:
            self.send(order)

    @work(group="orders", exit_on_error=False)
    async def send(self, order: Order) -> None:
        """Send one order and show the answer in one line."""
        named = next((order.args[name] for name in NAMED if name in order.args), "")
        # One verb does several things to a rig: what it does says more than its name.
        does = order.args["action"] if order.verb == "rig" else order.verb
        what = f"{does} {named}".strip()
        self.say(f"{what}: sent, waiting for the engine")
        try:
            reply = await self.feed.command(order.verb, **order.args)
            if reply.ok and "ticket" in reply.data:
                self.say(f"{what}: the model is asked, the answer opens here")
                await self._answered(reply.data)
                return
        except Refused as error:
            self.say(str(error), "fail")
        else:
            self.say(*_answer(what, reply))

    async def _answered(self, told: Mapping[str, Any]) -> None:
        """Wait for a question that was put again; show what was said then beside what is said now."""
        now: dict[str, Any] = {"done": False}
        while not now["done"]:
            reply = await self.feed.command("llm_answer", ticket=told["ticket"])
            if not reply.ok:
                raise Refused(reply.error or "llm_answer: refused")
            now = reply.data
        lines = partial(again_lines, told["before"], now)
        self.push_screen(Page("Asked again, dry: nothing follows from it", lines, ascii_only=self.ascii_only))


def _answer(what: str, reply: Reply) -> tuple[str, str]:
    if not reply.ok:
        return f"{what} refused: {reply.error or f'exit code {reply.exit_code}'}", "fail"
    by = reply.data.get("by")
    if reply.data.get("why") and reply.data.get("id"):
        return f"{what}: {reply.data['id']} {reply.data['why']}", "ok"
    return f"{what}: done" + (f", by {by}" if by else ""), "ok"
