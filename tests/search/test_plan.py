"""The plan: what it lays out, in which order, and what it refuses to search."""

import math
import time
from collections import Counter

import pytest

from engine.errors import UsageError
from engine.search.cell import Cell
from engine.search.design import Scope, draws_needed
from engine.search.plan import DrawRange, Material, make_plan
from engine.search.ranges import Range
from engine.search.space import LADDER, Space, levels
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import FAMILIES, family

THOUSAND = Material(None, 100, (DrawRange(0, 999, 1e-3),))


def test_every_cell_is_named_once_and_bills_its_rectangle() -> None:
    plan = make_plan(Space(), [THOUSAND])
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    cell = plan.cells[0]
    assert cell.hypotheses == cell.seeds.size * (cell.starts[1] - cell.starts[0] + 1) * (
        cell.gaps[1] - cell.gaps[0] + 1
    )


def test_likely_and_cheap_comes_first() -> None:
    cells = make_plan(Space(), [THOUSAND]).cells
    worth = [cell.prior / cell.seconds for cell in cells]
    assert worth == sorted(worth, reverse=True)


def seeded(one: Family) -> float:
    """Return how common it is that the family is seeded by hand or by a coarse clock."""
    return one.weight * (1.0 - one.unseeded)


def test_the_families_that_everybody_uses_come_first() -> None:
    first: dict[str, int] = {}
    for number, cell in enumerate(make_plan(Space(), [THOUSAND]).cells):
        if cell.route == "sieve":  # a shortcut makes a rare generator cheap enough to come before
            first.setdefault(cell.family, number)
    places = {one.id: (seeded(one), first[one.id]) for one in FAMILIES if one.id in first}
    common = [place for weight, place in places.values() if weight >= 7.0]
    ordinary = [place for weight, place in places.values() if weight <= 1.0]
    assert len(common) >= 5
    assert max(common) < min(ordinary)


def test_a_family_has_belief_in_proportion_to_its_weight() -> None:
    cells = make_plan(Space(families=("java", "splitmix64")), [THOUSAND]).cells
    shares = Counter[str]()
    for cell in cells:
        shares[cell.family] += cell.prior
    ratio = seeded(family("java")) / seeded(family("splitmix64"))
    assert shares["lcg48/java"] / shares["splitmix64/raw_seed"] == pytest.approx(ratio)


def test_planning_all_families_takes_a_fraction_of_a_second() -> None:
    ranges = tuple(DrawRange(0, top, 1 / (top + 1), 1 / 3) for top in (999, 1023, 997))
    began = time.process_time()
    plan = make_plan(Space(), [Material(None, 100, ranges, 1_773_736_916.0)])
    assert len(plan.cells) > 20 * len(FAMILIES)
    assert time.process_time() - began < 2.0  # measured: 0.3 s for 158 families


def test_a_timed_history_tries_clock_seeds_near_its_first_draw() -> None:
    moment = 1_773_736_916.0
    plan = make_plan(Space(), [Material(None, 100, (DrawRange(0, 999, 1e-3),), moment)])
    clocks = [cell for cell in plan.cells if cell.seeds.unit and cell.seeds.lo <= moment - 4 <= cell.seeds.hi]
    assert len(clocks) >= len(LADDER)


def test_chunks_tile_the_seeds_exactly() -> None:
    for cell in make_plan(Space(), [THOUSAND]).cells[:200]:
        position = cell.seeds.lo
        for first, count in cell.chunks():
            assert first == position
            position += count
        assert position == cell.seeds.hi + 1


def test_a_narrow_seeding_is_not_searched_twice() -> None:
    narrow = [cell for cell in make_plan(Space(families=("msvc_rand/srand",)), [THOUSAND]).cells]
    assert max(cell.seeds.hi for cell in narrow) == 2 ** family("msvc_rand/srand").seed_bits - 1


