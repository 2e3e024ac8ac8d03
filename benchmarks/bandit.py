"""Measure selfplay's bandit: how soon the one better arm is believed best, what that costs, and whether the shown posterior is right.

Called by `loop.py bandit`. Three worlds of rewards, each with one arm better by two sigma of an episode (sigma: root mean square of the
arms' own noises): normal with one noise; normal with noises that differ up to thirteenfold; and as real episodes were, resampled from
`episodes.json`, in which every arm was played in turn. `loop.py episodes` makes that file anew.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.selfplay.arms import ARMS
from engine.selfplay.bandit import Bandit, Posterior

RECORDED = Path(__file__).with_name("episodes.json")
BETTER, BY = 2.0, 30
SPREAD = (0.2, 2.7)
INSIDE = 1.645
"""Spreads of a belief that hold 90 % of it."""
Rng = np.random.Generator
Noise = Callable[[], float]


@dataclass(frozen=True)
class Play:
    """One seed: per episode, whether the better arm is believed best and the regret so far; at episode `BY`, arms inside their interval."""

    leads: list[bool]
    regret: list[float]
    inside: float


def one_noise(rng: Rng, count: int) -> list[Noise]:
    """Return noises of arms that are all alike."""
    return [rng.normal] * count


def own_noises(rng: Rng, count: int) -> list[Noise]:
    """Return noises of arms whose spreads differ."""
    low, high = map(math.log, SPREAD)
    spreads = np.exp(rng.uniform(low, high, count))
    return [partial(rng.normal, 0.0, spread) for spread in spreads / np.sqrt((spreads**2).mean())]


def real_noises(rng: Rng, count: int) -> list[Noise]:
    """Return noises that resample what episodes of a random recorded arm returned around its mean."""
    pools = recorded()
    return [partial(rng.choice, pools[at]) for at in rng.integers(len(pools), size=count)]


def recorded() -> list[npt.NDArray[np.float64]]:
    """Return the recorded rewards of each arm around their mean, over the root mean square of all arms."""
    told = json.loads(RECORDED.read_text())
    pools = [np.array(rewards) - np.mean(rewards) for rewards in told["rewards"].values()]
    scale = math.sqrt(np.mean([(pool**2).mean() for pool in pools]))
    return [pool / scale for pool in pools]


WORLDS: dict[str, Callable[[Rng, int], list[Noise]]] = {
    "one noise": one_noise,
    "each arm its own noise": own_noises,
    "as real episodes": real_noises,
}


def measure(seeds: int, episodes: int) -> tuple[dict[str, Any], bool]:
    """Return what each world came to, and whether the target is met in all of them: found by episode 30 in 90 % of seeds, cheaper than chance."""
    told: dict[str, Any] = {"arms": len(ARMS), "seeds": seeds}
    even, met, by = BETTER * episodes * (1 - 1 / len(ARMS)), True, min(BY, episodes)
    for name, world in WORLDS.items():
        plays = [_play(world, seed, episodes) for seed in range(seeds)]
        found = sum(play.leads[by - 1] for play in plays)
        curve = np.array([play.regret for play in plays]).mean(axis=0)
        first = [
            next((at + 1 for at in range(episodes) if all(play.leads[at:])), episodes + 1) for play in plays
        ]
        met = met and found >= 0.9 * seeds and float(curve[-1]) < even
        told |= {
            f"{name}: believed best at episode {by}": f"{found} of {seeds}",
            f"{name}: and never doubted after": f"{sum(all(play.leads[by - 1 :]) for play in plays)} of {seeds}",
            f"{name}: median episode of the last doubt": statistics.median(first),
            f"{name}: 90 % intervals that hold the truth": f"{np.mean([play.inside for play in plays]):.0%}",
            f"{name}: regret (sigma; at random {even:.1f})": round(float(curve[-1]), 1),
            f"{name}: regret curve, every 5 episodes": [round(float(value), 1) for value in curve[4::5]],
        }  # fmt: skip
    return told, met


def _play(world: Callable[[Rng, int], list[Noise]], seed: int, episodes: int) -> Play:
    rng, names = np.random.default_rng([5, seed]), tuple(ARMS)
    best, bandit = names[int(rng.integers(len(names)))], Bandit(names, seed)
    noises = dict(zip(names, world(rng, len(names)), strict=True))
    leads, regret, inside, total = [], [], 0.0, 0.0
    for episode in range(1, episodes + 1):
        name = bandit.choose()
        bandit.tell(name, BETTER * (name == best) + float(noises[name]()))
        total += BETTER * (name != best)
        rows = bandit.posterior()
        leads.append(rows[0].arm == best)
        regret.append(total)
        if episode == min(BY, episodes):
            inside = sum(_holds(row, BETTER * (row.arm == best)) for row in rows) / len(rows)
    return Play(leads, regret, inside)


def _holds(row: Posterior, truth: float) -> bool:
    return abs(row.mean - truth) <= INSIDE * row.spread


def keep(rewards: list[tuple[str, float]], told: str) -> None:
    """Write recorded rewards, arm by arm."""
    by: dict[str, list[float]] = {name: [] for name in ARMS}
    for arm, reward in rewards:
        by[arm].append(round(reward, 4))
    # a mean is no noise: an arm with few episodes is left out
    rows = {name: values for name, values in by.items() if len(values) >= 8}
    RECORDED.write_text(json.dumps({"schema": "episodes/1", "about": told, "rewards": rows}) + "\n")
