"""Verb: soaks against the real daemon, their reports, two of them side by side. Imports what it needs inside itself."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from engine.commands.options import JSON
from engine.commands.talk import show, table
from engine.commands.verb import Arguments, Option, Verb
from engine.errors import Exit, UsageError

if TYPE_CHECKING:
    from engine.soak.ground import Ground

SCENARIOS = ("a", "b", "c")
LINE_EVERY_S = 30.0


def soak(arguments: Arguments) -> int:
    """Run soak a (endurance), b (queue) or c (closed loop) over a state of its own; list soaks, report one, compare two."""
    what = arguments.what
    if what in SCENARIOS:
        _only(arguments, 0)
        return _run(arguments)
    for name in ("hours", "compress", "faults", "seed", "resume"):
        if getattr(arguments, name) not in (None, False):
            raise UsageError(f"soak {what}: --{name} belongs to soak a, b and c")
    count, act = {
        "stop": (0, _stop),
        "fire": (1, _fire),
        "list": (0, _list),
        "report": (1, _report),
        "compare": (2, _compare),
        "faults": (0, _faults),
    }[what]
    _only(arguments, count)
    return act(arguments)


def _only(arguments: Arguments, count: int) -> None:
    if len(arguments.soaks) != count:
        wanted = {
            0: "names no soak",
            1: "names one fault; `mimicry soak faults` lists them"
            if arguments.what == "fire"
            else "names one soak: an id, a directory, a letter, or last",
            2: "names two soaks",
        }
        raise UsageError(f"soak {arguments.what} {wanted[count]}")


def _run(arguments: Arguments) -> int:
    from engine.soak import report, runner
    from engine.soak.faults.catalog import CATALOG

    ground = _resumed(arguments) if arguments.resume else _begun(arguments)
    print(
        f"mimicry: soak {ground.id}: {ground.path}; console: mimicry attach --state {quote(str(ground.room))}",
        file=sys.stderr,
    )
    finished = runner.run(ground, CATALOG, _say())
    told, passed = report.publish(ground)
    code = int(Exit.OK if passed else Exit.BAD_INPUT) if finished else int(Exit.RESUMABLE)
    show(arguments, told, lambda: _summary(told, ground))
    return code


def _begun(arguments: Arguments) -> Ground:
    from pydantic import ValidationError

    from engine.soak import ground, runner
    from engine.soak.faults.catalog import CATALOG
    from engine.soak.plan import HOURS, Plan, faults_of

    faults = faults_of(arguments.faults, tuple(CATALOG))
    asked = {
        "hours": HOURS[arguments.what] if arguments.hours is None else arguments.hours,
        "compress": arguments.compress,
        "seed": arguments.seed,
    }
    try:
        given = {name: value for name, value in asked.items() if value is not None}
        plan = Plan(scenario=arguments.what, faults=faults, **given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{first['loc'][0]} {first['input']}: {first['msg']}") from error
    config = getattr(arguments, "config", None)
    made = ground.new(arguments.state, arguments.what)
    runner.begin(made, plan, config)
    return made


def _resumed(arguments: Arguments) -> Ground:
    from engine.soak import ground, runner

    for name in ("hours", "compress", "faults", "seed", "config"):
        if getattr(arguments, name, None) is not None:
            raise UsageError(f"--resume goes on with the plan on record; leave out --{name}")
    left = [one for one in ground.known(arguments.state, arguments.what) if not runner.finished(one)]
    if not left:
        raise UsageError(
            f"--resume: no unfinished soak {arguments.what} under {arguments.state / ground.FOLDER}"
        )
    return left[-1]


def _say() -> Callable[[str], None]:
    """Return what prints a line now and then, so that a log of hours stays readable."""
    last = [-LINE_EVERY_S]

    def say(text: str) -> None:
        now = time.monotonic()
        if now - last[0] >= LINE_EVERY_S:
            last[0] = now
            print(f"mimicry: {text}", file=sys.stderr, flush=True)

    return say


def _summary(told: dict[str, Any], ground: Ground) -> str:
    words = {"pass": "pass", "fail": "FAIL", "short": "–"}
    lines = [f"{words[gate['state']]:<4} {gate['gate']:<10} {gate['text']}" for gate in told["gates"]]
    lines += [f"     {gate['gate']}: {finding}" for gate in told["gates"] for finding in gate["findings"]]
    verdict = "PASSED" if told["passed"] else "FAILED" if told["failed"] else "NOT FINISHED"
    return "\n".join([*lines, f"{verdict}  {told['id']}  report: {ground.path / 'report.html'}"])


def _list(arguments: Arguments) -> int:
    from engine.soak import ground, report

    rows = []
    for one in ground.known(arguments.state):
        file = one.path / ground.REPORT
        told = report.load(file) if file.exists() else None
        state = (
            "unfinished"
            if told is None
            else "passed"
            if told["passed"]
            else "failed"
            if told["failed"]
            else "unfinished"
        )
        rows.append({"soak": one.id, "state": state, "minutes": "" if told is None else f"{told['seconds'] / 60:.0f}",
                     "failed": "" if told is None else ", ".join(told["failed"])})  # fmt: skip
    return show(arguments, {"soaks": rows}, lambda: table(rows, ("soak", "state", "minutes", "failed")))


def _report(arguments: Arguments) -> int:
    """Make a report again from the records, and say whether it is the one that stands on record."""
    from engine.soak import ground, pages, report

    found = ground.find(arguments.state, arguments.soaks[0])
    told, records = report.made(found)
    before = report.on_record(found)
    same = before is None or before == told["content_sha256"]
    show(arguments, told, lambda: pages.text(told, records))
    if not same:
        print(f"mimicry: the records give another report than the one on record ({before})", file=sys.stderr)
        return int(Exit.BAD_INPUT)
    if told["ended"] is None:
        return int(Exit.RESUMABLE)
    report.publish(found)
    return int(Exit.OK if told["passed"] else Exit.BAD_INPUT)


def _compare(arguments: Arguments) -> int:
    from engine.soak import compare

    one, other = (_told(arguments, name) for name in arguments.soaks)
    told = compare.compared(one, other)
    return show(arguments, told, lambda: _side_by_side(told))


def _stop(arguments: Arguments) -> int:
    """Ask the running soak to end."""
    from engine.soak import hand

    data = hand.stop(arguments.state)
    return show(arguments, data, lambda: f"{data['soak']} ends; {data['resume']} goes on with it")


def _fire(arguments: Arguments) -> int:
    """Ask the running soak for a fault beside its plan."""
    from engine.soak import hand

    data = hand.fire(arguments.state, arguments.soaks[0], f"command line, {getpass.getuser()}")
    return show(
        arguments,
        data,
        lambda: f"{data['fault']} is asked of {data['soak']}; its record tells how it came back",
    )


def _faults(arguments: Arguments) -> int:
    """List the catalogue: what `--faults` can fire, what each needs, and what must hold after it."""
    from engine.soak.hand import catalogue

    rows = catalogue()
    return show(arguments, {"faults": rows}, lambda: _catalogue(rows))


def _catalogue(rows: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{row['fault']}\n  does   {row['does']}\n  holds  {row['holds']}"
        + (f"\n  needs  {row['needs']}" if row["needs"] else "")
        for row in rows
    )


def _told(arguments: Arguments, name: str) -> dict[str, Any]:
    from engine.soak import ground, report

    path = Path(name)
    return report.load(
        path if path.suffix == ".json" else ground.find(arguments.state, name).path / ground.REPORT
    )


def _side_by_side(told: dict[str, Any]) -> str:
    a, b = told["a"]["id"], told["b"]["id"]
    gates = [
        {"gate": row["gate"], a: row["a"], b: row["b"], "": "differs" if row["differs"] else ""}
        for row in told["gates"]
    ]
    rates = [{"per hour": row["what"], a: row["a"], b: row["b"]} for row in told["work_per_hour"]]
    probes = [
        {"median of": row["probe"], a: f"{row['a']:.6g}", b: f"{row['b']:.6g}"} for row in told["probes"]
    ]
    trends = [
        {
            "slope per hour": row["probe"],
            a: f"{row['a']:+.3g}",
            b: f"{row['b']:+.3g}",
            "": "differs" if row["differs"] else "",
        }
        for row in told["trends"]
    ]
    parts = [
        table(gates, ("gate", a, b, "")),
        table(rates, ("per hour", a, b)),
        table(probes, ("median of", a, b)),
    ]
    parts += [table(trends, ("slope per hour", a, b, ""))] if trends else []
    notes = [] if told["same_machine"] else ["different machine classes: memory and rates do not compare"]
    notes += [] if told["same_plan"] else ["different plans: work and findings do not compare"]
    return "\n\n".join([*parts, *notes])


OPTIONS: list[Option] = [
    (("what",), {"choices": [*SCENARIOS, "list", "report", "compare", "faults", "fire", "stop"], "metavar": "a|b|c|list|report|compare|faults|fire|stop", "help": "a scenario to run, or what to do with soaks that ran"}),
    (("soaks",), {"nargs": "*", "metavar": "SOAK", "help": "an id, a directory, a letter or last; for compare also a report.json; for fire a fault"}),
    (("--hours",), {"type": float, "metavar": "H", "help": "how long (default a 2, b 0.5, c 1)"}),
    (("--compress",), {"type": float, "metavar": "N", "help": "run H hours in H/N: shorter periods, weaker proof"}),
    (("--faults",), {"metavar": "PLAN", "help": "none (default), all, names, or a TOML file of [[fault]] tables"}),
    (("--seed",), {"type": int, "metavar": "N", "help": "of draws, moments of halts, order of requests (default 1)"}),
    (("--config",), {"type": Path, "metavar": "FILE", "default": argparse.SUPPRESS, "help": "room.toml whose compute, llm, rigs and alerts hold"}),
    (("--resume",), {"action": "store_true", "help": "go on with the last unfinished soak of this letter"}),
    JSON,
]  # fmt: skip
VERBS: tuple[Verb, ...] = (
    Verb("soak", soak, "run the real engine for hours, with proof of work, and judge it", OPTIONS),
)
