"""Verbs: what the engine decided and why, what waits, and a person's word on it. Each imports what it needs inside itself."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Any

from engine.commands.listing import LISTING, listing
from engine.commands.options import JSON
from engine.commands.talk import call, only_with, show
from engine.commands.verb import Arguments, Option, Verb
from engine.errors import BadInput, Exit, UsageError

MOST_SETTINGS = 1000

REASON: Option = (
    ("--reason",),
    {"default": "", "metavar": "WHY", "help": "stays on the record with your name"},
)
NUMBER: Option = (("number",), {"metavar": "N", "help": "decision id, 12 or d-12"})
APPROVAL: Option = (("number",), {"metavar": "N", "help": "approval id, 3 or a-3"})


# ── decisions ────────────────────────────────────────────────────────────────


def decisions(arguments: Arguments) -> int:
    """List the watcher's decisions, newest first."""
    return listing(arguments, "decisions")


def decision(arguments: Arguments) -> int:
    """Print one decision; replay it from its record, or overrule it."""
    if arguments.overrule:
        only_with(arguments, "a decision that is not overruled", "replay")
        return _overrule(arguments)
    only_with(arguments, "--overrule ACTION", "reason")
    from engine.explain_text import decided, replayed

    data = call(arguments, "decision", id=arguments.number)
    show(arguments, data, lambda: replayed(data) if arguments.replay else decided(data))
    return int(Exit.BAD_INPUT if arguments.replay and data["same"] is False else Exit.OK)


def _overrule(arguments: Arguments) -> int:
    action, reason = arguments.overrule.upper(), arguments.reason
    data = call(arguments, "overrule", id=arguments.number, action=action, reason=reason)
    then = f"; {data['request']} carries it out" if data["request"] else ""
    return show(
        arguments, data, lambda: f"decision {data['decision']}: {action} instead of {arguments.number}{then}"
    )


def explain(arguments: Arguments) -> int:
    """Print the whole chain behind one decision."""
    from engine.explain_text import explained

    text = arguments.number.removeprefix("d-")
    if not text.isdigit():
        raise UsageError(
            f"explain: {arguments.number!r} is not a decision's number; `mimicry decisions` lists them"
        )
    data = call(arguments, "explain", id=int(text))
    return show(arguments, data, lambda: explained(data))


# ── requests ─────────────────────────────────────────────────────────────────


def requests(arguments: Arguments) -> int:
    """List requests and why each waits or how it ended; first take in what lies in the inbox, if asked."""
    if arguments.process:
        call(arguments, "process")
    return listing(arguments, "requests")


def request(arguments: Arguments) -> int:
    """Ask the engine for work; without a type, tell what may be asked."""
    from engine.dispatch.forms import described, parse_pairs, parse_request

    if arguments.type is None:
        known = described()
        return show(arguments, known, lambda: _forms(known))
    said = [(name, getattr(arguments, name)) for name in ("priority", "reason", "needs")]
    pairs = [*arguments.arg, *(f"{name}={value}" for name, value in said if value not in (None, ""))]
    try:
        parse_request(parse_pairs(arguments.type, pairs))
    except BadInput as error:  # of a file it would be bad input; here it is what was typed
        raise UsageError(str(error)) from error
    key = {"key": arguments.key} if arguments.key else {}
    told = call(arguments, "submit", type=arguments.type, arg=pairs, **key)
    return show(arguments, told, lambda: f"{told['id']} {told['state']}: {told['why']}")


def _forms(known: dict[str, Any]) -> str:
    rows = []
    for form in known["forms"]:
        rows.append(f"{form['type']}: {form['about']}")
        for each in form["parameters"]:
            usual = "needed" if each["needed"] else f"[{each['default']}]" if each["default"] else ""
            rows.append(f"  {each['name']:<19}{each['help']} {usual}".rstrip())
    return "\n".join(rows)


def priority(arguments: Arguments) -> int:
    """Give a waiting request another place in the queue."""
    data = call(
        arguments, "priority", id=arguments.number, priority=arguments.priority, reason=arguments.reason
    )
    return show(arguments, data, lambda: f"{data['id']} priority {data['priority']}: {data['why']}")


def cancel(arguments: Arguments) -> int:
    """End a request that is not finished."""
    data = call(arguments, "cancel", id=arguments.number, reason=arguments.reason)
    return show(arguments, data, lambda: f"{data['id']} {data['state']}: {data['why']}")


# ── approvals ────────────────────────────────────────────────────────────────


def approvals(arguments: Arguments) -> int:
    """List what waits for a person, then what was answered."""
    return listing(arguments, "approvals")


def approve(arguments: Arguments) -> int:
    """Say yes to an open question."""
    data = call(arguments, "approve", id=arguments.number, reason=arguments.reason)
    return show(arguments, data, lambda: f"{data['id']} {data['state']}: {data['summary']}")


def reject(arguments: Arguments) -> int:
    """Say no to an open question."""
    data = call(arguments, "reject", id=arguments.number, reason=arguments.reason)
    return show(arguments, data, lambda: f"{data['id']} {data['state']}: {data['summary']}")


# ── policies ─────────────────────────────────────────────────────────────────


def policies(arguments: Arguments) -> int:
    """List the policies in force, show how one changed, or change it."""
    if arguments.value is not None:
        value = _json(arguments.value)
        data = call(arguments, "policy_set", key=arguments.key, value=value, reason=arguments.reason)
        return show(arguments, data, lambda: _changes(data["changes"]))
    only_with(arguments, "a change: KEY VALUE --reason WHY", "reason")
    if arguments.key is not None:
        return _changes_of(arguments, "policies", "policy_changes", "key")
    return listing(arguments, "policies")


