"""What `analyze` and its kin make of the options: a strict search space and an order."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.options import READING, RENEWED, RUNNING, SPACE
from engine.commands.verb import Option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.analyze import Order
    from engine.search.space import Space


def order(arguments: argparse.Namespace) -> tuple[Order, Path | None]:
    """Return the order and, for `--resume`, the run directory it comes from."""
    from engine.analyze import Order
    from engine.runs import SPEC, find_run

    if arguments.resume is not None:
        directory = find_run(arguments.state, arguments.resume)
        return _renewed(Order.load(directory / SPEC), arguments), directory
    if arguments.pipeline:
        _must_replay(arguments)
    elif arguments.save_all_models:
        raise UsageError("--save-all-models: models are made by the pipeline; add --pipeline")
    asked = new_order(arguments, exhaust=arguments.exhaust, pipeline=arguments.pipeline)
    return replace(asked, again=arguments.again, save_all_models=arguments.save_all_models), None


def _renewed(asked: Order, arguments: argparse.Namespace) -> Order:
    """Return a run's order with the time and the workers that are given now; refuse all else, which would be passed over."""
    for name in given(arguments, READING + SPACE + RUNNING):
        if name not in RENEWED:
            what = arguments.files[0] if name == "files" else f"--{name.replace('_', '-')}"
            raise UsageError(
                f"--resume: a run goes on with what it was asked; leave {what} out, or begin another run without --resume"
            )
    limit, workers = arguments.time_limit, arguments.workers
    space = asked.space if limit is None else asked.space.model_copy(update={"time_limit": _limit(limit)})
    return replace(asked, space=space, workers=workers or asked.workers)


def given(arguments: argparse.Namespace, options: list[Option]) -> list[str]:
    """Return which of the options say something else than what they say unasked, as names of attributes."""
    names = []
    for flags, settings in options:
        name = flags[0].lstrip("-").replace("-", "_")
        unsaid = settings.get("default", False if "action" in settings else None)
        if getattr(arguments, name) not in (unsaid, []):  # [] is what a list of files is where none was named
            names.append(name)
    return names


def _limit(seconds: float) -> float:
    if not seconds > 0:
        raise UsageError(f"--time-limit {seconds}: seconds above 0")
    return seconds


def _must_replay(arguments: argparse.Namespace) -> None:
    """Refuse what the pipeline's steps cannot replay, before a long search."""
    if (law := arguments.gap_law) not in ("constant", "range"):
        raise UsageError(
            f"--pipeline: its steps take constant and varying gaps only; leave it out with --gap-law {law}"
        )
    if "words:" in (arguments.seeds or ""):
        raise UsageError("--pipeline: its steps take integers and times as seeds, no words; leave it out")
    session = arguments.session
    if session == "interleaved" or session.startswith("turns:"):
        raise UsageError(
            f"--pipeline: its steps take all, each or a label; leave it out with --session {session}"
        )
    if arguments.direction != "forward":
        raise UsageError(
            "--pipeline: its steps go on from the newest draw; leave it out with --direction, and read a history that proves "
            "to be backward with --newest-first"
        )


def new_order(arguments: argparse.Namespace, *, exhaust: bool = False, pipeline: bool = False) -> Order:
    """Return the order that the files and the space options describe."""
    from engine.analyze import Order

    if not arguments.files:
        raise UsageError("give a history, or - for standard input")
    if arguments.files.count("-") and len(arguments.files) > 1:
        raise UsageError("standard input is a whole history; give - alone")
    reading = {
        "column": arguments.column, "time_column": arguments.time_column, "session_column": arguments.session_column,
        "format": arguments.format,
        "newest_first": arguments.newest_first, "decimals": _decimals(arguments), **_rows(arguments),
    }  # fmt: skip
    return Order(
        tuple(arguments.files), space(arguments, exhaust=exhaust), reading, pipeline, arguments.workers
    )


