"""A model server from a wheel: the C++ HTTP server of `xllamacpp` behind the flags of `llama-server`. Run as `python -m engine.llm.wheel`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any


def parser() -> argparse.ArgumentParser:
    """Return the subset of llama-server's flags that a room uses."""
    made = argparse.ArgumentParser(prog="python -m engine.llm.wheel", description=__doc__)
    made.add_argument("-m", "--model", required=True, help="GGUF file")
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8080)
    made.add_argument("-c", "--ctx-size", type=int, default=4096, help="context in tokens")
    made.add_argument("-np", "--parallel", type=int, default=1, help="slots")
    made.add_argument("-t", "--threads", type=int, default=os.cpu_count() or 1)
    made.add_argument("-b", "--batch-size", type=int, default=2048)
    made.add_argument("-ub", "--ubatch-size", type=int, default=512)
    made.add_argument("-ngl", "--gpu-layers", type=int, default=0)
    made.add_argument("-cram", "--cache-ram", type=int, default=0, help="prompt cache in MiB")
    made.add_argument("--reasoning", choices=("on", "off", "auto"), default="auto")
    made.add_argument("--offline", action="store_true")
    made.add_argument("--no-ui", action="store_true")
    return made


def settings(asked: argparse.Namespace) -> Any:
    """Return the server's parameters."""
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path, made.hostnames, made.port = asked.model, [asked.host], asked.port
    made.n_ctx, made.n_parallel, made.n_gpu_layers = asked.ctx_size, asked.parallel, asked.gpu_layers
    made.n_batch, made.n_ubatch = asked.batch_size, min(asked.ubatch_size, asked.batch_size)
    made.cpuparams.n_threads = made.cpuparams_batch.n_threads = asked.threads
    made.cache_ram_mib, made.offline, made.ui = asked.cache_ram, asked.offline, not asked.no_ui
    made.enable_reasoning = {"on": 1, "off": 0, "auto": -1}[asked.reasoning]
    made.endpoint_slots = True
    return made


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; a model that does not load or a port that is taken is one line and exit 1."""
    asked = parser().parse_args(argv)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        import xllamacpp

        server = xllamacpp.Server(settings(asked))
    except (ImportError, RuntimeError, OSError) as error:
        print(f"E the server did not start: {error}", file=sys.stderr, flush=True)
        return 1
    print(f"listening at {server.listening_address}", flush=True)
    stop.wait()
    del server
    return 0


if __name__ == "__main__":
    sys.exit(main())