def _changes(rows: list[dict[str, Any]]) -> str:
    return "\n".join(f"{row['name']}: {row['before']} -> {row['after']}" for row in rows) or "nothing changed"


def _changes_of(arguments: Arguments, settings: str, changes: str, column: str) -> int:
    """List how one setting changed, newest first; UsageError with the nearest where none is called so."""
    rows = call(arguments, "table", name=settings, limit=MOST_SETTINGS)["rows"]
    now = {row[column]: row["value"] for row in rows}
    name, asked = arguments.key, arguments.filter
    if name not in now:
        near = get_close_matches(name, now, n=3, cutoff=0.0)
        raise UsageError(f"{settings}: none is called {name!r}; nearest: {', '.join(near)}")
    arguments.filter = " | ".join(
        f"{column}={name} & {part}" if part.strip() else f"{column}={name}" for part in asked.split("|")
    )
    never = (
        f"{name} is {now[name]} and was never changed; `mimicry {settings} {name} VALUE --reason WHY` does"
    )
    return listing(arguments, changes, nothing="" if asked else never)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def parameters(arguments: Arguments) -> int:
    """List the tunable parameters, show how one changed, or change it."""
    if arguments.value is not None:
        value = _json(arguments.value)
        data = call(arguments, "parameter_set", name=arguments.key, value=value, reason=arguments.reason)
        return show(arguments, data, lambda: f"{data['name']}: {data['before']} -> {data['after']}")
    only_with(arguments, "a change: NAME VALUE --reason WHY", "reason")
    if arguments.key is not None:
        return _changes_of(arguments, "parameters", "parameter_changes", "name")
    return listing(arguments, "parameters")


def fingerprints(arguments: Arguments) -> int:
    """List what was tried on which data and how it ended, or what is untried on the present data."""
    return listing(arguments, "untried" if arguments.untried else "fingerprints")


def schedule(arguments: Arguments) -> int:
    """List recurring work: when it runs next, and what became of the last time."""
    return listing(arguments, "schedule")


def sources(arguments: Arguments) -> int:
    """List where draws come from, and whether they do."""
    return listing(arguments, "sources")


VERBS: tuple[Verb, ...] = (
    Verb("decisions", decisions, "what the watcher decided, newest first", LISTING),
    Verb("decision", decision, "decision N; --replay its record, or --overrule it", [
        NUMBER,
        (("--replay",), {"action": "store_true", "help": "decide the stored case again; exit 3 if it differs"}),
        (("--overrule",), {"metavar": "ACTION", "default": "", "help": "PROCEED, RETRY or ESCALATE instead; needs --reason"}),
        REASON, JSON,
    ]),
    Verb("explain", explain, "the whole chain behind decision N", [NUMBER, JSON]),
    Verb("requests", requests, "the queue, and why each request waits", [
        (("--process",), {"action": "store_true", "help": "take in what lies in the inbox first"}), *LISTING,
    ]),
    Verb("request", request, "ask for work: TYPE --arg k=v --priority P --needs gpu", [
        (("type",), {"nargs": "?", "metavar": "TYPE", "help": "none: tell all with their parameters; pipeline_rerun, step_force, learning_loop, selfplay_retrain, inject_draw"}),
        (("--arg",), {"action": "append", "default": [], "metavar": "K=V", "help": "as in --arg step=5; lists are a,b,c"}),
        (("--priority",), {"type": int, "metavar": "P", "help": "0 to 100, higher goes first (50)"}),
        (("--needs",), {"default": "", "metavar": "LIST", "help": "wait for gpu, workers, draws, llm"}),
        (("--key",), {"default": "", "help": "idempotency key: the same key again is the same request"}),
        REASON, JSON,
    ]),
    Verb("cancel", cancel, "end request N that is not finished; needs --reason", [
        (("number",), {"metavar": "N", "help": "request id, 7 or r-7"}), REASON, JSON,
    ]),
    Verb("priority", priority, "give waiting request N priority P; needs --reason", [
        (("number",), {"metavar": "N", "help": "request id, 7 or r-7"}),
        (("priority",), {"type": int, "metavar": "P", "help": "0 to 100, higher goes first"}), REASON, JSON,
    ]),
    Verb("approvals", approvals, "what waits for a person", LISTING),
    Verb("approve", approve, "say yes to approval N", [APPROVAL, REASON, JSON]),
    Verb("reject", reject, "say no to approval N; needs --reason", [APPROVAL, REASON, JSON]),
    Verb("policies", policies, "the policies in force; KEY: changes; KEY VALUE: set it", [
        (("key",), {"nargs": "?", "metavar": "KEY", "help": "as in steps.3.retries"}),
        (("value",), {"nargs": "?", "metavar": "VALUE", "help": "JSON or text"}),
        REASON, *LISTING,
    ]),
    Verb("parameters", parameters, "what runs are told; NAME: changes; NAME VALUE: set it", [
        (("key",), {"nargs": "?", "metavar": "NAME", "help": "as in pipeline.window_trials"}),
        (("value",), {"nargs": "?", "metavar": "VALUE", "help": "a number within the bounds"}),
        REASON, *LISTING,
    ]),
    Verb("fingerprints", fingerprints, "what was tried on which data; --untried: what was not", [
        (("--untried",), {"action": "store_true", "help": "suggest what the present data were not searched for"}), *LISTING,
    ]),
    Verb("schedule", schedule, "recurring work, and when it runs next", LISTING),
    Verb("sources", sources, "where draws come from, and whether they do", LISTING),
)  # fmt: skip
