"""Verb: histories whose answer is known and hidden, for trying the room out. Imports what it needs inside itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.options import JSON
from engine.commands.talk import only_with, show, table, write_file
from engine.commands.verb import Arguments, Option, Verb
from engine.errors import Exit, UsageError

if TYPE_CHECKING:
    from engine.scenarios.scenario import Asked


def scenario(arguments: Arguments) -> int:
    """List the scenarios, or write one: the history, and its truth only where a file was named for it."""
    from engine.scenarios.catalog import make

    if arguments.name is None:
        only_with(arguments, "one scenario: mimicry scenario NAME", "out", "truth", *NAMES)
        return _list(arguments)
    made = make(arguments.name, _asked(arguments))
    if arguments.out == "-":
        print(made.csv(), end="")
    else:
        write_file(Path(arguments.out or f"{arguments.name}.csv"), made.csv(), option="--out")
    truth = made.revealed(arguments.name)
    if arguments.truth:
        _hide(Path(arguments.truth), truth)
    told = {
        "file": arguments.out or f"{arguments.name}.csv",
        "draws": len(made.values),
        "range": list(made.range),
    }
    told |= {"scenario": arguments.name, "options": truth["options"], "truth": arguments.truth}
    if arguments.out == "-":
        return int(Exit.OK)
    text = f"{told['file']}: {told['draws']} draws in {made.range[0]}..{made.range[1]}"
    return show(arguments, told, lambda: f"{text}; the truth is {_where(arguments.truth)}")


def _where(truth: str | None) -> str:
    return f"in {truth}" if truth else "written nowhere (--truth FILE keeps it)"


def _hide(target: Path, truth: dict[str, Any]) -> None:
    """Write the truth for its owner alone."""
    import json

    write_file(target, json.dumps(truth, indent=1) + "\n", option="--truth")
    target.chmod(0o600)


def _list(arguments: Arguments) -> int:
    from engine.scenarios.catalog import CATALOG

    rows = [
        {"scenario": name, "is": one.summary, "options": " ".join(f"--{option}" for option in one.reads)}
        for name, one in CATALOG.items()
    ]
    return show(arguments, {"scenarios": rows}, lambda: table(rows, ("scenario", "is", "options")))


def _asked(arguments: Arguments) -> Asked:
    """Return the options as numbers; one that the scenario does not read is refused."""
    from engine.scenarios.catalog import CATALOG
    from engine.scenarios.scenario import Asked
    from engine.search.ranges import parse_range

    reads = ("draws", *CATALOG[arguments.name].reads) if arguments.name in CATALOG else NAMES
    given = {name: getattr(arguments, name) for name in NAMES if getattr(arguments, name) is not None}
    deaf = [name for name in given if name not in reads]
    if deaf:
        raise UsageError(
            f"scenario {arguments.name} does not read --{deaf[0]}; it reads {', '.join(f'--{name}' for name in reads)}"
        )
    if "range" in given:
        given["range"] = tuple(parse_range(given["range"], what="--range", highest=2**63 - 1)[:2])
    if "seeds" in given:
        given["seeds"] = parse_range(given["seeds"], what="--seeds").hi
    if "families" in given:
        given["families"] = tuple(one.strip() for one in given["families"].split(","))
    return Asked(**given)


OPTIONS: list[Option] = [
    (("name",), {"nargs": "?", "metavar": "NAME", "help": "one of the list that `mimicry scenario` prints"}),
    (("--out",), {"metavar": "FILE", "help": "the history as CSV (default NAME.csv); - prints it"}),
    (("--truth",), {"metavar": "FILE", "help": "write what made the draws; without it nobody can know"}),
    (("--draws",), {"type": int, "metavar": "N", "help": "how many (default 400)"}),
    (("--seed",), {"type": int, "help": "root of everything random in it (default 1)"}),
    (("--range",), {"metavar": "LO:HI", "help": "of the draws (default 0:999)"}),
    (("--families",), {"metavar": "NAMES", "help": "ids, aliases or globs to plant (default lcg48/java)"}),
    (("--seeds",), {"metavar": "N", "help": "planted seeds lie below it (default 2^20)"}),
    (("--starts",), {"type": int, "metavar": "N", "help": "calls before the first draw lie below it (default 1)"}),
    (("--gap",), {"type": int, "help": "calls between two draws, or at most where gaps vary (default 2)"}),
    (("--noise",), {"type": float, "help": "share of wrong draws, 0 to 0.4 (default 0.2)"}),
    (("--every",), {"type": int, "metavar": "N", "help": "draws between two seedings (default 200)"}),
    (("--sessions",), {"type": int, "help": "streams that are mixed (default 2)"}),
    (("--strength",), {"type": float, "help": "spread of the bias, 0 to 4 (default 0.6)"}),
    (("--ball",), {"metavar": "COLUMN", "help": "which ball of a lottery (default its first)"}),
    (("--first",), {"type": int, "metavar": "N", "help": "older lottery draws to leave out"}),
    JSON,
]  # fmt: skip
NAMES = ("draws", "seed", "range", "families", "seeds", "starts", "gap", "noise", "every", "sessions", "strength", "ball", "first")  # fmt: skip
VERBS: tuple[Verb, ...] = (
    Verb("scenario", scenario, "make a history whose answer is known and hidden", OPTIONS),
)  # fmt: skip
