"""One WebSocket connection to the server under test. This file is a client that believes nothing.

It keeps every frame as it came, waits for the one that the contract says must follow, and says
what came instead. The socket is another maker's, so that no mistake of ours is made twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

SUBPROTOCOL = "tutorstream.v1.json"
SHOWN_CHARS = 200
"""So much of a frame stands in evidence."""

Frame: TypeAlias = dict[str, Any]


class Broken(Exception):  # noqa: N818 - the contract's word for it
    """The server did not keep the contract: what was expected, and what came."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}; came {came}")
        self.expected = expected
        self.came = came


def demand(holds: bool, expected: str, came: object) -> None:
    """Raise Broken unless something holds."""
    if not holds:
        raise Broken(expected, shortened(came))


def shortened(came: object) -> str:
    """Words for evidence, cut where they are long.

    >>> shortened({"t": "ok"})
    '{"t": "ok"}'
    """
    words = came if isinstance(came, str) else json.dumps(came, ensure_ascii=False, default=repr)
    return words if len(words) <= SHOWN_CHARS else words[:SHOWN_CHARS] + "..."


class Contact:
    """One connection; `frames` and `raw` hold all that came on it, in order."""

    def __init__(self, socket: ClientConnection, patience_s: float) -> None:
        self.frames: list[Frame] = []
        self.raw: list[str] = []
        """The same frames as they stood on the wire."""
        self.welcome: Frame = {}
        self.item: Frame = {}
        """The newest item shown."""
        self.closed: tuple[int, str] | None = None
        """Close code and reason, once the socket has ended."""
        self._socket = socket
        self._patience_s = patience_s
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def dial(
        cls,
        url: str,
        patience_s: float,
        *,
        origin: str | None = None,
        subprotocol: str = SUBPROTOCOL,
    ) -> Contact:
        """A connection on which nothing was said yet. Raises OSError, InvalidHandshake."""
        socket = await connect(
            url,
            subprotocols=[Subprotocol(subprotocol)],
            origin=None if origin is None else Origin(origin),
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=patience_s,
            close_timeout=1,
            proxy=None,
        )
        return cls(socket, patience_s)

    # --- out ----------------------------------------------------------------------------------

    async def say(self, *frames: Frame) -> None:
        """Send frames, joined into one message."""
        await self.write("\n".join(json.dumps(frame) for frame in frames))

    async def write(self, message: str | bytes, *, text: bool | None = None) -> None:
        """Send one message as it is; after the end this does nothing."""
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(message, text=text)

    async def aclose(self) -> None:
        """Leave."""
        await self._socket.close()
        await self._reading

    def cut(self) -> None:
        """End the connection without a word, as a lost network does."""
        self._socket.transport.abort()

    # --- in -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Take what comes at once and acknowledge it: a check that looks elsewhere reads no less.

        The end of the connection is the last thing heard.
        """
        try:
            async for message in self._socket:
                lines = str(message).split("\n")
                for line in lines:
                    self._lines.put_nowait(line)
                await self._acknowledge(lines)
        except ConnectionClosed:
            pass
        self.closed = (self._socket.close_code or 1006, self._socket.close_reason or "")
        self._lines.put_nowait(None)

    async def _acknowledge(self, lines: list[str]) -> None:
        at: dict[str, int] = {}
        with contextlib.suppress(Broken):  # whoever hears the line says what is wrong with it
            for frame in map(frame_of, lines):
                if is_event(frame):
                    at[str(frame.get("s"))] = frame["q"]
                elif frame["t"] == "ping":
                    await self.say({"t": "pong"})
        if at:
            await self.say({"t": "ack", "pos": at})

    async def hear(self, patience_s: float | None = None) -> Frame:
        """The next frame. Raises TimeoutError, and Broken at the connection's end."""
        async with asyncio.timeout(patience_s or self._patience_s):
            line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            code, reason = self.closed or (1006, "")
            raise Broken("a frame", f"close {code} {reason!r}")
        frame = frame_of(line)
        self.frames.append(frame)
        self.raw.append(line)
        if frame["t"] == "item":
            self.item = frame
        return frame

    async def until(self, t: str, **fields: Any) -> Frame:
        """Read on to a frame of this type with these fields.

        Raises Broken where a refusal of the same command, the connection's end or nothing comes.
        """
        wanted = f"`{t}`" + (f" with {shortened(fields)}" if fields else "")
        asked = fields.get("re", fields.get("cmd"))
        while True:
            try:
                frame = await self.hear()
            except TimeoutError:
                last = self.frames[-1] if self.frames else "no frame at all"
                raise Broken(
                    f"{wanted} within {self._patience_s:g} s",
                    f"nothing more after {shortened(last)}",
                ) from None
            except Broken as end:
                raise Broken(wanted, end.came) from None
            if frame["t"] == t and all(frame.get(k) == v for k, v in fields.items()):
                return frame
            settled = asked is not None and asked in (frame.get("re"), frame.get("cmd"))
            if settled and (frame["t"] == "err" or t == "err"):
                raise Broken(wanted, shortened(frame))

    async def refused(self, code: int, **fields: Any) -> Frame:
        """Read on to the next `err` of these fields; it must have this code and a reason."""
        frame = await self.until("err", **fields)
        demand(
            frame.get("code") == code and bool(frame.get("msg")), f"err {code} with a `msg`", frame
        )
        return frame

    async def reply(self, re: str, t: str = "ok") -> Frame:
        """Read on to what settles a command: `t`, or a refusal, which is broken."""
        return await self.until(t, re=re)

    async def end(self) -> int:
        """Read on to the connection's end; the close code."""
        with contextlib.suppress(Broken):
            while True:
                try:
                    await self.hear()
                except TimeoutError:
                    raise Broken(
                        f"a close within {self._patience_s:g} s", "an open connection"
                    ) from None
        if self.closed is None:
            raise Broken("a close", f"an open connection after {self._patience_s:g} s")
        return self.closed[0]

    async def listen(self, quiet_s: float) -> None:
        """Hear whatever comes until nothing has come for so long."""
        with contextlib.suppress(TimeoutError, Broken):
            while True:
                await self.hear(quiet_s)

    # --- what came ----------------------------------------------------------------------------

    def events(self, s: str = "me") -> list[Frame]:
        """The numbered events of one log, repeats left out."""
        return [f for f in self.frames if f.get("s") == s and is_event(f)]

    def lines(self, s: str = "me") -> dict[int, str]:
        """The numbered events of one log as they stood on the wire, by number."""
        both = zip(self.frames, self.raw, strict=True)
        return {f["q"]: line for f, line in both if f.get("s") == s and is_event(f)}

    def of(self, t: str, **fields: Any) -> list[Frame]:
        """All frames so far of this type with these fields."""
        return [
            f for f in self.frames if f["t"] == t and all(f.get(k) == v for k, v in fields.items())
        ]


def is_event(frame: Frame) -> bool:
    """Whether a frame is a numbered event of a log, with a place of its own."""
    q = frame.get("q")
    return isinstance(q, int) and q > 0 and frame["t"] != "snapshot" and not frame.get("dup")


def frame_of(line: str) -> Frame:
    """One line as a frame. Raises Broken."""
    try:
        frame = json.loads(line)
    except ValueError:
        raise Broken("one JSON object a frame", shortened(line)) from None
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        raise Broken("a JSON object with `t`", shortened(line))
    return frame
