"""Verbs: the console, where the engine stands, and the one halt. Each imports what it needs inside itself."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

from engine.commands.listing import LISTING
from engine.commands.options import JSON, LOOKS, OneOf, whole
from engine.commands.talk import call, show, table
from engine.commands.verb import Arguments, Option, Verb
from engine.errors import Exit, MimicryError


def serve(arguments: Arguments) -> int:
    """Run the engine as a headless daemon in the foreground."""
    from engine.room import serve as run

    try:
        return run(
            arguments.state, config=arguments.config, demo=arguments.demo, simulated=arguments.simulated_fleet
        )
    except KeyboardInterrupt:  # told to end before it stood: there is nothing to checkpoint
        return int(Exit.OK)


def console(arguments: Arguments) -> int:
    """Open the console; start a daemon first if none answers."""
    from engine.launch import ensure_daemon, exec_console

    ensure_daemon(arguments.state, demo=False)
    return exec_console(arguments, readonly=getattr(arguments, "readonly", False))


def demo(arguments: Arguments) -> int:
    """Open the console over a daemon that works on a planted history with live synthetic draws."""
    from engine.launch import ensure_daemon, exec_console

    arguments.state = arguments.state / "demo"
    ensure_daemon(arguments.state, demo=True, fleet=arguments.fleet)
    if arguments.no_ui:
        there = quote(str(arguments.state))
        print(
            f"demo engine running; look: mimicry attach --state {there}   stop: mimicry stop --state {there}"
        )
        return int(Exit.OK)
    return exec_console(arguments, readonly=False)


def browser(arguments: Arguments) -> int:
    """Show the console in a browser, on loopback, looking only unless --act; starts an engine if none runs."""
    import os
    import sys

    from engine.launch import ensure_daemon

    ensure_daemon(arguments.state, demo=False)
    words = [
        "--state",
        str(arguments.state),
        "--port",
        str(arguments.port),
        *(["--act"] if arguments.act else []),
    ]
    os.execv(sys.executable, [sys.executable, "-m", "tui.web", *words])


def record(arguments: Arguments) -> int:
    """Write a slice of the journal to a file, beside a running engine or after one."""
    import time

    from engine.recording import record as write

    try:
        test_mode = bool(call(arguments, "snapshot")["test_mode"])
    except MimicryError:
        test_mode = (arguments.state / "synthetic").is_dir()  # no engine: planted draws say so too
    named = time.strftime("recording-%Y%m%dT%H%M%SZ.mimicry", time.gmtime())
    target = Path(arguments.out or named)
    header = write(arguments.state, target, since=arguments.since, until=arguments.until, test_mode=test_mode)
    data = {"file": str(target), **header.model_dump(mode="json", by_alias=True)}
    return show(
        arguments,
        data,
        lambda: (
            f"{target}: events {header.first.seq}..{header.last.seq}, {header.events:,} of them and {header.before:,} from before,"
            f" {header.bytes:,} bytes, sha-256 {header.sha256[:12]}\n"
            f"  {header.first.at} to {header.last.at}   look: mimicry replay {quote(str(target))}"
        ),
    )


def replay(arguments: Arguments) -> int:
    """Open the console over a recording, or print it as lines of JSON."""
    from engine import playback

    file = Path(arguments.file)
    if arguments.json:
        for line in playback.told(file, arguments.at):
            print(line)
        return int(Exit.OK)
    from engine.launch import console_flags

    flags = console_flags(arguments)
    return playback.show(file, [*flags, *(["--at", arguments.at] if arguments.at else [])])


def status(arguments: Arguments) -> int:
    """Print where the engine stands."""
    data = call(arguments, "snapshot")
    return show(arguments, data, lambda: _status_text(data))


def halt(arguments: Arguments) -> int:
    """Halt all work now (or at the next checkpoint, or when the step is finished)."""
    from engine.errors import Unreachable

    try:
        data = call(arguments, "halt", kind=arguments.kind, reason=arguments.reason)
    except Unreachable:
        from dataclasses import asdict

        from engine.halt import halt_offline

        row = halt_offline(arguments.state, kind=arguments.kind, reason=arguments.reason)
        data = {**asdict(row), "daemon": "none running; the next start begins halted"}
    return show(arguments, data, lambda: _halted(data, arguments.kind, arguments.reason))


def _halted(data: dict[str, Any], kind: str, reason: str) -> str:
    """Return the halt in force; where an earlier one as strong stands, that this one did not replace it."""
    from engine.halt import worded

    head = f"halted ({data['kind']}): {data['reason']}"
    if (data["kind"], data["reason"]) != (kind, worded(reason)):
        head = f"already {head}, by {data['by']} at {data['asked']}; that one stays, yours is on record"
    after = f"; {data['daemon']}" if "daemon" in data else ""
    return f"{head}{after}   resume: mimicry resume"


def resume(arguments: Arguments) -> int:
    """Lift the halt; work goes on from the last finished chunk and trial."""
    data = call(arguments, "resume", reason=arguments.reason)
    return show(arguments, data, lambda: "resumed" if data["resumed"] else "nothing was halted")


def alerts(arguments: Arguments) -> int:
    """List alerts: what stands first, then history."""
    from engine.commands.listing import listing

    return listing(arguments, "alerts")


def ack(arguments: Arguments) -> int:
    """Acknowledge an alert: seen, by whom and why; it stays until its rule clears it."""
    data = call(arguments, "ack", id=arguments.id, reason=arguments.reason)
    return show(arguments, data, lambda: f"{data['id']} acknowledged: {data['text']}")


def mute(arguments: Arguments) -> int:
    """Keep an alert's rule and subject quiet for some minutes; 0 ends it."""
    data = call(arguments, "mute", id=arguments.id, minutes=arguments.minutes, reason=arguments.reason)
    return show(arguments, data, lambda: f"{data['id']} muted until {data['until']}")


