"""Breakers of several nodes over a real redis-server, which is also killed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from redis.asyncio import Redis

from streaming.breaker import Breaker
from streaming.breaker_redis import PREFIX, SharedBreakers
from streaming.providers.base import Provider
from streaming.providers.builtin import Builtin
from streaming.routing import Routing
from tests.redis_server import free_port, redis_server
from tests.streaming.script import GOOD, Scripted, failing, heard, reasons, shown

KEY = "cloud/cloud-1"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with redis_server() as (address, _):
        yield address


class Node:
    """A breaker with a clock of its own, shared."""

    def __init__(self, url: str) -> None:
        self.now_s = 50.0
        self.breaker = Breaker(lambda: self.now_s)
        self.shared = SharedBreakers.connect(url, {KEY: self.breaker})

    def fail(self, times: int = 3) -> None:
        for _ in range(times):
            self.breaker.failed(self.breaker.permit())

    async def refresh(self) -> None:
        await self.shared.refresh()

    def state(self) -> str:
        return self.breaker.state

    def away(self) -> bool:
        return self.shared.away


@pytest.fixture
async def nodes(url: str) -> AsyncIterator[Callable[[], Node]]:
    made: list[Node] = []

    def node() -> Node:
        made.append(Node(url))
        return made[-1]

    async with Redis.from_url(url) as redis:
        await redis.flushall()
    yield node
    for each in made:
        await each.shared.aclose()


async def test_what_one_node_opens_is_open_on_all(nodes: Callable[[], Node]) -> None:
    one, other = nodes(), nodes()
    one.fail()
    assert other.state() == "closed"
    await one.refresh()
    await other.refresh()
    assert other.state() == "open"
    assert other.breaker.opens_in_s == pytest.approx(5.0, abs=1.0)
    assert other.breaker.openings == 1


async def test_a_node_that_joins_later_learns_what_is_open(nodes: Callable[[], Node]) -> None:
    one = nodes()
    one.breaker.shut(one.breaker.permit(), 600.0)
    await one.refresh()
    late = nodes()
    await late.refresh()
    assert late.breaker.opens_in_s == pytest.approx(600.0, abs=5.0)


async def test_a_success_anywhere_closes_all_that_wait_no_longer(
    nodes: Callable[[], Node],
) -> None:
    one, other, third = nodes(), nodes(), nodes()
    one.fail()
    await one.refresh()
    for node in (other, third):
        await node.refresh()
    one.now_s += 6
    other.now_s += 6
    assert other.state() == "half_open"
    one.breaker.succeeded(one.breaker.permit())
    await one.refresh()
    for node in (other, third):
        await node.refresh()
    assert other.state() == "closed"
    assert third.state() == "open"  # by its own clock it has to wait still


async def test_a_failed_try_elsewhere_opens_for_longer(nodes: Callable[[], Node]) -> None:
    one, other = nodes(), nodes()
    one.fail()
    await one.refresh()
    await other.refresh()
    one.now_s += 6
    one.fail(1)
    await one.refresh()
    await other.refresh()
    assert other.breaker.opens_in_s == pytest.approx(10.0, abs=1.0)
    assert other.breaker.openings == 2


async def test_a_longer_wait_of_ones_own_stays(nodes: Callable[[], Node]) -> None:
    one, other = nodes(), nodes()
    other.breaker.shut(other.breaker.permit(), 600.0)
    one.fail()
    await one.refresh()
    await other.shared._heard()  # before it has told its own
    assert other.breaker.opens_in_s == 600.0


async def test_what_was_heard_once_is_not_heard_again(nodes: Callable[[], Node]) -> None:
    one, other = nodes(), nodes()
    one.fail()
    await one.refresh()
    await other.refresh()
    other.now_s += 6
    other.breaker.succeeded(other.breaker.permit())
    other.shared._untold.clear()  # as if its word were lost
    await other.refresh()
    assert other.breaker.state == "closed"


async def test_each_provider_has_a_hash_that_ends(nodes: Callable[[], Node], url: str) -> None:
    one = nodes()
    one.fail()
    await one.refresh()
    async with Redis.from_url(url, decode_responses=True) as redis:
        assert await redis.keys("*") == [PREFIX + KEY]
        assert set(await redis.hgetall(PREFIX + KEY)) == {"version", "open_until_ms", "openings"}
        assert 0 < await redis.ttl(PREFIX + KEY) <= 3_600


async def test_the_background_tells_at_once_and_reads_again_and_again(url: str) -> None:
    one, other = Node(url), Node(url)
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    for node in (one, other):
        node.shared._every_s = 0.01
        node.shared.begin()
    one.fail()
    async with asyncio.timeout(60):
        while not other.breaker.open:  # noqa: ASYNC110 - a breaker tells nobody what it heard
            await asyncio.sleep(0.01)
    for node in (one, other):
        await node.shared.aclose()


async def test_a_hash_that_nobody_wrote_harms_nobody(
    nodes: Callable[[], Node], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = nodes()
    async with Redis.from_url(url) as redis:
        await redis.hset(PREFIX + KEY, mapping={"version": "x", "open_until_ms": "soon"})
        await one.refresh()
        assert one.away()
        await redis.delete(PREFIX + KEY)
        await redis.set(PREFIX + KEY, "a string")
        await one.refresh()
        assert one.away()
        await redis.delete(PREFIX + KEY)
    await one.refresh()
    assert not one.away()
    assert one.state() == "closed"
    assert len(caplog.records) == 2


async def test_without_redis_a_node_goes_by_its_own_calls(caplog: pytest.LogCaptureFixture) -> None:
    node = Node(f"redis://127.0.0.1:{free_port()}/0")
    with caplog.at_level(logging.WARNING):
        node.fail()
        await node.refresh()
        await node.refresh()
    assert node.breaker.open
    assert node.shared.away
    assert [r.getMessage() for r in caplog.records] == [
        "breakers are this node's own: ConnectionError"
    ]
    node.now_s += 6
    node.breaker.succeeded(node.breaker.permit())
    assert node.breaker.allows()
    await node.shared.aclose()


async def test_a_redis_that_is_killed_and_comes_back_is_told_what_happened_meanwhile() -> None:
    port = free_port()
    with redis_server(port) as (url, server):
        one, other = Node(url), Node(url)
        await one.refresh()
        assert not one.away()
        server.kill()
        server.wait()
        one.fail()
        await one.refresh()
        assert one.away()
        assert one.breaker.open
    with redis_server(port):
        await one.refresh()
        await other.refresh()
        assert not one.away()
        assert other.breaker.open
    for node in (one, other):
        await node.shared.aclose()


async def test_a_redis_that_accepts_and_says_nothing_holds_nobody_up() -> None:
    held: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    node = Node(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    node.fail()
    await node.refresh()
    assert node.shared.away
    await node.shared.aclose()
    for writer in held:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_turns_go_on_while_redis_dies() -> None:
    """Two routers share what one of them saw; the death of Redis reaches no turn."""

    def router(*scripts: object) -> Routing:
        chain: list[Provider] = [Scripted(*scripts), Builtin(pace_words_a_s=0)]  # type: ignore[arg-type]  # scripts all
        return Routing(chain, dice=lambda: 0.0)

    with redis_server() as (url, server):
        one = router(failing("auth"))
        other = router(GOOD, failing("overloaded"))
        shared = [SharedBreakers.connect(url, each.breakers) for each in (one, other)]
        assert shown(await heard(other)) == "Think again."
        await heard(one)
        for each in shared:
            await each.refresh()
        assert other.first().source == "builtin"
        server.kill()
        server.wait()
        third = router(failing("overloaded"))
        shared.append(SharedBreakers.connect(url, third.breakers))
        shared[2].begin()
        for _ in range(3):
            timed = await heard(third)
            assert reasons(timed) == [("builtin", "overloaded")]
        assert third.first().source == "builtin"
        for each in shared:
            await each.aclose()
