"""The command line: one function per verb. Imports what a verb needs inside that verb; the console is exec'ed, never imported."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.errors import Exit, MimicryError, UsageError

VERSION = "0.1.0"
Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every expected failure is one line on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.verb(arguments))
    except MimicryError as error:
        print(f"mimicry: {error}", file=sys.stderr)
        return int(error.exit_code)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - stays open until exit, so that no flush fails
        return int(Exit.OK)
    except KeyboardInterrupt:
        print("mimicry: interrupted", file=sys.stderr)
        return int(Exit.RESUMABLE)


# ── verbs ────────────────────────────────────────────────────────────────────


def analyze(arguments: Arguments) -> int:
    """Bring one history to a verdict, here and now."""
    import asyncio  # noqa: PLC0415

    from engine import report  # noqa: PLC0415
    from engine.analyze import analyze as run  # noqa: PLC0415

    order, resume = _order(arguments)
    quiet = arguments.json == "-" or not sys.stderr.isatty()
    ticker = _Ticker(live=not quiet)
    try:
        finished = asyncio.run(
            run(order, arguments.state, resume=resume, progress=lambda one: ticker.show(report.progress_line(one)),
                note=ticker.note)
        )  # fmt: skip
    finally:
        ticker.clear()
    _write_json(arguments.json, finished.analysis.model_dump(mode="json"))
    if arguments.json != "-":
        print(report.render(finished.analysis))
        for outcome in finished.outcomes:
            print(outcome.line())
        print(f"record     {finished.directory}")
    if finished.exit_code is Exit.RESUMABLE:
        print(f"To go on:  mimicry analyze --resume {finished.directory}", file=sys.stderr)
    return int(finished.exit_code)


def engine(arguments: Arguments) -> int:
    """Run the engine as a headless daemon in the foreground."""
    from engine.room import serve  # noqa: PLC0415

    return serve(arguments.state, config=arguments.config, demo=arguments.demo)


def console(arguments: Arguments) -> int:
    """Open the console; start a daemon first if none answers."""
    _ensure_daemon(arguments.state, demo=False)
    return _exec_console(arguments, readonly=getattr(arguments, "readonly", False))


def demo(arguments: Arguments) -> int:
    """Open the console over a daemon that works on a planted history with live synthetic draws."""
    arguments.state = arguments.state / "demo"
    _ensure_daemon(arguments.state, demo=True)
    if arguments.no_ui:
        print(f"demo engine running; look: mimicry attach --state {arguments.state}   stop: mimicry stop --state {arguments.state}")
        return int(Exit.OK)
    return _exec_console(arguments, readonly=False)


def status(arguments: Arguments) -> int:
    """Print where the engine stands."""
    data = _call(arguments, "snapshot")
    return _print(arguments, data, lambda: _status_text(data))


def halt(arguments: Arguments) -> int:
    """Halt all work now (or at the next checkpoint, or when the step is finished)."""
    from engine.errors import Unreachable  # noqa: PLC0415

    try:
        data = _call(arguments, "halt", kind=arguments.kind, reason=arguments.reason)
    except Unreachable:
        from engine.halt import halt_offline  # noqa: PLC0415

        halt_offline(arguments.state, kind=arguments.kind, reason=arguments.reason)
        data = {"kind": arguments.kind, "reason": arguments.reason, "daemon": "none running; the next start begins halted"}
    return _print(arguments, data, lambda: f"halted ({data['kind']}): {data['reason']}   resume: mimicry resume")


def resume(arguments: Arguments) -> int:
    """Lift the halt; work goes on from the last finished chunk and trial."""
    data = _call(arguments, "resume", reason=arguments.reason)
    return _print(arguments, data, lambda: "resumed")


def stop(arguments: Arguments) -> int:
    """Stop the daemon: checkpoint and exit, not halted."""
    data = _call(arguments, "stop")
    return _print(arguments, data, lambda: "engine stopping at its checkpoint; state kept")


def decisions(arguments: Arguments) -> int:
    """List the watcher's decisions, newest first."""
    data = _call(arguments, "decisions", limit=arguments.limit)
    return _print(arguments, data, lambda: _table(data["decisions"], ("id", "at", "step", "action", "source", "advice", "reason")))


