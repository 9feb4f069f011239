"""The uvicorn protocol class that carries frames with no queue between. This file is the socket.

Whole, masked, unfragmented text frames are parsed here; every other frame goes, complete, to
websockets' `ServerProtocol`, which stays the judge of the protocol (RFC 6455). An endpoint that
finds `RAW` among the extensions of its ASGI scope may `take` the socket after it has accepted:
from then on it hears payloads by a plain call and writes by a plain call, its ASGI call may
return, and no task lives for the connection. What is written while one read is being handled
leaves in one write. Without `take` the class behaves as uvicorn's own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request

try:
    from websockets.speedups import apply_mask
except ImportError:  # a build of websockets without its C part
    from websockets.utils import apply_mask

RAW = "tutorstream.raw"
"""Key in `scope["extensions"]` under which the connection's `RawWebSocket` is found."""

TEXT_FRAME = 0x81
CONTROL_BIT = 0x08
JOINED_BYTES = 64 * 1024
"""Payloads are joined into one message up to this size; above it each is its own message."""
UNSENT_PONG_BYTES = 64 * 1024
"""With more than this unsent, a ping is not answered: the peer does not read anyway."""
CLOSE_S = 10.0
"""How long the peer may take to read what is written and to answer our close frame; then the
socket is cut, because a peer that never reads would keep it, and our memory, for ever."""
STOP_S = 1.0
"""The same when the server stops."""
LINGER_S = 2.0
"""After a violation, what still comes is read and thrown away for so long: closing a socket
with unread bytes resets it, and the reset would overtake our close frame."""

_SHORT_HEADS = tuple(bytes((TEXT_FRAME, size)) for size in range(126))


class Ear(Protocol):
    """What listens on a taken socket; all calls are synchronous and on the loop's thread."""

    def hear(self, payload: bytes) -> None:
        """One whole text message, valid UTF-8."""
        ...

    def hear_binary(self) -> None:
        """One whole binary message came; its bytes are not kept."""
        ...

    def flow(self, paused: bool) -> None:
        """The write buffer passed its high-water mark (True) or fell below the low one."""
        ...

    def lost(self, code: int) -> None:
        """The connection ended with this close code; said exactly once."""
        ...


