"""The command line: one function per verb. Imports what a verb needs inside that verb; the console is exec'ed, never imported."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.errors import Exit, MimicryError
from engine.options import (
    CERTIFICATE,
    COVERAGE,
    IDENTIFYING,
    JSON,
    LIMIT,
    LOOKS,
    PLANNING,
    READING,
    REPORT,
    RUNNING,
    SPACE,
    Option,
)
from engine.version import VERSION
from state.errors import StateError

EXIT_CODES = "exit: 0 done, 1 internal, 2 usage, 3 bad input, 4 halted or out of time and resumable, 5 environment, 6 daemon unreachable"
Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every expected failure is one line on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.verb(arguments))
    except MimicryError as error:
        print(f"mimicry: {error}", file=sys.stderr)
        return int(error.exit_code)
    except StateError as error:
        print(f"mimicry: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - stays open until exit, so that no flush fails
        return int(Exit.OK)
    except KeyboardInterrupt:
        print("mimicry: interrupted", file=sys.stderr)
        return int(Exit.RESUMABLE)


# ── verbs ────────────────────────────────────────────────────────────────────


def analyze(arguments: Arguments) -> int:
    """Bring one history to a verdict, here and now."""
    import asyncio

    from engine import options
    from engine import report as wording
    from engine.analyze import analyze as run

    order, resume = options.order(arguments)
    quiet = arguments.json == "-" or not sys.stderr.isatty()
    ticker = _Ticker(live=not quiet)
    try:
        finished = asyncio.run(
            run(order, arguments.state, resume=resume, progress=lambda one: ticker.show(wording.progress_line(one)),
                note=ticker.note)
        )  # fmt: skip
    finally:
        ticker.clear()
    _write_json(arguments.json, finished.analysis.model_dump(mode="json"))
    if arguments.json != "-":
        print(wording.render(finished.analysis, finished.bias))
        for outcome in finished.outcomes:
            print(f"step {outcome.step:<6}{outcome.status}: {outcome.note}")
        print(f"record     {finished.directory}")
    if finished.exit_code is Exit.RESUMABLE:
        print(f"To go on:  mimicry analyze --resume {finished.directory}", file=sys.stderr)
    return int(finished.exit_code)


def recover(arguments: Arguments) -> int:
    """Solve for the generator's state by algebra alone; no seed is tried."""
    arguments.methods = "algebra"
    return analyze(arguments)


def plan(arguments: Arguments) -> int:
    """Print what analyze would search, in its order and with its cost, and what it could not and why."""
    from engine import options, plan_text
    from engine.analyze import considered
    from engine.search import ledger
    from engine.search.outline import outline

    order = options.new_order(arguments)
    identification = considered(order, ledger.read(arguments.state))
    made = outline(identification, order.workers or len(os.sched_getaffinity(0)))
    _write_json(arguments.json, made.model_dump(mode="json"))
    if arguments.json != "-":
        print(plan_text.render(made, every=arguments.all))
    return int(Exit.OK)


def identifiable(arguments: Arguments) -> int:
    """Print what these draws could identify, and how many more are needed, before any search."""
    from engine import identifiable_text, options
    from engine.analyze import open_history
    from engine.search.identifiable import identifiable as describe
    from engine.search.identify import Identification

    order = options.new_order(arguments)
    made = describe(Identification(open_history(order, None), order.space))
    _write_json(arguments.json, made.model_dump(mode="json"))
    if arguments.json != "-":
        print(identifiable_text.render(made, every=arguments.all))
    return int(Exit.OK)


def coverage(arguments: Arguments) -> int:
    """Print the coverage certificate: what earlier runs exclude, with which power, and the holes in the asked space."""
    from engine import coverage_text, options
    from engine.analyze import considered
    from engine.search import certificate, ledger
    from hip_cuda_kernels.host import build_digest

    shelf = ledger.read(arguments.state)
    if arguments.files:
        identification = considered(options.new_order(arguments), shelf)
        made = certificate.of_history(identification, shelf, build_digest())
    else:
        made = certificate.of_ledger(shelf, build_digest())
    record = made.model_dump(mode="json")
    _write_json(arguments.export, record, option="--export")
    return _print(arguments, record, lambda: coverage_text.render(made, every=arguments.all))


