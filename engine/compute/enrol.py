"""What a worker is started with, on this machine or on a rig, and what the transport that starts it must offer.

On this machine an order travels through a pipe. On a rig it is three PEM files and one JSON file in a private directory, which the
worker removes as soon as it has read them, and a loopback port that leads through the tunnel to the scheduler.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from engine.compute.pki import Credentials

Event = dict[str, Any]
OnEvent = Callable[[Event], None]
MODULE = "engine.compute.worker"
SPEC, CA, CERT, KEY = "worker.json", "ca.pem", "cert.pem", "key.pem"


class Process(Protocol):
    """A worker's process, wherever it runs. Its stdin takes JSON lines, its stdout gives them; it dies with its transport."""

    @property
    def pid(self) -> int | None:
        """Process id on its machine, if known."""

    @property
    def alive(self) -> bool:
        """Tell whether it has not ended yet, as far as was noticed."""

    def send(self, line: Event) -> None:
        """Send one line to its stdin; a process that is going away misses it."""

    def silence(self) -> float:
        """Return the seconds since its last line; each line is also passed to the `OnEvent` of its launch."""

    def kill(self, why: str = "") -> None:
        """Kill it and what it started, at once."""

    def refuse(self, why: str) -> None:
        """Kill it because its kernels are not to be trusted; it is not started again before somebody has looked at it."""

    async def wait(self) -> int:
        """Wait for its end, after its last line was passed on; the exit code (negative: the signal)."""

    def last_words(self) -> str:
        """Return the end of what it wrote to stderr since it was started."""

    async def kernel_log(self, since: float) -> str:
        """Return what its machine's kernel logged about memory and devices since the monotonic time `since`, or why that is not known."""

    async def close(self) -> None:
        """Kill what is left and give everything back."""


@dataclass(frozen=True)
class Payload:
    """How a rig starts a worker: write `files` (0600) into a private directory, run `argv` there with `env` added."""

    files: Mapping[str, bytes]
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """One start of one worker."""

    name: str
    """Its place: `worker-0`, or `rig-6600/gpu3`."""
    launch: int
    """Counts the starts of all workers of this scheduler."""
    generation: int
    """The stop word's value at this moment."""
    port: int
    """The scheduler's loopback port on the coordinator; 0 where it is not known yet and comes by line."""
    credentials: Credentials
    kinds: Mapping[str, str] = field(default_factory=dict)
    gpu: bool = False

    @property
    def alias(self) -> str:
        """Return the name under which the scheduler knows this start; a dead one's name may still be taken."""
        return f"{self.name}#{self.launch}"

    def spec(self, **places: Any) -> Event:
        """Return the worker's specification; `places` are its stop word, its directory, what its transport adds."""
        return {
            "name": self.name, "alias": self.alias, "launch": self.launch, "generation": self.generation,
            "kinds": dict(self.kinds), "gpu": self.gpu, **places,
        }  # fmt: skip

    def local(self, word: str, directory: str, inputs: str) -> Event:
        """Return the specification for a process of this machine, keys included: it goes through a pipe."""
        return self.spec(word=word, directory=directory, inputs=inputs, tls=asdict(self.credentials))


Launch = Callable[[Order, OnEvent], Awaitable[Process]]
"""Start a worker and pass on its lines. Called again after each death, through whatever gate the transport keeps."""


def worker_payload(
    order: Order,
    *,
    port: int,
    inputs: str,
    python: str = "python3",
    env: Mapping[str, str] | None = None,
    gate: bool = False,
) -> Payload:
    """Return what a rig needs for `order`: `port` is where the scheduler answers on the rig's own loopback, `inputs` its store of files.

    `env` is the rig's: visibility variables of the one GPU, `HSA_OVERRIDE_GFX_VERSION`, the path of the code. Nothing secret is in
    `argv` or `env`. The worker keeps its stop word and scratch files in its working directory. With `gate` it says
    `{"event": "gate"}` after its imports and waits for `{"gate": "open"}` before it touches its GPU, then `{"event": "initialised"}`.
    """
    tls = {"ca": CA, "cert": CERT, "key": KEY}
    spec = order.spec(word="stop.word", directory="scratch", inputs=inputs, tls=tls, port=port, gate=gate)
    files = {
        SPEC: json.dumps(spec),
        CA: order.credentials.ca,
        CERT: order.credentials.cert,
        KEY: order.credentials.key,
    }
    return Payload(
        files={name: text.encode() for name, text in files.items()},
        argv=(python, "-P", "-m", MODULE, SPEC),
        env=dict(env or {}),
    )
