"""The one table of keys: bindings, footer, help screen, palette and README text are generated from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from tui.places import PLACES

Does = Literal["looks", "acts"]
LISTS = ("list",)


@dataclass(frozen=True)
class Key:
    """One action: lower case looks, UPPER CASE acts on the engine."""

    id: str
    """Action name in the application, and the id that a keymap uses."""
    key: str
    """What the toolkit calls the key; several are separated by commas."""
    shown: str
    """What a person reads."""
    word: str
    help: str
    does: Does = "looks"
    footer: int = 0
    """Place in the footer, from 1; 0 = only where a screen offers it. The last ones go first when the terminal is narrow."""
    palette: bool = True
    on: tuple[str, ...] = ()
    """Kinds of screens that have it; none = all of them, done by the console itself."""
    call: str = ""
    """What the toolkit calls, where that is neither the console's action of this name nor the screen's."""

    @property
    def label(self) -> str:
        """Return what a person reads: the key of the keymap file where it moved this action."""
        return _MOVED.get(self.id, self.shown)

    @property
    def action(self) -> str:
        """Return what the toolkit calls: the console's own action, or the screen's."""
        return self.call or (f"here('{self.id}')" if self.on else self.id)


_MOVED: dict[str, str] = {}


def use(moved: Mapping[str, str]) -> None:
    """Show other keys than the table's own, as the keymap file says."""
    _MOVED.clear()
    _MOVED.update(moved)


