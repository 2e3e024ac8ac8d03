"""The room as it was: steps through the journal's time, on any screen."""

from __future__ import annotations

from textual import work

from tui.desk import Desk
from tui.feed import Refused


class Replay(Desk):
    """Shows an earlier moment instead of the newest snapshot."""

    def action_earlier(self) -> None:
        """Go one record back in the journal's time."""
        self.step_time(-1)

    def action_later(self) -> None:
        """Go one record on."""
        if self._past is None:
            self.say("this is now: [ goes back in time", "head")
        else:
            self.step_time(1)

    def go_back_to(self, text: str) -> None:
        """Show the room as it was at a time; an hour alone is one of the day that is shown."""
        shot = self.view().newest
        day = f"{shot.at[:10]}T" if shot is not None and ":" in text[:3] else ""
        self.step_time(at=f"{day}{text}")

    @work(group="past", exclusive=True, exit_on_error=True)
    async def step_time(self, step: int = -1, at: str | None = None) -> None:
        """Ask the engine for the room as it was one record further, or at a time."""
        here = self._past.seq if self._past is not None else None
        try:
            past = await self.feed.past(start=here, step=step, at=at)
        except Refused as error:
            self.say(f"no replay: {error}", "warn")
            return
        if step > 0 and here == past.seq:
            live = "" if self._recording else ": Esc shows the room as it is now"
            self.say(f"that is the newest record{live}", "head")
        elif here == past.seq:
            self.say(
                f"that is the first record of this {'recording' if self._recording else 'journal'}", "head"
            )
        self._past = past
        self.paint()

    def leave_past(self) -> bool:
        """Go back to now; tell whether another moment was shown. A recording has no now."""
        if self._past is None or self._recording:
            return False
        self._past = None
        self.paint()
        return True