def lists(arguments: Arguments) -> int:
    """Print one list of the engine, or the names of all lists."""
    from engine.commands.listing import listing

    if arguments.name is not None:
        return listing(arguments, arguments.name)
    data = call(arguments, "tables")
    names = data["tables"]
    return show(arguments, data, lambda: "\n".join(f"{each['name']:<14} {each['title']}" for each in names))


def lookup(arguments: Arguments) -> int:
    """Find requests, decisions, runs, GPUs, trials and other rows by their name."""
    data = call(arguments, "lookup", text=arguments.text)
    rows = [{"list": each["list"], "name": each["key"], "is": each["says"]} for each in data["found"]]
    nothing = f"nothing here is called {arguments.text!r}, of the newest of each list"
    return show(arguments, data, lambda: table(rows, ("list", "name", "is")) if rows else nothing)


def series(arguments: Arguments) -> int:
    """Print the names of all series of readings, or one series with its slope."""
    if arguments.name is None:
        data = call(arguments, "series")
        return show(
            arguments,
            data,
            lambda: "\n".join(data["names"]) or "no reading yet; the engine takes one every 5 s",
        )
    data = call(arguments, "series", names=[arguments.name], seconds=arguments.seconds, count=arguments.count)
    return show(arguments, data, lambda: _series_text(arguments.name, data["series"][arguments.name]))


def _series_text(name: str, one: dict[str, Any]) -> str:
    """Return the cells one a line, oldest first, a gap as a dash, and the slope at the end."""
    rows = [
        f"-{(len(one['values']) - index) * one['seconds']:>6} s  {'-' if value is None else f'{value:.4g}'}"
        for index, value in enumerate(one["values"])
    ]
    slope = "slope unknown: fewer than 8 readings"
    if one["per_hour"] is not None:
        slope = f"slope {one['per_hour']:+.3g} per hour, 95 % {one['lo']:+.3g} to {one['hi']:+.3g}{', flat' if one['flat'] else ''}"
    return "\n".join([name, *rows, slope])


def stop(arguments: Arguments) -> int:
    """Stop the daemon: checkpoint and exit, not halted."""
    data = call(arguments, "stop")
    return show(arguments, data, lambda: "engine stopping at its checkpoint; state kept")


def _autonomy(share: float | None) -> str:
    """Return the share of decisions that no human closed."""
    if share is None:
        return "no decision in the last 24 h"
    return f"{share:.0%} of the decisions of the last 24 h were closed without a human"


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
        ("autonomy", _autonomy(data["autonomy"])),
        (
            "engine",
            f"pid {health['pid']}, rss {health['rss_mb']:.0f} MB, {health['handles']} handles, up {health['uptime']:.0f} s",
        ),
        ("advisor", data["advisor"]),
        ("degraded", "; ".join(data["degraded"]) or "no"),
        ("journal", f"seq {data['seq']}, head {data['head'][:16]}"),
    ]
    return "\n".join(f"{label:<10} {text}" for label, text in rows)


