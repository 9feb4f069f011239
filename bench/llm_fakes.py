"""Two failing upstreams as one process, of the fakes that the tests have. This file is it.

A question that holds `play WORD` makes the first upstream play that scenario; `everywhere` behind
it, the second one too. The fakes stand in a checkout only (`tests/fakes`): a wheel has none.

As a process: `python -m bench.llm_fakes` prints both addresses as one JSON line. Over its control
port: `GET /calls` tells what came since and forgets it; `GET /shut` and `GET /open` end and begin
the first upstream's listening.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.openai_chat import SCENARIOS, unknown
from tests.fakes.openai_wire import TEXT, Reply, Scenario
from tests.fakes.wire import Fake, for_ever

SECOND = ("Let", " us", " look", " at", " it", " together.", " Which", " sign", " comes", " first?")
"""What the second upstream says: other words than the first."""
_PLAYED = re.compile(r"play ([a-z]+)( everywhere)?")


async def _second(reply: Reply) -> None:
    reply.opened()
    reply.words(*SECOND)
    reply.closed()


async def _end_before_text(reply: Reply) -> None:
    reply.opened()
    reply.done()


PLAYED = {
    "well": "ok", "limited": "429:0.01", "overloaded": "503", "page": "502_html",
    "end": "end_before_text", "error": "error_event", "cut": "cut", "broken": "malformed",
    "unfinished": "eof", "empty": "empty", "silence": "no_first_token", "slowly": "slow:40:400",
}  # fmt: skip
"""Words for scenarios: a learner's text holds no number here."""


def scenario(first: bool, path: str, body: Mapping[str, Any]) -> str:
    """What an upstream plays for a request."""
    if not path.endswith("/v1/chat/completions"):
        return f"no such path {path}"
    asked = _PLAYED.findall("\n".join(m["content"] for m in body["messages"]))
    word, everywhere = asked[-1] if asked else ("well", "")
    return PLAYED.get(word, word) if first or everywhere else "second"


def made(first: bool) -> Fake:
    """One of the upstreams."""
    more: dict[str, Scenario] = {"second": _second, "end_before_text": _end_before_text}
    return Fake(
        {**SCENARIOS, **more}, unknown, reply=Reply,
        model_of=lambda path, body: scenario(first, path, body),
    )  # fmt: skip


class Control:
    """What the bench asks of both."""

    def __init__(self, first: Fake, second: Fake) -> None:
        self._fakes = {"first": first, "second": second}
        self._port = int(urlsplit(first.base_url).port or 0)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request; answers with JSON."""
        line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        said: Any = {}
        if line == "/calls":
            said = self._calls()
        elif line == "/shut":
            await self._fakes["first"].stop()
        elif line == "/open":
            await self._fakes["first"].start(self._port)
        body = json.dumps(said).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def _calls(self) -> list[dict[str, Any]]:
        found = [
            {
                "upstream": name,
                "scenario": call.scenario,
                "began_s": call.began_s,
                "over_s": call.over_s,
                "left_s": call.left_s,
            }
            for name, fake in self._fakes.items()
            for call in fake.calls
        ]
        for fake in self._fakes.values():
            fake.calls.clear()
        return sorted(found, key=lambda call: call["began_s"])


async def served() -> None:
    """Listen on three free ports of 127.0.0.1; for ever."""
    first, second = made(True), made(False)
    await first.start()
    await second.start()
    control = await asyncio.start_server(Control(first, second).hear, "127.0.0.1", 0)
    ready = {
        "port": control.sockets[0].getsockname()[1],
        "first": first.base_url,
        "second": second.base_url,
        "first_text": TEXT,
        "second_text": "".join(SECOND),
    }
    print(json.dumps(ready), flush=True)
    await for_ever()


if __name__ == "__main__":
    asyncio.run(served())  # asyncio's own loop: its clock is `time.monotonic()`, as the bench's
