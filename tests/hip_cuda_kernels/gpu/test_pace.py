"""Launch sizes are learnt: every block size is tried, the fastest kept, and a launch stays near its target."""

from hip_cuda_kernels.gpu.pace import BLOCKS, FIRST, LEAST, TARGET_S, Pace


def test_every_block_size_is_tried_once_and_the_fastest_kept() -> None:
    pace = Pace()
    seconds = {64: 0.02, 128: 0.01, 256: 0.03}
    tried = []
    for _ in BLOCKS:
        tried.append(pace.block)
        pace.learn(pace.block, FIRST, seconds[pace.block])
    assert tried == list(BLOCKS)
    assert pace.block == 128


def test_the_size_moves_to_the_target_in_bounded_steps() -> None:
    pace = Pace(rates=dict.fromkeys(BLOCKS, 1.0))
    rate = 1e8
    sizes = []
    for _ in range(8):
        pace.learn(128, pace.seeds, pace.seeds / rate)
        sizes.append(pace.seeds)
    assert sizes[0] == 4 * FIRST
    assert sizes[-1] == int(rate * TARGET_S)


def test_a_slow_kernel_never_gets_less_than_the_least() -> None:
    pace = Pace(rates=dict.fromkeys(BLOCKS, 1.0))
    pace.learn(64, FIRST, 1e6)
    assert pace.seeds == LEAST


def test_a_crowded_launch_halves_until_one_seed() -> None:
    pace = Pace()
    assert pace.crowded(7)
    assert pace.seeds == 3
    assert not pace.crowded(1)
    assert pace.seeds == 1