def explain(arguments: Arguments) -> int:
    """Print the whole chain behind one decision."""
    data = _call(arguments, "explain", id=arguments.number)
    return _print(arguments, data, lambda: json.dumps(data, indent=1, ensure_ascii=False))


def requests(arguments: Arguments) -> int:
    """List requests and why each waits or how it ended."""
    data = _call(arguments, "requests", limit=arguments.limit)
    return _print(arguments, data, lambda: _table(data["requests"], ("id", "at", "kind", "origin", "state", "priority", "why")))


def pipeline(arguments: Arguments) -> int:
    """Ask the engine to run pipeline steps."""
    request = {"type": "pipeline_rerun", "start_step": arguments.start_step, "end_step": arguments.end_step}
    data = _call(arguments, "submit", request=request)
    return _print(arguments, data, lambda: f"queued {data['id']}: steps {arguments.start_step}..{arguments.end_step}")


def verify(arguments: Arguments) -> int:
    """Recompute the journal's hash chain."""
    from engine.errors import BadInput  # noqa: PLC0415
    from state.errors import StateError  # noqa: PLC0415
    from state.journal import Journal  # noqa: PLC0415

    try:
        journal = Journal.read_only(arguments.state)
        count = journal.verify()
    except StateError as error:
        raise BadInput(str(error)) from error
    data = {"records": count, "head": journal.head}
    return _print(arguments, data, lambda: f"{count} records, chain intact, head {journal.head}")


def doctor(arguments: Arguments) -> int:
    """Check this machine; one fix per line."""
    from dataclasses import asdict  # noqa: PLC0415

    from engine.doctor import examine, failed, render  # noqa: PLC0415

    findings = list(examine(arguments.state))
    _print(arguments, {"findings": [asdict(one) for one in findings]}, lambda: render(findings))
    return int(Exit.ENVIRONMENT if failed(findings) else Exit.OK)


def generators(arguments: Arguments) -> int:
    """Print the registry of generators."""
    from dataclasses import asdict  # noqa: PLC0415

    from hip_cuda_kernels.registry import FAMILIES  # noqa: PLC0415

    rows = [asdict(one) for one in FAMILIES]
    shown = [
        {"family": one.id, "seed": one.seed_bits, "word": one.word_bits, "mappings": " ".join(one.mappings),
         "aliases": " ".join(one.aliases), "oracle": "verified" if one.verified else "unverified"}
        for one in FAMILIES
    ]  # fmt: skip
    return _print(
        arguments, {"generators": rows}, lambda: _table(shown, ("family", "seed", "word", "oracle", "mappings", "aliases"))
    )


# ── helpers of the verbs ─────────────────────────────────────────────────────


