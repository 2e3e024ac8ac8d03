"""Tries attacks on a running cluster: a JSON list of orders on stdin, a JSON list of what came of each on stdout."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

from engine.compute import settings
from engine.compute.pki import Authority, Credentials


class Evil:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (Path(self.mark),))


def leave_mark(path: str) -> str:
    """What an intruder wants the other side to run."""
    Path(path).touch()
    return "ran"


def stranger(orders: dict[str, Any], context: ssl.SSLContext | None) -> str:
    """Return what a stranger hears after he connected."""
    with socket.create_connection(("127.0.0.1", orders["port"]), timeout=5) as plain:
        try:
            end = context.wrap_socket(plain) if context is not None else plain
            end.settimeout(5)
            end.sendall(b"\x00" * 64)
            return f"heard {len(end.recv(64))} bytes"
        except (OSError, ssl.SSLError) as error:
            return f"refused: {type(error).__name__}"


async def ask(orders: dict[str, Any], message: dict[str, Any]) -> str:
    """Send one message with the given credentials and return the answer."""
    from distributed.comm.core import connect

    from engine.compute.nodes import Passport

    passport = Passport(Credentials(**orders["tls"]))
    address = f"tls://127.0.0.1:{orders['port']}"
    try:
        comm = await connect(address, timeout=5, **passport.get_connection_args("worker"))
        await comm.write(message)
        return f"answered {str(await asyncio.wait_for(comm.read(), 5))[:200]}"
    except (OSError, TimeoutError) as error:
        return f"refused: {type(error).__name__}"


async def attack(name: str, orders: dict[str, Any]) -> str:
    from distributed.protocol import pickle
    from distributed.protocol.serialize import ToPickle

    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    mark = orders["mark"]
    call = {
        "function": pickle.dumps(leave_mark),
        "args": pickle.dumps((mark,)),
        "kwargs": pickle.dumps({}),
        "wait": True,
    }
    match name:
        case "plain":
            return await asyncio.to_thread(stranger, orders, None)
        case "no certificate":
            return await asyncio.to_thread(stranger, orders, bare)
        case "other authority":
            foreign = Authority().leaf("client", "engine")
            context = foreign.context(server=False)
            context.verify_mode = ssl.CERT_NONE
            return await asyncio.to_thread(stranger, orders, context)
        case "run in the scheduler":
            return await ask(orders, {"op": "run_function", "reply": True, **call})
        case "register as client":
            return await ask(
                orders, {"op": "register-client", "client": "me", "reply": False, "versions": {}}
            )
        case "pickle":
            return await ask(orders, {"op": "keep-alive", "reply": True, "x": ToPickle(Evil(mark))})
        case "run in a worker":
            return await ask(orders, {"op": "run", "reply": True, **call})
        case _:
            raise ValueError(name)


async def every(attacks: list[dict[str, Any]]) -> list[str]:
    return [await attack(orders["attack"], orders) for orders in attacks]


def main() -> None:
    attacks = json.load(sys.stdin)
    settings.apply()
    print(json.dumps(asyncio.run(every(attacks))))


if __name__ == "__main__":
    import intruder

    intruder.main()
