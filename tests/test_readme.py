"""The README's generated parts agree with the program."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_keys_and_generators_in_the_readme_are_current() -> None:
    shown = subprocess.run(
        [sys.executable, "tests/readme.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
