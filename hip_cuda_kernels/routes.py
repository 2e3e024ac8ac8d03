"""Routes: which shortcuts give the sieve's hits for a search, what each costs, and the search by the cheapest one.

A route leaves few candidates by the structure of a generator; the exact count judges them, so hits are the sieve's own.
Costs are seconds of one core; they steer speed only, never a result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from math import comb
from typing import Any, Unpack

import numpy as np

from hip_cuda_kernels import host
from hip_cuda_kernels.composed import build_composed
from hip_cuda_kernels.composed import seed_seconds as composed_seed_seconds
from hip_cuda_kernels.family import Family
from hip_cuda_kernels.job import Job, Keywords, Where
from hip_cuda_kernels.lowering import ITSELF, RESIDUE, SCALED, WHOLE, Call
from hip_cuda_kernels.mappings import Mapping, is_composed, parse_mapping
from hip_cuda_kernels.pins import pinned_seconds
from hip_cuda_kernels.planning import OPERATION_SECONDS, Workload, pass_rates, seed_seconds
from hip_cuda_kernels.registry import family as family_of
from hip_cuda_kernels.task import Scope, Task, build_task

# Nanoseconds on one core with AVX2 at 3.2 GHz (benchmarks/README.md says how they were measured).
CHAIN, CHAIN_WORD = 16.9, 0.42  # a seed's 396 links; one word more
SUM_WORD = 1.3  # a word as a sum of 30 residues
PAIR, REJECT = 0.12, 0.18  # one draw compared; one word tested for rejection
LOW_DRAW, HIGH_DRAW = 0.14, 0.28  # low_bits: one draw of a low seed, one draw of a joined seed
MOST_SHOWN = 5  # bits of a draw that low_bits uses
CHOICE, LANE = 2000.0, 0.36  # gf2: a system of equations; one draw of one of its solutions
STATE, STATE_DRAW, STATE_HIT = 0.2, 0.042, 25.0  # orbit: a step; a draw compared; a match remembered

BUILT = 2e-3  # seconds: laying the filter of composed draws out

# Calls that keep the low bits of a word; a modulus that is a power of two keeps nothing else.
LOW_BITS = (RESIDUE, ITSELF)
# Mappings whose filter looks at the first accepted word of a call, unreduced.
PLAIN = {"mod", "shift", "mulshift", "float", "java_bounded", "php_range"}
# low_bits judges seeds that reject one word; that one rejects two within a search must be rarer than this.
MOST_REJECTED_TWICE = 1e-8
# orbit keeps the matches of as many calls as an alignment spans, for every vector and lane.
MOST_REMEMBERED, WIDEST_LANES = 1 << 22, 64
# Seeds that are the states of one cycle: its length.
CYCLES = {
    "xorshift32/raw_seed": (1 << 32) - 1,
    "lcg31/minstd16807": (1 << 31) - 2,
    "lcg31/minstd48271": (1 << 31) - 2,
    "msvc_rand/srand": 1 << 31,
}
# Families of 48-bit congruential states: how far the seed lies to the left in the state.
LOW_BITS_SHIFT = {"lcg48/java": 0, "lcg48/drand48": 16}


@dataclass(frozen=True)
class Route:
    """A way to search, and the seconds it is expected to take on one core."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Measured:
    """A search in the numbers that costs depend on."""

    family: Family
    mapping: str
    task: Task

    @property
    def seeds(self) -> int:
        return self.task.scope.seed_count

    @property
    def last_word(self) -> int:
        return self.task.last_word() - 1

    @cached_property
    def chance(self) -> float:
        """Return the chance that a word matches a draw."""
        return 1.0 / min(self.task.call.range, 1 << self.family.word_bits)

    @cached_property
    def rejected(self) -> float:
        """Return the chance that a word is drawn again."""
        return 1.0 - (self.task.call.accept_max + 1) / (1 << 64)

    @cached_property
    def plain(self) -> bool:
        """Whether the filter looks at the upper 32 bits of a raw word, unreduced."""
        look, upper = self.task.filter, max(self.family.word_bits - 32, 0)
        return self.mapping in PLAIN and self.task.call.view == WHOLE and not look.reduce and look.at == upper

    @cached_property
    def vectors(self) -> list[tuple[np.ndarray[Any, Any], int]]:
        """Return (places of the usable draws, threshold) of every vector that can reach its threshold."""
        task = self.task
        rows = task.index.reshape(task.vectors, task.width).astype(np.int64)
        counts = zip(rows, task.usable.tolist(), task.threshold.tolist(), strict=True)
        return [(row[:usable], needed) for row, usable, needed in counts if usable >= needed]

    @cached_property
    def alignments(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return the starts and the strides, as arrays."""
        (start_lo, start_hi), (gap_lo, gap_hi) = self.task.scope.starts, self.task.scope.gaps
        return np.arange(start_lo, start_hi + 1), np.arange(gap_lo + 1, gap_hi + 2)

    def probe(self) -> tuple[int, int, float]:
        """Return (words looked at, draws compared, share of seeds that pass) of the probe in routes/route_kernels.h."""
        starts, strides = self.alignments
        compared: set[tuple[int, int, int]] = set()
        for v, (index, needed) in enumerate(self.vectors):
            for i in index[: len(index) - needed + 1].tolist():
                calls = np.unique(starts[:, None] + i * strides)
                compared.update((call, v, i) for call in calls.tolist())
        last = max(call for call, _, _ in compared)
        words = last + 1 if self.rejected else len({call for call, _, _ in compared})
        return words, len(compared), min(1.0, len(compared) * self.chance + words * self.rejected)

    def sieve_seconds(self) -> float:
        """Return what the sieve takes by its cost model."""
        ops = self.family.ops
        starts, strides = self.alignments
        counts = Counter((len(i), t) for i, t in self.vectors)
        shape = (self.chance, len(starts), len(strides), int(strides[-1]), self.task.call.words)
        each = sum(seed_seconds(Workload(n, t, *shape, *ops, vectors)) for (n, t), vectors in counts.items())
        return self.seeds * (each - (len(counts) - 1) * ops[0] * OPERATION_SECONDS)

    def probed_seconds(self, seed: float, word: float) -> float:
        """Return what a scan with the probe takes at `seed` + words * `word` nanoseconds, its candidates sieved."""
        words, pairs, passed = self.probe()
        each = word + REJECT * bool(self.rejected)
        return self.seeds * 1e-9 * (seed + words * each + pairs * PAIR) + passed * self.sieve_seconds()


def _twister_chain(search: Measured) -> float | None:
    """MT19937 from init_genrand, before word 227: the chain of seeding words twelve vectors abreast."""
    reach = search.family.reach
    if search.family.id != "mt19937/init_genrand" or reach is None or search.last_word >= reach:
        return None
    return search.probed_seconds(CHAIN, CHAIN_WORD)


def _lehmer_sums(search: Measured) -> float | None:
    """glibc's random(): words as sums of the seed's Lehmer residues, which are progressions along the seeds."""
    return search.probed_seconds(0.0, SUM_WORD) if search.family.id == "glibc_random/type3" else None


def _low_bits(search: Measured) -> float | None:
    """48-bit congruential generators under an even modulus: low seeds first, high ones for what is left.

    Of seeds that reject words within the search, those that reject one are found as well; where two are likely, it is not offered.
    """
    call, shift = search.task.call, LOW_BITS_SHIFT.get(search.family.id)
    shown = min((call.range & -call.range).bit_length() - 1, MOST_SHOWN)
    words = search.last_word + 1
    twice = (words * search.rejected) ** 2 / 2
    if shift is None or call.kind not in LOW_BITS or shown == 0 or twice > MOST_REJECTED_TWICE:
        return None
    low_bits = 48 - min(search.family.word_bits, 48) + call.shift + shown
    low, high = 1 << (low_bits - shift), max(1, search.seeds >> (low_bits - shift))
    starts, strides = search.alignments
    seconds = 0.0
    for index, needed in search.vectors:
        rates = pass_rates(len(index), len(index) - needed, 0.5**shown)
        patterns = 1 + words / 2 * bool(search.rejected)
        compared = sum(min(1.0, 64 * rate) for rate in rates[:-1])  # 64 seeds go on together
        joined = (low * rates[-1] + 1) * high * (len(index) - needed + 1) * HIGH_DRAW
        seconds += 1e-9 * len(starts) * len(strides) * (low * patterns * compared * LOW_DRAW + joined)
    return seconds


@cache
def is_affine(family: str) -> bool:
    """Return whether a family's words are affine over GF(2) in the seed, from sums of three seeds that must be a fourth's."""
    found = family_of(family)
    if found.structure != "f2":
        return False
    top = (1 << found.seed_bits) - 1
    rng = np.random.default_rng(1)
    seeds = [top, 1, *(int(s) & top for s in rng.integers(0, 1 << 63, 30))]
    words = {s: host.raw(family, s, 64) for s in {0, *seeds, *(a ^ b for a in seeds for b in seeds)}}
    return all(np.array_equal(words[a] ^ words[b] ^ words[0], words[a ^ b]) for a in seeds for b in seeds)


def _bits_shown(call: Call) -> int:
    """Return how many whole bits of a call's first word its draw shows."""
    zeros = (call.range & -call.range).bit_length() - 1
    if call.kind in LOW_BITS:
        return zeros
    whole = call.range == 1 << zeros and (call.kind != SCALED or call.unit == 2.0**call.bits)
    return zeros if whole and zeros <= call.bits - call.join else 0


def _gf2(search: Measured) -> float | None:
    """Words affine over GF(2) in the seed, whole bits of them shown: solve for the seed from draws that match."""
    shown = _bits_shown(search.task.call)
    if search.rejected or shown == 0 or not is_affine(search.family.id):
        return None
    unknowns = (search.seeds - 1).bit_length()
    starts, strides = search.alignments
    seconds = 0.0
    for index, needed in search.vectors:
        missable, lanes = len(index) - needed, -(-len(index) // 16) * 16
        spent = min(
            comb(missable + k, k) * (CHOICE + 2.0 ** max(0, unknowns - k * shown) * lanes * LANE)
            for k in range(1, needed + 1)
        )
        seconds += 1e-9 * len(starts) * len(strides) * spent
    return seconds


def _orbit(search: Measured) -> float | None:
    """Seeds that are the states of one cycle: step each state once, whatever the starts and gaps."""
    period = CYCLES.get(search.family.id)
    reach = max(int(index[-1]) for index, _ in search.vectors) * (search.task.scope.gaps[1] + 1)
    remembered = WIDEST_LANES * len(search.vectors) * 2 ** reach.bit_length()
    draws = sum(len(index) for index, _ in search.vectors)
    longest = max(len(index) for index, _ in search.vectors)
    if period is None or search.rejected or search.task.call.words > 1:
        return None
    if remembered > MOST_REMEMBERED or longest > 64:
        return None
    return 1e-9 * period * (STATE + draws * (STATE_DRAW + search.chance * STATE_HIT))


def may_apply(family: Family) -> bool:
    """Return whether some route may serve a family, without looking at a search."""
    named = {"mt19937/init_genrand", "glibc_random/type3", *LOW_BITS_SHIFT, *CYCLES}
    return family.id in named or (family.structure == "f2" and is_affine(family.id))


# Routes whose cost hardly falls with the number of seeds: they are worth it for a whole space at once.
WHOLE_SPACE = frozenset({"orbit", "gf2", "low_bits"})
ROUTES: dict[str, Callable[[Measured], float | None]] = {
    "twister_chain": _twister_chain,
    "lehmer_sums": _lehmer_sums,
    "low_bits": _low_bits,
    "gf2": _gf2,
    "orbit": _orbit,
}


def _composed(
    family: Family,
    mapping: Mapping,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    scope: Scope,
) -> list[Route]:
    """Composed draws: the interpreter on every seed, or on what a filter on single inner calls leaves."""
    task = build_composed(family, mapping, lo, hi, draws, thresholds, scope)
    if task is None:
        return [Route("sieve", 0.0)]
    missable = draws.shape[1] - int(thresholds.min())
    each = composed_seed_seconds(task.recipe, family, missable, scope.starts, scope.gaps)
    seconds = pinned_seconds(family, task, scope)
    filtered = [] if seconds is None else [Route(host.PINNED, BUILT + scope.seed_count * seconds)]
    return sorted([Route("sieve", scope.seed_count * each), *filtered], key=lambda route: route.seconds)


def options(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    **where: Unpack[Where],
) -> list[Route]:
    """Return every sound route of a search, cheapest first; the sieve is always among them."""
    found, scope = family_of(family), Scope(**where)
    parsed = parse_mapping(mapping, found)
    if is_composed(parsed):
        return _composed(found, parsed, lo, hi, draws, thresholds, scope)
    task = build_task(found, parsed, lo, hi, draws, thresholds, scope)
    if task is None:
        return [Route("sieve", 0.0)]
    search = Measured(found, parsed.name, task)
    routes = [Route("sieve", search.sieve_seconds())]
    for name, estimate in ROUTES.items() if search.plain and scope.seed_count else ():
        seconds = estimate(search)
        if seconds is not None:
            routes.append(Route(name, seconds))
    return sorted(routes, key=lambda route: route.seconds)


def choose(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    **where: Unpack[Where],
) -> Route:
    """Return the cheapest sound route of a search."""
    return options(family, mapping, lo, hi, draws, thresholds, **where)[0]


def search(
    family: str,
    mapping: str,
    lo: int,
    hi: int,
    draws: np.ndarray[Any, Any],
    thresholds: np.ndarray[Any, Any],
    **keywords: Unpack[Keywords],
) -> host.SieveResult:
    """Search as host.sieve does, by the cheapest route. One that takes seeds out of order has done all of them or, stopped, none.

    In a process that took a GPU the plain sieve runs there; a shortcut runs on the host.
    """
    from hip_cuda_kernels.gpu import in_use

    job = Job(**keywords)
    best = choose(
        family, mapping, lo, hi, draws, thresholds,
        seed_lo=job.seed_lo, seed_count=job.seed_count, starts=job.starts, gaps=job.gaps,
    )  # fmt: skip
    return in_use.sieve(family, mapping, lo, hi, draws, thresholds, route=best.name, **keywords)
