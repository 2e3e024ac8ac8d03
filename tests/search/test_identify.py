"""Identification end to end on real workers: every family found, chance not found, the four verdicts, halt and resume."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.compute.cluster import Compute
from engine.errors import BadInput, Halted
from engine.history.history import History
from engine.search.identify import Identification, Progress, identify
from engine.search.question import Question
from engine.search.ranges import Range
from engine.search.space import Space
from hip_cuda_kernels import host
from hip_cuda_kernels.mappings import resolve_mappings
from hip_cuda_kernels.registry import FAMILIES, family, resolve_families
from state.journal import Journal

pytestmark = pytest.mark.asyncio(loop_scope="package")
CODES = [(one.id, mapping.id) for one in FAMILIES for mapping in resolve_mappings(None, one)]
SMALL = {
    "seeds": Range(0, 2**13 - 1),
    "starts": Range(0, 2),
    "gaps": Range(0, 5),
    "noise": 0.0,
    "range": (0, 999),
}
SMALLER = SMALL | {"seeds": Range(4096, 5119)}
FEW = ("lcg48/java", "mt19937/*", "msvc_rand/srand", "splitmix64/raw_seed")
Maker = Callable[[np.ndarray], History]


def planted(
    name: str, mapping: str, *, seed: int = 4711, start: int = 1, gap: int = 3, count: int = 40
) -> np.ndarray:
    return host.values(name, mapping, seed, 0, 999, count, start=start, gap=gap)


def same_stream(name: str, seed: int, other: int) -> bool:
    """Tell whether two seeds are one to the family; of such seeds the smallest is named."""
    return np.array_equal(host.raw(name, seed, 16), host.raw(name, other, 16))


@pytest.mark.parametrize("name", [one.id for one in FAMILIES])
async def test_every_family_is_identified_through_each_of_its_mappings(
    name: str, compute: Compute, ledger: Journal, make_history: Maker
) -> None:
    mappings = [mapping for code, mapping in CODES if code == name]
    plants = {mapping: planted(name, mapping, count=50) for mapping in mappings}
    answers = await asyncio.gather(
        *(
            identify(
                make_history(draws[:40]), Space(families=(name,), mappings=(mapping,), **SMALLER), compute, ledger, run="t"
            )
            for mapping, draws in plants.items()
        )
    )  # fmt: skip
    for (mapping, draws), found in zip(plants.items(), answers, strict=True):
        assert found.verdict == "identified", mapping
        best = found.hypotheses[0]
        assert (best.family, best.start, best.gap["value"]) == (name, 1, 3), mapping
        assert same_stream(name, int(best.origin["value"], 16), 4711)
        assert best.confirmed.matched == best.confirmed.scored > 20
        assert found.next_draws == draws[40:].tolist()


async def test_all_families_at_once_name_the_right_one(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = planted("lcg48/java", "java_bounded")
    found = await identify(make_history(draws), Space(**SMALLER), compute, journal, run="t")
    assert [one.family for one in found.hypotheses] == ["lcg48/java"]
    assert found.stopped_by == "found"


async def test_chance_draws_get_no_evidence_and_an_exclusion_with_power(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(99).integers(0, 1000, 60)
    found = await identify(make_history(draws), Space(families=FEW, **SMALL), compute, journal, run="t")
    codes = [(one.id, mapping.id) for one in resolve_families(FEW) for mapping in resolve_mappings(None, one)]
    assert (found.verdict, found.stopped_by, found.complete) == ("no_evidence", "exhausted", True)
    assert found.hypotheses == []
    assert found.next_draws is None
    assert found.controls.cells_found == found.controls.cells_planted > 59 * len(codes)
    assert len(found.excluded) == len(codes)
    assert min(row.power for row in found.excluded) >= 0.95
    assert found.hypotheses_tested == sum(2**13 * 3 * 6 for _ in codes)
    assert journal.billed() == found.hypotheses_tested


async def test_two_histories_in_one_journal_do_not_share_results(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    """Where the generator changes, the next search has cells of the same names; the first one's results are not its own."""
    space = Space(families=("lcg48/java",), mappings=("java_bounded",), **SMALLER)
    chance = make_history(np.random.default_rng(99).integers(0, 1000, 40))
    before = await identify(chance, space, compute, journal, run="one", under="one|")
    assert before.verdict == "no_evidence"
    after = make_history(planted("lcg48/java", "java_bounded"))
    found = await identify(after, space, compute, journal, run="two", under="two|")
    assert found.verdict == "identified"
    blind = await identify(after, space, compute, journal, run="three", under="one|")
    assert blind.verdict != "identified", "the trap that `under` is for"


