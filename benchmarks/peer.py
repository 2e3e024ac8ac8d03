"""Measure MT19937's route against php_mt_seed 4.0 (openwall.com/php_mt_seed) on its own tasks: CPU time of one thread, interleaved.

Tasks: the first mt_rand() output, exact; and ten draws mt_rand(0, 999). php_mt_seed tries the seeds of PHP 3 to 5.2.0 first, which is
not timed, and then two flavours of the twister at a shared seeding chain, of which the registry's family is one.
Run: python benchmarks/peer.py --php-mt-seed PATH [--isa avx2] [--rounds 5] [--seconds 6]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import psutil

import hip_cuda_kernels._host as _host
from hip_cuda_kernels import host

FAMILY, SEED = "mt19937/init_genrand", 4_000_000_007  # near the end, so that no run reaches it
SEEDS = 1 << 27
TRYING = re.compile(rb"trying 0x([0-9a-f]+) - ")


def draws(task: str) -> tuple[str, int, np.ndarray]:
    """Return (mapping, largest draw, draws) of a task."""
    mapping, hi, count = ("shift(1)", (1 << 31) - 1, 1) if task == "first output" else ("php_range", 999, 10)
    return mapping, hi, host.values(FAMILY, mapping, SEED, 0, hi, count)


def peer_arguments(task: str) -> list[str]:
    """Return php_mt_seed's words for a task: least and most output, least and most of the range, for every draw."""
    _, hi, row = draws(task)
    return [str(row[0])] if task == "first output" else [str(x) for d in row for x in (d, d, 0, hi)]


def peer_rate(program: Path, task: str, seconds: float) -> float:
    """Return php_mt_seed's seeds per CPU second, between the first and the last block that it names in `seconds`."""
    process = subprocess.Popen(
        [program, *peer_arguments(task)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    try:
        marks = _marks(process.pid, process.stdout.fileno(), seconds)
    finally:
        process.kill()
        process.wait()
    (spent, first), (later, last) = marks[0], marks[-1]
    return (last - first) / (later - spent)


def _marks(pid: int, output: int, seconds: float) -> list[tuple[float, int]]:
    """Return (CPU seconds, seeds begun) at each block of the twister's own search."""
    text, marks = b"", list[tuple[float, int]]()
    while len(marks) < 2 or marks[-1][0] - marks[0][0] < seconds:
        piece = os.read(output, 4096)
        if not piece:
            raise SystemExit("php_mt_seed ended before it was timed: give fewer --seconds")
        used = sum(psutil.Process(pid).cpu_times()[:2])
        text += piece
        blocks = TRYING.findall(text.partition(b"5.2.1+")[2])
        if blocks and (not marks or int(blocks[-1], 16) > marks[-1][1]):
            marks.append((used, int(blocks[-1], 16)))
    return marks


def own_rate(task: str) -> float:
    """Return the route's seeds per CPU second."""
    mapping, hi, row = draws(task)
    begin = time.thread_time()
    host.sieve(
        FAMILY, mapping, 0, hi, row[None, :], np.array([len(row)]),
        seed_lo=0, seed_count=SEEDS, starts=(0, 0), gaps=(0, 0), route="twister_chain",
    )  # fmt: skip
    return SEEDS / (time.thread_time() - begin)


def main() -> int:
    """Print both rates and their ratio for each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--php-mt-seed", type=Path, help="the program, built by its own Makefile")
    parser.add_argument(
        "--isa", choices=_host.isas(), help="ours; build the peer with the same (default: the best here)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="CPU time of each of its runs")
    options = parser.parse_args()
    if options.php_mt_seed is None or not options.php_mt_seed.is_file():
        print("peer: skipped, no php_mt_seed at hand; build version 4.0 and give --php-mt-seed PATH")
        return 0
    if options.isa:
        host.isa = lambda: options.isa  # type: ignore[assignment]
    print(f"{host.isa()}, one thread; million seeds per CPU second, medians of {options.rounds}")
    for task in ("first output", "ten draws below 1000"):
        pairs = [
            (own_rate(task), peer_rate(options.php_mt_seed.resolve(), task, options.seconds))
            for _ in range(options.rounds)
        ]
        own, peer = (median(column) for column in zip(*pairs, strict=True))
        ratios = [a / b for a, b in pairs]
        print(
            f"{task:22} own {own / 1e6:6.1f}  php_mt_seed {peer / 1e6:6.1f}  ratio {median(ratios):.3f} ({min(ratios):.3f}..{max(ratios):.3f})",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
