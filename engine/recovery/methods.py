"""The algebraic methods as a table: for which problems each works, from how many draws, at what cost, and how it is called."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.compute.stop import Stop
from engine.recovery import congruences, elimination, lattice, states, subsets, systems
from engine.recovery.answer import Answer
from engine.recovery.cuts import cut_of
from engine.recovery.leaks import bits_per_draw, rejected
from engine.recovery.problem import Problem
from engine.recovery.recurrences import models
from engine.recovery.windows import run_chance
from hip_cuda_kernels import gf2
from hip_cuda_kernels.lowering import HALVES, ITSELF, RESIDUE, Call

SPARE_BITS = 12.0  # beyond what state and gap hold: a wrong solution is then rare before it is confirmed
SUBSETS = 64  # of draws that are solved where some are wrong
LARGEST_TABLE = 128 << 20  # bytes of forms that a worker may hold
RUNS = 200  # of draws in a row that a lattice is solved from where some are wrong
LIKELY = 0.95  # the chance of a run of right draws that is asked for
JUDGING = 3  # times as many draws as a state takes: the others judge it
NOISY_LATTICE = 30.0  # times the seconds of exact draws
SMALL_SYSTEM = 1.6e-5  # seconds per system of up to 256 unknowns
FORMS = (
    3e-5  # seconds per word of a table of forms, times the state's length in 2,048 bits where it is longer
)
LARGE_SYSTEM = 3e-13  # seconds per unknown^3 / 3 of one large elimination
LATTICE_GAP = 0.8e-6  # seconds per gap and squared bit of the state


Gaps = tuple[int, int, float]  # lo, hi, share of belief


@dataclass(frozen=True)
class Method:
    """One method; `usual_gaps` are tried where none are asked, each with its share of belief."""

    name: str
    fits: Callable[[Problem], bool]
    least_draws: Callable[[Problem], int]
    seconds: Callable[[Problem, int], float]
    solve: Callable[[Problem, Stop, np.random.Generator], Answer]
    usual_gaps: Callable[[str], tuple[Gaps, ...]]


def method_for(problem: Problem) -> Method | None:
    """Return the first method that fits, or None; IncompatibleMapping where the mapping cannot make such draws."""
    return next((method for method in METHODS.values() if method.fits(problem)), None)


def why_not(problem: Problem) -> str:
    """Say why no method solves a state of the problem's family through its mapping; empty where one does."""
    if problem.composed:
        return "a draw is made of several calls"
    if method_for(problem) is not None:
        return ""
    if problem.family in models.MODELS:
        return _linear_refusal(problem)
    if problem.family in congruences.MODELS:
        return "the call shows no interval or residue of the state"
    return "neither linear over GF(2) nor congruential, so that its seeds alone are searched"


def _linear_fits(problem: Problem) -> bool:
    return problem.family in models.MODELS and not _linear_refusal(problem)


def _linear_refusal(problem: Problem) -> str:
    """Say why elimination does not serve a family that is linear; empty where it does."""
    model, call = problem.model, problem.call
    if model.exact == 0:
        return "it shows sums of words alone, and none of their bits is linear"
    if call.view == HALVES:
        return "each word makes two draws, and which half comes first is not known"
    if problem.family in models.LOW_BIT and not _shows_lowest_bit(call):
        return "only the lowest bit of a word is linear, and these draws do not show it"
    if problem.noise and model.unknowns > systems.SMALL:
        return (
            f"wrong draws are tolerated for states of up to {systems.SMALL} bits, this one has "
            f"{model.unknowns} and takes more draws than are ever all right"
        )
    if rejected(call) * (model.unknowns + 1) * (problem.widest + 1) > elimination.UNLIKELY:
        return (
            f"{rejected(call):.1%} of the words are drawn again, so the places of the others are not known; "
            "the search of seeds steps over them"
        )
    if _shown(problem) <= 0:
        return "a draw fixes no bit of a word"
    return "the gaps are too wide for the equations" if _table_bytes(problem) > LARGEST_TABLE else ""