async def test_a_wrong_mapping_is_not_claimed(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = planted("mt19937/init_genrand", "float")
    space = Space(families=("mt19937/init_genrand",), mappings=("mod",), **SMALL)
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "no_evidence"


async def test_noise_is_tolerated_where_it_is_stated(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = planted("lcg48/java", "java_bounded", count=60)
    wrong = np.random.default_rng(1).choice(60, size=9, replace=False)
    draws[wrong] = (draws[wrong] + 17) % 1000
    space = Space(families=("lcg48/java",), **(SMALL | {"noise": 0.2}))
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "identified"
    assert found.hypotheses[0].matched == 51


async def test_missing_draws_are_neither_hits_nor_misses(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = planted("splitmix64/raw_seed", "float")
    draws[[2, 11, 30]] = -1
    space = Space(families=("splitmix64/raw_seed",), **SMALL)
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "identified"
    assert found.hypotheses[0].scored == 37


async def test_too_few_draws_are_refused_before_any_search(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(3).integers(0, 1000, 5)
    found = await identify(
        make_history(draws),
        Space(families=("java",), range=(0, 999), seeds=Range(0, 2**32 - 1)),
        compute,
        journal,
        run="t",
    )
    assert found.verdict == "not_identifiable"
    assert found.need_draws is not None
    assert found.need_draws > 5
    assert found.hypotheses_tested == 0


async def test_biased_draws_without_a_generator_are_their_own_verdict(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(8).binomial(9, 0.5, 400)
    space = Space(families=("lcg48/java",), **(SMALL | {"range": (0, 9)}))
    found = await identify(make_history(draws), space, compute, journal, run="t")
    assert found.verdict == "biased"


async def test_a_generator_of_even_numbers_is_found_among_wrong_draws_and_not_claimed_of_even_chance(
    compute: Compute, tmp_path: Path, make_history: Maker
) -> None:
    """The low bit of gforth's words alternates: at odd gaps `x % 10` gives numbers of one parity."""
    rng = np.random.default_rng(14)
    space = Space(
        families=("gforth_random/seed",),
        mappings=("mod",),
        seeds=Range(0, 2**12 - 1),
        gaps=Range(0, 7),
        range=(0, 9),
    )  # type: ignore[arg-type]
    made = host.values("gforth_random/seed", "mod", 1234, 0, 9, 130, gap=3)
    assert len(set((made % 2).tolist())) == 1
    draws = np.where(rng.random(130) < 0.1, rng.integers(0, 10, 130), made)
    by_chance = 2 * rng.integers(0, 5, 130)
    answers = []
    for name, values in (("planted", draws[:120]), ("chance", by_chance)):
        journal = Journal.open(tmp_path / name)
        answers.append(await identify(make_history(values), space, compute, journal, run=name))
        journal.close()
    assert [one.verdict for one in answers] == ["identified", "biased"]
    assert answers[0].next_draws == made[120:].tolist()
    assert answers[1].controls.cells_found == answers[1].controls.cells_planted > 0


async def test_a_relative_that_makes_half_of_the_words_does_not_stand_for_the_generator_itself(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    """PHP's twister before 7.1 shares a seed's words where two low bits agree; it is searched first here and met by 15 of 18."""
    draws = host.values("mt19937/init_genrand", "mulshift", 649119, 0, 48, 28, start=7)
    space = Space(
        families=("mt19937_php/mt_srand", "mt19937/*"), seeds=Range(649000, 649200), starts=Range(0, 7), range=(0, 48)  # type: ignore[arg-type]
    )  # fmt: skip
    assert (
        host.values("mt19937_php/mt_srand", "float(31)", 649119, 0, 48, 18, start=7) == draws[:18]
    ).sum() == 15
    for one in (space, space.model_copy(update={"mappings": ("float(31)", "shift(1)")})):
        found = await identify(make_history(draws[:18]), one, compute, journal, run="t")
        assert {claim.family for claim in found.hypotheses} == {"mt19937/init_genrand"}
        assert found.next_draws == draws[18:].tolist()


async def test_a_second_call_reads_the_ledger_instead_of_searching_again(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(100).integers(0, 1000, 60)
    space = Space(families=("lcg48/java",), **SMALL)
    first = await identify(make_history(draws), space, compute, journal, run="t")
    chunks = sum(1 for event in journal.events() if "chunk" in event.kind)
    again = await identify(make_history(draws), space, compute, journal, run="t")
    assert sum(1 for event in journal.events() if "chunk" in event.kind) == chunks
    assert again.model_dump(exclude={"elapsed_s"}) == first.model_dump(exclude={"elapsed_s"})


async def test_a_halt_keeps_what_is_finished_and_says_so(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(101).integers(0, 1000, 60)
    space = Space(families=("mt19937/cpython",), seeds=Range(0, 2**27 - 1), range=(0, 999), noise=0.0)
    shown = []

    def stop_after_first(progress: object) -> None:
        shown.append(progress)
        compute.stop_now()

    found = await identify(make_history(draws), space, compute, journal, run="t", progress=stop_after_first)
    compute.resume()
    assert shown
    assert (found.stopped_by, found.complete, found.verdict) == ("halt", False, "no_evidence")
    assert any("halted" in row.reason for row in found.not_tested)


async def test_a_halt_while_nothing_runs_is_no_finished_search(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(102).integers(0, 1000, 60)
    compute.stop_now()
    found = await identify(
        make_history(draws), Space(families=("lcg48/java",), **SMALL), compute, journal, run="t"
    )
    compute.resume()
    assert (found.stopped_by, found.complete, found.excluded) == ("halt", False, [])


async def test_the_last_64_bit_seeds_are_searched_and_claimed(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    seed = 2**64 - 9
    draws = planted("splitmix64/raw_seed", "mod", seed=seed)
    asked = {
        "seeds": Range(2**64 - 4096, 2**64 - 1),
        "range": (0, 999),
        "gaps": Range(0, 4),
        "starts": Range(0, 1),
    }
    found = await identify(
        make_history(draws), Space(families=("splitmix64/raw_seed",), **asked), compute, journal, run="t"
    )
    assert int(found.hypotheses[0].origin["value"], 16) == seed


async def test_all_64_bit_seeds_are_begun_without_listing_their_chunks(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(8).integers(0, 1000, 60)
    space = Space(
        families=("splitmix64/raw_seed",), mappings=("mod",), seeds=Range(0, 2**64 - 1), noise=0.0, range=(0, 999)
    )  # fmt: skip

    def enough(_: Progress) -> None:
        raise Halted("the first chunk is done")

    search = Identification(Question(make_history(draws), space), run="t", progress=enough)
    found = await search.run(compute, journal)
    assert (found.stopped_by, found.complete) == ("halt", False)
    late = Identification(
        Question(make_history(draws), space.model_copy(update={"time_limit": 0.05})), run="late"
    )
    assert (await late.run(compute, journal, under="late ")).stopped_by == "time"
    assert journal.billed() >= 2**64
    (row,) = search.coverage()
    assert row.seed_lo == 0
    assert 2**20 < row.seed_hi < 2**64 - 1


async def test_unlabelled_streams_that_take_turns_are_told_apart(
    compute: Compute, journal: Journal, make_history: Maker
) -> None:
    draws = np.random.default_rng(4).integers(0, 1000, 82)
    mine = planted("lcg48/java", "java_bounded", count=52)
    draws[1::2] = mine[:41]
    space = Space(families=("java",), mappings=("java_bounded",), sessions="turns:2", **SMALL)
    found = await identify(make_history(draws), space, compute, journal, run="t")
    (best,) = found.hypotheses
    assert (best.session, int(best.origin["value"], 16), best.gap["value"]) == ("turn 2 of 2", 4711, 3)
    assert found.next_draws == mine[41:51].tolist()


async def test_labelled_streams_from_one_generator_are_one_stream_in_time_order(
    compute: Compute, journal: Journal
) -> None:
    draws = planted("lcg48/java", "java_bounded").tolist()
    labels = [("a", "b")[number % 3 == 0] for number in range(len(draws))]
    history = History.of(draws, sessions=labels)
    space = Space(families=("java",), mappings=("java_bounded",), sessions="interleaved", **SMALL)
    found = await identify(history, space, compute, journal, run="t")
    assert (found.verdict, found.hypotheses[0].session) == ("identified", None)
    with pytest.raises(BadInput, match="needs labelled draws"):
        await identify(History.of(draws), space, compute, journal, run="t")


async def test_an_alias_names_its_family() -> None:
    assert family("php>=7.1").id == "mt19937/init_genrand"
