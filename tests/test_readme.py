"""The README's generated parts agree with the program."""

import re
import subprocess
import sys
from pathlib import Path

from engine.commands.table import verbs

ROOT = Path(__file__).parents[1]


def test_keys_and_generators_in_the_readme_are_current() -> None:
    shown = subprocess.run(
        [sys.executable, "tests/readme.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_every_verb_stands_in_the_table_of_verbs_and_no_row_twice() -> None:
    table = (ROOT / "README.md").read_text().partition("## Verbs")[2].partition("| exit code")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows))
    named = {match.split()[0] for row in rows for match in re.findall(r"`(?:mimicry )?([a-z][^`]*)`", row)}
    assert {verb.name for verb in verbs()} - named == set()