class _Ticker:
    """One progress line that repaints in a terminal at most five times a second; notes stay."""

    def __init__(self, *, live: bool) -> None:
        self.live, self._width, self._next = live, 0, 0.0

    def show(self, line: str) -> None:
        import time  # noqa: PLC0415

        now = time.monotonic()
        if self.live and now >= self._next:
            self._next = now + 0.2
            print(f"\r{line:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(line)

    def note(self, line: str) -> None:
        self.clear()
        print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._width:
            print(f"\r{'':<{self._width}}\r", end="", file=sys.stderr, flush=True)
            self._width = 0


def _order(arguments: Arguments) -> tuple[Any, Path | None]:
    """Return the order and, for `--resume`, the run directory it comes from."""
    from engine.analyze import SPEC, Order  # noqa: PLC0415

    if arguments.resume:
        directory = Path(arguments.resume)
        directory = directory if directory.is_dir() else arguments.state / "runs" / arguments.resume
        return Order.load(directory / SPEC), directory
    if len(arguments.files) != 1:
        raise UsageError(f"analyze: one history at a time, {len(arguments.files)} given; use - for standard input")
    reading = {
        "column": arguments.column, "time_column": arguments.time_column, "session_column": arguments.session_column,
        "format": arguments.format,
    }  # fmt: skip
    return Order(tuple(arguments.files), _space(arguments), reading, arguments.pipeline, arguments.workers), None


def _space(arguments: Arguments) -> Any:
    from engine.search.ranges import parse_range  # noqa: PLC0415
    from engine.search.space import Space  # noqa: PLC0415

    given: dict[str, Any] = {"alpha": arguments.alpha, "time_limit": arguments.time_limit, "exhaust": arguments.exhaust}
    for name, highest in (("seeds", 2**64 - 1), ("starts", 2**20), ("gaps", 2**16)):
        text = getattr(arguments, name)
        given[name] = None if text is None else parse_range(text, what=f"--{name}", highest=highest)
    if arguments.modulus is not None and arguments.range is not None:
        raise UsageError("--range and --modulus say the same thing; give one of them")
    if arguments.modulus is not None:
        given["range"] = (0, arguments.modulus - 1)
    if arguments.range is not None:
        span = parse_range(arguments.range, what="--range", highest=2**32 - 1)
        given["range"] = (span.lo, span.hi)
    given["noise"] = arguments.noise
    given["families"] = _names(arguments.families) or ("all",)
    given["mappings"] = _names(arguments.mappings)
    given["sessions"] = arguments.session
    given["seed"] = arguments.seed
    for name, low, high in (("alpha", 0, 1), ("noise", 0, 1)):
        value = given[name]
        if value is not None and not low <= value < high:
            raise UsageError(f"--{name} {value}: must lie in [{low}, {high})")
    if given.get("range") and given["range"][1] <= given["range"][0]:
        raise UsageError("--range: a range of draws has at least two values")
    if given["time_limit"] <= 0:
        raise UsageError(f"--time-limit {given['time_limit']}: seconds above 0")
    return Space(**given)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names, depth, current = [], 0, ""
    for character in text + ",":  # commas inside brackets belong to a mapping's parameters
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            names.append(current.strip())
            current = ""
        else:
            current += character
    return tuple(name for name in names if name)


def _call(arguments: Arguments, verb: str, **values: Any) -> dict[str, Any]:
    """Send one command to the daemon; its refusal becomes this process's one-line error and exit code."""
    from engine.client import call  # noqa: PLC0415

    reply = call(arguments.state, verb, **values)
    if not reply.ok:
        error = MimicryError(reply.error or "the engine refused without a reason")
        error.exit_code = Exit(reply.exit_code or 1)
        raise error
    return reply.data


def _print(arguments: Arguments, data: dict[str, Any], text: Callable[[], str]) -> int:
    print(json.dumps(data, ensure_ascii=False) if arguments.json else text())
    return int(Exit.OK)


def _write_json(target: str | None, data: dict[str, Any]) -> None:
    if target is None:
        return
    text = json.dumps(data, indent=1)
    if target == "-":
        print(text)
        return
    try:
        temporary = Path(f"{target}.part")
        temporary.write_text(text + "\n")
        temporary.replace(target)
    except OSError as error:
        from engine.errors import EnvironmentFault  # noqa: PLC0415

        raise EnvironmentFault(f"--json {target}: cannot write ({error.strerror})") from None


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as aligned columns with a header; the last column is not padded."""
    cells = [[str(column) for column in columns]] + [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells)


def _status_text(data: dict[str, Any]) -> str:
    """Return the snapshot as a dense aligned block that reads in any log."""
    halted, evidence, health = data["halt"], data["evidence"], data["engine"]
    rows = [
        ("mode", data["mode"] + (f" ({halted['kind']}: {halted['reason']}, by {halted['by']})" if halted else "")),
        ("evidence", evidence["line"]),
        ("pool", evidence["pool"]),
        ("requests", f"{data['requests_waiting']} waiting"),
        ("engine", f"pid {health['pid']}, rss {health['rss_mb']:.0f} MB, {health['handles']} handles, up {health['uptime']:.0f} s"),
        ("degraded", "; ".join(data["degraded"]) or "no"),
        ("journal", f"seq {data['seq']}, head {data['head'][:16]}"),
    ]
    return "\n".join(f"{label:<10} {text}" for label, text in rows)


def _ensure_daemon(state: Path, *, demo: bool) -> None:
    """Start a detached daemon unless one answers; wait until its socket does, or say why it did not come up."""
    import subprocess  # noqa: PLC0415
    import time  # noqa: PLC0415

    from engine.client import call  # noqa: PLC0415
    from engine.errors import EnvironmentFault, Unreachable  # noqa: PLC0415

    try:
        call(state, "snapshot")
        return
    except Unreachable:
        pass
    (state / "logs").mkdir(parents=True, exist_ok=True)
    log = state / "logs" / "daemon.err"
    command = [sys.executable, "-m", "engine.cli", "--state", str(state), "--no-ui", *(["--demo"] if demo else [])]
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            call(state, "snapshot")
            return
        except Unreachable:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    tail = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise EnvironmentFault(f"the engine did not start: {tail[0]} (log: {log})")


def _exec_console(arguments: Arguments, *, readonly: bool) -> int:
    """Become the console process; it needs a terminal and the `tui` extra."""
    import importlib.util  # noqa: PLC0415

    from engine.errors import EnvironmentFault  # noqa: PLC0415

    if importlib.util.find_spec("textual") is None:
        raise EnvironmentFault("the console is not installed; fix: make install EXTRAS=tui (or pip install 'mimicry[tui]')")
    if not sys.stdout.isatty():
        raise EnvironmentFault("the console needs a terminal; without one use `mimicry status` or `mimicry --no-ui`")
    flags = [f"--{name.replace('_', '-')}" for name in ("ascii", "mono", "no_mouse") if getattr(arguments, name, False)]
    flags += ["--readonly"] if readonly else []
    theme = getattr(arguments, "theme", None)
    flags += ["--theme", theme] if theme else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "tui", "--state", str(arguments.state), *flags])


# ── the parser: a table of verbs ─────────────────────────────────────────────


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--state", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="state directory")
    parser = argparse.ArgumentParser(
        prog="mimicry",
        description="A control room for autonomous PRNG analysis. Without a verb: the console.",
        epilog="Exit codes: 0 verdict or done, 1 internal, 2 usage, 3 bad input, 4 halted or out of time and\n"
        "resumable, 5 environment, 6 daemon unreachable.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, default=_default_state(), metavar="DIR", help="state directory")
    parser.add_argument("--version", action="version", version=f"mimicry {VERSION}")
    parser.add_argument("--no-ui", action="store_true", help="run the engine headless in the foreground")
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="room.toml (with --no-ui)")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(verb=_no_verb)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for name, function, options in VERBS:
        sub = verbs.add_parser(name, parents=[shared], help=_first_line(function), description=function.__doc__)
        for flags, settings in options:
            sub.add_argument(*flags, **settings)
        sub.set_defaults(verb=function)
    return parser


def _default_state() -> Path:
    if "MIMICRY_STATE" in os.environ:
        return Path(os.environ["MIMICRY_STATE"])
    from platformdirs import user_state_path  # noqa: PLC0415

    return Path(user_state_path("mimicry"))


def _first_line(function: Callable[..., int]) -> str:
    text = (function.__doc__ or "").splitlines()[0]
    return text[0].lower() + text[1:].rstrip(".")


def _no_verb(arguments: Arguments) -> int:
    return engine(arguments) if arguments.no_ui else console(arguments)


Option = tuple[tuple[str, ...], dict[str, Any]]
JSON: Option = (("--json",), {"action": "store_true", "help": "print JSON"})
LIMIT: Option = (("--limit",), {"type": int, "default": 20, "help": "rows (default 20)"})
LOOKS: list[Option] = [
    (("--ascii",), {"action": "store_true", "help": "no characters beyond ASCII"}),
    (("--mono",), {"action": "store_true", "help": "no colours"}),
    (("--no-mouse",), {"action": "store_true", "help": "leave the mouse to the terminal"}),
    (("--theme",), {"default": None, "help": "colour theme"}),
]
READING: list[Option] = [
    (("files",), {"nargs": "*", "metavar": "FILE", "help": "CSV, JSON, JSONL or text; - for standard input"}),
    (("--column",), {"help": "column of the draws, by name or number"}),
    (("--time-column",), {"help": "column of the times"}),
    (("--session-column",), {"help": "column of the session labels"}),
    (("--format",), {"choices": ["csv", "json", "jsonl", "text"], "help": "instead of guessing from the name"}),
    (("--session",), {"default": "all", "metavar": "all|each|LABEL", "help": "which draws form a stream"}),
]
SPACE: list[Option] = [
    (("--families",), {"metavar": "NAMES", "help": "ids, aliases or globs, comma-separated"}),
    (("--mappings",), {"metavar": "NAMES", "help": "mapping ids, comma-separated"}),
    (("--seeds",), {"metavar": "LO:HI", "help": "seed interval; also TIME..TIME/s, /ms, /us"}),
    (("--starts",), {"metavar": "LO:HI", "help": "calls discarded before the first draw"}),
    (("--gaps",), {"metavar": "LO:HI", "help": "calls discarded between draws"}),
    (("--noise",), {"type": float, "help": "assumed share of wrong draws"}),
    (("--range",), {"metavar": "LO:HI", "help": "range of the draws"}),
    (("--modulus",), {"type": int, "metavar": "M", "help": "the same as --range 0:M-1"}),
    (("--alpha",), {"type": float, "default": 1e-6, "help": "error rate of a claim (default 1e-6)"}),
    (("--time-limit",), {"type": float, "default": 600.0, "metavar": "S", "help": "seconds (default 600)"}),
    (("--exhaust",), {"action": "store_true", "help": "search the whole space and certify it"}),
    (("--pipeline",), {"action": "store_true", "help": "go on through steps 2.5 to 6"}),
    (("--seed",), {"type": int, "default": 20260101, "help": "root of the run's seed tree"}),
    (("--workers",), {"type": int, "default": None, "help": "worker processes (default: cores)"}),
    (("--resume",), {"metavar": "RUN", "help": "go on with an earlier run"}),
    (("--json",), {"metavar": "OUT", "help": "write analysis/1 to a file; - prints it"}),
]
VERBS: list[tuple[str, Callable[[Arguments], int], list[Option]]] = [
    ("analyze", analyze, READING + SPACE),
    ("attach", console, [(("--readonly",), {"action": "store_true", "help": "look, never act"}), *LOOKS]),
    ("demo", demo, [(("--no-ui",), {"action": "store_true", "help": "start the demo engine only"}), *LOOKS]),
    ("status", status, [JSON]),
    ("halt", halt, [
        (("reason",), {"help": "why; stays on every screen until resume"}),
        (("--finish",), {"dest": "kind", "action": "store_const", "const": "finish", "help": "when the step is done"}),
        (("--checkpoint",), {"dest": "kind", "action": "store_const", "const": "checkpoint", "help": "after the running piece"}),
        (("--now",), {"dest": "kind", "action": "store_const", "const": "now", "default": "now", "help": "within a second (default)"}),
        JSON,
    ]),
    ("resume", resume, [(("reason",), {"nargs": "?", "default": "", "help": "why"}), JSON]),
    ("stop", stop, [JSON]),
    ("decisions", decisions, [LIMIT, JSON]),
    ("explain", explain, [(("number",), {"type": int, "metavar": "N", "help": "decision id"}), JSON]),
    ("requests", requests, [LIMIT, JSON]),
    ("pipeline", pipeline, [
        (("--start-step",), {"default": "1", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        (("--end-step",), {"default": "6", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        JSON,
    ]),
    ("verify", verify, [JSON]),
    ("doctor", doctor, [JSON]),
    ("generators", generators, [JSON]),
]  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
