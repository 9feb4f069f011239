"""The null control of a room: one process writes to all what one says. This file does no more.

What it costs is the kernel, the event loop and the framing, for each member once.
"""

from __future__ import annotations

from bench.peers.echo import Echo, main

HELLO = b'"t":"hello"'
WELCOME = b'{"t":"welcome"}'
ROOM: set[Echo] = set()


class Fan(Echo):
    """One member's connection."""

    def said(self, frames: bytes) -> None:
        """Let somebody in, or pass on what was said."""
        if HELLO in frames:
            ROOM.add(self)
            self._transport.write(bytes((0x81, len(WELCOME))) + WELCOME)
            return
        for member in ROOM:
            member._transport.write(frames)

    def connection_lost(self, _: Exception | None) -> None:
        """Somebody left."""
        ROOM.discard(self)


if __name__ == "__main__":
    main(Fan)
