"""The console in a browser, on loopback only: `python -m tui.web`. Each tab is a console of its own; the engine is not touched.

Whoever opens it must know the key that is printed at start, and the page must have been asked for under a loopback name: other
users of this machine, and pages of other sites, get nothing. It looks only, unless `--act` is given.
"""

from __future__ import annotations

import argparse
import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"
COOKIE = "mimicry"
NAMES = (HOST, "localhost")
NEEDS = 5


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m tui.web", description="The console in a browser, on loopback."
    )
    made.add_argument("--state", type=Path, required=True, metavar="DIR")
    made.add_argument("--port", type=int, default=8000)
    made.add_argument("--act", action="store_true", help="let the browser act; without it it only looks")
    made.add_argument("--theme", default=None)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        from textual_serve.server import Server
    except ModuleNotFoundError as error:
        print(f"mimicry: serving needs {error.name}; fix: pip install 'mimicry[web]'", file=sys.stderr)
        return NEEDS
    key = secrets.token_urlsafe(24)

    class Private(Server):  # type: ignore[misc]
        """The toolkit's server behind a key, under loopback names."""

        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(guard(key, options.port))
            return app

        def initialize_logging(self) -> None:
            """Keep quiet: the console has its own ways to tell."""

    print(
        f"mimicry: console in the browser at http://{HOST}:{options.port}/?key={key}   stop: Ctrl-C",
        file=sys.stderr,
        flush=True,
    )
    Private(command(options), host=HOST, port=options.port, title="mimicry").serve()
    return 0


def command(options: argparse.Namespace) -> str:
    """Return the console's command for one tab."""
    words = [sys.executable, "-m", "tui", "--state", str(options.state)]
    words += [] if options.act else ["--readonly"]
    return shlex.join(words + (["--theme", options.theme] if options.theme else []))


def allowed(host: str, origin: str | None, port: int) -> bool:
    """Say whether a request came under a loopback name, and from a page that we served."""
    names = {f"{name}:{port}" for name in NAMES}
    return host in names and (origin is None or urlsplit(origin).netloc in names)


def guard(key: str, port: int) -> Any:
    """Return the middleware that turns everybody away who does not know the key."""
    from aiohttp import web

    @web.middleware
    async def check(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.query.get("key") or request.cookies.get(COOKIE) or ""
        known = hmac.compare_digest(given.encode(), key.encode())
        if not (known and allowed(request.host, request.headers.get("Origin"), port)):
            raise web.HTTPForbidden(
                text="the address that was printed at start, with its key, opens this console\n"
            )
        answer = await handler(request)
        if "key" in request.query and not answer.prepared:
            answer.set_cookie(COOKIE, key, httponly=True, samesite="Strict")
        return answer

    return check


if __name__ == "__main__":
    sys.exit(main())
