"""Several nodes over one Redis and one store, all on this machine. This file starts them.

A node is `tutorstream serve` in a process of its own; so are Redis, the store and, where the
network is to be cut, a proxy between each node and Redis. Nothing is kept when the block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from bench import servers
from bench.servers import NotStarted, Server

LISTENS_S = 60.0
"""How long Redis or the store may take until it takes connections."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """A server program that is not ours, on a port that stays its own from start to start."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        self.name = name
        self.port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process. Raises NotStarted where it does not run."""
        if self._process is None:
            raise NotStarted(f"{self.name} does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it takes connections. Raises NotStarted."""
        self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own words; it does not wait
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        until_s = time.monotonic() + LISTENS_S
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until_s:
                    code = self._process.poll()
                    await self.kill()
                    raise NotStarted(f"{self.name} did not start (exit code {code})") from None
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def kill(self) -> None:
        """SIGKILL; what it has on disk stays."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None


def redis(folder: Path, *, durable: bool = False) -> Daemon:
    """A Redis that keeps its files in `folder`; `durable` writes each command to its file.

    Raises NotStarted where the program is not on this machine.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NotStarted("redis-server is not on the PATH")
    port = free_port()
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    words += ["--save", "", "--appendonly", "yes" if durable else "no", "--loglevel", "warning"]
    return Daemon("redis-server", words, port)


def mongo(folder: Path) -> Daemon:
    """A MongoDB, or where there is none the server of MongoDB's wire that the tests use.

    Raises NotStarted where there is neither.
    """
    port = free_port()
    program = os.environ.get("TUTORSTREAM_TEST_MONGOD") or shutil.which("mongod")
    if program is not None:
        words = [program, "--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--port", str(port)]
        return Daemon("mongod", words, port)
    if importlib.util.find_spec("secantus") is None:
        raise NotStarted("several nodes need mongod on the PATH, or secantusdb installed")
    words = [sys.executable, "-m", "secantus", "--storage-path", str(folder), "--host", "127.0.0.1"]
    words += ["--port", str(port), "--enable-test-commands", "--log-level", "ERROR"]
    words += ["--cache-size", "64M"]
    return Daemon("secantus", words, port)


class Node:
    """One node, and the network between it and Redis where that can be cut."""

    def __init__(self, server: Server, proxy: Server | None) -> None:
        self.server = server
        self.proxy = proxy
        self.url = server.url("/v1/ws")

    @property
    def alive(self) -> bool:
        """Whether its process has not ended."""
        return self.server.process.poll() is None

    async def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is stored any more."""
        self.server.process.kill()
        await asyncio.to_thread(self.server.process.wait)

    def stop(self) -> None:
        """SIGSTOP: the process stands still; its sockets stay open and are not answered."""
        self.server.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.server.process.send_signal(signal.SIGCONT)

    async def drained(self, patience_s: float) -> int | None:
        """SIGTERM; the exit code, None where it has not ended by then."""
        self.server.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.server.process.wait, patience_s)
        except subprocess.TimeoutExpired:
            return None

    def cut(self) -> None:
        """Cut its network to Redis. Raises ValueError where the cluster has no proxies."""
        self._proxy().process.send_signal(signal.SIGSTOP)

    def mend(self) -> None:
        """Join it again."""
        self._proxy().process.send_signal(signal.SIGCONT)

    def _proxy(self) -> Server:
        if self.proxy is None:
            raise ValueError("this cluster was started without a network that can be cut")
        return self.proxy


class Cluster:
    """Running nodes with what they share."""

    def __init__(self, nodes: list[Node], redis_server: Daemon, store: Daemon) -> None:
        self.nodes = nodes
        self.redis = redis_server
        self.store = store

    @property
    def urls(self) -> list[str]:
        """Where clients connect, one address a node."""
        return [node.url for node in self.nodes]

    @property
    def pids(self) -> list[int]:
        """Every living process."""
        found = [node.server.pid for node in self.nodes if node.alive]
        return [*found, self.redis.pid, self.store.pid]


@contextlib.asynccontextmanager
async def clustered(
    nodes: int = 2,
    *,
    environment: Mapping[str, str] | None = None,
    durable: bool = False,
    cuttable: bool = False,
    log_level: str = "warning",
    core: str = "any",
) -> AsyncIterator[Cluster]:
    """So many nodes until the block ends. Raises NotStarted."""
    shared = {"TUTORSTREAM_TOKEN__SECRET": secrets.token_urlsafe(48), **(environment or {})}
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="tutorstream-bench-", ignore_cleanup_errors=True)
            )
        )
        places = [folder / "redis", folder / "store"]
        for place in places:
            place.mkdir()
        daemons = [redis(places[0], durable=durable), mongo(places[1])]
        for daemon in daemons:
            stack.push_async_callback(daemon.kill)
            await daemon.start()

        async def started(number: int) -> Node:
            proxy = None
            if cuttable:
                words = [sys.executable, "-m", "bench.cluster_proxy", str(daemons[0].port)]
                proxy = await stack.enter_async_context(
                    servers.serving(f"proxy {number}", words, core=core)
                )
            port = proxy.port if proxy is not None else daemons[0].port
            words = node_words(daemons[1].port, port, log_level)
            server = await stack.enter_async_context(
                servers.serving(f"node {number}", words, shared, core=core)
            )
            return Node(server, proxy)

        running = await asyncio.gather(*(started(number) for number in range(nodes)))
        try:
            yield Cluster(running, *daemons)
        finally:
            for node in running:
                node.server.process.kill()  # what is still said is no measure any more


def node_words(store_port: int, redis_port: int, log_level: str) -> list[str]:
    """The command of one node."""
    store = f"mongodb://127.0.0.1:{store_port}/tutorstream"
    words = servers.ours(store)
    words[words.index("--log-level") + 1] = log_level
    return [*words, "--redis", f"redis://127.0.0.1:{redis_port}/0"]
