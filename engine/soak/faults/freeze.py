"""Hold one thread of another process still until our standard input ends: `python freeze.py THREAD`. Standard library only.

Only the traced thread stands (PTRACE_SEIZE and INTERRUPT send no signal); the kernel lets it go when this process ends.
"""

from __future__ import annotations

import ctypes
import os
import sys

SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def main() -> int:
    """Freeze, say so, wait for the end of standard input, let go."""
    thread = int(sys.argv[1])
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    if ptrace(SEIZE, thread, None, None) or ptrace(INTERRUPT, thread, None, None):
        print(f"refused: {os.strerror(ctypes.get_errno())}", flush=True)
        return 1
    os.waitpid(thread, WALL)
    print("frozen", flush=True)
    sys.stdin.buffer.read()
    ptrace(DETACH, thread, None, None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