def certificate(arguments: Arguments) -> int:
    """Hold a coverage certificate, or what a run excluded, against ledger, journals, draws and kernels; 3: it breaks a rule, 5: not all can be checked here."""
    from dataclasses import asdict

    from engine import audit
    from engine.runs import find_run
    from hip_cuda_kernels.host import build_digest

    target, wanted = (
        Path(arguments.target),
        audit.Wanted(arguments.replay, arguments.seed, tuple(arguments.draws or ())),
    )
    if target.is_file():
        checks = audit.verify_file(target, arguments.state, build_digest(), wanted)
    else:
        checks = audit.verify_run(find_run(arguments.state, arguments.target), build_digest(), wanted)
    _print(
        arguments,
        {"checks": [asdict(one) for one in checks]},
        lambda: "\n".join(one.line() for one in checks),
    )
    return int(audit.exit_code(checks))


def report(arguments: Arguments) -> int:
    """Write the report of a run: one self-contained HTML page, or text."""
    from engine.run_report import content, facts, page, text
    from engine.runs import find_run

    directory = find_run(arguments.state, arguments.run)
    made = content.document(facts.read(directory))
    if arguments.text:
        print(text.render(made))
    elif arguments.out == "-":
        print(page.render(made), end="")
    else:
        target = Path(arguments.out or directory / "report.html")
        _write(target, page.render(made), option="--out")
        print(target)
    return int(Exit.OK)


def engine(arguments: Arguments) -> int:
    """Run the engine as a headless daemon in the foreground."""
    from engine.room import serve

    return serve(arguments.state, config=arguments.config, demo=arguments.demo)


def console(arguments: Arguments) -> int:
    """Open the console; start a daemon first if none answers."""
    from engine.launch import ensure_daemon, exec_console

    ensure_daemon(arguments.state, demo=False)
    return exec_console(arguments, readonly=getattr(arguments, "readonly", False))


def demo(arguments: Arguments) -> int:
    """Open the console over a daemon that works on a planted history with live synthetic draws."""
    from engine.launch import ensure_daemon, exec_console

    arguments.state = arguments.state / "demo"
    ensure_daemon(arguments.state, demo=True)
    if arguments.no_ui:
        print(
            f"demo engine running; look: mimicry attach --state {arguments.state}   stop: mimicry stop --state {arguments.state}"
        )
        return int(Exit.OK)
    return exec_console(arguments, readonly=False)


def status(arguments: Arguments) -> int:
    """Print where the engine stands."""
    data = _call(arguments, "snapshot")
    return _print(arguments, data, lambda: _status_text(data))


def halt(arguments: Arguments) -> int:
    """Halt all work now (or at the next checkpoint, or when the step is finished)."""
    from engine.errors import Unreachable

    try:
        data = _call(arguments, "halt", kind=arguments.kind, reason=arguments.reason)
    except Unreachable:
        from engine.halt import halt_offline

        halt_offline(arguments.state, kind=arguments.kind, reason=arguments.reason)
        data = {
            "kind": arguments.kind,
            "reason": arguments.reason,
            "daemon": "none running; the next start begins halted",
        }
    return _print(
        arguments, data, lambda: f"halted ({data['kind']}): {data['reason']}   resume: mimicry resume"
    )


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
    return _print(
        arguments,
        data,
        lambda: _table(data["decisions"], ("id", "at", "step", "action", "source", "advice", "reason")),
    )


def explain(arguments: Arguments) -> int:
    """Print the whole chain behind one decision."""
    data = _call(arguments, "explain", id=arguments.number)
    return _print(arguments, data, lambda: json.dumps(data, indent=1, ensure_ascii=False))


def requests(arguments: Arguments) -> int:
    """List requests and why each waits or how it ended."""
    data = _call(arguments, "requests", limit=arguments.limit)
    return _print(
        arguments,
        data,
        lambda: _table(data["requests"], ("id", "at", "kind", "origin", "state", "priority", "why")),
    )


def pipeline(arguments: Arguments) -> int:
    """Ask the engine to run pipeline steps."""
    request = {"type": "pipeline_rerun", "start_step": arguments.start_step, "end_step": arguments.end_step}
    data = _call(arguments, "submit", request=request)
    return _print(
        arguments, data, lambda: f"queued {data['id']}: steps {arguments.start_step}..{arguments.end_step}"
    )


def verify(arguments: Arguments) -> int:
    """Recompute the hash chains of the journal and of the coverage ledger."""
    from engine.errors import BadInput
    from engine.search.ledger import FOLDER
    from state.errors import NoJournal

    ledger = arguments.state / FOLDER
    try:
        data: dict[str, Any] = {"coverage": _chain(ledger)} if ledger.is_dir() else {}
        data = {**_chain(arguments.state), **data}
    except NoJournal as error:
        if not data:
            raise BadInput(str(error)) from error
    except StateError as error:
        raise BadInput(str(error)) from error
    return _print(arguments, data, lambda: _chains_text(data))


