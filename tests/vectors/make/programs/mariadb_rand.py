"""Oracle: MariaDB's RAND(N), in a server that reads its statements at bootstrap and listens nowhere.

Arguments: CALL LO HI COUNT SEED... (seeds in hex).
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = (
    "mariadbd",
    "--no-defaults",
    "--bootstrap",
    "--skip-networking",
    "--skip-grant-tables",
    "--user=root",
)
DRAWS = {
    "words": "LOWER(LPAD(HEX(ROUND(RAND({seed}) * 1073741823)), 8, '0'))",
    "floor": "FLOOR({lo} + RAND({seed}) * {range})",
}


def statement(seed: str, target: Path, call: str, lo: int, hi: int, count: int) -> str:
    """Return one SELECT whose rows, one a draw, go to a file: RAND(N) with a constant is seeded once a statement."""
    draw = DRAWS[call].format(seed=int(seed, 16), lo=lo, range=hi - lo + 1)
    rows = f"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    return f"{rows} SELECT {draw} FROM n INTO OUTFILE '{target}';\n"


def main(call: str, lo: str, hi: str, count: str, *seeds: str) -> None:
    """Print one line a seed."""
    work = Path(tempfile.mkdtemp(prefix="mimicry-mariadb-"))
    try:
        targets = {seed: work / f"{seed}.txt" for seed in seeds}
        text = "".join(statement(s, t, call, int(lo), int(hi), int(count)) for s, t in targets.items())
        (work / "data").mkdir()
        subprocess.run(
            [*SERVER, f"--datadir={work / 'data'}"], input=text, text=True, check=True, capture_output=True
        )
        for seed, target in targets.items():
            print(seed, *target.read_text().split(), sep=",")
    finally:
        shutil.rmtree(work)


main(*sys.argv[1:])
