"""A headless Chromium, driven over its own debugging socket: open a page, press a key, take a picture."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1200,760",
)


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, count(1)

    @classmethod
    @asynccontextmanager
    async def opened(cls, program: str, address: str, folder: Path) -> AsyncIterator[Page]:
        """Start a browser of our own, open an address, end the browser."""
        browser = await asyncio.create_subprocess_exec(
            program, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", address,
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert browser.stderr is not None
            port = ""
            while not port:
                line = (await asyncio.wait_for(browser.stderr.readline(), 60)).decode()
                found = re.search(r"ws://127.0.0.1:(\d+)/", line)
                port = found.group(1) if found else ""
            draining = asyncio.create_task(browser.stderr.read())
            async with aiohttp.ClientSession() as session:
                tab = ""
                while not tab:
                    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                        pages = [
                            each
                            for each in await answer.json()
                            if each["type"] == "page" and "127.0.0.1" in each["url"]
                        ]
                        tab = pages[0]["webSocketDebuggerUrl"] if pages else ""
                    await asyncio.sleep(0.2)
                async with session.ws_connect(tab, max_msg_size=0) as socket:
                    yield cls(socket)
            draining.cancel()
        finally:
            if browser.returncode is None:
                browser.terminate()
            await browser.wait()

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command of the debugging protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told = json.loads((await self._socket.receive(timeout=60)).data)
            if told.get("id") == number:
                result: dict[str, Any] = told["result"]
                return result

    async def press(self, key: str) -> None:
        """Give the terminal the focus and type one digit."""
        await self.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.ask("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        for kind in ("keyDown", "keyUp"):
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=f"Digit{key}", windowsVirtualKeyCode=ord(key),
                **({"text": key} if kind == "keyDown" else {}),
            )  # fmt: skip

    async def picture(self, file: Path) -> int:
        """Save a picture of the page and return its size in bytes."""
        data = base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])
        file.write_bytes(data)
        return len(data)