_GO = tuple(
    Key(
        f"go_{place.id}",
        place.key,
        place.key,
        place.title.lower(),
        f"screen: {place.does}",
        call=f"go('{place.id}')",
    )
    for place in PLACES
)
KEYS: tuple[Key, ...] = (
    Key("halt", "H", "H", "halt", "halt the engine: now, at a checkpoint, or when the step is finished (dialog)", "acts", 1),
    Key("resume", "R", "R", "resume", "resume after a halt (dialog; asks for a typed word after a safety halt)", "acts", 2),
    Key("checkpoint", "C", "C", "stop soon", "halt at the next checkpoint (the halt dialog, with that line highlighted)", "acts", call="halt('checkpoint')"),
    Key("finish", "F", "F", "finish", "halt when the running step is finished (the halt dialog, with that line highlighted)", "acts", call="halt('finish')"),
    Key("inject", "I", "I", "inject", "give the room one draw, in test mode only; on the Soak screen fire a fault at the soak that runs (dialog)", "acts"),
    Key("skip", "B", "B", "skip step", "skip the running step: the run goes on with what an earlier run made of it (dialog, typed word)", "acts"),
    Key("soak", "S", "S", "soak", "start a soak: which one, how long, which faults (dialogs); where one runs: end it", "acts"),
    Key("act_A", "A", "A", "acknowledge", "say that an alert was seen, with a reason (dialog)", "acts", call="act('A')"),
    Key("act_M", "M", "M", "mute", "keep an alert's rule quiet for an hour (dialog)", "acts", call="act('M')"),
    Key("act_O", "O", "O", "decide", "approve what waits for a person; overrule a decision; on the LLM screen switch the advisor off or on (dialog)", "acts", on=LISTS, call="act('O')"),
    Key("act_X", "X", "X", "reject", "reject, cancel or roll back the row under the cursor (dialog)", "acts", on=LISTS, call="act('X')"),
    Key("act_P", "P", "P", "put first", "change a waiting request's priority; promote the candidate under the cursor (dialog)", "acts", on=LISTS, call="act('P')"),
    Key("request", "N", "N", "new request", "ask for work: the types of requests and their parameters (dialogs)", "acts"),
    Key("act_T", "T", "T", "ask again", "put the question behind a decision or call to the model again, dry: the answer changes nothing", "acts", on=LISTS, call="act('T')"),
    Key("act_D", "D", "D", "drain", "drain or quarantine the device under the cursor (dialog)", "acts", on=LISTS, call="act('D')"),
    Key("act_U", "U", "U", "use again", "give the device under the cursor work again (dialog)", "acts", on=LISTS, call="act('U')"),
    *_GO,
    Key("filter", "slash", "/", "filter", "rows to show, as in hot>90 & host~rig-; in logs: find", footer=3, on=("list", "logs")),
    Key("sort", "s", "s", "sort", "turn the sorting: falling, rising, as the engine sends it", footer=6, on=LISTS),
    Key("sort_next", "greater_than_sign", ">", "sort next", "sort by the next column", on=LISTS),
    Key("sort_previous", "less_than_sign", "<", "sort previous", "sort by the column before", on=LISTS),
    Key("table", "t", "t", "other list", "the next list of this screen", footer=5, on=LISTS),
    Key("survivors", "u", "u", "survivors", "the survivors with the histogram of their scores beside null twins; again: the trials", on=LISTS),
    Key("group", "g", "g", "group", "group the rows by a column with few values: host, family, state; then by none", footer=12, on=LISTS),
    Key("jump", "space", "space", "jump", "put a letter before every row or panel in sight; the next key goes there", footer=13, on=(*LISTS, "overview")),
    Key("prompt", "p", "p", "prompt", "the whole exchange behind a call to the advisor", on=LISTS),
    Key("raw", "v", "v", "raw", "the row as the engine sent it, as JSON", footer=15, on=LISTS),
    Key("beside", "d", "d", "beside", "two marked rows side by side; a candidate's policy beside the active one; the advice beside what the code decided, also from the call; on the Soak screen two soaks", footer=16, on=(*LISTS, "soak")),
    Key("mark", "b", "b", "mark", "mark or unmark the row; copy and export take marked rows alone", footer=13, on=("list", "logs")),
    Key("open", "enter", "Enter", "open", "open the row in full, or the screen of the panel in focus; Esc goes back", footer=4),
    Key("next_hit", "full_stop", ".", "next hit", "the next line that holds what was looked for", footer=5, on=("logs",)),
    Key("previous_hit", "comma", ",", "previous hit", "the line before", on=("logs",)),
    Key("level", "l", "l", "level", "least level to show: all, info, warning, error", footer=4, on=("logs",)),
    Key("source", "o", "o", "source", "show one log file alone, the next one, all", footer=7, on=("logs",)),
    Key("follow", "f", "f", "follow", "stay at the newest line, or stop", footer=6, on=("logs",)),
    Key("window", "w", "w", "window", "how far back: 5 minutes, half an hour, 4 hours, 2 days", footer=4, on=("soak", "overview")),
    Key("zoom", "m", "m", "zoom", "give the panel in focus the whole screen; Esc shows all panels again", footer=6, on=("overview",)),
    Key("detach", "q", "q", "detach", "leave the console; the engine goes on, and how to come back is printed", footer=8),
    Key("help", "question_mark", "?", "help", "this page", footer=9),
    Key("palette", "colon", ":", "command", "find a screen, a list, an action, a theme, or one request, GPU, decision, run, trial by name; `:gpus hot>90` (also ctrl+p)", footer=7, palette=False),
    Key("freeze", "z", "z", "freeze", "hold the view still, press again for live; the engine is not touched", footer=10),
    Key("earlier", "left_square_bracket", "[", "earlier", "one record back in the journal's time: the screens show the room as it was", footer=11),
    Key("later", "right_square_bracket", "]", "later", "one record on; Esc shows the room as it is now"),
    Key("alerts", "exclamation_mark", "!", "alerts", "all alerts with their history; Esc goes back", footer=11),
    Key("copy", "y", "y", "copy", "copy the marked rows, else this screen, to the clipboard (OSC 52) and to exports/last.txt", footer=12),
    Key("export", "e", "e", "export", "write the list as csv or json, the logs that pass as text, or the screen as svg or text, to exports/", footer=14),
    Key("slower", "minus", "-", "slower", "paint less often, up to every 10 s", footer=15),
    Key("faster", "plus", "+", "faster", "paint more often, down to every 0.5 s", footer=16),
    Key("next", "tab", "Tab", "next panel", "move the focus to the next panel, or to the next list"),
    Key("previous", "shift+tab", "shift+Tab", "previous panel", "move the focus back"),
    Key("down", "j,down", "j ↓", "down", "move down", palette=False, call="move('down')"),
    Key("up", "k,up", "k ↑", "up", "move up", palette=False, call="move('up')"),
    Key("page_down", "pagedown", "PgDn", "page down", "move a page down", palette=False, call="move('page_down')"),
    Key("page_up", "pageup", "PgUp", "page up", "move a page up", palette=False, call="move('page_up')"),
    Key("top", "home", "Home", "top", "move to the first row", palette=False, call="move('top')"),
    Key("bottom", "end", "End", "bottom", "move to the last row", palette=False, call="move('bottom')"),
    Key("back", "escape", "Esc", "back", "close what is open, clear a filter; in a dialog nothing is sent", palette=False),
    Key("suspend", "ctrl+z", "ctrl+z", "suspend", "stop the console and return to the shell (fg comes back)"),
)  # fmt: skip


OFFERED = 2.5
"""Place in the footer of what the screen in front offers: after resume."""


_SHARING = Counter(part for key in KEYS for part in key.key.split(","))
SHARED: Mapping[str, Key] = {
    key.id: key for key in KEYS if any(_SHARING[part] > 1 for part in key.key.split(","))
}
"""Actions whose key another kind of screen uses for something else."""


def acting(readonly: bool) -> tuple[Key, ...]:
    """Return the keys that work: a read-only console has none that acts."""
    return tuple(key for key in KEYS if not (readonly and key.does == "acts"))


def footer_keys(kind: str = "overview", offered: Collection[str] = ()) -> tuple[Key, ...]:
    """Return the keys of the footer on one kind of screen, most important first: what is offered there comes right after halt and resume."""
    there = (key for key in KEYS if key.id in offered or (key.footer and (not key.on or kind in key.on)))
    return tuple(sorted(there, key=lambda key: OFFERED if key.id in offered else key.footer))


def table() -> str:
    """Return the key table as text, for `python -m tui --keys` and the README."""
    rows = [f"{key.shown:<10} {key.does:<6} {key.word:<15} {key.help}" for key in KEYS]
    return "\n".join([f"{'key':<10} {'':<6} {'word':<15} what it does", *rows])
