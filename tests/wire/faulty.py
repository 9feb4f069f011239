"""A relay before a real server that breaks the contract in one chosen way. For the conformance run.

It speaks the WebSocket for both sides and passes every message on, but for its one fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("tutorstream.v1.json")
Frame = dict[str, Any]


class Fault:
    """Nothing wrong: what a fault changes. One for each connection."""

    def __init__(self, number: int) -> None:
        self.number = number

    def up(self, frame: Frame) -> list[Frame]:
        """What the server hears of a client's frame."""
        return [frame]

    def down(self, frame: Frame) -> list[Frame]:
        """What the client hears of a server's frame."""
        return [frame]

    def closed(self, code: int) -> int:
        """The close code that the client sees."""
        return code


class DoubledDelta(Fault):
    """Every delta comes twice."""

    def down(self, frame: Frame) -> list[Frame]:
        return [frame, frame] if frame["t"] == "delta" else [frame]


class LostDelta(Fault):
    """The second delta of a turn never comes."""

    def down(self, frame: Frame) -> list[Frame]:
        return [] if frame["t"] == "delta" and frame["i"][0] == 1 else [frame]


class LateDelta(Fault):
    """A last word follows the end of a turn."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["t"] != "turn.done":
            return [frame]
        late = {"t": "delta", "gen": frame["gen"], "i": [frame["n"], frame["n"]], "text": "PS"}
        return [frame, {**late, "s": "me", "q": frame["q"] + 1, "ts": frame["ts"]}]


class TwoEnds(Fault):
    """Every turn ends twice."""

    def down(self, frame: Frame) -> list[Frame]:
        return [frame, frame] if frame["t"] == "turn.done" else [frame]


class WrongText(Fault):
    """A letter of the text is another than the one that was hashed."""

    def down(self, frame: Frame) -> list[Frame]:
        first = frame["t"] == "delta" and frame["i"][0] == 0
        return [{**frame, "text": "#" + frame["text"][1:]} if first else frame]


class ForgottenIds(Fault):
    """A command's id is taken for a new one whenever it comes."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._own: dict[Any, Any] = {}

    def up(self, frame: Frame) -> list[Frame]:
        if "id" not in frame:
            return [frame]
        name = f"{frame['id']}.{self.number}.{len(self._own)}"
        self._own[name] = frame["id"]
        return [{**frame, "id": name}]

    def down(self, frame: Frame) -> list[Frame]:
        keys = [key for key in ("re", "cmd") if key in frame]
        return [frame | {key: self._own.get(frame[key], frame[key]) for key in keys}]


class OtherBytes(Fault):
    """A second connection is told other hints."""

    def down(self, frame: Frame) -> list[Frame]:
        changed = frame["t"] == "hint" and self.number % 2
        return [{**frame, "text": frame["text"] + "!"} if changed else frame]


class DeafToCancel(Fault):
    """`turn.cancel` is not heard."""

    def up(self, frame: Frame) -> list[Frame]:
        return [] if frame["t"] == "turn.cancel" else [frame]


class NoReplay(Fault):
    """What was missed is left out, whatever `welcome` says."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._upto = 0

    def down(self, frame: Frame) -> list[Frame]:
        if frame["t"] == "welcome" and frame["logs"][0]["mode"] == "replay":
            self._upto = frame["logs"][0]["head"]
        return [] if 0 < frame.get("q", 0) <= self._upto else [frame]


class EarlyPing(Fault):
    """Something comes before `welcome`."""

    def down(self, frame: Frame) -> list[Frame]:
        return [{"t": "ping", "heads": {}, "ts": 1}, frame] if frame["t"] == "welcome" else [frame]


class TextAsNumber(Fault):
    """A field has another type than the table says."""

    def down(self, frame: Frame) -> list[Frame]:
        return [{**frame, "p_success": "0.5"} if frame["t"] == "item" else frame]


class NoPlace(Fault):
    """An event of the session has no place."""

    def down(self, frame: Frame) -> list[Frame]:
        return [frame, {**frame, "q": 0}] if frame["t"] == "hint" else [frame]


class OtherCodes(Fault):
    """The server's own close codes are the transport's."""

    def closed(self, code: int) -> int:
        return 1009 if code == 4413 else code


class TotalsToAll(Fault):
    """Learners are told what was voted."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["t"] != "room.event" or frame["kind"] != "vote_count":
            return [frame]
        return [{**frame, "data": {**frame["data"], "totals": {"a": frame["data"]["n"]}}}]


class LateVotes(Fault):
    """A vote after its round is told to count."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["t"] != "err" or frame["code"] != 116:
            return [frame]
        return [{"t": "ok", "s": "r", "q": 0, "ts": 1, "re": frame["re"], "at": {"s": "r", "q": 1}}]


class OtherTalk(Fault):
    """What is said in a room arrives in other words."""

    def down(self, frame: Frame) -> list[Frame]:
        if frame["t"] != "room.event" or frame["kind"] != "say":
            return [frame]
        return [{**frame, "data": {**frame["data"], "name": "Somebody"}}]


class NamedSessions(Fault):
    """Members are told by their session's id."""

    def down(self, frame: Frame) -> list[Frame]:
        self._sid = frame.get("sid") or getattr(self, "_sid", "")
        return [{**frame, "by": self._sid} if frame["t"] == "presence" else frame]


@contextlib.asynccontextmanager
async def relay(url: str, fault: type[Fault]) -> AsyncIterator[str]:
    """The address of a relay to `url` with this fault; it lets every origin in."""
    numbers = iter(range(1_000_000))

    async def between(client: ServerConnection) -> None:
        made = fault(next(numbers))
        async with connect(
            url, subprotocols=[SUBPROTOCOL], compression=None, ping_interval=None, max_size=None
        ) as server:
            tasks = [
                asyncio.create_task(_passed(client, server, made.up)),
                asyncio.create_task(_passed(server, client, made.down)),
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if server.close_code is not None:
                await client.close(made.closed(server.close_code), server.close_reason or "")
            for task in tasks:
                task.cancel()

    async with serve(
        between,
        "127.0.0.1",
        0,
        subprotocols=[SUBPROTOCOL],
        compression=None,
        ping_interval=None,
        max_size=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v1/ws"


async def _passed(
    source: ServerConnection | ClientConnection,
    sink: ServerConnection | ClientConnection,
    changed: Any,
) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in source:
            passed = _message(message, changed)
            if passed:
                await sink.send(passed)


def _message(message: str | bytes, changed: Any) -> str | bytes:
    """What is no frame, and what nothing changed, is passed on as it is, byte by byte."""
    try:
        frames = [json.loads(line) for line in str(message).split("\n")]
        out = [made for frame in frames for made in changed(frame)]
    except (ValueError, TypeError, KeyError):
        return message
    if out == frames:
        return message
    return "\n".join(json.dumps(frame, ensure_ascii=False, separators=(",", ":")) for frame in out)
