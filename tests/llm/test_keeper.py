"""The server's life, with real processes: ready, gone, frozen, impostors, orphans, restarts within a limit, room for GPU work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from heard import SERVER, Heard
from tiny_model import write

from engine.config import LlmSettings
from engine.llm import vram
from engine.llm.client import Hung, Refused, TooLong
from engine.llm.keeper import Keeper, Unavailable
from engine.llm.vram import Card, gone
from engine.soak import processes

Made = Callable[..., LlmSettings]


@asynccontextmanager
async def kept(settings: LlmSettings, heard: Heard, read: Any = dict) -> AsyncIterator[Keeper]:
    keeper = Keeper(settings, heard, read=read)
    try:
        yield keeper
    finally:
        await keeper.close()


async def test_a_server_becomes_ready_says_what_it_is_and_ends_with_its_keeper(
    settings: Made, heard: Heard
) -> None:
    async with kept(settings(), heard) as keeper:
        assert keeper.state == "stopped"
        waiting = asyncio.create_task(keeper.ready())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert keeper.state == "loading"
        live = await waiting
        assert keeper.state == "ready"
        assert (live.facts.context, round(live.facts.chars_per_token, 2)) == (4096, 1.0)
        assert keeper.unfit == {}
        assert await keeper.ready() is live
        await answers_go_wrong_in_four_ways(live.client)
        pid = live.server.pid
    assert gone(pid)
    assert [event["state"] for event in heard.of("llm.server")] == ["ready"]


async def answers_go_wrong_in_four_ways(client: Any) -> None:
    """A refused grammar, a prompt too long, an answer cut short; and the server lives on."""
    with pytest.raises(Refused):
        await client.complete("x", tokens=4, grammar="root ::= broken")
    with pytest.raises(TooLong) as long:
        await client.complete("x" * 5000, tokens=4)
    assert (long.value.prompt, long.value.context) == (5001, 4096)
    cut = await client.complete("x", tokens=4, grammar='root ::= "abcdefgh"')
    assert (cut.text, cut.stop, cut.whole) == ("abcd", "limit", False)
    full = await client.complete("x" * 4000, tokens=500, grammar="root ::= [a-z]{400}")
    assert not full.whole
    assert (await client.complete("x", tokens=9, grammar='root ::= "abcdefgh"')).whole


@pytest.mark.slow
async def test_a_server_that_is_killed_is_noticed_and_started_again_three_times_and_no_more(
    settings: Made, heard: Heard
) -> None:
    """About 4 s; four servers."""
    async with kept(settings(), heard) as keeper:
        service = asyncio.create_task(keeper.serve())
        pids = set()
        for _ in range(4):
            live = await keeper.ready()
            pids.add(live.server.pid)
            os.kill(live.server.pid, signal.SIGKILL)
            await live.server.ended()
            async with asyncio.timeout(30):
                while keeper.state in ("ready", "busy") and keeper._live is live:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="3 restarts in 10 min"):
            await keeper.ready()
        assert len(pids) == 4
        assert keeper.state == "failed"
        service.cancel()


async def test_a_frozen_server_is_silent_then_killed(settings: Made, heard: Heard) -> None:
    async with kept(settings(silence_s=0.5), heard) as keeper:
        live = await keeper.ready()
        os.kill(live.server.pid, signal.SIGSTOP)
        with pytest.raises(Hung, match="silent"):
            await live.client.complete("x", tokens=4)
        keeper.lost(live, "it hung")
        assert keeper.why == "llm server: it hung"
        assert await asyncio.wait_for(live.server.ended(), 10) == -signal.SIGKILL


SCRIPTS = {
    "a wrong port": (
        f"import os, sys; a = sys.argv[1:]; a[a.index('--port') + 1] = '0'; os.execv({SERVER[0]!r}, {list(SERVER)!r} + a)",
        "not ready within 3 s",
    ),
    "a command that ends": ("raise SystemExit(3)", "ended with code 3"),
    "a complaint": ("import sys; print('0.1 E model is junk'); sys.exit(1)", "model is junk"),
}


@pytest.mark.parametrize("case", SCRIPTS)
async def test_a_command_that_never_becomes_ready_is_one_clear_line(
    case: str, settings: Made, heard: Heard
) -> None:
    script, said = SCRIPTS[case]
    async with kept(settings(command=(sys.executable, "-c", script), start_s=3.0), heard) as keeper:
        with pytest.raises(Unavailable, match=said):
            await keeper.ready()
        assert keeper.state == "failed"
        assert said in keeper.why
        assert "\n" not in keeper.why


async def test_a_command_that_is_not_there_and_a_junk_model_are_named(
    settings: Made, heard: Heard, tmp_path: Path
) -> None:
    async with kept(settings(command=("no-such-server",)), heard) as keeper:
        with pytest.raises(Unavailable, match="no-such-server: cannot be run"):
            await keeper.ready()
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"GGUF and then nothing")
    async with kept(settings(model=junk), heard) as keeper:
        with pytest.raises(Unavailable, match="ended with code 1"):
            await keeper.ready()


async def test_another_server_on_the_port_is_not_mistaken_for_ours(
    settings: Made, heard: Heard, tiny: Path
) -> None:
    other = tiny.with_name("other.gguf")
    other.write_bytes(tiny.read_bytes())
    swap = f"import os, sys; a = sys.argv[1:]; a[a.index('-m') + 1] = {str(other)!r}; os.execv({SERVER[0]!r}, {list(SERVER)!r} + a)"
    async with kept(settings(command=(sys.executable, "-c", swap)), heard) as keeper:
        with pytest.raises(
            Unavailable, match=r"another server answers on port \d+ with model '.*other.gguf'"
        ):
            await keeper.ready()


async def test_release_stops_the_server_measures_the_memory_and_restore_brings_it_back(
    settings: Made, heard: Heard
) -> None:
    used = {"card0": 100 << 20}

    def read() -> vram.Cards:
        return {name: Card(value, 8 << 30) for name, value in used.items()}

    async with kept(settings(), heard, read) as keeper:
        service = asyncio.create_task(keeper.serve())
        live = await keeper.ready()
        used["card0"] = 120 << 20
        freed = await keeper.release("selfplay")
        assert freed.freed
        assert freed.text == "free: card0 120 MiB used"
        assert gone(live.server.pid)
        assert (keeper.state, keeper.why) == ("stopped", "selfplay")
        with pytest.raises(Unavailable, match="selfplay"):
            await keeper.ready()
        assert (await keeper.release("a second phase")).freed
        assert await keeper.restore() is False
        assert (keeper.state, keeper.why) == ("stopped", "selfplay")
        assert await keeper.restore() is True
        assert keeper.state == "ready"
        again = await keeper.ready()
        assert again.server.pid != live.server.pid
        assert keeper.breaker.total == 0
        service.cancel()
    states = [(event["state"], event.get("vram")) for event in heard.of("llm.server")]
    assert states == [("ready", None), *[("stopped", "free: card0 120 MiB used")] * 2, ("ready", None)]


async def test_memory_of_others_is_no_obstacle_and_memory_that_stays_is_one(
    settings: Made, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a tree as AMD's driver shows it, read as the room reads it; the server takes 9000 MiB while it runs."""
    monkeypatch.setattr(vram, "read_nvidia", dict)
    monkeypatch.setattr(vram, "wait_freed", partial(vram.wait_freed, patience=0.05, look=0.01))
    card, others, left = tmp_path / "card0" / "device", 100, 0
    card.mkdir(parents=True)
    (card / "mem_info_vram_total").write_text(f"{12 << 30}\n")

    def read() -> vram.Cards:
        server = "llm" in processes.tree(os.getpid()).values()
        (card / "mem_info_vram_used").write_text(f"{others + (9000 if server else left) << 20}\n")
        return vram.read_all(tmp_path)

    async with kept(settings(), heard, read) as keeper:
        await keeper.ready()
        others += 800  # a worker of ours searches on the same card
        freed = await keeper.release("search")
        assert (freed.freed, freed.text) == (True, "free: card0 900 MiB used")
        assert (await keeper.release("nested")).freed, "nothing of ours has run since"
        assert await keeper.restore() is False
        assert await keeper.restore() is True
        left = 9000  # the process goes, its memory does not
        freed = await keeper.release("search")
        assert not freed.freed
        assert freed.text == "not free: card0 9900 MiB used, 900 MiB without the model server"