def doctor(arguments: Arguments) -> int:
    """Check this machine; one fix per line."""
    from dataclasses import asdict

    from engine.doctor import examine, failed, render

    findings = list(examine(arguments.state))
    _print(arguments, {"findings": [asdict(one) for one in findings]}, lambda: render(findings))
    return int(Exit.ENVIRONMENT if failed(findings) else Exit.OK)


def generators(arguments: Arguments) -> int:
    """Print the registry of generators."""
    from dataclasses import asdict

    from hip_cuda_kernels.registry import FAMILIES

    rows = [asdict(one) for one in FAMILIES]
    shown = [
        {"family": one.id, "seed": one.seed_bits, "word": one.word_bits, "mappings": " ".join(one.mappings),
         "aliases": " ".join(one.aliases), "oracle": "verified" if one.verified else "unverified"}
        for one in FAMILIES
    ]  # fmt: skip
    return _print(
        arguments,
        {"generators": rows},
        lambda: _table(shown, ("family", "seed", "word", "oracle", "mappings", "aliases")),
    )


# ── helpers of the verbs ─────────────────────────────────────────────────────


class _Ticker:
    """One progress line that repaints in a terminal at most five times a second; notes stay."""

    def __init__(self, *, live: bool) -> None:
        self.live, self._width, self._next = live, 0, 0.0

    def show(self, line: str) -> None:
        import time

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


def _call(arguments: Arguments, verb: str, **values: Any) -> dict[str, Any]:
    """Send one command to the daemon; its refusal becomes this process's one-line error and exit code."""
    from engine.client import call

    reply = call(arguments.state, verb, **values)
    if not reply.ok:
        error = MimicryError(reply.error or "the engine refused without a reason")
        error.exit_code = Exit(reply.exit_code or 1)
        raise error
    return reply.data


def _print(arguments: Arguments, data: dict[str, Any], text: Callable[[], str]) -> int:
    print(json.dumps(data, ensure_ascii=False) if arguments.json else text())
    return int(Exit.OK)


def _write_json(target: str | None, data: dict[str, Any], *, option: str = "--json") -> None:
    if target is None:
        return
    text = json.dumps(data, indent=1)
    if target == "-":
        print(text)
    else:
        _write(Path(target), text + "\n", option=option)


