"""What a worker does for one state space: prove the method on planted states, solve the draws and their null twins, look for the seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.recovery import states
from engine.recovery.answer import Found
from engine.recovery.methods import METHODS, Method
from engine.recovery.problem import Pattern, Patterns, Problem
from engine.seedtree import named_rng

REAL = 0  # the row of the draws themselves; those after it are null twins
Arrays = dict[str, np.ndarray]


def run(params: dict[str, Any], arrays: Arrays, stop: Stop) -> tuple[dict[str, Any], Arrays]:
    """Return every state that explains a row of `draws`, int64 (rows, W), -1 missing, with what was planted and found.

    meta["states"] has one [row, state, gap, seed, start] a solution: a gap, or the code of a pattern of them; seed and start are null
    where no seeding leads there.
    meta["reason"] says why planted states were missed.
    """
    method = METHODS[params["route"]]
    patterns = Patterns(params["gaps"][0], params["gaps"][1], params["period"])
    problem = Problem(
        params["family"], params["mapping"], params["lo"], params["hi"], patterns, params["noise"]
    )
    rng = named_rng(params["rng"], "states", problem.family, problem.mapping)
    planted, found, reason = _power_check(method, problem, arrays["draws"][REAL], params["plants"], rng, stop)
    solved: list[list[Any]] = []
    for row, draws in enumerate(arrays["draws"]):
        answer = method.solve(replace(problem, draws=draws), stop, rng)
        solved += [[row, *_reading(one, patterns, with_seed=row == REAL)] for one in answer.found]
    meta = {
        "states": solved, "reason": reason, "hypotheses": len(patterns),
        "stopped": stop.asked(), "overflow": False, "planted": planted, "found": found, "canary": [planted, found],
    }  # fmt: skip
    return meta, {}


def _reading(one: Found, patterns: Patterns, *, with_seed: bool) -> list[Any]:
    """Return a solution as plain JSON, with the seed and the calls after it where one is known."""
    origin = states.seed_of(one) if with_seed else None
    seed, start = origin if origin is not None else (None, None)
    return [hex(states.number(one)), patterns.code(one.pattern), None if seed is None else hex(seed), start]


def _power_check(
    method: Method, problem: Problem, like: np.ndarray, plants: int, rng: np.random.Generator, stop: Stop
) -> tuple[int, int, str]:
    """Plant random states at random gaps, missing where the draws are, and look for each at the gaps beside its own.

    Return how many were planted and found, and why the last one missed was.
    """
    found, reason = 0, ""
    for number in range(plants):
        pattern = problem.patterns[int(rng.integers(len(problem.patterns)))]
        state = states.random(problem.family, rng)
        draws = _made(problem, state, pattern, len(like))
        beside = replace(problem, patterns=problem.near(pattern), draws=_spoilt(draws, like, problem, rng))
        answer = method.solve(beside, stop, rng)
        if stop.asked():
            return number, found, reason
        if any(
            np.array_equal(_made(problem, states.number(one), one.pattern, len(draws)), draws)
            for one in answer.found
        ):  # several states may make one stream
            found += 1
        else:
            reason = answer.reason
    return plants, found, reason


def _made(problem: Problem, state: int, pattern: Pattern, count: int) -> np.ndarray:
    return states.values(
        problem.family, problem.mapping, state, problem.lo, problem.hi, count, pattern=pattern
    )


def _spoilt(draws: np.ndarray, like: np.ndarray, problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Return planted draws with the asked share of wrong ones, missing where the real ones are."""
    wrong = rng.random(len(draws)) < problem.noise
    others = rng.integers(problem.lo, problem.hi, len(draws), endpoint=True)
    return np.where(like < 0, -1, np.where(wrong, others, draws))
