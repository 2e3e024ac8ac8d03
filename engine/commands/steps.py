"""Verbs: the pipeline. Each imports what it needs inside itself."""

from __future__ import annotations

from engine.commands.options import JSON
from engine.commands.talk import call, show
from engine.commands.verb import Arguments, Verb


def pipeline(arguments: Arguments) -> int:
    """Ask the engine to run pipeline steps."""
    request = {"type": "pipeline_rerun", "start_step": arguments.start_step, "end_step": arguments.end_step}
    data = call(arguments, "submit", request=request)
    return show(
        arguments, data, lambda: f"queued {data['id']}: steps {arguments.start_step}..{arguments.end_step}"
    )


VERBS: tuple[Verb, ...] = (
    Verb("pipeline", pipeline, "ask the engine for steps (--start-step, --end-step)", [
        (("--start-step",), {"default": "1", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        (("--end-step",), {"default": "6", "choices": ["1", "2", "2.5", "3", "4", "5", "6"]}),
        JSON,
    ]),
)  # fmt: skip