def _write(target: Path, text: str, *, option: str) -> None:
    """Put a file in place whole; EnvironmentFault naming the option where that cannot be."""
    try:
        temporary = target.with_name(f"{target.name}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        from engine.errors import EnvironmentFault

        raise EnvironmentFault(f"{option} {target}: cannot write ({error.strerror})") from None


def _chain(directory: Path) -> dict[str, Any]:
    """Recompute the chain of a directory's journal; StateError names the first bad record."""
    from state.journal import Journal

    with Journal.read_only(directory) as journal:
        return {"records": journal.verify(), "head": journal.head}


def _chains_text(data: dict[str, Any]) -> str:
    chains = [("", data)] if "head" in data else []
    chains += [("coverage: ", data["coverage"])] if "coverage" in data else []
    return "\n".join(
        f"{name}{chain['records']} records, chain intact, head {chain['head']}" for name, chain in chains
    )


def _table(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as aligned columns with a header; the last column is not padded."""
    cells = [[str(column) for column in columns]] + [
        [str(row.get(column, "")) for column in columns] for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _status_text(data: dict[str, Any]) -> str:
    """Return the snapshot as a dense aligned block that reads in any log."""
    halted, evidence, health = data["halt"], data["evidence"], data["engine"]
    rows = [
        (
            "mode",
            data["mode"] + (f" ({halted['kind']}: {halted['reason']}, by {halted['by']})" if halted else ""),
        ),
        ("evidence", evidence["line"]),
        ("pool", evidence["pool"]),
        ("requests", f"{data['requests_waiting']} waiting"),
        (
            "engine",
            f"pid {health['pid']}, rss {health['rss_mb']:.0f} MB, {health['handles']} handles, up {health['uptime']:.0f} s",
        ),
        ("degraded", "; ".join(data["degraded"]) or "no"),
        ("journal", f"seq {data['seq']}, head {data['head'][:16]}"),
    ]
    return "\n".join(f"{label:<10} {text}" for label, text in rows)


# ── the parser: a table of verbs ─────────────────────────────────────────────


class _Parser(argparse.ArgumentParser):
    """The top-level parser; its help is one 80x24 screen made from the table of verbs."""

    def format_help(self) -> str:
        lines = [
            "mimicry: find the generator behind a history of draws, or show there is none",
            "usage: mimicry [--state DIR] [VERB] [options]     each verb has its own --help",
        ]
        lines += [f"  {name:<12} {summary}" for name, _, summary, _ in VERBS]
        lines += [
            "  (none)       the console; --no-ui runs the engine headless in the foreground",
            "options: --state DIR (also after the verb)  --config room.toml  --version",
        ]
        return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--state", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="state directory"
    )
    parser = _Parser(prog="mimicry")
    parser.add_argument("--state", type=Path, default=_default_state(), metavar="DIR", help="state directory")
    parser.add_argument("--version", action="version", version=f"mimicry {VERSION}")
    parser.add_argument("--no-ui", action="store_true", help="run the engine headless in the foreground")
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="room.toml (with --no-ui)")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(verb=_no_verb)
    verbs = parser.add_subparsers(metavar="VERB", parser_class=argparse.ArgumentParser)
    for name, function, _, options in VERBS:
        sub = verbs.add_parser(name, parents=[shared], description=function.__doc__, epilog=EXIT_CODES)
        for flags, settings in options:
            sub.add_argument(*flags, **settings)
        sub.set_defaults(verb=function)
    return parser


def _default_state() -> Path:
    if "MIMICRY_STATE" in os.environ:
        return Path(os.environ["MIMICRY_STATE"])
    from platformdirs import user_state_path

    return Path(user_state_path("mimicry"))


def _no_verb(arguments: Arguments) -> int:
    return engine(arguments) if arguments.no_ui else console(arguments)


VERBS: list[tuple[str, Callable[[Arguments], int], str, list[Option]]] = [
    ("analyze", analyze, "bring one history (CSV, JSON, JSONL, text, -) to a verdict", READING + SPACE + RUNNING),
    ("recover", recover, "solve for the generator's state by algebra alone, no seeds", READING + SPACE + RUNNING),
    ("plan", plan, "what analyze would search and what it costs, before it runs", READING + SPACE + PLANNING),
    ("identifiable", identifiable, "what these draws could identify, and how many more are needed", READING + SPACE + IDENTIFYING),
    ("coverage", coverage, "what earlier runs exclude, with power, and the holes", READING + SPACE + COVERAGE),
    ("report", report, "a run as one HTML page or text: verdict, reasons, plots", REPORT),
    ("certificate", certificate, "hold a certificate against journals, draws, kernels", CERTIFICATE),
    ("attach", console, "open the console; starts an engine if none runs", [(("--readonly",), {"action": "store_true", "help": "look, never act"}), *LOOKS]),
    ("demo", demo, "the console over a planted history with live synthetic draws", [(("--no-ui",), {"action": "store_true", "help": "start the demo engine only"}), *LOOKS]),
    ("status", status, "where the engine stands", [JSON]),
    ("halt", halt, "halt all work (--now, --checkpoint, --finish); needs a reason", [
        (("reason",), {"help": "why; stays on every screen until resume"}),
        (("--finish",), {"dest": "kind", "action": "store_const", "const": "finish", "help": "when the step is done"}),
        (("--checkpoint",), {"dest": "kind", "action": "store_const", "const": "checkpoint", "help": "after the running piece"}),
        (("--now",), {"dest": "kind", "action": "store_const", "const": "now", "default": "now", "help": "within a second (default)"}),
        JSON,
    ]),
    ("resume", resume, "lift the halt; work goes on where it stopped", [(("reason",), {"nargs": "?", "default": "", "help": "why"}), JSON]),
    ("stop", stop, "stop the engine: checkpoint and exit, not halted", [JSON]),
    ("decisions", decisions, "what the watcher decided, newest first", [LIMIT, JSON]),
    ("explain", explain, "the whole chain behind decision N", [(("number",), {"type": int, "metavar": "N", "help": "decision id"}), JSON]),
    ("requests", requests, "the queue, and why each request waits", [LIMIT, JSON]),
    ("pipeline", pipeline, "ask the engine for steps (--start-step, --end-step)", [
        (("--start-step",), {"default": "1", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        (("--end-step",), {"default": "6", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        JSON,
    ]),
    ("verify", verify, "recompute the hash chains of journal and coverage ledger", [JSON]),
    ("doctor", doctor, "check this machine; one fix per line", [JSON]),
    ("generators", generators, "the registry of generator families", [JSON]),
]  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
