"""Write the C++ family tables from the registry; the build runs this, so a new generator is one header and one entry.

python families.py FOLDER: writes FOLDER/groups.inc and, for every group, FOLDER/<group>/headers.inc and entries.inc; prints the groups.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hip_cuda_kernels.family import Family
from hip_cuda_kernels.registry import GROUPS


def write_tables(directory: Path) -> list[str]:
    """Write the tables into `directory` and return the names of the groups that have families."""
    filled = {name: families for name, families in GROUPS.items() if families}
    for name, families in filled.items():
        _write(directory / name / "headers.inc", _includes(families))
        _write(directory / name / "entries.inc", _rows(families))
    _write(directory / "groups.inc", [f"GROUP({name}, {len(families)})" for name, families in filled.items()])
    return list(filled)


def _includes(families: tuple[Family, ...]) -> list[str]:
    return [f'#include "{header}"' for header in sorted({f.header for f in families})]


def _rows(families: tuple[Family, ...]) -> list[str]:
    return [f'FAMILY("{f.id}", {f.kernel}, {f.interleave})' for f in families]


def _write(path: Path, lines: list[str]) -> None:
    """Write a file only where it changes, so that nothing is compiled again for nothing."""
    text = "".join(f"{line}\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    print(";".join(write_tables(Path(sys.argv[1]))), end="")
