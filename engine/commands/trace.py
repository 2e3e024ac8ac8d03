"""Verbs: one survivor from sieve to pool, and the scores of all of them. Imports what it needs inside itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.commands.options import JSON
from engine.commands.talk import show, table
from engine.commands.verb import Arguments, Verb

STRONGEST = 6


def trace(arguments: Arguments) -> int:
    """Follow one survivor through the artifacts of a run, or of the room."""
    from engine.pipeline.trace import trace as follow

    told = follow(_directory(arguments), arguments.survivor)
    return show(arguments, told, lambda: text(told))


def scores(arguments: Arguments) -> int:
    """Print the scores of a run's survivors, or the room's, as a histogram beside those of their null twins."""
    from engine.pipeline.score_spread import score_spread

    told = score_spread(_directory(arguments))
    return show(arguments, told, lambda: _scores_text(told))


def _scores_text(told: dict[str, Any]) -> str:
    if told["lo"] is None:
        return "no scores yet: step 3 makes them, `mimicry pipeline` asks for steps"
    step = (told["hi"] - told["lo"]) / len(told["null"])
    rows = [
        {"score": f"{told['lo'] + at * step:.4g}", "survivors": real, "null twins": null}
        for at, (real, null) in enumerate(zip(told["survivors"], told["null"], strict=True))
        if real or null
    ]
    of, above = told["of"], told["above"]
    head = f"{of['survivors']} survivors, {of['null']} null twins"
    said = "; no twin stood beside them" if above is None else f"; {above} survivors score above every twin"
    return "\n".join([head + said, table(rows, ("score", "survivors", "null twins"))])


def _directory(arguments: Arguments) -> Path:
    """Return where the artifacts lie: the asked run's directory, the room's, or the last run's."""
    from engine.runs import LAST, find_run

    room: Path = arguments.state / "artifacts"
    if arguments.run is None and room.is_dir():
        return room
    return find_run(arguments.state, arguments.run or LAST)


def text(told: dict[str, Any]) -> str:
    """Return the story as lines, each beside what chance expects."""
    lines = [f"survivor   {told['survivor']}", f"           {told['line']}"]
    for part in (_found, _blocks, _scores, _model, _pool, _next):
        lines += part(told)
    if told["missing"]:
        lines.append(f"not yet    {', '.join(told['missing'])}")
    return "\n".join(lines)


def _found(told: dict[str, Any]) -> list[str]:
    found = told["found"]
    where = "by analyze" if found["origin"] == "analyze" else f"in trial {found['trial']}"
    lines = [f"found      {where}, draws {_span(found['window'])}; {found['kept']} survivors were kept"]
    lines += [f"{'':11}{name} {_of(one)}" for name, one in found["matches"].items() if one["scored"]]
    trial = found["of_trial"]
    if trial:
        lines.append(
            f"{'':11}its trial met {trial['hits']} real hits, {trial['null_hits'] / 2:g} a null twin, {trial['expected_false']:.3g} expected by chance"
        )
    lines.append(
        f"evidence   {found['evidence_bits']:.1f} of {found['required_bits']:.1f} bits; {found['null_rank']} null hits match as often"
    )
    return lines


def _blocks(told: dict[str, Any]) -> list[str]:
    blocks = told["scored"]["blocks"] if told["scored"] else []
    return [
        f"{'blocks' if not at else '':11}draws {_span(one['draws'])}: {_of(one)}"
        for at, one in enumerate(blocks)
    ]


def _scores(told: dict[str, Any]) -> list[str]:
    scored = told["scored"]
    if not scored:
        return []
    strongest = list(scored["pushes"].items())[:STRONGEST]
    return [
        f"score      {scored['score']:.2f}, rank {scored['rank']} of {scored['of']} beside {scored['decoys']} decoys",
        f"{'':11}{len(scored['features'])} features; strongest: "
        + ", ".join(f"{name} {push:+.2f}" for name, push in strongest),
    ]


def _model(told: dict[str, Any]) -> list[str]:
    model = told["model"]
    if not model:
        return []
    stated = model["note"] if model["rate"] is None else f"hit rate {model['rate']:.3g}, rank {model['rank']}"
    return [
        f"model      {model['family']}: {stated}; chance {model['chance']:.3g}",
        f"{'':11}{model['verdict']}",
    ]


def _pool(told: dict[str, Any]) -> list[str]:
    pool = told["pool"]
    if not pool:
        return []
    head = f"pool       for draw {pool['for_draw']}, on {pool['basis']}: "
    if "note" in pool:
        return [head + str(pool["note"])]
    return [
        f"{head}weight {pool['weight']:.3g}, rate {pool['rate']:.3g} ({pool['matched']} of {pool['scored']} unselected draws)",
        f"{'':11}names {pool['predicted']} with {pool['stated']:.3g}; chance {pool['chance']:.3g}",
    ]


def _next(told: dict[str, Any]) -> list[str]:
    ahead = told["foretells"]
    said = " ".join(map(str, ahead["values"])) or ahead["note"]
    return [f"foretells  {said}"]


def _span(ends: list[int]) -> str:
    return f"{ends[0]}..{ends[1] - 1}"


def _of(one: dict[str, Any]) -> str:
    return f"{one['matched']} of {one['scored']}, {one['expected']:.2g} by chance"


VERBS: tuple[Verb, ...] = (
    Verb("trace", trace, "one survivor from sieve to pool (rank, or digest)", [
        (("survivor",), {"nargs": "?", "default": "1", "metavar": "SURVIVOR", "help": "rank from 1 (default 1), or a digest's first digits"}),
        (("--run",), {"metavar": "RUN", "help": "a run's id or directory, or last; without it the room's own artifacts"}),
        JSON,
    ]),
    Verb("scores", scores, "the survivors' scores as a histogram beside their null twins", [
        (("--run",), {"metavar": "RUN", "help": "a run's id or directory, or last; without it the room's own artifacts"}),
        JSON,
    ]),
)  # fmt: skip
