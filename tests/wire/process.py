"""A server process of its own, started and killed by a test, and the simplest client there is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

ROOT = Path(__file__).resolve().parents[2]
Frame = dict[str, Any]
START_S = 60.0
HEAR_S = 60.0


def stored(arguments: Sequence[str]) -> list[str]:
    """The arguments with the stores that the run names in place of the test's own."""
    store, redis = (os.environ.get(f"TESTS_{name}") for name in ("STORE", "REDIS"))
    found = list(arguments)
    if not store:
        return found
    if "--store" in found:
        at = found.index("--store")
        del found[at : at + 2]
    return [*found, "--store", store, *(("--redis", redis) if redis else ())]


class Process:
    """`tutorstream serve` as an operator starts it."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Frame) -> None:
        self.process = process
        self.port: int = ready["port"]
        self.url = f"ws://127.0.0.1:{self.port}/v1/ws"

    @classmethod
    async def start(cls, *arguments: str, command: str = "serve", **environ: str) -> Process:
        """Start and wait for the ready line."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server.cli",
            command,
            "--json",
            "--port",
            "0",
            *(stored(arguments) if command == "serve" else arguments),
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        assert line, f"the server ended with {await process.wait()} before it was ready"
        return cls(process, json.loads(line))

    async def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is stored any more."""
        self.process.kill()
        await self.process.wait()

    async def drain(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), START_S)


@contextlib.asynccontextmanager
async def serving(*arguments: str, **environ: str) -> AsyncIterator[Process]:
    """A server process for the length of the block."""
    process = await Process.start(*arguments, **environ)
    try:
        yield process
    finally:
        if process.process.returncode is None:
            await process.kill()


class Plain:
    """A client made of nothing but `websockets` and `json`: none of our code but this page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.welcome: Frame = {}
        self.item: Frame = {}
        self._left: list[Frame] = []
        self._unacked = 0

    @classmethod
    async def come(cls, url: str, **hello: Any) -> Plain:
        """Connect, say hello, hear the welcome."""
        socket = await connect(url, subprotocols=[Subprotocol("tutorstream.v1.json")])
        plain = cls(socket)
        await plain.say({"t": "hello", **hello})
        plain.welcome = await plain.until("welcome")
        return plain

    async def say(self, frame: Frame) -> None:
        """Send one frame."""
        await self.socket.send(json.dumps(frame))

    async def hear(self) -> Frame:
        """The next frame; acks now and then, answers pings."""
        while not self._left:
            message = await asyncio.wait_for(self.socket.recv(), HEAR_S)
            self._left = [json.loads(line) for line in str(message).split("\n")]
        frame = self._left.pop(0)
        self.frames.append(frame)
        if frame["t"] == "ping":
            await self.say({"t": "pong"})
        if frame["t"] == "item":
            self.item = frame
        if "q" in frame and frame.get("s") == "me":
            self._unacked += 1
            if self._unacked >= 16:
                self._unacked = 0
                await self.say({"t": "ack", "pos": {"me": frame["q"]}})
        return frame

    async def until(self, t: str, **fields: Any) -> Frame:
        """Read on to a frame of this type with these fields."""
        while True:
            frame = await self.hear()
            if frame["t"] == t and all(frame.get(k) == v for k, v in fields.items()):
                return frame

    def position(self) -> Frame:
        """What `hello.have` says of the session's log."""
        log = self.welcome["logs"][0]
        numbers = [f["q"] for f in self.frames if f.get("s") == "me" and not f.get("dup")]
        return {"s": "me", "epoch": log["epoch"], "q": max(numbers, default=log["head"])}

    async def aclose(self) -> None:
        """Leave without a word."""
        await self.socket.close()
