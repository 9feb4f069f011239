"""Nodes that know each other through a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from streaming import nodes_redis
from streaming.log import StoreUnavailable
from streaming.nodes_redis import RedisNodes
from tests.redis_server import free_port, redis_server

SOON_S = 60.0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with redis_server() as (address, _):
        yield address


class Seen:
    """One node and what it heard."""

    def __init__(self, url: str, prefix: str) -> None:
        self.nodes = RedisNodes.connect(url, prefix)
        self.letters: list[bytes] = []
        self.lapses = self.backs = 0

    async def begin(self, name: str) -> None:
        await self.nodes.begin(name, self)

    def hear(self, data: bytes) -> None:
        self.letters.append(data)

    def lapsed(self) -> None:
        self.lapses += 1

    def back(self) -> None:
        self.backs += 1


async def until(seen: Any) -> None:
    async with asyncio.timeout(SOON_S):
        while not seen():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.005)


@pytest.fixture
async def pair(url: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Seen, Seen]]:
    prefix = f"{request.node.name}:"
    a, b = Seen(url, prefix), Seen(url, prefix)
    await a.begin("a")
    await b.begin("b")
    yield a, b
    for one in (a, b):
        await one.nodes.leave()


async def test_nodes_see_each_other_and_speak(pair: tuple[Seen, Seen]) -> None:
    a, b = pair
    assert await a.nodes.lives("b")
    assert await b.nodes.lives("a")
    assert not await a.nodes.lives("c")
    a.nodes.tell("b", b"one")
    a.nodes.tell("b", b"two")
    a.nodes.tell_all(b"three")
    await until(lambda: len(b.letters) == 3)
    assert sorted(b.letters) == [b"one", b"three", b"two"]
    assert b.letters.index(b"one") < b.letters.index(b"two")
    assert a.letters == []


async def test_an_inbox_keeps_letters_in_order_until_they_are_taken(
    pair: tuple[Seen, Seen],
) -> None:
    a, b = pair
    for letter in (b"1", b"2", b"3"):
        await a.nodes.post("s", letter)
    found = await b.nodes.posted("s")
    assert [letter for _, letter in found] == [b"1", b"2", b"3"]
    b.nodes.taken("s", [letter_id for letter_id, _ in found[:2]])
    b.nodes.taken("s", [])
    async with asyncio.timeout(SOON_S):
        while len(await a.nodes.posted("s")) != 1:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.005)
    assert await a.nodes.posted("other") == []


async def test_a_node_without_a_heartbeat_is_dead_until_it_is_buried(
    pair: tuple[Seen, Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = pair
    monkeypatch.setattr(nodes_redis, "HEARTBEAT_S", 0.05)
    b.nodes.speaking("s_1", on=True)
    b.nodes.speaking("s_2", on=True)
    b.nodes.speaking("s_2", on=False)
    await b.nodes._renew()
    assert await a.nodes.dead() == []
    async with asyncio.timeout(SOON_S):
        while await a.nodes.dead() != ["b"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    assert not await a.nodes.lives("b")
    assert await a.nodes.spoke("b") == ["s_1"]
    await a.nodes.bury("b")
    assert await a.nodes.dead() == []
    assert await a.nodes.spoke("b") == []
    await b.nodes._renew()  # it was only slow: it appears again
    assert await a.nodes.lives("b")


async def test_a_heartbeat_that_failed_for_long_is_told(
    pair: tuple[Seen, Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, _ = pair
    monkeypatch.setattr(nodes_redis, "RENEW_S", 0.01)
    monkeypatch.setattr(nodes_redis, "LAPSE_S", -1.0)
    a.nodes._tasks.append(asyncio.create_task(a.nodes._renewing()))
    await until(lambda: a.lapses > 0)


async def test_a_heartbeat_is_back_as_soon_as_redis_is(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_redis, "RENEW_S", 0.05)
    port = free_port()
    one = Seen(f"redis://127.0.0.1:{port}/0", "beat:")
    with redis_server(port):
        await one.begin("a")
    await until(lambda: one.nodes.trouble is not None)
    monkeypatch.setattr(nodes_redis, "RENEW_S", 60.0)
    with redis_server(port):
        await until(lambda: one.nodes.trouble is None)
        assert await one.nodes.lives("a")
        assert one.lapses == 0
        await one.nodes.leave()


async def test_more_may_ask_at_once_than_there_are_connections(pair: tuple[Seen, Seen]) -> None:
    a, _ = pair
    asked = [a.nodes.posted(f"s_{n}") for n in range(10 * nodes_redis.CONNECTIONS)]
    assert await asyncio.gather(*asked) == [[]] * len(asked)


async def test_who_leaves_in_peace_is_not_dead(url: str) -> None:
    a, b = Seen(url, "peace:"), Seen(url, "peace:")
    await a.begin("a")
    await b.begin("b")
    await b.nodes.leave()
    assert await a.nodes.dead() == []
    assert not await a.nodes.lives("b")
    await a.nodes.leave()


async def test_redis_may_be_away_and_come_back() -> None:
    port = free_port()
    one = Seen(f"redis://127.0.0.1:{port}/0", "away:")
    await one.begin("a")
    with pytest.raises(StoreUnavailable, match="redis: "):
        await one.nodes.lives("b")
    assert "redis: " in (one.nodes.trouble or "")
    with pytest.raises(StoreUnavailable):
        await one.nodes.post("s", b"lost")
    with redis_server(port) as (_, server):
        async with asyncio.timeout(SOON_S):
            while one.letters != [b"hello"]:
                one.letters.clear()
                one.nodes.tell("a", b"hello")
                await asyncio.sleep(0.05)
        assert not await one.nodes.lives("b")
        assert (await one.nodes.posted("s"), one.nodes.trouble, one.backs) == ([], None, 0)
        server.kill()
        server.wait()
        with redis_server(port):
            await until(lambda: one.backs == 1)
            await one.nodes.leave()


async def test_what_a_node_is_saying_is_known_though_redis_was_away_when_it_began() -> None:
    port = free_port()
    one = Seen(f"redis://127.0.0.1:{port}/0", "said:")
    with redis_server(port):
        await one.begin("a")
        one.nodes.speaking("s_0", on=True)
        await until(lambda: one.nodes._sending is None or one.nodes._sending.done())
    one.nodes.speaking("s_1", on=True)
    one.nodes.speaking("s_0", on=False)
    await until(lambda: one.nodes.trouble is not None)
    with redis_server(port):
        async with asyncio.timeout(SOON_S):
            while await said(one.nodes) != ["s_1"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        await one.nodes.leave()


async def said(nodes: RedisNodes) -> list[str]:
    try:
        return await nodes.spoke("a")
    except StoreUnavailable:
        return []