def text_message(payload: bytes) -> bytes:
    """One unmasked text message around `payload`, as a server sends it."""
    size = len(payload)
    if size < 126:
        return _SHORT_HEADS[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def text_messages(frames: list[bytes]) -> bytes:
    """Frames joined by newlines into one message, or a message each where that grew too large."""
    if len(frames) == 1:
        return text_message(frames[0])
    payload = b"\n".join(frames)
    if len(payload) <= JOINED_BYTES:
        return text_message(payload)
    return b"".join([text_message(frame) for frame in frames])


class RawWebSocket(WebSocketsSansIOProtocol):
    """A server's side of one WebSocket; give the class to `uvicorn.Config(ws=...)`."""

    _framed: ClassVar[tuple[list[bytes], bytes]] = ([], b"")
    """What was written last on any socket: in a room the same list goes to every member."""

    # What a write touches lies together: the base keeps some sixty names in a dict.
    __slots__ = ("_corked", "_fd", "_open", "_out", "_way")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._way: asyncio.Transport
        self.max_bytes = self.config.ws_max_size
        """Largest message taken from the peer; above it `too_large_code` closes."""
        self.too_large_code = 4413
        self.paused = False
        self._fd = -1
        """The socket's, where bytes that are written to it come to the peer as they are."""
        self._ear: Ear | None = None
        self._open = False
        self._deaf = False
        self._told = False
        self._corked = False
        self._out: list[bytes] = []
        self._part: bytearray | None = None
        self._wanted = 2

    # --- the surface for the endpoint -------------------------------------------------------

    def take(self, ear: Ear) -> None:
        """Hand the accepted socket to `ear`; messages that came before are told at once."""
        self._ear = ear
        self._open = self.conn.state is OPEN and not self.transport.is_closing()
        self._fd = _plain_fd(self.transport)
        self._way = self.transport
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event["type"] == "websocket.receive":
                text = event.get("text")
                self._tell(None if text is None else text.encode())
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if not self._open:
            self.loop.call_soon(self._tell_lost, 1006)

    def write(self, frames: list[bytes]) -> None:
        """Send payloads in order with one socket write, joined by newlines into one message.

        After the connection ended this does nothing.
        """
        if not self._open or self.transport.is_closing():
            return
        message = text_messages(frames)
        if self._corked:
            self._out.append(message)
        else:
            self.transport.write(message)

    def write_now(self, frames: list[bytes]) -> None:
        """The same without a stay in the loop's queue, where nothing waits before it.

        The list may go to many sockets, one after the other: it is framed once.
        """
        if not self._open:
            return
        framed = RawWebSocket._framed
        if frames is not framed[0]:
            framed = RawWebSocket._framed = frames, text_messages(frames)
        message = framed[1]
        if self._corked:
            self._out.append(message)
            return
        # While `_open` the descriptor is: a transport closes it after `connection_lost`.
        if self._fd >= 0 and not self._way.get_write_buffer_size():
            try:
                sent = os.write(self._fd, message)
            except OSError:  # full, or broken: then the transport finds that too, and ends
                sent = 0
            if sent == len(message):
                return
            message = message[sent:]
        if not self._way.is_closing():
            self._way.write(message)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; `ear.lost(code)` follows in the next turn of the loop."""
        if not self._open:
            return
        self._flush()
        self._open = False
        self.conn.send_close(code, reason)
        self._send_judged()
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_S, self.transport.abort)
        self.loop.call_soon(self._tell_lost, code)

    def unsent_bytes(self) -> int:
        """Bytes written that the kernel has not taken yet."""
        if not self._open:
            return 0
        waiting = sum(map(len, self._out)) if self._out else 0
        return waiting + self.transport.get_write_buffer_size()

    # --- bytes in ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Hear every whole frame of what came; keep the rest."""
        if self._ear is None:
            super().data_received(data)
            return
        if self._deaf:
            return
        if self._part is not None:
            self._part += data
            if len(self._part) < self._wanted:
                return
            data = bytes(self._part)
            self._part = None
        self._corked = True
        try:
            self._hear_frames(data)
        finally:
            self._corked = False
            self._flush()

    def _hear_frames(self, data: bytes) -> None:
        at, end = 0, len(data)
        self._wanted = 2
        while end - at >= 2:
            first, size = data[at], data[at + 1] - 0x80
            if size < 0:  # unmasked: two bytes are enough for the judge
                self._judge(data[at:])
                return
            body = at + 6
            if size >= 126:
                wide = 2 if size == 126 else 8
                if end - at < 2 + wide:
                    self._wanted = 2 + wide
                    break
                size = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
                body += wide
            if size + self._fragments_bytes(first) > self.max_bytes:
                self._fail(self.too_large_code, f"at most {self.max_bytes} bytes a message")
                return
            stop = body + size
            if stop > end:
                self._wanted = stop - at
                break
            if first == TEXT_FRAME and self._open and self.conn.current_size is None:
                self._tell(apply_mask(data[body:stop], data[body - 4 : body]))
            else:
                self._judge(data[at:stop])
            if self._deaf:
                return
            at = stop
        if at < end:
            self._part = bytearray(data[at:])

    def _fragments_bytes(self, first: int) -> int:
        """Bytes of the fragmented message under way, if this frame would add to it."""
        so_far = self.conn.current_size
        return 0 if so_far is None or first & CONTROL_BIT else so_far

    def _tell(self, payload: bytes | None) -> None:
        """Pass one message on (None: a binary one), or end the connection over bad UTF-8."""
        assert self._ear is not None
        if payload is None:
            self._ear.hear_binary()
        elif payload.isascii() or _is_utf8(payload):
            self._ear.hear(payload)
        else:
            self._fail(1007, "invalid UTF-8 in a text message")

    # --- the judge --------------------------------------------------------------------------

    def _judge(self, frame: bytes) -> None:
        self.conn.receive_data(frame)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
            return
        self.handle_events()

    def _fail(self, code: int, reason: str) -> None:
        self._flush()
        self.conn.fail(code, reason)
        self._linger(code)

    def _linger(self, code: int) -> None:
        """Say goodbye after a violation and let the peer read it."""
        self._flush()
        self._open = False
        self._deaf = True
        self.close_sent = True
        self._send_judged()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)
        self.loop.call_soon(self._tell_lost, code)

    def _leave(self, within_s: float) -> None:
        """Close the socket once what is written is read, or cut it."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(within_s, self.transport.abort)
        self.transport.close()

    def _send_judged(self) -> None:
        output = b"".join(self.conn.data_to_send())
        if output and not self.transport.is_closing():
            self.transport.write(output)

    def _flush(self) -> None:
        if self._out:
            out, self._out = self._out, []
            if not self.transport.is_closing():
                self.transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _tell_lost(self, code: int) -> None:
        if self._ear is not None and not self._told:
            self._told = True
            self._ear.lost(code)

    # --- what uvicorn's class does otherwise, where a taken socket differs --------------------

    def handle_connect(self, event: Request) -> None:
        """Begin the ASGI call, with this object among the scope's extensions."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment] # ASGI leaves it open
            extensions[RAW] = self

    def handle_text(self, event: Frame) -> None:
        """A text message, or its first fragment."""
        if event.fin or self._ear is None:
            super().handle_text(event)
            return
        self.curr_msg_data_type = "text"
        self.frames = [bytearray(event.data)]  # type: ignore[list-item] # one growing buffer

    def handle_bytes(self, event: Frame) -> None:
        """A binary message, or its first fragment."""
        if event.fin or self._ear is None:
            super().handle_bytes(event)
            return
        self.curr_msg_data_type = "bytes"
        self.frames = [bytearray(event.data)]  # type: ignore[list-item] # one growing buffer

    def handle_cont(self, event: Frame) -> None:
        """A further fragment; a million empty ones take no memory."""
        if self._ear is None:
            super().handle_cont(event)
            return
        self.frames[0] += event.data
        if event.fin:
            self.send_receive_event_to_app()

    def send_receive_event_to_app(self) -> None:
        """A whole message that came by the judge."""
        if self._ear is None:
            super().send_receive_event_to_app()
            return
        payload, self.frames = bytes(self.frames[0]), []
        if self._open:
            self._tell(payload if self.curr_msg_data_type == "text" else None)

    def handle_ping(self) -> None:
        """Answer, unless the peer lets our answers pile up."""
        if self._ear is None:
            super().handle_ping()
        elif self.transport.get_write_buffer_size() <= UNSENT_PONG_BYTES:
            self._send_judged()
        else:
            self.conn.data_to_send()

    def handle_close(self, event: Frame) -> None:
        """The peer's close frame: the answer to ours, or the begin of its own."""
        if self._ear is None:
            super().handle_close(event)
            return
        self._flush()
        self._open = False
        self._deaf = True
        self._send_judged()
        self._leave(CLOSE_S)
        close = self.conn.close_rcvd
        self.loop.call_soon(self._tell_lost, 1005 if close is None else close.code)

    def handle_parser_exception(self) -> None:
        """The judge found a violation and has its close frame ready."""
        if self._ear is None:
            super().handle_parser_exception()
            return
        close = self.conn.close_sent
        self._linger(1006 if close is None else close.code)

    def pause_writing(self) -> None:
        """Above the high-water mark."""
        super().pause_writing()
        self.paused = True
        if self._ear is not None:
            self._ear.flow(True)

    def resume_writing(self) -> None:
        """Below the low-water mark."""
        super().resume_writing()
        self.paused = False
        if self._ear is not None:
            self._ear.flow(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, cleanly or not."""
        self._open = False
        self._fd = -1
        self._deaf = True
        self._part = None
        self._out = []
        super().connection_lost(exc)
        close = self.conn.close_rcvd
        self._tell_lost(1006 if close is None else close.code)

    def shutdown(self) -> None:
        """The server stops."""
        if self._ear is None:
            super().shutdown()
            return
        self.close(1012, "server stops")
        self._leave(STOP_S)

    async def run_asgi(self) -> None:
        """Run the endpoint; a taken socket outlives the call."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except asyncio.CancelledError:
            self.transport.close()
            raise
        except Exception:
            self.logger.exception("exception in the WebSocket endpoint")
            self.send_500_response()
        else:
            if not self.handshake_complete:
                self.logger.error("the endpoint returned without completing the handshake")
                self.send_500_response()
            elif self._ear is not None:
                del self.request, self.response  # a socket may live for hours
                self.scope["headers"] = []
                return
        if self.close_timer is None:
            self.transport.close()


def _plain_fd(transport: asyncio.Transport) -> int:
    """The descriptor of a transport that changes nothing on the way; -1 for others, as with TLS."""
    bound = transport.get_extra_info("socket")
    if sys.platform == "win32" or bound is None or transport.get_extra_info("sslcontext"):
        return -1
    return int(bound.fileno())


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
