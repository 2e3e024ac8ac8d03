"""A generator that runs in reverse from its seed: led back exactly, searched exactly, found with its next draws, refused where it cannot be."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.history.history import History
from engine.search.identify import Identification, identify
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from engine.search.streamed import led_back
from hip_cuda_kernels import host
from hip_cuda_kernels.errors import KernelError
from hip_cuda_kernels.registry import FAMILIES, family
from state.journal import Journal
from tests.search.by_definition import constant, counted, searched

Maker = Callable[..., History]


@pytest.mark.parametrize("name", [one.id for one in FAMILIES if one.inverse])
def test_words_before_a_seed_lead_up_to_its_own(name: str) -> None:
    for seed in (0, 1, 12345, (1 << family(name).seed_bits) - 1):
        assert host.walk(name, seed, 0, 40, 50)[40:].tolist() == host.raw(name, seed, 10).tolist()


@pytest.mark.parametrize(
    ("name", "mapping", "top"),
    [("lcg48/java", "java_bounded", 999), ("lcg48/java", "float(53)", 99), ("lcg48/java", "java_bounded", (1 << 30) + 1)],
)  # fmt: skip
def test_the_draws_before_a_seed_are_read_as_those_after_it(name: str, mapping: str, top: int) -> None:
    """An affine generator's words before one seed are those after another: what the state was 100 steps earlier."""
    state = (12345 ^ 0x5DEECE66D) & (2**48 - 1)
    inverse = pow(0x5DEECE66D, -1, 2**48)
    for _ in range(400):
        state = (state - 11) * inverse % 2**48
    far = host.read(name, mapping, 0, top, host.raw(name, state ^ 0x5DEECE66D, 400), 400)
    (near,) = host.before(name, mapping, [12345], 0, top, 30)
    assert near.tolist() == far[::-1][:30].tolist()
    assert led_back(name, mapping, 12345, 0, top, 6, 3, 4).tolist() == near[3::5][:6].tolist()


@pytest.mark.parametrize(
    ("name", "mapping", "rule"),
    [("php", "mod", "no inverse step"), ("java", "digits(2)", "several calls"), ("pcg64/seed_sequence", "halves:lemire", "depends on")],
)  # fmt: skip
def test_what_has_no_known_place_before_a_seed_is_refused(name: str, mapping: str, rule: str) -> None:
    with pytest.raises(KernelError, match=rule):
        host.check_before(name, mapping, 0, 99)


def test_the_search_equals_brute_force() -> None:
    rng, code = np.random.default_rng(1), ("glibc_random/type3", "mod")
    streams = host.before(*code, range(500, 560), 0, 3, 40)
    draws = np.vstack([rng.integers(0, 4, (2, 6)), streams[50, 2:14:2]])
    draws[0, 2] = -1
    found = searched("inverse", {"family": code[0], "mapping": code[1]}, draws, 500, 60)
    assert found == counted(streams, draws, constant((1, 3), (0, 2), 6), 5, 500)
    assert (550, 2, 1, 2, 6) in found


@pytest.mark.asyncio(loop_scope="package")
async def test_a_generator_in_reverse_is_found_from_a_seed_that_is_not_its_state(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    code = ("glibc_random/type3", "mod")
    draws = led_back(*code, 777, 0, 999, 60, 2, 1)
    space = Space(
        families=("glibc",), mappings=("mod",), range=(0, 999), seeds=(Range(0, 1023),), starts=Range(0, 3), gaps=Range(0, 2),
        gap_law="inverse", noise=0.0,
    )  # fmt: skip
    found = await identify(make_history(draws[:50]), space, compute, journal, run="t")
    assert found.verdict == "identified"
    (best,) = found.hypotheses
    assert (int(best.origin["value"], 16), best.start) == (777, 2)
    assert best.gap == {"law": "inverse", "unit": "call", "value": 1}
    assert found.next_draws == draws[50:].tolist()
    assert found.controls.cells_found == found.controls.cells_planted >= 60


@pytest.mark.asyncio(loop_scope="package")
async def test_chance_is_excluded_in_reverse_alone(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    history = make_history(np.random.default_rng(5).integers(0, 1000, 40))
    asked = {"families": ("java", "php"), "seeds": (Range(0, 511),), "range": (0, 999), "noise": 0.0}
    search = Identification(Question(history, Space(**asked, gap_law="inverse"), kernel="k"), run="t")  # type: ignore[arg-type]
    assert {one.reason for one in search.question.plan.unplanned} == {
        "mt19937/init_genrand has no inverse step"
    }
    found = await search.run(compute, journal)
    assert (found.verdict, {one.gap["law"] for one in found.excluded}) == ("no_evidence", {"inverse"})
    assert all(one.power >= 0.95 for one in found.excluded)
    ahead = Question(history, Space(**asked), known=search.coverage(), kernel="k")  # type: ignore[arg-type]
    assert ahead.spared == 0