def test_too_few_draws_make_no_cell_but_say_how_many_are_needed() -> None:
    space = Space(families=("java", "msvc"), seeds=Range(0, 2**32 - 1))
    plan = make_plan(space, [Material(None, 5, (DrawRange(0, 999, 1e-3),))])
    assert plan.cells == ()
    need = plan.unplanned[0].need
    assert need is not None
    assert str(need) in plan.unplanned[0].reason
    assert make_plan(space, [Material(None, need, (DrawRange(0, 999, 1e-3),))]).cells


@pytest.mark.parametrize(("size", "least"), [(2**32, 6), (2**64, 9)])
def test_needed_draws_follow_the_identifiability_bound(size: int, least: int) -> None:
    need = draws_needed(Scope(size, 1, 1, "constant", 1e-3, 0.0, 1e-6))
    assert need is not None
    assert least <= need <= least + 1


def test_noise_that_the_draws_cannot_carry_is_lowered_unless_it_was_asked_for() -> None:
    few = Material(None, 32, (DrawRange(1, 6, 1 / 6),))
    plan = make_plan(Space(), [few])
    assert plan.cells
    assert max(cell.noise for cell in plan.cells if cell.seeds.hi == 2**20 - 1) < 0.2
    asked = make_plan(Space(noise=0.2), [few])
    assert not any(isinstance(cell, Cell) and cell.noise < 0.2 for cell in asked.cells)


def test_stated_bounds_replace_the_ladder() -> None:
    space = Space(seeds=Range(5, 9), gaps=Range(0, 3))
    assert {level.seeds for level in levels(space)} == {Range(5, 9)}
    several = Space(seeds=(Range(5, 9), Range(20, 29)))
    assert {level.seeds for level in levels(several)} == {Range(5, 9), Range(20, 29)}
    assert sum(level.prior for level in levels(several)) == pytest.approx(1.0)
    assert {level.noise for level in levels(space)} == {0.0, 0.2}


def test_a_mapping_that_fits_no_family_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"float\(53\)"):
        make_plan(Space(families=("msvc_rand/srand",), mappings=("float(53)",)), [THOUSAND])


def test_priors_over_the_whole_plan_do_not_exceed_one() -> None:
    spans = tuple(DrawRange(0, top, 1 / (top + 1), 1 / 3) for top in (999, 1023, 997))
    plan = make_plan(Space(), [Material(None, 100, spans)])
    assert sum(cell.prior for cell in plan.cells) <= 1.0
    assert len(resolve_mappings(None, family("lcg48/java"))) >= 3


def test_seeds_beyond_a_family_are_left_out_by_name() -> None:
    plan = make_plan(Space(families=("msvc", "java"), seeds=Range(2**40, 2**41)), [THOUSAND])
    assert {cell.family for cell in plan.cells} == {"lcg48/java"}
    assert {one.family for one in plan.unplanned} == {"msvc_rand/srand"}
    assert "above the 32 bits" in plan.unplanned[0].reason


def test_draws_of_several_calls_are_first_searched_where_most_users_begin() -> None:
    rows = math.comb(49, 6)
    space = Space(families=("python",), mappings=("sample(6)",))
    composed = make_plan(space, [Material(None, 40, (DrawRange(0, rows - 1, 1 / rows),))]).cells
    assert (composed[0].starts, composed[0].gaps, composed[0].seeds.hi) == ((0, 7), (0, 1), 2**16 - 1)
    assert composed[0].seconds < composed[1].seconds / 4
    single = make_plan(Space(families=("java",), mappings=("java_bounded",)), [THOUSAND]).cells
    assert (0, 7) not in {cell.starts for cell in single if cell.seeds.hi == 2**16 - 1}


def test_seeds_that_a_runtime_draws_for_itself_are_looked_for_among_all() -> None:
    php = family("mt19937/init_genrand")
    cells = make_plan(Space(families=(php.id,), mappings=("php_range",)), [THOUSAND]).cells
    beliefs = {(cell.seeds.hi, cell.gaps): cell.prior for cell in cells if cell.origin == "seed"}
    every = sum(belief for (top, _), belief in beliefs.items() if top == 2**32 - 1)
    assert every / sum(beliefs.values()) > php.drawn == 0.5
    assert sum(beliefs.values()) == pytest.approx(1.0 - php.unseeded)
