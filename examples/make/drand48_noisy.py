"""Serve two tables from one drand48 stream, floor(drand48() * 100); arguments SEED COUNT NOISE_SEED.

One draw in ten, chosen and replaced by NOISE_SEED, is a wrong reading, as from a person who copies numbers by hand.
"""

import ctypes
import json
import math
import random
import sys
from datetime import UTC, datetime, timedelta

START = datetime(2026, 2, 11, 18, 0, tzinfo=UTC)


def readings(seed: int, count: int, noise_seed: int) -> list[tuple[str, datetime, int]]:
    """Return table, time and value of each draw; exactly a tenth of the values are replaced by another one."""
    libc = ctypes.CDLL("libc.so.6")
    libc.drand48.restype = ctypes.c_double
    libc.srand48(ctypes.c_long(seed))
    noise = random.Random(noise_seed)
    values = [math.floor(libc.drand48() * 100) for _ in range(count)]
    for place in noise.sample(range(count), count // 10):
        values[place] = noise.choice([other for other in range(100) if other != values[place]])
    tables = [noise.choice(("table-1", "table-2")) for _ in range(count)]
    times = [START + timedelta(seconds=40 * index + noise.randrange(30)) for index in range(count)]
    return list(zip(tables, times, values, strict=True))


def main() -> None:
    """Print the readings as JSON lines."""
    seed, count, noise_seed = (int(argument) for argument in sys.argv[1:4])
    for draw, (table, time, value) in enumerate(readings(seed, count, noise_seed), start=1):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ")
        print(json.dumps({"draw": draw, "time": stamp, "session": table, "value": value}))


if __name__ == "__main__":
    main()
