"""The null control: the smallest possible WebSocket server. This file echoes, and does no more.

What it costs is the kernel, the event loop and the framing: nobody who answers can go below it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from bench.wire import CLOSE, TEXT, accept_key, masked

_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)


class Echo(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # TCP

    def data_received(self, data: bytes) -> None:
        """Send back every whole text message."""
        data = self._rest + data
        if not self._open:
            data = self._handshake(data)
        at, out = 0, []
        while len(data) - at >= 6:
            size, body = data[at + 1] & 0x7F, at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            stop = body + 4 + size
            if stop > len(data):
                break
            if data[at] == CLOSE:
                self._transport.close()
            elif data[at] == TEXT:
                payload = masked(
                    data[body + 4 : stop], int.from_bytes(data[body : body + 4], "big")
                )
                head = b"\x81\x7e" + size.to_bytes(2, "big") if size > 125 else bytes((TEXT, size))
                out.append(head + payload)
            at = stop
        self._rest = data[at:]
        if out:
            self.said(b"".join(out))

    def said(self, frames: bytes) -> None:
        """What this connection said, as a server's frames."""
        self._transport.write(frames)

    def _handshake(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        key = _KEY.search(head)
        if not found or key is None:
            return data
        self._open = True
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key[1]) + b"\r\n\r\n"
        )
        return rest


async def served(kind: type[Echo] = Echo) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0, backlog=2048)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "versions": {}}), flush=True)
    await server.serve_forever()


def main(kind: type[Echo] = Echo) -> None:
    """Be this server."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        sys.exit(runner.run(served(kind)))


if __name__ == "__main__":
    main()
