"""Make the example histories again, or check them: python examples/make/make.py [FILE ...] [--check].

`provenance.json` says how each file was made. Files from entropy are sealed: they are never made again, only their
digest is checked.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent
PROVENANCE = EXAMPLES / "provenance.json"


def digest(data: bytes) -> str:
    """Return the sha-256 that provenance.json states."""
    return hashlib.sha256(data).hexdigest()


def missing(entry: dict[str, Any]) -> str | None:
    """Return the program that this machine lacks for making a file, if one is missing."""
    wanted = [name for name in entry["needs"] if name != "python3"]
    return next((name for name in wanted if shutil.which(name) is None), None)


def produce(entry: dict[str, Any]) -> bytes:
    """Run the recorded command at the repository root and return what it prints."""
    with tempfile.TemporaryDirectory(prefix="mimicry-examples-") as work:
        for command in (entry.get("compile"), entry["command"]):
            if command:
                parts = [part.replace("{work}", work) for part in command]
                parts[0] = sys.executable if parts[0] == "python3" else parts[0]
                done = subprocess.run(parts, cwd=EXAMPLES.parent, capture_output=True, check=True)
    return done.stdout


def verdict(entry: dict[str, Any]) -> str:
    """Compare a stored file with its digest and, where that is possible, with a fresh run."""
    stored = (EXAMPLES / entry["file"]).read_bytes()
    if digest(stored) != entry["sha256"]:
        return "the file is not the one that provenance.json describes"
    if entry["sealed"]:
        return "ok (sealed)"
    lacking = missing(entry)
    if lacking:
        return f"ok (not made again: {lacking} is missing)"
    return "ok" if produce(entry) == stored else "a fresh run gives another file"


def remake(entry: dict[str, Any]) -> str:
    """Write one file again and its digest into the entry; sealed ones only when they do not exist yet."""
    path = EXAMPLES / entry["file"]
    if entry["sealed"] and path.exists():
        return "kept (sealed)"
    lacking = missing(entry)
    if lacking:
        return f"not made: {lacking} is missing"
    data = produce(entry)
    path.write_bytes(data)
    entry["sha256"] = digest(data)
    return "written"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 all well, 1 a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="file names; none means all")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    record = json.loads(PROVENANCE.read_text(encoding="utf-8"))
    entries = [e for e in record["examples"] if not options.files or e["file"] in options.files]
    results = {e["file"]: verdict(e) if options.check else remake(e) for e in entries}
    if not options.check:
        PROVENANCE.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for name, result in results.items():
        print(f"{name}: {result}")
    return int(options.check and not all(result.startswith("ok") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
