"""Write, or check, the parts of README.md that the program itself knows: keys and generators.

python tests/readme.py          rewrite them
python tests/readme.py --check  exit 1 if they are stale
"""

import re
import subprocess
import sys
from pathlib import Path

from hip_cuda_kernels.page import summary
from hip_cuda_kernels.registry import FAMILIES

COMMON = 10.0  # the weight of what everybody uses
README = Path(__file__).parents[1] / "README.md"


def keys() -> str:
    """Return the key table as the console prints it."""
    shown = subprocess.run(
        [sys.executable, "-m", "tui", "--keys"], capture_output=True, text=True, check=True
    ).stdout
    return f"```text\n{shown.rstrip()}\n```"


def generators() -> str:
    """Return the counts, and what the most used families are called."""
    common = [one for one in FAMILIES if one.weight >= COMMON]
    rows = ["| family | used by | native mappings |", "|---|---|---|"]
    rows += [f"| `{one.id}` | {', '.join(one.aliases)} | {', '.join(one.mappings)} |" for one in common]
    return "\n".join([summary(), "", "The most used:", "", *rows])


def rewritten(text: str) -> str:
    """Return the text with its generated parts made anew."""
    for name, made in (("keys", keys()), ("generators", generators())):
        pattern = rf"(<!-- {name}: begin[^>]*-->\n).*?(<!-- {name}: end -->)"
        text = re.sub(pattern, lambda found, made=made: f"{found[1]}{made}\n{found[2]}", text, flags=re.S)
    return text


def main() -> int:
    """Rewrite or check."""
    text = README.read_text()
    fresh = rewritten(text)
    if "--check" in sys.argv:
        if fresh != text:
            print("README.md is stale; run python tests/readme.py")
        return int(fresh != text)
    README.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
