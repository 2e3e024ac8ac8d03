"""Verbs: the advisor. How the model server is, one question by hand, and the record of calls. Each imports what it needs inside itself."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from engine.commands.listing import LISTING, listing
from engine.commands.talk import call, only_with, show
from engine.commands.verb import Arguments, Verb
from engine.errors import BadInput, EnvironmentFault, Exit, Unreachable, UsageError

PAUSE = 0.05
BELONGS = {
    "question": ("ask", "again", "call"), "context": ("ask",), "kind": ("ask",), "reason": ("off", "on"),
    "filter": ("calls",), "sort": ("calls",), "watch": ("calls",),
}  # fmt: skip
"""Which actions read what; the others would pass over it."""


def llm(arguments: Arguments) -> int:
    """Look at the advisor: `status`, `calls`, or `ask QUESTION --context FILE`, which shows prompt, answer and source and changes nothing."""
    for name, actions in BELONGS.items():
        if arguments.action not in actions:
            only_with(arguments, f"llm {', '.join(actions)}", name)
    if arguments.action == "calls":
        return listing(arguments, "llm_calls")
    if arguments.action == "status":
        data = call(arguments, "llm_status")
        return show(arguments, data, lambda: _status_text(data))
    if arguments.action == "again":
        return _again(arguments)
    if arguments.action in ("on", "off"):
        return _turn(arguments)
    if arguments.action == "call":
        return _call(arguments)
    data = _asked(arguments, _parts(arguments))
    show(arguments, data, lambda: _answer_text(data))
    return int(Exit.OK if data["answer"] is not None else Exit.ENVIRONMENT)


def _parts(arguments: Arguments) -> Any:
    if arguments.question is None or arguments.context is None:
        raise UsageError(
            "llm ask: it takes a question and --context FILE; docs/llm.md lists the questions and their parts"
        )
    try:
        text = (
            sys.stdin.read()
            if arguments.context == "-"
            else Path(arguments.context).read_text(encoding="utf-8")
        )
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise BadInput(f"--context {arguments.context}: cannot be read as JSON: {error}") from error


def _asked(arguments: Arguments, parts: Any) -> dict[str, Any]:
    """Ask the daemon; without one, start the configured server for this one question."""
    values = {"question": arguments.question, "parts": parts, "kind": arguments.kind}
    try:
        ticket = call(arguments, "llm_ask", **values)["ticket"]
    except Unreachable:
        return _alone(arguments, values)
    return _fetched(arguments, ticket)


def _fetched(arguments: Arguments, ticket: str) -> dict[str, Any]:
    while not (data := call(arguments, "llm_answer", ticket=ticket))["done"]:
        time.sleep(PAUSE)
    return data


def _turn(arguments: Arguments) -> int:
    """Silence the advisor, or let it answer again."""
    data = call(arguments, f"llm_{arguments.action}", reason=arguments.reason or "")
    return show(
        arguments,
        data,
        lambda: f"the advisor is {data['state']}" + (f": {data['why']}" if data["why"] else ""),
    )


def _call(arguments: Arguments) -> int:
    """Print one call, the request that it was about, and the decision that rests on it."""
    if arguments.question is None:
        raise UsageError("llm call: it takes a call of `mimicry llm calls`")
    data = call(arguments, "llm_call", id=arguments.question)
    return show(arguments, data, lambda: _call_text(data))


def _call_text(data: dict[str, Any]) -> str:
    told, number = data["call"], data["decision"]
    rows = [
        ("call", f"{told['id']}: {told['question']} by {told['by']}"),
        ("answer", f"{told['source']}, {told['seconds']:.2f} s: {told['outcome']}"),
        ("request", data["request"] or "none"),
        (
            "decision",
            "none rests on it" if number is None else f"{number}; `mimicry explain {number}` shows why",
        ),
        ("exchange", told["file"] or "not kept"),
    ]
    return "\n".join(f"{label:<10} {text}" for label, text in rows)


def _again(arguments: Arguments) -> int:
    """Put a stored question once more; print what was said then beside what is said now."""
    if arguments.question is None:
        raise UsageError("llm again: it takes a call of `mimicry llm calls`, or a decision as d-12")
    told = call(arguments, "llm_again", id=arguments.question)
    data = {"schema": "llm_again/1", "before": told["before"], "now": _fetched(arguments, told["ticket"])}
    show(arguments, data, lambda: _again_text(data["before"], data["now"]))
    return int(Exit.OK if data["now"]["answer"] is not None else Exit.ENVIRONMENT)


def _again_text(before: dict[str, Any], now: dict[str, Any]) -> str:
    said = (
        f"none: {now['none']}"
        if now["answer"] is None
        else json.dumps(now["answer"], ensure_ascii=False, separators=(",", ":"))
    )
    return (
        f"{before['question']} about {before['about'] or '-'}; nothing follows from the answer\n"
        f"then  {before['source']}, {before['seconds']:.2f} s, call {before['id']}\n      {before['outcome']}\n"
        f"now   {now['source']}, {now['seconds']:.2f} s, call {now['call']}\n      {said}"
    )


def _alone(arguments: Arguments, values: dict[str, Any]) -> dict[str, Any]:
    from engine.config import FILE_NAME, load
    from engine.llm.verbs import checked, unless_halted
    from engine.running import run

    own = arguments.state / FILE_NAME
    settings = load(arguments.config or (own if own.exists() else None)).llm
    question, given, kind = checked(values)
    unless_halted("ask", _standing(arguments.state))
    if not settings.command and not settings.cloud:
        raise EnvironmentFault(
            "llm ask: no engine runs, and room.toml has no [llm] command to start a server with"
        )
    return run(_ask_alone(arguments.state, settings, question, given, kind))


def _standing(state: Path) -> Any:
    """Return the halt that a stopped engine left behind: it holds until `resume`."""
    from contextlib import suppress

    from state.errors import NoJournal
    from state.journal import Journal

    with suppress(NoJournal), Journal.read_only(state) as journal:
        return journal.halt_state()
    return None


async def _ask_alone(
    state: Path, settings: Any, question: Any, parts: Any, kind: str | None
) -> dict[str, Any]:
    from engine.llm.router import Router
    from engine.llm.verbs import shown

    router = Router(settings, state, lambda kind, data: None)
    try:
        return shown(await router.ask(question, parts, kind=kind, by="command line"))
    finally:
        await router.close()


def _status_text(data: dict[str, Any]) -> str:
    """Return the advisor's report as a dense aligned block."""
    if data["state"] == "none" and "answers" not in data:
        return f"advisor    none: {data['why']}"
    answers, tried = data["answers"], data["valid"] + data["invalid"]
    cost = data["cost"]
    bad = {name: why for name, why in data["grammars"].items() if why != "ok"}
    speed = data["tokens_per_second"]
    rows = [
        ("server", data["state"] + (f": {data['why']}" if data["why"] else "") + (f", pid {data['pid']}" if data["pid"] else "")),
        ("model", f"{data['model']}, {data['context']} tokens, {data['chars_per_token']} characters a token, loaded in {data['start_seconds']} s" if data["model"] else "not loaded"),
        ("speed", "not measured yet" if speed is None else f"{speed:.0f} tokens/s"),
        ("grammars", "; ".join(f"{name}: {why}" for name, why in bad.items()) or f"{len(data['grammars'])} fit"),
        ("valid", f"{data['valid']} of {tried} answers" if tried else "nothing asked yet"),
        ("answered", f"{answers['llm']} by the local model, {answers['claude']} by Claude, {answers['none']} by nobody"),
        ("restarts", str(data["restarts"]) + (f", the next in {data['next_restart_s']:.0f} s" if data["next_restart_s"] else "")),
        ("queue", f"{data['waiting']} of {data['queue']}"),
        ("cloud", data["cloud"] or "off"),
        ("cost", _cost_text(cost)),
        ("agreement", _agreement_text(data["agreement"])),
        ("degraded", "; ".join(data["degraded"]) or "no"),
    ]  # fmt: skip
    return "\n".join(f"{label:<10} {text}" for label, text in rows)