ALERT: Option = (("id",), {"metavar": "ID", "help": "alert, as in a-88"})
REASON: Option = (("reason",), {"nargs": "?", "default": "", "help": "why"})
VERBS: tuple[Verb, ...] = (
    Verb("attach", console, "open the console; starts an engine if none runs", [(("--readonly",), {"action": "store_true", "help": "look, never act"}), *LOOKS]),
    Verb("demo", demo, "the console over a planted history with live synthetic draws", [(("--no-ui",), {"action": "store_true", "help": "start the demo engine only"}), (("--fleet",), {"action": "store_true", "help": "with a simulated fleet of 26 GPUs beside it"}), *LOOKS]),
    Verb("serve", browser, "the console in a browser, on loopback, behind a key", [
        (("--port",), {"type": whole(1, 65_535), "default": 8000, "help": "port on 127.0.0.1 (8000)"}),
        (("--act",), {"action": "store_true", "help": "let the browser act; without it it only looks"}),
    ]),
    Verb("record", record, "a slice of the journal as one file", [
        (("--out",), {"metavar": "FILE", "help": "where to (recording-TIME.mimicry here)"}),
        (("--since",), {"metavar": "TIME", "help": "from then on, UTC, as in 2026-11-26T14:02 (the first event)"}),
        (("--until",), {"metavar": "TIME", "help": "up to then (the last event)"}),
        JSON,
    ]),
    Verb("replay", replay, "the console over a recording", [
        (("file",), {"metavar": "FILE", "help": "what `mimicry record` wrote"}),
        (("--at",), {"metavar": "TIME", "help": "begin there, UTC; with --json the room at that time alone"}),
        (("--json",), {"action": "store_true", "help": "no console: header, events, the room at the end, a line each"}),
        *LOOKS,
    ]),
    Verb("status", status, "where the engine stands", [JSON]),
    Verb("halt", halt, "halt all work (--now, --checkpoint, --finish); needs a reason", [
        (("reason",), {"help": "why; stays on every screen until resume"}),
        (("--finish",), {"dest": "kind", "action": OneOf, "default": "now", "const": "finish", "help": "when the step is done"}),
        (("--checkpoint",), {"dest": "kind", "action": OneOf, "default": "now", "const": "checkpoint", "help": "after the running piece"}),
        (("--now",), {"dest": "kind", "action": OneOf, "default": "now", "const": "now", "help": "within a second (default)"}),
        JSON,
    ]),
    Verb("resume", resume, "lift the halt; work goes on where it stopped", [(("reason",), {"nargs": "?", "default": "", "help": "why"}), JSON]),
    Verb("alerts", alerts, "what stands, was seen, is muted or cleared", LISTING),
    Verb("ack", ack, "acknowledge an alert", [ALERT, REASON, JSON]),
    Verb("mute", mute, "keep an alert's rule and subject quiet for MINUTES", [
        ALERT, (("minutes",), {"type": int, "metavar": "MINUTES", "help": "0 ends it, at most a week"}), REASON, JSON,
    ]),
    Verb("list", lists, "any list of the engine by name; without a name, their names", [(("name",), {"nargs": "?", "metavar": "NAME", "help": "a list; absent = print all names"}), *LISTING]),
    Verb("lookup", lookup, "one request, decision, GPU, run or trial by name", [(("text",), {"metavar": "NAME", "help": "a name, or a part of one"}), JSON]),
    Verb("series", series, "readings over time with their slope", [
        (("name",), {"nargs": "?", "metavar": "NAME", "help": "a series; absent = print all names"}),
        (("--seconds",), {"type": int, "default": 30, "metavar": "S", "help": "seconds of a cell (30)"}),
        (("--count",), {"type": int, "default": 60, "metavar": "N", "help": "cells (60)"}),
        JSON,
    ]),
    Verb("stop", stop, "stop the engine: checkpoint and exit, not halted", [JSON]),
)  # fmt: skip
