"""One chunk as a worker runs it: what its truths prove, and when they prove nothing."""

import numpy as np

from engine.search import chunk


class Never:
    array, generation = np.zeros(1, dtype=np.uint32), 0

    def asked(self) -> bool:
        return False


def test_a_truth_that_floods_its_own_chunk_neither_fills_it_nor_fails_the_power_check() -> None:
    """The low six bits of R250 as GSL seeds it repeat over seeds and starts: this truth matches 345,600 alignments."""
    first, last = 1_690_243_200, 1_690_329_600
    params = {
        "family": "r250/gsl", "mapping": "mod", "lo": 0, "hi": 63, "law": "constant", "width": 5, "threshold": 5,
        "seed_lo": first, "count": last - first + 1, "interval": [first, last], "starts": [0, 15], "gaps": [0, 15],
        "window": 0, "plants": 59, "rng": 20260101, "alignments": 256, "told": 40,
    }  # fmt: skip
    draws = np.random.default_rng(1).integers(0, 64, (3, 5))
    meta, _ = chunk.run(params, {"draws": draws}, Never())
    assert not meta["overflow"]
    assert meta["found"] == meta["planted"] == 60
