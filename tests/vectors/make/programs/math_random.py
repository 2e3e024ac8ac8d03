"""Oracle: Math.random of an engine, one process a seed; arguments ENGINE PROGRAM CALL LO HI COUNT SEED... (seeds in hex).

CALL is word52 or word53, the fraction as a whole number of so many bits, or floor, a draw over the range.
"""

import os
import subprocess
import sys

SCRIPT = """
const values = [];
while (values.length < {count}) values.push({value});
{show}(values.join(','));
"""
VALUES = {
    "word52": "(Math.random() * 2 ** 52).toString(16)",
    "word53": "(Math.random() * 2 ** 53).toString(16)",
    "floor": "{lo} + Math.floor(Math.random() * {size})",
}


def signed(seed: int) -> int:
    """Return the 32-bit seed as V8 reads it."""
    return seed - (seed >> 31 << 32)


def command(engine: str, program: str, seed: int, script: str) -> list[str]:
    """Return the command line that runs a script in an engine seeded so."""
    return {
        "node": [program, f"--random-seed={signed(seed)}", "-e", script],
        "deno": [program, "eval", f"--v8-flags=--random-seed={signed(seed)}", script],
        "jsc": [program, "--forceWeakRandomSeed=true", f"--forcedWeakRandomSeed={seed}", "-e", script],
        "quickjs": [program, "-c", f"import quickjs; print(quickjs.Context().eval({script!r}))"],
    }[engine]


def main() -> None:
    """Print one line a seed: the seed, then COUNT values."""
    engine, program, call = sys.argv[1:4]
    low, high, count = (int(text) for text in sys.argv[4:7])
    value = VALUES[call].format(lo=low, size=high - low + 1)
    show = {"jsc": "print", "quickjs": ""}.get(engine, "console.log")
    script = SCRIPT.format(count=count, value=value, show=show)
    for seed in sys.argv[7:]:
        run = subprocess.run(
            command(engine, program, int(seed, 16), script),
            env={**os.environ, "MICROSECONDS": str(int(seed, 16))},
            capture_output=True,
            text=True,
            check=True,
        )
        print(seed, run.stdout.strip(), sep=",")


if __name__ == "__main__":
    main()
