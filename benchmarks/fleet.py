"""Every number of benchmarks/fleet.md: real sshds, guards, workers, certificates, ledgers and deaths; simulated GPUs, because none is here.

    python benchmarks/fleet.py rate [WORKERS SECONDS SPAN]   rate and CPU with simulated workers (26 0.5 30)
    python benchmarks/fleet.py ledger                        small chunks, booked one by one and in groups, in turns
    python benchmarks/fleet.py faults [WORD ...]             every fault, or those whose name has a word
    python benchmarks/fleet.py halt [TURNS]                  so many halts (100), of kernels that obey and of some that do not
    python benchmarks/fleet.py stagger                       initialisations at once on one rig
    python benchmarks/fleet.py load                          what watching costs a rig
    python benchmarks/fleet.py staging                       200 MiB to three rigs
    python benchmarks/fleet.py all                           all of it; about 25 minutes

Network namespaces and small ramdisks need root; a fault that needs one is left out with a line where that is not permitted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests" / "rigs")]

import fleet_compute  # noqa: E402
import fleet_rigs  # noqa: E402

PARTS = ("rate", "ledger", "faults", "halt", "stagger", "load", "staging")
HEAD = """| fault | noticed by the engine | gone on the rig | whole again | chunks booked once, digests equal | |
|---|---|---|---|---|---|"""


def faults(words: list[str]) -> None:
    """Print the table of faults."""
    from fault_runs import FAULTS, NotPermitted, inflict

    print(HEAD)
    for fault in FAULTS:
        if words and not any(word in fault.name for word in words):
            continue
        with tempfile.TemporaryDirectory(prefix="fleet-faults-") as folder:
            try:
                one = inflict(fault, Path(folder) / "run")
            except NotPermitted as reason:
                print(f"| {fault.name} | left out: {reason} | | | | |", flush=True)
                continue
        times = (one.noticed, one.gone, one.whole)
        cells = " | ".join("" if seconds is None else f"{seconds:.1f} s" for seconds in times)
        print(
            f"| {fault.name} | {cells} | {one.chunks} | {one.note}; load {os.getloadavg()[0]:.0f} |",
            flush=True,
        )


def run(part: str, rest: list[str]) -> None:
    """Measure one part."""
    print(f"-- {part}", flush=True)
    if part == "rate":
        given = [*rest, *("26", "0.5", "30")[len(rest) :]]
        asyncio.run(fleet_compute.rate(int(given[0]), float(given[1]), float(given[2])))
    elif part == "ledger":
        asyncio.run(fleet_compute.ledger())
    elif part == "faults":
        faults(rest)
    else:
        turns = [int(word) for word in rest]
        if part == "halt":
            asyncio.run(fleet_compute.halts(*turns))
        asyncio.run(fleet_rigs.run(part, *turns))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=(*PARTS, "all"))
    parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    for part in PARTS if given.part == "all" else (given.part,):
        run(part, [] if given.part == "all" else given.rest)


if __name__ == "__main__":
    main()
