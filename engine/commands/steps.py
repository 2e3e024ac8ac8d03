"""Verbs: the pipeline, its runs and its trials. Each imports what it needs inside itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands.listing import LISTING, listing
from engine.commands.options import ALL_MODELS, JSON
from engine.commands.talk import call, show, table
from engine.commands.verb import Arguments, Verb

if TYPE_CHECKING:
    from engine.pipeline.dry_run import DryRun
    from engine.pipeline.run_record import RunRecord, StepRecord

STEPS = ["1", "2", "2.5", "3", "4", "5", "6"]
WIDEST = 60  # characters of one cell


def pipeline(arguments: Arguments) -> int:
    """Ask the engine to run pipeline steps, or say what they would be told."""
    from engine.errors import UsageError

    if STEPS.index(arguments.start_step) > STEPS.index(arguments.end_step):
        raise UsageError(f"--start-step {arguments.start_step} comes after --end-step {arguments.end_step}")
    if arguments.dry_run:
        return _dry_run(arguments)
    request = {"type": "pipeline_rerun", "start_step": arguments.start_step, "end_step": arguments.end_step}
    request |= _given(arguments)
    data = call(arguments, "submit", request=request)
    return show(
        arguments, data, lambda: f"queued {data['id']}: steps {arguments.start_step}..{arguments.end_step}"
    )


def _given(arguments: Arguments) -> dict[str, Any]:
    """Return the parameters that are set for this run alone."""
    return {"save_all_models": True} if arguments.save_all_models else {}


def _dry_run(arguments: Arguments) -> int:
    """Print every parameter with value, bounds and origin; the state directory is only read."""
    from engine.config import FILE_NAME, load
    from engine.pipeline.context import STEP_IDS, normal_steps
    from engine.pipeline.dry_run import dry_run

    first, last = (normal_steps([step])[0] for step in (arguments.start_step, arguments.end_step))
    span = STEP_IDS[STEP_IDS.index(first) : STEP_IDS.index(last) + 1]
    file = arguments.config or arguments.state / FILE_NAME
    settings = load(file if arguments.config or file.exists() else None)
    made = dry_run(arguments.state, settings, span, _given(arguments))
    return show(arguments, made.model_dump(mode="json"), lambda: _dry_text(made))


def _dry_text(made: DryRun) -> str:
    rows = [
        {
            "step": one.step,
            "parameter": one.name,
            "value": _short("-" if one.value is None else one.value),
            "bounds": "-" if one.lo is None or one.hi is None else f"{one.lo:g}..{one.hi:g}",
            "origin": _short(one.origin),
            "meaning": one.meaning,
        }
        for one in made.parameters
    ]
    lines = [f"steps {' '.join(made.steps)}; nothing was started", ""]
    lines += [table(rows, ("step", "parameter", "value", "bounds", "origin", "meaning"))]
    return "\n".join([*lines, *made.refused])


def skip(arguments: Arguments) -> int:
    """Skip the running step: the run goes on with what an earlier run made of it."""
    data = call(arguments, "skip", step=arguments.step or "", reason=arguments.reason or "")
    return show(
        arguments, data, lambda: f"step {data['step']} ends at its next piece (decision {data['decision']})"
    )


def runs(arguments: Arguments) -> int:
    """List runs and how their steps stand, newest first."""
    return listing(arguments, "runs")


def trials(arguments: Arguments) -> int:
    """List the trials of steps 1 and 2.5, newest first."""
    return listing(arguments, "trials")


def study(arguments: Arguments) -> int:
    """Print how the trials of the last study ended, the best one, what each parameter moved, and what was kept when."""
    told = call(arguments, "study")
    return show(arguments, told, lambda: _study_text(told))


def _study_text(told: dict[str, Any]) -> str:
    kept = told["checkpoint"]
    lines = [
        f"kept       {kept['what']} at {kept['at']} (event {kept['seq']})"
        if kept
        else "kept       nothing yet"
    ]
    if told["run"] is None:
        return "\n".join(["study      no trial yet; steps 1, 2.5 and 4 make them", *lines])
    ended = f"{told['complete']} complete, {told['pruned']} pruned, {told['running']} running"
    lines.insert(0, f"study      step {told['step']} of {told['run']}: {ended}")
    if best := told["best"]:
        told_params = ", ".join(f"{name} {_short(value)}" for name, value in best["params"].items())
        lines.append(f"best       trial {best['trial']}: {best['value']:.6g} with {told_params}")
    shares = [
        f"importance {one['name']:<24} {one['share']:.0%} of the value's variance"
        for one in told["importance"]
    ]
    return "\n".join([*lines, *(shares or ["importance too few complete trials to say"])])


def run(arguments: Arguments) -> int:
    """Print one run whole, or what differs between two."""
    from engine.errors import UsageError
    from engine.pipeline.run_record import difference, read

    wanted = {"show": 1, "diff": 2}[arguments.action]
    if len(arguments.runs) != wanted:
        raise UsageError(
            f"run {arguments.action}: give {wanted} run{'s' if wanted > 1 else ''}, got {len(arguments.runs)}"
        )
    records = [read(arguments.state, name) for name in arguments.runs]
    if arguments.action == "show":
        return show(arguments, records[0].model_dump(mode="json"), lambda: _run_text(records[0]))
    rows = [one.model_dump(mode="json") for one in difference(*records)]
    data = {"schema": "run_diff/1", "a": records[0].id, "b": records[1].id, "differences": rows}
    return show(arguments, data, lambda: _diff_text(data))


def _run_text(record: RunRecord) -> str:
    lines = [
        f"run        {record.id}: {record.kind}, {record.state}",
        f"why        {record.why}",
        f"time       {record.started} .. {record.finished or 'now'}",
    ]
    lines += [f"request    {record.request}"] if record.request else []
    for step, told in record.steps.items():
        lines += ["", *_step_text(step, told, record.trials.get(step))]
    return "\n".join(lines if record.steps else [*lines, "", "no step of it is on record yet"])


def _step_text(step: str, told: StepRecord, finished: int | None) -> list[str]:
    """Return one step: how it ended, its gates, what it was told, read and wrote."""
    made = f", {finished} trials" if finished else ""
    lines = [f"step {step:<5} {told.status} in {told.seconds:.1f} s{made}: {told.note}"]
    for row in told.evidence:
        gate = "" if row["limit"] is None else f" (must be {row['op']} {row['limit']:g})"
        lines.append(f"  {row['metric']:<22} {_short(row['value'])}{gate} {row['note']}".rstrip())
    lines += [f"  {one['level']}: {one['code']}: {one['text']}" for one in told.findings]
    shown = (("told", told.parameters), ("read", told.inputs), ("wrote", told.outputs))
    for word, values in shown:
        if values:
            lines.append(
                f"  {word:<6} "
                + ", ".join(f"{name} {_short(_brief(value))}" for name, value in values.items())
            )
    return lines


def _diff_text(data: dict[str, Any]) -> str:
    if not data["differences"]:
        return f"{data['a']} and {data['b']}: same parameters, inputs, outputs and numbers"
    rows = [{key: _short(value) for key, value in one.items()} for one in data["differences"]]
    titled = [
        {
            "step": row["step"],
            "what": row["what"],
            "name": row["name"],
            data["a"]: row["a"],
            data["b"]: row["b"],
        }
        for row in rows
    ]
    return table(titled, ("step", "what", "name", data["a"], data["b"]))


def _brief(value: Any) -> Any:
    """Return a hash by its first digits."""
    return value[:12] if isinstance(value, str) and len(value) == 64 else value


def _short(value: Any) -> str:
    text = "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


VERBS: tuple[Verb, ...] = (
    Verb("pipeline", pipeline, "ask the engine for steps (--start-step, --end-step, --dry-run)", [
        (("--start-step",), {"default": "1", "choices": STEPS}),
        (("--end-step",), {"default": "6", "choices": STEPS}),
        (("--dry-run",), {"action": "store_true", "help": "show each step's parameters with bounds and origin; start nothing"}),
        ALL_MODELS, JSON,
    ]),
    Verb("skip", skip, "skip the running step, with --reason: an earlier result is used", [
        (("step",), {"nargs": "?", "metavar": "STEP", "help": "refused where another one runs; 1, 2.5 and 4 can be skipped"}),
        (("--reason",), {"metavar": "WHY", "help": "for the record"}), JSON,
    ]),
    Verb("runs", runs, "the runs and how their steps stand, newest first", LISTING),
    Verb("run", run, "one run whole (run show ID), or what differs (run diff A B)", [
        (("action",), {"choices": ["show", "diff"], "help": "show one run, or compare two"}),
        (("runs",), {"nargs": "+", "metavar": "RUN", "help": "a run's id, last, or the directory of an analysis"}),
        JSON,
    ]),
    Verb("trials", trials, "the trials of steps 1 and 2.5: parameters, bits, null twins", LISTING),
    Verb("study", study, "the last study: ends of trials, the best one, importance", [JSON]),
)  # fmt: skip
