"""The command line: the parser and the one place where an expected failure becomes a line and an exit code. The verbs: `engine/commands/`."""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from engine.commands import room
from engine.commands.table import GROUPS, verbs
from engine.commands.verb import Arguments
from engine.errors import Exit, Interrupted, MimicryError
from engine.terminal import plain
from engine.version import VERSION
from state.errors import StateError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
EXIT_CODES = "exit: 0 done, 1 internal, 2 usage, 3 bad input, 4 halted or out of time and resumable, 5 environment, 6 daemon unreachable"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every expected failure is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")
    with _interruptible():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        code = int(arguments.verb(arguments))
        print(
            end="", flush=True
        )  # what the reader or the disk does not take fails here, not behind our exit code
        return code
    except MimicryError as error:
        print(plain(f"mimicry: {error}"), file=sys.stderr)
        return int(error.exit_code)
    except StateError as error:
        print(plain(f"mimicry: {error}"), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        _drop_output()
        return int(Exit.OK)
    except (
        OSError
    ) as error:  # a path that no verb foresaw, such as a name too long, or output that finds no room
        if error.filename is None and error.errno not in _FULL:
            raise
        if error.filename is None:
            _drop_output()
        told = f"{error.filename or 'standard output'}: {error.strerror}; check the path, its permissions and the disk"
        print(plain(f"mimicry: {told}"), file=sys.stderr)
        return int(Exit.ENVIRONMENT)
    except KeyboardInterrupt:
        print("mimicry: interrupted", file=sys.stderr)
        return int(Exit.RESUMABLE)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM unwind what runs, so that nothing half-made stays; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Interrupted

    usual = (signal.default_int_handler, signal.SIG_DFL)  # what is ignored, as under nohup, stays so
    caught = {
        number: was
        for number in (signal.SIGINT, signal.SIGTERM)
        if (was := signal.getsignal(number)) in usual
    }
    for number in caught:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, was in caught.items():
            signal.signal(number, was)


def _drop_output() -> None:
    """Send what is left to nowhere; it stays open until exit, so that no flush fails."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - see above


# ── the parser: a table of verbs ─────────────────────────────────────────────


class _Parser(argparse.ArgumentParser):
    """The top-level parser; its help is one 80x24 screen made from the table of verbs."""

    def error(self, message: str) -> NoReturn:
        """Name the nearest verbs instead of all seventy where none is meant."""
        if meant := re.match(r"argument VERB: invalid choice: '([^']*)'", message):
            from difflib import get_close_matches

            near = get_close_matches(meant[1], [name for name, *_ in verbs()], n=3, cutoff=0.4)
            told = f"; nearest: {', '.join(near)}" if near else ""
            message = f"there is no verb {meant[1]!r}{told}"
        self.exit(Exit.USAGE, f"mimicry: {message}; `mimicry help` tells all\n")

    def format_help(self) -> str:
        lines = [
            "mimicry: find the generator behind a history of draws, or show there is none",
            "usage: mimicry [--state DIR] [VERB] [options]",
            "",
            "  mimicry analyze FILE     one history to a verdict; needs no engine",
            "  mimicry                  the console; starts an engine if none runs",
            "  mimicry demo             the console over a planted history",
            "  mimicry --no-ui          the engine, headless, in the foreground",
            '  mimicry halt "reason"    stop all work now; resume goes on',
            "",
        ]
        for group in GROUPS:
            lines += textwrap.wrap(
                " ".join(verb.name for verb in group.verbs),
                width=80,
                initial_indent=f"{group.name:<9} ",
                subsequent_indent=" " * 10,
            )
        lines += [
            "",
            "mimicry help: what each verb does; mimicry VERB --help: its options",
            "options: --state DIR (also after the verb)  --config room.toml  --version",
        ]
        return "\n".join(lines) + "\n"


class _Verb(argparse.ArgumentParser):
    """A verb's parser; what the verb does not take is told in one line, and not by a page of all that it takes."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where all options are told."""
        if dashed := re.match(r"argument (--[\w-]+).*: expected one argument", message):
            message += f"; a value that begins with a dash is written {dashed[1]}=-5"
        self.exit(Exit.USAGE, f"{self.prog}: {message}; `{self.prog} --help` tells its options\n")

    def parse_known_args(self, *words: Any, **settings: Any) -> tuple[Any, list[str]]:
        """Take everything or refuse the first word that is left, with the option that it is nearest to."""
        arguments, left = super().parse_known_args(*words, **settings)
        if left and left[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(left[0].partition("=")[0], self._option_string_actions, n=2)
            self.error(f"there is no option {left[0]!r}" + (f"; nearest: {', '.join(near)}" if near else ""))
        if left:
            self.error(f"{left[0]!r} is one word too many")
        return arguments, left


def _parser() -> argparse.ArgumentParser:
    shared = _Verb(add_help=False)
    shared.add_argument(
        "--state", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="state directory"
    )
    parser = _Parser(prog="mimicry")
    parser.add_argument("--state", type=Path, default=_default_state(), metavar="DIR", help="state directory")
    parser.add_argument("--version", action="version", version=f"mimicry {VERSION}")
    parser.add_argument("--no-ui", action="store_true", help="run the engine headless in the foreground")
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="room.toml (with --no-ui)")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--simulated-fleet", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(verb=_no_verb)
    subparsers = parser.add_subparsers(metavar="VERB", parser_class=_Verb)
    for name, function, _, options in verbs():
        sub = subparsers.add_parser(name, parents=[shared], description=function.__doc__, epilog=EXIT_CODES)
        for flags, settings in options:
            sub.add_argument(*flags, **settings)
        sub.set_defaults(
            verb=function, called=name, groups=GROUPS, pages=subparsers.choices
        )  # the last two are for `help`
    return parser


def _default_state() -> Path:
    if "MIMICRY_STATE" in os.environ:
        return Path(os.environ["MIMICRY_STATE"])
    from platformdirs import user_state_path

    return Path(user_state_path("mimicry"))


def _no_verb(arguments: Arguments) -> int:
    return room.serve(arguments) if arguments.no_ui else room.console(arguments)


if __name__ == "__main__":
    sys.exit(main())
