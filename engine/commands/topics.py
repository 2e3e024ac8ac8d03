"""Pages of `mimicry help TOPIC` that are of no single verb: each fits one 80x24 screen."""

from __future__ import annotations

from collections.abc import Mapping

TOPICS: Mapping[str, tuple[str, str]] = {
    "console": ("screens, how to move, how to act", """\
mimicry, mimicry attach [--readonly]: the console over the engine; q leaves, the
engine goes on. It works at every size and in tmux, without colour too (--mono,
--ascii, --no-mouse, --theme NAME).

  1 Overview  2 GPUs  3 Requests  4 Decisions  5 Pipeline  6 Selfplay
  7 LLM       8 Soak  9 Logs      0 Evidence   ! Alerts    : any list by name

  lower case looks, UPPER CASE acts; nothing acts on a single key: a dialog says
  in words what Enter does, and what is costly wants a reason and a typed word
  ?  every key of this screen       /  filter rows, or find in logs
  Enter  the row in full, with why  v  the row as it was sent
  space  jump letters               g  group rows        s > <  sort
  [ ]  back and forward in time     z  hold the view     y e  copy, export

Several consoles may watch; one holds control and all see which. Anybody may
halt. See also: mimicry help filter, recordings, themes.
"""),
    "filter": ("which rows: hot>90 & host~rig-", """\
The same words in the console (/), in its command line (:gpus hot>90) and with
--filter of every list:

  COLUMN OP VALUE     OP is one of  =  !=  <  <=  >  >=  ~  !~
  A & B               both hold
  A | B               one of them holds; & binds closer
  word                any column holds the word, letter case ignored
  -                   no value:  job=-

Numbers are compared as numbers, texts by their letters; ~ means contains. Times
are UTC texts: at>2026-11-26T14. A column that is not there is an error that
names the nearest one; mimicry list NAME --json names all columns of a list.

  mimicry gpus --filter 'hot>90 & host~rig-' --sort=-hot --watch
  mimicry list trials --filter 'value>10 & state=complete' --json
"""),
    "recordings": ("the room as it was; recordings", """\
In the console [ and ] step through the journal's records, :at 14:02 goes to a
time; Esc is now again. What the journal does not hold says so.

  mimicry record [--out FILE] [--since TIME] [--until TIME]
      a slice of the journal as one file, beside a running engine or after one
  mimicry replay FILE [--at TIME]
      the console over it, on any machine; nothing in it can act
  mimicry replay FILE --json [--at TIME]
      no console: its first line, every event, the room at the end (or only the
      room at a time), one JSON record a line

A recording carries its version and a SHA-256, each event its own hash; a file
that was changed or cut is refused with the first thing that is wrong.
"""),
    "themes": ("colours and keys of one's own", """\
Themes: dark, light, high-contrast, okabe (for colour-blind eyes), ansi (the
terminal's own colours), mono (none). --theme NAME, or :theme in the console.
NO_COLOR means mono. Every state is a glyph and a word; colour comes third.

themes.toml in the state directory adds some, keymap.toml moves keys:

  theme = "mine"                  [keys]
  [themes.mine]                   halt = "f9"
  base = "dark"                   freeze = "n"
  ok = "#00ff87"

Parts: background foreground surface ok warn fail idle held stale bar key faint
frame focus test. A fault is told with its line, and the default is used.
"""),
    "exit": ("what the exit codes mean", """\
  0  a verdict was reached, or done
  1  internal error: a defect, please report it (mimicry dump)
  2  usage: an option or a name is wrong
  3  bad input: a file or a record breaks a rule
  4  halted or out of time, and resumable
  5  environment: disk, a lock, a device, no journal there, not installed
  6  no engine answers on the control socket

Errors are one line on standard error: what, where, which rule, what to do.
"""),
}  # fmt: skip
