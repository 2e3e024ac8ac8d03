"""The kernel's log of a rig, asked for over the connection after a death, where the guard itself may not read it."""

from __future__ import annotations

import math
import re

from engine.rigs.faults import RigFault
from engine.rigs.reach import Reach

WITHIN = 5.0
"""Seconds that the question may take: a death waits for it."""
BYTES = 32 << 10
LINES = 20
TELLING = re.compile(r"amdgpu|NVRM|Xid|out of memory|oom|segfault|AER|pcieport|kfd|hung", re.I)
REFUSED = 9
# The journal is open to the groups adm and systemd-journal where dmesg is root's alone.
COMMAND = """LC_ALL=C; export LC_ALL
if a=$(journalctl -k -q --no-pager -o cat --since=-{seconds}s 2>&1); then printf '%s' "$a" | tail -c {size}; exit 0; fi
if b=$(dmesg --since '{seconds} seconds ago' 2>&1); then printf '%s' "$b" | tail -c {size}; exit 0; fi
printf '%s; %s' "$(printf '%s' "$a" | tail -n 1)" "$(printf '%s' "$b" | tail -n 1)"; exit 9"""
FIX = "let its user read it: usermod -aG systemd-journal USER, or sysctl kernel.dmesg_restrict=0"


async def ask(rig: Reach, seconds: float) -> tuple[list[str], str]:
    """Return the lines of the last seconds that speak of memory and devices, and why there are none if the rig refuses."""
    command = COMMAND.format(seconds=max(1, math.ceil(seconds)), size=BYTES)
    try:
        done = await rig.run(command, within=WITHIN)
    except RigFault as error:
        return [], str(error)
    if done.code:
        return [], f"{' '.join(done.stdout.split())[:160]}; {FIX}"
    return [line[:300] for line in done.stdout.splitlines() if TELLING.search(line)][-LINES:], ""
