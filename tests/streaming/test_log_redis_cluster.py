"""The log on a real Redis Cluster of three masters, found out or named as one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from streaming.log import CommandId, Fenced, News, stored
from tests.redis_server import free_port, redis_server
from tests.streaming.redis_nodes import LONG_S, T0, Heard, Nodes, entries


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Three masters without replicas: their addresses."""
    with contextlib.ExitStack() as held:
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
        urls, ports = [], [(free_port(), free_port()) for _ in range(3)]
        for port, gossip in ports:
            folder = str(tmp_path_factory.mktemp("node"))
            # The masters' own port: left alone it is 10,000 above, where there may be none.
            own = [*options, "--cluster-port", str(gossip), "--dir", folder]
            url, _ = held.enter_context(redis_server(port, own))
            urls.append(url)
        asyncio.run(joined(urls, ports[0]))
        yield urls


async def joined(urls: list[str], first: tuple[int, int]) -> None:
    clients: list[Any] = [Redis.from_url(url) for url in urls]
    for n, client in enumerate(clients):
        begin, end = 16_384 * n // 3, 16_384 * (n + 1) // 3 - 1
        await client.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
        if n:
            await client.execute_command("CLUSTER", "MEET", "127.0.0.1", *first)
    async with asyncio.timeout(LONG_S):
        for client in clients:
            while not await whole(client):  # noqa: ASYNC110 - masters gossip when they like
                await asyncio.sleep(0.05)
            await client.aclose()


async def whole(client: Any) -> bool:
    info = await client.execute_command("CLUSTER", "INFO")
    slots = await client.execute_command("CLUSTER", "SLOTS")
    return b"cluster_state:ok" in info and len(slots) == 3


async def test_logs_live_on_all_masters_of_a_cluster(cluster: list[str]) -> None:
    async with Nodes(cluster[0]) as nodes:
        here = await nodes.join()
        there = await nodes.join(
            cluster[1].replace("redis://", "redis+cluster://").removesuffix("/0")
        )
        names = [f"s{n}" for n in range(12)] + ["", "}", "ü{x}"]
        heard = {name: Heard() for name in names}
        for name in names:
            await there.subscribe(name, heard[name])
            await here.claim(name, "n1", at_ms=T0)
        for seq in range(1, 6):
            for name in names:
                here.append(name, 1, CommandId(f"c{seq}", b"d"), entries(seq), "ada")
        for name in names:
            await heard[name].until(lambda name=name: heard[name].seqs == [1, 2, 3, 4, 5])  # type: ignore[misc] # a loop's value
            assert await there.read(name, 0) == entries(1, 5)
            assert len(await there.replies(name, newest=9, since_ms=0)) == 5
        assert await there.names() == sorted(names)
        assert here.counts.batches < 20
        taken = await there.claim("s0", "n2", at_ms=T0, over=1)
        with pytest.raises(Fenced):
            await stored(here.append("s0", 1, None, entries(6)))
        await stored(there.append("s0", taken.term, None, entries(6)))
        async with Redis.from_url(cluster[0]) as client:  # one of three breaks: all are made again
            await client.client_kill_filter(_type="pubsub")
        for name in names:
            await heard[name].told_to_read()
        await stored(here.append("s1", 1, None, entries(6)))
        await heard["s1"].until(lambda: 6 in heard["s1"].seqs)
        await here.drop("s2")
        assert "s2" not in await here.names()


async def test_a_slot_that_moves_takes_its_log_along(cluster: list[str]) -> None:
    async with Nodes(cluster[0]) as nodes:
        here, there, heard = await nodes.join(), await nodes.join(), Heard()
        claim = await here.claim("moves", "n1", at_ms=T0)
        await there.subscribe("moves", heard)
        await stored(here.append("moves", 1, None, entries(1)))
        await heard.until(lambda: heard.seqs == [1])
        await moved(cluster, "moves")
        tickets = [here.append("moves", 1, None, entries(seq)) for seq in (2, 3)]
        for ticket in tickets:
            await stored(ticket)
        assert await heard.told_to_read() == News(claim.epoch)
        assert await there.read("moves", 0) == entries(1, 3)
        await stored(here.append("moves", 1, None, entries(4)))
        await heard.until(lambda: 4 in heard.seqs)


async def moved(urls: list[str], name: str) -> None:
    """Give the slot of a log, with its keys, to another master."""
    slot = key_slot(name.encode())
    clients: list[Any] = [Redis.from_url(url) for url in urls]
    ids = [(await client.execute_command("CLUSTER", "MYID")).decode() for client in clients]
    owner = next(n for n in range(3) if 16_384 * n // 3 <= slot < 16_384 * (n + 1) // 3)
    other = (owner + 1) % 3
    old, new = clients[owner], clients[other]
    await new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner])
    await old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[other])
    keys = await old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
    port = new.connection_pool.connection_kwargs["port"]
    await old.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5_000, "KEYS", *keys)
    for client in (new, old, clients[3 - owner - other]):
        await client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[other])
    for client in clients:
        await client.aclose()
