"""Draws depend on seed and number alone, so that a soak that goes on feeds the very next one."""

from __future__ import annotations

import pytest

from engine.soak.plan import Plan
from engine.soak.scenarios.table import SCENARIOS
from engine.soak.streams import NULL, Stretch, stream
from hip_cuda_kernels import host

pytestmark = pytest.mark.usefixtures("kernels")
SPAN = (0, 999)


@pytest.fixture
def kernels() -> None:
    pytest.importorskip("hip_cuda_kernels._host")


def test_a_planted_generator_is_what_the_kernels_replay() -> None:
    one = stream(5, [Stretch(40), Stretch(40), Stretch(0, null=True)], seeds=1 << 16, span=SPAN)
    for place in (0, 1):
        regime = one.regimes[place]
        assert regime.plant is not None
        assert regime.plant.seed >= 1 << 15, "in the upper half, so that a search has something to do"
        wanted = host.values(regime.plant.family, regime.plant.mapping, regime.plant.seed, *SPAN, 40)
        assert [one.value(regime.first + number) for number in range(40)] == wanted.tolist()


def test_a_generator_gone_bad_goes_on_where_it_was_and_is_wrong_in_half_of_its_draws() -> None:
    sound = stream(5, [Stretch(0)], seeds=1 << 16, span=SPAN)
    bad = stream(5, [Stretch(30), Stretch(0, 0.5, same=True)], seeds=1 << 16, span=SPAN)
    same = [sound.value(number) == bad.value(number) for number in range(30, 330)]
    assert 0.35 < sum(same) / 300 < 0.65
    assert bad.regimes[1].truth.endswith("50% wrong")


def test_null_data_is_even_and_repeatable() -> None:
    null = stream(5, [Stretch(0, null=True)], seeds=1 << 16, span=SPAN)
    again = stream(5, [Stretch(0, null=True)], seeds=1 << 16, span=SPAN)
    values = [null.value(number) for number in range(2000)]
    assert values == [again.value(number) for number in range(2000)]
    assert null.regimes[0].truth == NULL
    assert len({value // 100 for value in values}) == 10
    assert 400 < sum(values) / 2000 < 600


@pytest.mark.parametrize("letter", ["a", "b", "c"])
def test_every_scenario_describes_its_truth_and_stays_in_its_range(letter: str) -> None:
    scenario = SCENARIOS[letter]
    one = scenario.stream(Plan(scenario=scenario.letter, hours=0.5))  # type: ignore[arg-type]
    assert one.described()[0]["first"] == 0
    assert all(SPAN[0] <= one.value(number) <= SPAN[1] for number in range(0, 400, 7))