def _agreement_text(counts: dict[str, int]) -> str:
    advised = counts["agreed"] + counts["followed"] + counts["stricter"]
    if not advised:
        return f"no decision was advised on, {counts['silent']} without advice"
    return (
        f"{counts['agreed']} of {advised} advised decisions agreed, {counts['followed']} followed more careful advice, "
        f"in {counts['stricter']} the code was stricter; {counts['silent']} without advice"
    )


def _cost_text(cost: dict[str, Any] | None) -> str:
    if cost is None:
        return "nothing: the cloud is off"
    if "error" in cost:
        return str(cost["error"])
    return (
        f"${cost['usd_today']:.4f} of ${cost['usd_per_day']:g} today, ${cost['usd_total']:.4f} in all; "
        f"{cost['calls_last_hour']} of {cost['calls_per_hour']} calls in the last hour"
    )


def _answer_text(data: dict[str, Any]) -> str:
    said = f"none: {data['none']}" if data["answer"] is None else json.dumps(data["answer"], indent=1)
    sent = data["sent_to_cloud"]
    left = (
        "nothing left this machine"
        if not sent
        else f"sent to the cloud, {len(sent)} characters"
        + (": the prompt above" if sent == data["prompt"] else f":\n{sent}")
    )
    return f"{data['prompt']}\n\n--- answer of {data['source']}, {data['seconds']:.2f} s, call {data['call']}; {left}\n{said}"


VERBS: tuple[Verb, ...] = (
    Verb("llm", llm, "the advisor: status, calls, call, again, on, off, or ask", [
        (("action",), {"choices": ["status", "ask", "again", "calls", "call", "on", "off"], "help": "status: server, model, speed, validity, agreement, cost; calls: what was asked; call: one of them with its decision; again: a stored question once more, dry; off: silence it, with --reason; on"}),
        (("question",), {"nargs": "?", "metavar": "QUESTION", "help": "for call: its id; for again: a call, or a decision as d-12; for ask: agent_decision, step_evaluation, chapter13_proposal, …"}),
        (("--context",), {"metavar": "FILE", "help": "for ask: JSON object of the context's parts; - for standard input"}),
        (("--kind",), {"metavar": "KIND", "help": "for ask: kind of the context: 1, 2.5, 3, 4, 5, 6, chapter13, selfplay"}),
        (("--reason",), {"metavar": "WHY", "help": "for off: why"}),
        *LISTING,
    ]),
)  # fmt: skip
