"""Start the console: `python -m tui --state DIR`, or print the key table with `--keys`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tui import keys, themes
from tui.export import save
from tui.model.shell import default_state, typed

WEB = "web_driver"
"""The toolkit's driver of a browser tab, which needs no terminal."""
NEEDS = 5
"""Exit code when the machine lacks something: a terminal, the toolkit."""


def parser() -> argparse.ArgumentParser:
    """Return the command line of the console."""
    made = argparse.ArgumentParser(
        prog="python -m tui", description="The console: a viewer of the engine over its socket."
    )
    made.add_argument("--state", type=Path, metavar="DIR", help="state directory (default: the user's)")
    made.add_argument("--readonly", action="store_true", help="look only; keys that act are off")
    made.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    made.add_argument("--mono", action="store_true", help="no colours (also when NO_COLOR is set)")
    made.add_argument("--bell", action="store_true", help="ring when an alert comes")
    made.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    made.add_argument(
        "--theme",
        metavar="NAME",
        default="",
        help=f"colours: {', '.join(themes.PALETTES)}, or one of themes.toml (default: {themes.DEFAULT})",
    )
    made.add_argument("--recording", metavar="NAME", help="the state is a recording that is shown again")
    made.add_argument("--at", metavar="TIME", help="begin in a recording at that time, UTC")
    made.add_argument("--keys", action="store_true", help="print the key table and exit")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console and return its exit code."""
    options = parser().parse_args(arguments)
    if options.keys:
        print(keys.table())
        return 0
    if WEB not in os.environ.get("TEXTUAL_DRIVER", "") and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "mimicry: the console needs a terminal; without one use: mimicry status --json", file=sys.stderr
        )
        return NEEDS
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    mono = options.mono or bool(os.environ.get("NO_COLOR")) or options.theme == "mono"
    if mono:
        os.environ["NO_COLOR"] = "1"  # the toolkit then drops every colour
    if "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ:
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # A unix socket needs no encryption, and its library is a tenth of the console's memory: the loop is told that there is none.
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]
    try:
        from tui.app import Console
    except ModuleNotFoundError as error:
        print(f"mimicry: the console needs {error.name}; fix: pip install 'mimicry[tui]'", file=sys.stderr)
        return NEEDS
    theme = "mono" if mono else options.theme
    state = options.state or default_state()
    console = Console(
        state,
        readonly=options.readonly or options.recording is not None,
        ascii_only=options.ascii,
        theme=theme,
        bell=options.bell,
        recording=options.recording or "",
        begin=options.at,
    )
    console.run(mouse=not options.no_mouse)
    if console.farewell:
        print(console.farewell)
    if console.crash:
        print(_crash_note(console.crash, state), file=sys.stderr)
    return console.return_code or 0


def _crash_note(crash: str, state: Path) -> str:
    """Say in one line what failed, where the traceback is and how to come back."""
    cause = crash.strip().splitlines()[-1]
    try:
        where = f"traceback in {save(state, crash, 'console-crash.txt')}"
    except OSError:
        where = crash
    return f"mimicry: the console failed, the engine is not touched — {cause}; {where}; again: {typed('attach', state)}"


if __name__ == "__main__":
    sys.exit(main())
