"""Servers as processes of their own, started by command line. This file starts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from bench import machine

READY_S = 120.0
"""How long a server may take until it says that it is ready; kernels may have to be compiled."""
ROOT = Path(__file__).parents[1]


class NotStarted(Exception):  # noqa: N818 - named by what happened
    """A server did not come up; the message ends with what it said."""


class Server:
    """A running server: its process, its ready line, its port."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        ready: dict[str, Any],
        said: IO[bytes] | None = None,
    ) -> None:
        self.name = name
        self.process = process
        self.ready = ready
        self._said = said
        self.port = int(ready["port"])

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def url(self, path: str) -> str:
        """A WebSocket address."""
        return f"ws://127.0.0.1:{self.port}{path}"

    def words(self) -> list[str]:
        """The lines it has written to standard error."""
        if self._said is None:
            return []
        size = os.fstat(self._said.fileno()).st_size
        return os.pread(self._said.fileno(), size, 0).decode(errors="replace").splitlines()

    async def metrics(self) -> dict[str, float]:
        """The samples of `/metrics`, by name with labels."""
        return await asyncio.to_thread(scraped, "127.0.0.1", self.port)


def address(url: str) -> tuple[str, int]:
    """Host and port of a running server. Raises ValueError for what names none.

    >>> address("ws://127.0.0.1:8765/v1/ws"), address("http://localhost")
    (('127.0.0.1', 8765), ('localhost', 80))
    """
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "http"} or not parts.hostname:
        raise ValueError(f"--url is ws://HOST:PORT (no TLS: go past the proxy), came {url!r}")
    return parts.hostname, parts.port or 80


def scraped(host: str, port: int) -> dict[str, float]:
    """The Prometheus samples of a server, by name with labels."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def ours(store: str, *, course: Path | None = None, more: tuple[str, ...] = ()) -> list[str]:
    """The command that serves on a free port."""
    words = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--json"]
    words += ["--store", store, "--log-level", "error"]
    return [*words, *(("--course", str(course)) if course else ()), *more]


@contextlib.asynccontextmanager
async def serving(
    name: str,
    command: list[str],
    environment: Mapping[str, str] | None = None,
    *,
    core: str = "server",
) -> AsyncIterator[Server]:
    """A server on the servers' core, the load's, or `any`, until the block ends.

    Raises NotStarted.
    """
    with tempfile.TemporaryFile() as said:
        machine.to_core(core)
        try:
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own words; nothing runs yet
                command,
                stdout=subprocess.PIPE,
                stderr=said,
                stdin=subprocess.DEVNULL,
                env={**clean_environment(), **(environment or {})},
                cwd=tempfile.gettempdir(),
            )
        finally:
            machine.to_core("any" if core == "any" else "load")
        try:
            line = await asyncio.to_thread(_first_line, process)
            if not line:
                said.seek(0)
                words = said.read().decode(errors="replace").strip().splitlines()
                raise NotStarted(f"{name} did not start: {words[-1] if words else 'no word'}")
            yield Server(name, process, json.loads(line), said)
        finally:
            await asyncio.to_thread(_stopped, process)


def clean_environment() -> dict[str, str]:
    """Ours without settings of a server, with our packages on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TUTORSTREAM_")}
    kept["PYTHONPATH"] = str(ROOT)
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        line = process.stdout.readline()
        if not line or line.startswith(b"{"):
            return line
    return b""


def _stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
