"""What draws could identify: the bounds of each route, what is missing, and one line where nothing would do."""

import json

import numpy as np
import pytest

from engine.errors import BadInput
from engine.history.history import History
from engine.recovery.linear import LONGEST
from engine.search.design import Scope, draws_needed
from engine.search.identifiable import Identifiable, Need, identifiable
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space

POPULAR = ("java", "node12-23", "mt19937/init_genrand", "taus88/gsl", "python", "msvc")


def described(space: Space, values: list[int] | None = None, *, draws: int = 40) -> Identifiable:
    made = np.random.default_rng(4).integers(0, 1000, draws).tolist() if values is None else values
    return identifiable(Question(History.of(made, source="t"), space))


def of(made: Identifiable, route: str, family: str, mapping: str) -> Need:
    (found,) = (
        need for need in made.needs if need.route == route and mapping in need.families.get(family, [])
    )
    return found


THOUSAND = described(Space(families=POPULAR, range=(0, 999)))


@pytest.mark.parametrize(
    ("family", "mapping", "draws"),
    [("v8_math_random/state52", "float(52)", 21), ("lcg48/java", "java_bounded", 8), ("mt19937/init_genrand", "mod", 6861), ("mt19937/init_genrand", "float(53)", 3310)],
)  # fmt: skip
def test_a_state_needs_what_it_holds_over_what_a_draw_leaks(family: str, mapping: str, draws: int) -> None:
    need = of(THOUSAND, "state", family, mapping)
    assert need.draws == draws
    assert need.missing == max(0, draws - 40)


@pytest.mark.parametrize(
    ("family", "mapping", "complexity"),
    [("mt19937/init_genrand", "mod", 19_937), ("taus88/gsl", "mod", 88), ("v8_math_random/state52", "float(52)", 8192)],
)  # fmt: skip
def test_a_recurrence_needs_twice_its_length_the_claim_and_the_lanes(
    family: str, mapping: str, complexity: int
) -> None:
    need = of(THOUSAND, "recurrence", family, mapping)
    assert need.bits == complexity
    assert need.draws == 2 * complexity + 23  # 19.93 bits of a claim, 2.58 of six lanes


def test_a_recurrence_is_refused_where_words_are_drawn_again_or_it_is_too_long() -> None:
    rejecting = of(THOUSAND, "recurrence", "mt19937/cpython", "top_reject")
    assert rejecting.draws is None
    assert "drawn again" in rejecting.reason
    long = of(THOUSAND, "recurrence", "msvc_rand/srand", "mod")
    assert long.draws is None
    assert str(LONGEST) in long.reason


def test_seeds_need_what_the_planner_asks_for_the_widest_rectangle() -> None:
    made = described(Space(families=("java",), range=(0, 999), seeds=Range(0, 2**48 - 1), gaps=Range(0, 15)))
    need = of(made, "seed", "lcg48/java", "java_bounded")
    assert need.draws == draws_needed(Scope(2**48, 1, 16, "constant", 1e-3, 0.0, 1e-6))
    assert need.bits == 52.0
    few = described(Space(families=("java",), range=(0, 999)), draws=5)
    short = of(few, "seed", "lcg48/java", "java_bounded")
    assert short.draws is not None
    assert short.missing == short.draws - 5
    assert short.least is not None
    assert short.least <= 5
    assert [(one.identifiable, one.partly) for one in few.totals if one.route == "seed"] == [(0, 1)]


def test_noise_asks_for_more_draws_and_hides_recurrences() -> None:
    noisy = described(Space(families=("java", "taus88/gsl"), range=(0, 999), noise=0.2), draws=400)
    exact = described(Space(families=("java", "taus88/gsl"), range=(0, 999)), draws=400)
    many, few = (of(made, "seed", "lcg48/java", "java_bounded").draws for made in (noisy, exact))
    assert many is not None
    assert few is not None
    assert many > few
    hidden = of(noisy, "recurrence", "taus88/gsl", "mod")
    assert (hidden.draws, hidden.reason) == (None, "one wrong draw hides a recurrence")


def test_what_needs_as_many_draws_is_one_group_and_the_fewest_come_first() -> None:
    keys = [
        (need.route, need.range, need.bits, need.draws, need.least, need.reason) for need in THOUSAND.needs
    ]
    assert len(set(keys)) == len(keys)
    draws = [need.draws for need in THOUSAND.needs if need.draws is not None]
    assert draws == sorted(draws)
    assert of(THOUSAND, "seed", "mt19937/cpython", "top_reject") is of(
        THOUSAND, "seed", "lcg48/java", "java_bounded"
    )


def test_totals_count_each_family_once() -> None:
    seeds, solved, recurring = THOUSAND.totals
    assert (seeds.identifiable, seeds.partly, seeds.families) == (len(POPULAR), 0, len(POPULAR))
    assert (solved.identifiable, solved.families) == (4, 6)  # MT19937 lies beyond 40 draws
    assert (recurring.identifiable, recurring.families) == (0, 5)


def test_gaps_that_cost_more_than_a_draw_tells_are_hopeless_in_one_line() -> None:
    space = Space(families=POPULAR, range=(0, 999), gaps=Range(0, 999), gap_law="range")
    made = described(space)
    assert made.needs == []
    (why,) = made.hopeless
    assert "no number of draws would do" in why
    narrow = described(space.model_copy(update={"gaps": Range(0, 3)}))
    assert narrow.hopeless == []
    assert {need.route for need in narrow.needs} == {"seed"}


def test_a_constant_is_hopeless_in_one_line() -> None:
    made = described(Space(families=POPULAR), [7] * 30)
    assert made.needs == []
    assert made.hopeless == ["all 30 draws are equal: a constant says nothing of its generator"]


@pytest.mark.parametrize("values", [[7] * 30, [7] * 29 + [8], [0] * 28 + [1] * 2, [0] * 30, [1] * 30])
def test_draws_that_hardly_vary_are_no_error_of_an_option_that_nobody_gave(values: list[int]) -> None:
    question = Question(History.of(values, source="t"), Space(families=("msvc", "php")))
    assert not [cell for cell in question.asked.cells if cell.lo == min(values)]
    assert any("no number of draws would do" in one.reason for one in question.asked.unplanned)
    assert identifiable(question).totals[0].identifiable == 0


def test_fewer_than_three_draws_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 3"):
        described(Space(), [3, 4])


def test_missing_draws_do_not_count() -> None:
    values: list[int | None] = [5, None, 7, 900, None, 12, 13]
    made = identifiable(Question(History.of(values, source="t"), Space(families=("java",))))
    assert made.draws == 5


def test_a_mapping_that_cannot_make_the_range_is_impossible_with_its_reason() -> None:
    made = described(Space(families=("minstd",), mappings=("mod", "decimal(1)"), range=(0, 999)))
    (one,) = made.impossible
    assert one.mapping == "decimal(1)"
    assert "takes 11 to 11" in one.reason


def test_the_record_survives_its_own_json() -> None:
    text = THOUSAND.model_dump_json()
    assert Identifiable.model_validate_json(text) == THOUSAND
    assert json.loads(text)["schema"] == "identifiable/1"


def test_patterns_of_gaps_are_asked_of_seeds_and_of_states() -> None:
    made = described(
        Space(families=("lcg48/java", "splitmix64/raw_seed"), range=(0, 999), gap_law="periodic")
    )
    assert of(made, "state", "lcg48/java", "java_bounded").draws in range(8, 12)
    assert of(made, "seed", "splitmix64/raw_seed", "mod").draws in range(5, 9)
    assert not made.impossible
