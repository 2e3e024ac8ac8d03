"""Verbs: from a history of draws to a verdict, its cost, its record and its certificate. Each imports what it needs inside itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote

from engine.commands.options import (
    CERTIFICATE,
    COVERAGE,
    IDENTIFYING,
    PLANNING,
    READING,
    REPORT,
    RUNNING,
    SPACE,
)
from engine.commands.talk import show, write_file, write_json
from engine.commands.verb import Arguments, Verb
from engine.errors import Exit, UsageError
from engine.terminal import plain


def analyze(arguments: Arguments) -> int:
    """Bring one history to a verdict, here and now."""
    from engine import report as wording
    from engine.analyze import analyze as bring
    from engine.commands import orders
    from engine.running import run

    order, resume = orders.order(arguments)
    quiet = arguments.json == "-" or not sys.stderr.isatty()
    ticker = _Ticker(live=not quiet)
    try:
        finished = run(
            bring(order, arguments.state, resume=resume, progress=lambda one: ticker.show(wording.progress_line(one)),
                note=ticker.note)
        )  # fmt: skip
    finally:
        ticker.clear()
    write_json(arguments.json, finished.analysis.model_dump(mode="json"))
    if arguments.json != "-":
        print(plain(wording.render(finished.analysis, finished.bias)))
        for outcome in finished.outcomes:
            print(plain(f"step {outcome.step:<6}{outcome.status}: {outcome.note}"))
        print(f"record     {finished.directory}")
    if finished.exit_code is Exit.RESUMABLE:
        print(f"To go on:  mimicry analyze --resume {quote(str(finished.directory))}", file=sys.stderr)
    return int(finished.exit_code)


def recover(arguments: Arguments) -> int:
    """Solve for the generator's state by algebra alone; no seed is tried."""
    arguments.methods = "algebra"
    return analyze(arguments)


def plan(arguments: Arguments) -> int:
    """Print what analyze would search, in its order and with its cost, and what it could not and why."""
    from engine import plan_text
    from engine.analyze import considered
    from engine.commands import orders
    from engine.search import ledger
    from engine.search.outline import outline

    order = orders.new_order(arguments)
    question = considered(order, ledger.read(arguments.state))
    made = outline(question, order.workers or len(os.sched_getaffinity(0)))
    write_json(arguments.json, made.model_dump(mode="json"))
    if arguments.json != "-":
        print(plain(plan_text.render(made, every=arguments.all)))
    return int(Exit.OK)


def identifiable(arguments: Arguments) -> int:
    """Print what these draws could identify, and how many more are needed, before any search."""
    from engine import identifiable_text
    from engine.analyze import open_history
    from engine.commands import orders
    from engine.search.identifiable import identifiable as describe
    from engine.search.question import Question

    order = orders.new_order(arguments)
    made = describe(Question(open_history(order, None), order.space))
    write_json(arguments.json, made.model_dump(mode="json"))
    if arguments.json != "-":
        print(plain(identifiable_text.render(made, every=arguments.all)))
    return int(Exit.OK)


def coverage(arguments: Arguments) -> int:
    """Print the coverage certificate: what earlier runs exclude, with which power, and the holes in the asked space."""
    from engine import coverage_text
    from engine.analyze import considered
    from engine.audit import must_be_sound
    from engine.commands import orders
    from engine.search import certificate, ledger
    from hip_cuda_kernels.host import build_digest

    shelf = ledger.read(arguments.state)
    if arguments.files:
        question = considered(orders.new_order(arguments), shelf)
        made = certificate.of_history(question, shelf, build_digest())
    else:
        if passed := orders.given(arguments, READING + SPACE):
            raise UsageError(
                f"coverage: without a history it prints the whole ledger; give FILE, or leave --{passed[0].replace('_', '-')} out"
            )
        made = certificate.of_ledger(shelf, build_digest())
    must_be_sound(made, arguments.state)
    record = made.model_dump(mode="json")
    write_json(arguments.export, record, option="--export")
    return show(arguments, record, lambda: coverage_text.render(made, every=arguments.all))


def report(arguments: Arguments) -> int:
    """Write the report of a run: one self-contained HTML page, or text."""
    from engine.run_report import content, facts, page, text
    from engine.runs import find_run

    directory = find_run(arguments.state, arguments.run)
    made = content.document(facts.read(directory))
    written = plain(text.render(made)) + "\n" if arguments.text else page.render(made)
    if arguments.out == "-" or (arguments.text and arguments.out is None):
        print(written, end="")
    else:
        target = Path(arguments.out or directory / "report.html")
        write_file(target, written, option="--out")
        print(target)
    return int(Exit.OK)


def certificate(arguments: Arguments) -> int:
    """Hold a coverage certificate, or what a run excluded, against ledger, journals, draws and kernels; 3: it breaks a rule, 5: not all can be checked here."""
    from dataclasses import asdict

    from engine import audit
    from engine.checks import exit_code
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
    show(
        arguments,
        {"checks": [asdict(one) for one in checks]},
        lambda: "\n".join(one.line() for one in checks),
    )
    return int(exit_code(checks))


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


VERBS: tuple[Verb, ...] = (
    Verb("analyze", analyze, "bring one history (CSV, JSON, JSONL, text, -) to a verdict", READING + SPACE + RUNNING),
    Verb("recover", recover, "solve for the generator's state by algebra alone, no seeds", READING + SPACE + RUNNING),
    Verb("plan", plan, "what analyze would search and what it costs, before it runs", READING + SPACE + PLANNING),
    Verb("identifiable", identifiable, "what these draws could identify, and how many more are needed", READING + SPACE + IDENTIFYING),
    Verb("coverage", coverage, "what earlier runs exclude, with power, and the holes", READING + SPACE + COVERAGE),
    Verb("report", report, "a run as one HTML page or text: verdict, reasons, plots", REPORT),
    Verb("certificate", certificate, "hold a certificate against journals, draws, kernels", CERTIFICATE),
)  # fmt: skip