async def test_release_while_loading_stops_the_loading(settings: Made, heard: Heard) -> None:
    async with kept(settings(command=(sys.executable, "-c", "import time; time.sleep(60)")), heard) as keeper:
        waiting = asyncio.create_task(keeper.ready())
        await asyncio.sleep(0.3)
        assert (await keeper.release("selfplay")).freed
        with pytest.raises(Unavailable, match="selfplay"):
            await waiting


ORPHAN = """
import asyncio, sys
from pathlib import Path
from engine.config import LlmSettings
from engine.llm.server import start
async def main():
    server, facts = await start(LlmSettings(command=tuple(sys.argv[2:]), model=Path(sys.argv[1]), context=4096))
    print(facts.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_server_dies_with_its_engine_however_that_ends(tiny: Path) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(tiny), *SERVER], stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    pid = int(engine.stdout.readline())
    assert not gone(pid)
    engine.kill()
    engine.wait()
    deadline = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(pid)


@pytest.mark.slow
async def test_cancelling_a_slow_prompt_frees_the_slot_within_seconds(
    settings: Made, heard: Heard, tmp_path: Path
) -> None:
    """About 4 s: a prompt of 28,000 tokens, cancelled while it is read."""
    model = write(tmp_path / "long.gguf", context=32_768)
    async with kept(settings(model=model, context=32_768), heard) as keeper:
        client = (await keeper.ready()).client
        reading = asyncio.create_task(client.complete("x" * 28_000, tokens=4))
        await asyncio.sleep(0.3)
        assert not reading.done()
        assert await client.healthy()  # health says nothing of the queue behind a long prompt
        reading.cancel()
        begun = time.monotonic()
        done = await client.complete("x", tokens=4, grammar='root ::= "abc"')
        assert done.text == "abc"
        assert time.monotonic() - begun < 5.0


async def test_grammars_that_the_server_refused_are_offered_again(
    settings: Made, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.llm.keeper.HEALTH_SECONDS", 0.05)
    monkeypatch.setattr("engine.llm.keeper.RECHECK_SECONDS", 0.1)
    offered = 0

    async def unfit(client: Any) -> dict[str, str]:
        nonlocal offered
        offered += 1
        return {"agent_decision": "failed to parse grammar"} if offered < 3 else {}

    monkeypatch.setattr("engine.llm.keeper._unfit", unfit)
    async with kept(settings(), heard) as keeper:
        serving = asyncio.create_task(keeper.serve())
        async with asyncio.timeout(30):
            while keeper.facts is None or keeper.unfit:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        serving.cancel()
    assert offered == 3
    assert [event["unfit"] for event in heard.of("llm.server") if event["state"] == "grammars"] == [{}]
