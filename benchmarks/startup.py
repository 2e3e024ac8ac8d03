"""How long `mimicry --help` takes, beside a bare interpreter in the same run: python benchmarks/startup.py [RUNS]."""

import statistics
import subprocess
import sys
import time


def median_seconds(command: list[str], runs: int) -> float:
    """Return the median wall time of `runs` runs of a command after one warm-up."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    """Print both medians and their difference."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    bare = median_seconds([sys.executable, "-c", "pass"], runs)
    shown = median_seconds([sys.executable, "-m", "engine.cli", "--help"], runs)
    print(
        f"bare interpreter {bare:.3f} s   mimicry --help {shown:.3f} s   own share {shown - bare:.3f} s   ({runs} runs)"
    )


if __name__ == "__main__":
    main()
