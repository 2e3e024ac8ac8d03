"""Write the C++ family tables from the registry; the build runs this, so a new generator is one header and one entry."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hip_cuda_kernels.registry import FAMILIES


def write_tables(directory: Path) -> None:
    """Write family_headers.inc and families.inc into `directory`."""
    headers = sorted({f.header for f in FAMILIES})
    rows = [f'FAMILY("{f.id}", {f.kernel}, {f.interleave})' for f in FAMILIES]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "family_headers.inc").write_text("".join(f'#include "{h}"\n' for h in headers))
    (directory / "families.inc").write_text("".join(f"{row}\n" for row in rows))


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
