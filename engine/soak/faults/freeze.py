"""Hold one thread of another process still until our standard input ends: `python freeze.py THREAD`. Standard library only.

Only the traced thread stands (PTRACE_SEIZE and INTERRUPT send no signal); the kernel lets it go when this process ends. A process
that is killed meanwhile is not gone for its parent before its tracer has taken note: so we do.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys

LOOK_S = 0.1
SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def main() -> int:
    """Freeze, say so, wait for the end of standard input or of the thread, let go."""
    thread = int(sys.argv[1])
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    if ptrace(SEIZE, thread, None, None) or ptrace(INTERRUPT, thread, None, None):
        print(f"refused: {os.strerror(ctypes.get_errno())}", flush=True)
        return 1
    os.waitpid(thread, WALL)
    print("frozen", flush=True)
    while not select.select([sys.stdin], [], [], LOOK_S)[0]:
        ended, status = os.waitpid(thread, WALL | os.WNOHANG)
        if ended and not os.WIFSTOPPED(status):
            return 0
    ptrace(DETACH, thread, None, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
