"""A network between a node and Redis that can be cut. This file is that process.

It passes bytes on and knows nothing of them. Stopped (SIGSTOP) it is a cut network: nothing is
reset, connections hang, new ones are never answered; continued (SIGCONT) it delivers what was sent
meanwhile, also from who has long hung up, as a network does that comes back.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any


class Side(asyncio.Protocol):
    """One of the two connections of a pair; what it hears it writes to the other one."""

    def __init__(self) -> None:
        self.transport: Any = None  # uvloop's is no subclass of asyncio's
        self.other: Side | None = None
        self._early: list[bytes] = []
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = transport

    def joined(self, other: Side) -> None:
        """The other side stands too: give it what came before."""
        self.other = other
        for data in self._early:
            other.transport.write(data)
        self._early.clear()
        if self._over:
            other.transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        """The reader is slow: so is the writer."""
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        """Hang up on the other side, after what is still to be written."""
        self._over = True
        if self.other is not None:
            self.other.transport.close()


class Proxy:
    """Listens on a free port of loopback for one port of loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._dialling: set[asyncio.Task[None]] = set()

    def side(self) -> Side:
        """A connection came: dial for it."""
        near = Side()
        task = asyncio.get_running_loop().create_task(self._dialled(near))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        return near

    async def _dialled(self, near: Side) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(Side, "127.0.0.1", self._port)
        except OSError:
            near.transport.abort()
            return
        far.joined(near)
        near.joined(far)


async def passed_on(port: int) -> None:
    """Pass bytes on until the process is ended."""
    proxy = Proxy(port)
    server = await asyncio.get_running_loop().create_server(
        proxy.side, "127.0.0.1", 0, backlog=1_024
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(passed_on(int(sys.argv[1])))