def _table_bytes(problem: Problem) -> int:
    """Return the size of the table of forms up to the last draw at the widest gap; large states have none."""
    model = models.MODELS[problem.family]
    if model.unknowns > systems.SMALL:
        return 0
    words = _linear_draws(problem) * (problem.widest + 1) * problem.call.raw_words
    return words * model.word_bits * -(-model.unknowns // 64) * 8


def _shows_lowest_bit(call: Call) -> bool:
    """Return whether a draw tells the lowest bit of a raw word: all that is linear under a sum."""
    return call.kind in (ITSELF, RESIDUE) and call.shift == call.at == 0


def _shown(problem: Problem) -> float:
    """Return the exact bits a draw shows on average, as far as the family's are linear."""
    model, shown = models.MODELS[problem.family], bits_per_draw(problem.call)
    return shown if problem.family in models.LINEAR else min(shown, float(model.exact or 0))


def _linear_draws(problem: Problem) -> int:
    model = models.MODELS[problem.family]
    hidden = states.unknown_bits(problem.family) + math.log2(len(problem.patterns))
    spare = SPARE_BITS if model.unknowns <= systems.SMALL else elimination.spare_equations(problem)
    exact = math.ceil((hidden + spare) / _shown(problem)) + 1
    return JUDGING * exact if problem.noise else exact


def _linear_seconds(problem: Problem, draws: int) -> float:
    model = models.MODELS[problem.family]
    count = len(problem.patterns) * model.block * (SUBSETS if problem.noise else 1)
    words = draws * (problem.widest + 1) * problem.call.words
    if model.unknowns <= systems.SMALL:
        return words * FORMS + count * SMALL_SYSTEM
    return count * (LARGE_SYSTEM * model.unknowns**3 / 3 + words * FORMS * max(1.0, model.unknowns / 2048))


def _linear_solve(problem: Problem, stop: Stop, rng: np.random.Generator) -> Answer:
    word = gf2.Stop(stop.array, stop.generation)
    if problem.noise:
        return subsets.recover_among_wrong(problem, SUBSETS, rng, stop=word)
    return elimination.recover(problem, stop=word)


def _linear_gaps(family: str) -> tuple[Gaps, ...]:
    few = models.MODELS[family].unknowns <= systems.SMALL
    return ((0, 7, 0.6), (8, 31, 0.25), (32, 200, 0.15)) if few else ((0, 0, 0.7), (1, 3, 0.2))


def _lattice_fits(problem: Problem) -> bool:
    return (
        problem.family in congruences.MODELS
        and cut_of(problem.family, problem.mapping, problem.lo, problem.hi) is not None
    )


def _lattice_draws(problem: Problem) -> int:
    hidden = states.unknown_bits(problem.family) + math.log2(len(problem.patterns))
    exact = math.ceil((hidden + SPARE_BITS) / problem.draw_bits)
    if not problem.noise:
        return exact
    lengths = range(2 * exact, exact + RUNS)
    likely = (n for n in lengths if run_chance([True] * n, exact, problem.noise) >= LIKELY)
    return next(likely, exact + RUNS)


def _lattice_seconds(problem: Problem, _draws: int) -> float:
    each = LATTICE_GAP * states.unknown_bits(problem.family) ** 2
    return len(problem.patterns) * each * (NOISY_LATTICE if problem.noise else 1)


def _lattice_solve(problem: Problem, stop: Stop, _rng: np.random.Generator) -> Answer:
    return lattice.solve(problem, budget=RUNS, stop=stop)


def _lattice_gaps(_family: str) -> tuple[Gaps, ...]:
    return ((0, 15, 0.7), (16, 63, 0.2), (64, 255, 0.1))


METHODS: dict[str, Method] = {
    "gf2": Method("gf2", _linear_fits, _linear_draws, _linear_seconds, _linear_solve, _linear_gaps),
    "lattice": Method(
        "lattice", _lattice_fits, _lattice_draws, _lattice_seconds, _lattice_solve, _lattice_gaps
    ),
}
