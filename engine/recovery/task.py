"""What a worker does for one state space: prove the method on planted states, solve the draws and their null twins, look for the seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.compute.stop import Stop
from engine.recovery import states
from engine.recovery.answer import Found
from engine.recovery.methods import METHODS, Method
from engine.recovery.problem import Problem
from engine.seedtree import named_rng

REAL = 0  # the row of the draws themselves; those after it are null twins
Arrays = dict[str, np.ndarray]


def run(params: dict[str, Any], arrays: Arrays, stop: Stop) -> tuple[dict[str, Any], Arrays]:
    """Return every state that explains a row of `draws`, int64 (rows, W), -1 missing, with what was planted and found.

    meta["states"] has one [row, state, gap, seed, start] a solution; seed and start are null where no seeding leads there.
    meta["reason"] says why planted states were missed.
    """
    method = METHODS[params["route"]]
    problem = Problem(
        params["family"], params["mapping"], params["lo"], params["hi"], (params["gaps"][0], params["gaps"][1]),
        params["noise"],
    )  # fmt: skip
    rng = named_rng(params["rng"], "states", problem.family, problem.mapping)
    planted, found, reason = _power_check(method, problem, arrays["draws"][REAL], params["plants"], rng, stop)
    solved: list[list[Any]] = []
    for row, draws in enumerate(arrays["draws"]):
        answer = method.solve(problem, draws, stop, rng)
        solved += [[row, *_reading(one, problem, with_seed=row == REAL)] for one in answer.found]
    meta = {
        "states": solved, "reason": reason, "hypotheses": problem.gap_count,
        "stopped": stop.asked(), "overflow": False, "planted": planted, "found": found, "canary": [planted, found],
    }  # fmt: skip
    return meta, {}


def _reading(one: Found, problem: Problem, *, with_seed: bool) -> list[Any]:
    """Return a solution as plain JSON, with the seed and the calls after it where one is known."""
    origin = states.seed_of(one) if with_seed else None
    seed, start = origin if origin is not None else (None, None)
    return [hex(states.number(one)), one.pattern[0], None if seed is None else hex(seed), start]


def _power_check(
    method: Method, problem: Problem, like: np.ndarray, plants: int, rng: np.random.Generator, stop: Stop
) -> tuple[int, int, str]:
    """Plant random states at random gaps, missing where the draws are, and look for each at the gaps beside its own.

    Return how many were planted and found, and why the last one missed was.
    """
    found, reason = 0, ""
    for number in range(plants):
        gap = int(rng.integers(problem.gaps[0], problem.gaps[1], endpoint=True))
        state = states.random(problem.family, rng)
        draws = states.values(
            problem.family, problem.mapping, state, problem.lo, problem.hi, len(like), gap=gap
        )
        near = (max(problem.gaps[0], gap - 1), min(problem.gaps[1], gap + 1))
        answer = method.solve(replace(problem, gaps=near), _spoilt(draws, like, problem, rng), stop, rng)
        if stop.asked():
            return number, found, reason
        if any(_same(one, problem, draws) for one in answer.found):
            found += 1
        else:
            reason = answer.reason
    return plants, found, reason


def _spoilt(draws: np.ndarray, like: np.ndarray, problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Return planted draws with the asked share of wrong ones, missing where the real ones are."""
    wrong = rng.random(len(draws)) < problem.noise
    others = rng.integers(problem.lo, problem.hi, len(draws), endpoint=True)
    return np.where(like < 0, -1, np.where(wrong, others, draws))


def _same(one: Found, problem: Problem, draws: np.ndarray) -> bool:
    """Return whether a solution tells of the planted draws and the next ones: several states may make one stream."""
    made = states.values(
        problem.family,
        problem.mapping,
        states.number(one),
        problem.lo,
        problem.hi,
        len(draws),
        gap=one.pattern[0],
    )
    return bool(np.array_equal(made, draws))