def _rows(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how rows of several numbers are read; empty where a draw is one number."""
    pool, columns = getattr(arguments, "pool", None), getattr(arguments, "columns", None)
    if pool is None and (columns or getattr(arguments, "order", None)):
        raise UsageError("--columns, --order: rows of numbers need their pool; give --pool N or --pool LO:HI")
    if pool is None:
        return {}
    others = {
        "column": "columns" if columns else None,
        "decimals": "pool",
        "range": "pool",
        "modulus": "pool",
    }
    for name, rival in others.items():
        if rival and getattr(arguments, name) is not None:
            raise UsageError(
                f"--{name} and --{rival} contradict each other; a row's range follows from its pool"
            )
    return {"pool": pool, "order": arguments.order or "sorted", "columns": _names(columns) or ()}


def _decimals(arguments: argparse.Namespace) -> int | None:
    from engine.history.decimals import MOST_DECIMALS

    asked: int | None = getattr(arguments, "decimals", None)
    if asked is not None and not 1 <= asked <= MOST_DECIMALS:
        raise UsageError(f"--decimals {asked}: must lie in 1..{MOST_DECIMALS}")
    return asked


def space(arguments: argparse.Namespace, *, exhaust: bool = False) -> Space:
    """Return the asked space; raise UsageError naming the option, the value and the rule."""
    from engine.commands.seeding import seeding
    from engine.search.ranges import parse_range
    from engine.search.space import Space

    given: dict[str, Any] = {
        "alpha": arguments.alpha,
        "exhaust": exhaust,
    }
    if arguments.time_limit is not None:
        given["time_limit"] = _limit(arguments.time_limit)
    given |= seeding(arguments)
    starts = arguments.starts
    given["starts"] = None if starts is None else parse_range(starts, what="--starts", highest=2**20)
    if arguments.modulus is not None and arguments.range is not None:
        raise UsageError("--range and --modulus say the same thing; give one of them")
    decimals = _decimals(arguments)
    if decimals is not None:
        given["range"] = (0, 10**decimals)
    if arguments.modulus is not None:
        given["range"] = (0, arguments.modulus - 1)
    if arguments.range is not None:
        span = parse_range(arguments.range, what="--range", highest=2**63 - 1)
        given["range"] = (span.lo, span.hi)
    if arguments.gap_law == "reseed" and given["gaps"] is not None and given["gaps"].lo < 1:
        raise UsageError(
            f"--gaps {arguments.gaps}: with --gap-law reseed these are the steps of the seed, 1 or more; a step of 0 repeats one draw"
        )
    given["noise"] = arguments.noise
    given["methods"] = getattr(arguments, "methods", "all")
    if given["methods"] == "algebra":
        _must_be_algebra(arguments)
    given["families"] = _names(arguments.families) or ("all",)
    given["mappings"] = _names(arguments.mappings)
    if decimals is not None and given["mappings"] is None:
        given["mappings"] = (f"decimal({decimals})",)
    given["sessions"] = arguments.session
    given["seed"] = arguments.seed
    if not 0 < given["alpha"] < 1:
        raise UsageError(
            f"--alpha {given['alpha']}: an error rate lies above 0 and below 1; no evidence would do for 0"
        )
    if given["noise"] is not None and not 0 <= given["noise"] < 1:
        raise UsageError(f"--noise {given['noise']}: must lie in [0, 1)")
    if arguments.modulus is not None and arguments.modulus > 2**63:
        raise UsageError(f"--modulus {arguments.modulus}: draws have up to 63 bits; at most {2**63}")
    if given.get("range") and given["range"][1] <= given["range"][0]:
        option = "--range" if arguments.modulus is None else f"--modulus {arguments.modulus}"
        raise UsageError(f"{option}: a range of draws has at least two values")
    return Space(**given)


def _must_be_algebra(arguments: argparse.Namespace) -> None:
    """Refuse what algebra has no part for: it solves for the state before the first draw."""
    for name in ("seeds", "starts"):
        if getattr(arguments, name) is not None:
            raise UsageError(
                f"recover: it tries no {name}, it solves for the state before the first draw; leave --{name} out, or use analyze"
            )
    if arguments.gap_law not in ("constant", "periodic"):
        raise UsageError(f"recover: --gap-law {arguments.gap_law} leaves no equations to solve; use analyze")


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
