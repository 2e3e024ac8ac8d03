"""Groups of results: none held back, none lost, the stream goes on while a group is recorded, errors come last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from engine.compute.groups import grouped


async def stream(
    count: int, seconds: float, ended: list[int], fault: bool = False
) -> AsyncGenerator[int, None]:
    try:
        for number in range(count):
            await asyncio.sleep(seconds)
            yield number
        if fault:
            raise RuntimeError("the stream broke")
    finally:
        ended.append(1)


async def test_a_slow_reader_gets_larger_groups_and_a_quick_one_waits_for_nobody() -> None:
    ended: list[int] = []
    sizes, got = [], []
    async for group in grouped(stream(60, 0.001, ended)):
        sizes.append(len(group))
        got += group
        await asyncio.sleep(0.02 if len(got) < 30 else 0)
    assert got == list(range(60))
    assert max(sizes) > 3
    assert sizes[0] == 1, "the first one is not held back"
    assert ended == [1]


async def test_a_group_has_a_bound_and_holds_the_stream_up() -> None:
    ended: list[int] = []
    async with aclosing(grouped(stream(50, 0.0, ended), most=4)) as groups:
        assert len(await anext(groups)) <= 4
        await asyncio.sleep(0.05)
        assert len(await anext(groups)) <= 4
    assert ended == [1], "closing the groups closes the stream"


async def test_an_error_comes_after_all_that_came_before_it() -> None:
    got: list[int] = []

    async def read() -> None:
        async for group in grouped(stream(5, 0.0, [], fault=True)):
            got.extend(group)
            await asyncio.sleep(0.01)

    with pytest.raises(RuntimeError, match="the stream broke"):
        await read()
    assert got == [0, 1, 2, 3, 4]


async def test_who_is_cancelled_while_nothing_comes_leaves_no_task_behind() -> None:
    async def read() -> None:
        async for _ in grouped(stream(1, 60.0, [])):
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
