"""Verbs: ask for selfplay or learning, see what came of it, promote, roll back. Each imports what it needs inside itself."""

from __future__ import annotations

from typing import Any

from engine.commands.listing import LISTING, listing
from engine.commands.options import JSON
from engine.commands.talk import call, show
from engine.commands.verb import Arguments, Option, Verb
from engine.errors import UsageError


def selfplay(arguments: Arguments) -> int:
    """Ask for a session of selfplay."""
    asked: dict[str, Any] = {"type": "selfplay_retrain"}
    if arguments.episodes is not None:
        asked["episodes"] = arguments.episodes
    if arguments.policy_conditioned:
        asked["policy_conditioned"] = True
    return _submitted(arguments, asked)


def learn(arguments: Arguments) -> int:
    """Ask for the learning loop."""
    asked: dict[str, Any] = {"type": "learning_loop"}
    if arguments.steps is not None:
        asked["steps"] = [step.strip() for step in arguments.steps.split(",") if step.strip()]
    return _submitted(arguments, asked)


def _submitted(arguments: Arguments, asked: dict[str, Any]) -> int:
    data = call(arguments, "submit", request=asked)
    return show(
        arguments,
        data,
        lambda: f"{data['id']} {data['state']}: {asked['type']}; `mimicry requests` shows how it goes",
    )


def candidates(arguments: Arguments) -> int:
    """List candidates and what unseen draws say of them."""
    return listing(arguments, "candidates")


def episodes(arguments: Arguments) -> int:
    """List selfplay's episodes, newest first."""
    return listing(arguments, "episodes")


def arms(arguments: Arguments) -> int:
    """List what the bandit believes of every transform."""
    return listing(arguments, "arms")


def predictions(arguments: Arguments) -> int:
    """List every committed pool and how its draw came out."""
    return listing(arguments, "predictions")


def triggers(arguments: Arguments) -> int:
    """List what fired, on which numbers, and what became of it."""
    return listing(arguments, "triggers")


def policy(arguments: Arguments) -> int:
    """List the versions of the active policy, the active one first; or compare two policies."""
    if arguments.diff is not None:
        from engine.tables.policy_diff import as_text

        a, b = arguments.diff if len(arguments.diff) == 2 else ("active", arguments.diff[0])
        if len(arguments.diff) > 2:
            raise UsageError("policy --diff: takes one policy (against the active one) or two")
        told = call(arguments, "policy_diff", a=a, b=b)
        return show(arguments, told, lambda: as_text(told))
    return listing(arguments, "policy")


def promote(arguments: Arguments) -> int:
    """Promote a candidate that has earned it."""
    data = call(arguments, "promote", candidate=arguments.candidate, untested=arguments.untested)
    return show(arguments, data, lambda: _version(data))


def rollback(arguments: Arguments) -> int:
    """Withdraw the active policy and return to a validated one."""
    data = call(arguments, "rollback", to=arguments.to, reason=arguments.reason)
    return show(arguments, data, lambda: _version(data))


def _version(data: dict[str, Any]) -> str:
    from engine.selfplay.rules import Policy

    line = Policy.model_validate(data["policy"]).line()
    return f"policy version {data['version']}, {data['how']}: {line}"


EPISODES: Option = (
    ("--episodes",),
    {"type": int, "metavar": "N", "help": "episodes to play (the parameter selfplay.episodes)"},
)
CONDITIONED: Option = (
    ("--policy-conditioned",),
    {"action": "store_true", "help": "play on top of the active policy, and compare with it"},
)
STEPS: Option = (("--steps",), {"metavar": "3,5,6", "help": "exactly these steps (3,5,6)"})
CANDIDATE: Option = (("candidate",), {"metavar": "ID", "help": "as in `mimicry candidates`"})
UNTESTED: Option = (
    ("--untested",),
    {"action": "store_true", "help": "also without evidence; test mode only"},
)
TO: Option = (
    ("--to",),
    {"type": int, "metavar": "VERSION", "help": "return to this version (the newest validated one)"},
)
DIFF: Option = (
    ("--diff",),
    {
        "nargs": "+",
        "metavar": "A",
        "help": "compare A with the active policy, or A with B: versions, candidates, active",
    },
)
REASON: Option = (("--reason",), {"default": "", "metavar": "TEXT", "help": "why, for the record"})

VERBS: tuple[Verb, ...] = (
    Verb("selfplay", selfplay, "ask for episodes of selfplay", [EPISODES, CONDITIONED, JSON]),
    Verb("learn", learn, "ask for the learning loop: steps 3, 5, 6", [STEPS, JSON]),
    Verb("predictions", predictions, "every committed pool, and how its draw came out", LISTING),
    Verb("triggers", triggers, "what fired, why, and what became of it", LISTING),
    Verb("episodes", episodes, "selfplay's episodes, newest first", LISTING),
    Verb("arms", arms, "what the bandit believes of every transform", LISTING),
    Verb("candidates", candidates, "what selfplay proposed, and what unseen draws say", LISTING),
    Verb("policy", policy, "the active policy and its earlier versions; --diff A [B]", [DIFF, *LISTING]),
    Verb("promote", promote, "promote a candidate that has earned it", [CANDIDATE, UNTESTED, JSON]),
    Verb("rollback", rollback, "withdraw the active policy, back to a validated one", [TO, REASON, JSON]),
)
