"""The balancer of a cluster on one machine: whose turn it is, who is left out, what passes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.balance import Backend, Balancer

HEALTH_S = 0.02


class Node:
    """A server that says its name, then everything back until the client has spoken its last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.port = 0
        self._server: asyncio.Server | None = None

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._come, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if line.startswith(b"GET /readyz"):
            status = b"200 OK" if self.ready else b"503 Service Unavailable"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        elif line == b"cut\n":
            writer.transport.abort()
        else:
            writer.write(self.name.encode() + b":" + line + await reader.read())
        writer.close()

    async def aclose(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()


@contextlib.asynccontextmanager
async def balanced(*names: str) -> AsyncIterator[tuple[int, list[Node], asyncio.Queue[str]]]:
    """A balancer before nodes of these names: its port, the nodes, what it tells."""
    nodes = [Node(name) for name in names]
    for node in nodes:
        await node.begin()
    told: asyncio.Queue[str] = asyncio.Queue()
    backends = [Backend(node.name, node.port) for node in nodes]
    balancer = Balancer(backends, told.put_nowait, health_s=HEALTH_S)
    port = await balancer.begin(0)
    try:
        await balancer.all_ready()
        yield port, nodes, told
    finally:
        await balancer.aclose()
        for node in nodes:
            await node.aclose()


async def asked(port: int, words: bytes = b"hello\n") -> str:
    """What comes back on a connection that says this and then no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer.decode()


async def told_that(told: asyncio.Queue[str], words: str) -> None:
    while await asyncio.wait_for(told.get(), 60) != words:
        pass


async def test_connections_go_round() -> None:
    async with balanced("one", "two", "three") as (port, _, _):
        names = [(await asked(port)).partition(":")[0] for _ in range(6)]
        assert sorted(names) == ["one", "one", "three", "three", "two", "two"]
        assert names[:3] == names[3:]


async def test_bytes_pass_unread_both_ways_and_an_end_of_speech_is_passed_on() -> None:
    async with balanced("one") as (port, _, _):
        many = b"first\n" + bytes(range(256)) * 4_000
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(many)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 60) == b"one:" + many
        writer.close()


async def test_a_node_that_drains_gets_nothing_new_and_keeps_what_it_has() -> None:
    async with balanced("one", "two") as (port, nodes, told):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"held\n")
            await writer.drain()
        nodes[0].ready = False
        await told_that(told, "one takes no more connections")
        assert [(await asked(port)).partition(":")[0] for _ in range(3)] == ["two"] * 3
        answers = []
        for reader, writer in held:
            writer.write_eof()
            answers.append((await asyncio.wait_for(reader.read(), 60)).decode())
            writer.close()
        assert sorted(answers) == ["one:held\n", "two:held\n"]
        nodes[0].ready = True
        await told_that(told, "one takes connections")


async def test_a_node_that_died_is_left_out_at_once_and_comes_back() -> None:
    async with balanced("one", "two") as (port, nodes, told):
        await nodes[0].aclose()
        names = [(await asked(port)).partition(":")[0] for _ in range(4)]
        assert names == ["two"] * 4
        await told_that(told, "one does not accept connections")
        await nodes[0].begin()
        await told_that(told, "one takes connections")
        assert "one" in [(await asked(port)).partition(":")[0] for _ in range(2)]


async def test_where_nobody_is_ready_it_says_so() -> None:
    async with balanced("one") as (port, nodes, told):
        nodes[0].ready = False
        await told_that(told, "one takes no more connections")
        assert (await asked(port)).startswith("HTTP/1.1 503 ")


async def test_a_node_that_cuts_cuts_its_learner() -> None:
    async with balanced("one") as (port, _, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"cut\n")
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
