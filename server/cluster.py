"""Several nodes, Redis and MongoDB as processes of this machine. This file starts and stops them.

Each is a process of its own session, so that Ctrl-C reaches only us and the end keeps its order:
the nodes drain one after the other, then the stores go. What a process says is printed with its
name before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from protocol.limits import LIMITS
from server.balance import Backend, Balancer

START_S = 120.0
"""How long a process may take to listen; kernels may have to be compiled."""
DRAIN_S = LIMITS.drain_s + 15.0
"""How long a node may take to end after SIGTERM; then it is killed."""
AGAIN_S = 1.0
"""A process that died is started again after so long, twice as long each time in a row ..."""
AGAIN_CAP_S = 15.0
"""... up to this."""
LOOK_S = 0.05
DATABASE = "tutorstream"

Tell = Callable[[str, str], None]
"""Hears a process's name and a line it said."""


class NotStarted(Exception):  # noqa: N818 - named by what happened
    """A part of the cluster did not come up; the message names the fix where there is one."""


class Plan(NamedTuple):
    """What a cluster is made of."""

    nodes: int = 2
    port: int = 8765
    """Of the load balancer; the nodes take the next ones. 0: all are free ones."""
    courses: tuple[str, ...] = ()
    redis: str = ""
    """A Redis that runs already; empty: one is started."""
    mongo: str = ""
    """A MongoDB that runs already, with its database; empty: one is started."""
    folder: Path | None = None
    """Where the stores keep what they hold; None: in a folder that goes at the end."""
    restart: bool = False
    """Start again what died."""


class Part:
    """One process of the cluster."""

    def __init__(
        self, name: str, words: Sequence[str], port: int, environ: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.words = list(words)
        self.port = port
        self.environ = dict(environ or {})
        self.process: asyncio.subprocess.Process | None = None
        self.leaving = False
        """It was told to end."""
        self._speech: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int:
        """Its process; 0 before it began."""
        return self.process.pid if self.process else 0

    async def begin(self, tell: Tell) -> None:
        """Start it and wait until its port answers. Raises NotStarted."""
        if await _answers(self.port):  # somebody else's answer would be taken for its own
            raise NotStarted(f"port {self.port} of {self.name} is taken; choose another --port")
        self.process = process = await asyncio.create_subprocess_exec(
            *self.words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environ},
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        last: list[str] = []
        self._speech = [
            asyncio.create_task(self._spoken(stream, tell, last))
            for stream in (process.stdout, process.stderr)
        ]
        try:
            async with asyncio.timeout(START_S):
                while not await _answers(self.port):
                    if process.returncode is not None:
                        await asyncio.gather(*self._speech)
                        why = last[-1] if last else f"code {process.returncode}"
                        raise NotStarted(f"{self.name} ended at once: {why}")
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise NotStarted(f"{self.name} does not listen after {START_S:g} s") from None

    async def _spoken(self, stream: asyncio.StreamReader, tell: Tell, last: list[str]) -> None:
        async for line in stream:
            text = line.decode(errors="replace").rstrip()
            if text:
                last[:] = [text]
                tell(self.name, text)

    async def ended(self) -> int:
        """Wait for its end, all it said included; the exit code."""
        assert self.process is not None
        code = await self.process.wait()
        await asyncio.gather(*self._speech)
        return code

    async def end(self, patience_s: float) -> int:
        """Tell it to end and wait; kill it where it does not. The exit code."""
        self.leaving = True
        process = self.process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(patience_s):
                return await self.ended()
        except TimeoutError:
            self.kill()
            return await self.ended()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()


class Cluster:
    """All parts, in the order in which they start; they end in the opposite one."""

    def __init__(self, plan: Plan, folder: Path, tell: Tell) -> None:
        self.plan = plan
        self._tell = tell
        free = _ports(plan)
        self.stores = _stores(plan, folder)
        redis = plan.redis or f"redis://127.0.0.1:{self.stores[0].port}/0"
        mongo = plan.mongo or f"mongodb://127.0.0.1:{self.stores[-1].port}/{DATABASE}"
        environ = {
            "TUTORSTREAM_STORE": mongo,
            "TUTORSTREAM_REDIS": redis,
            "TUTORSTREAM_TOKEN__SECRET": _secret(folder),
        }
        self.nodes = [
            Part(f"node{n + 1}", _node_words(plan, port), port, environ)
            for n, port in enumerate(free)
        ]
        backends = [Backend(node.name, node.port) for node in self.nodes]
        self.balancer = Balancer(backends, lambda words: tell("balancer", words))
        self.port = 0
        """Of the load balancer, once it listens."""
        self._watches: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Start everything; returns once all nodes are ready. Raises NotStarted, OSError."""
        try:
            self.port = await self.balancer.begin(self.plan.port)
        except OSError as error:
            raise NotStarted(
                f"port {self.plan.port} cannot be listened on: "
                f"{os.strerror(error.errno) if error.errno else error}; choose another --port"
            ) from None
        for part in (*self.stores, *self.nodes[:1]):  # the first node compiles for all
            await self._begin(part)
        begun = await asyncio.gather(*map(self._begin, self.nodes[1:]), return_exceptions=True)
        for failure in filter(None, begun):
            raise failure
        try:
            async with asyncio.timeout(START_S):
                await self.balancer.all_ready()
        except TimeoutError:
            raise NotStarted(f"the nodes are not ready after {START_S:g} s") from None

    async def _begin(self, part: Part) -> None:
        await part.begin(self._tell)
        self._watches.append(asyncio.create_task(self._watch(part)))

    async def _watch(self, part: Part) -> None:
        """Say when a part dies; start it again where that is wished."""
        pause_s = AGAIN_S / 2
        while True:
            since_s = asyncio.get_running_loop().time()
            code = await part.ended()
            if part.leaving:
                return
            words = f"ended by itself with {_code(code)}"
            if not self.plan.restart:
                self._tell(part.name, f"{words}; with --restart it would be started again")
                return
            lived_s = asyncio.get_running_loop().time() - since_s
            pause_s = AGAIN_S if lived_s > AGAIN_CAP_S else min(pause_s * 2, AGAIN_CAP_S)
            self._tell(part.name, f"{words}; started again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            with contextlib.suppress(NotStarted):  # `ended` says it again
                await part.begin(self._tell)

    async def drain(self) -> int:
        """Let the nodes finish, one after the other, then end the stores; the highest code.

        While one drains, its learners come back through the others.
        """
        codes = []
        for node in self.nodes:
            if node.process is not None and node.process.returncode is None:
                self._tell(node.name, "drains")
                codes.append(await node.end(DRAIN_S))
                self._tell(node.name, f"ended with {_code(codes[-1])}")
        await self.aclose()
        return max(map(abs, codes), default=0)

    async def aclose(self) -> None:
        """End what still runs, at once."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for node in self.nodes:
            node.kill()
        await asyncio.gather(*(node.end(1.0) for node in self.nodes))
        await self.balancer.aclose()
        for store in reversed(self.stores):
            await store.end(5.0)


# --- the parts ------------------------------------------------------------------------------------


def _stores(plan: Plan, folder: Path) -> list[Part]:
    """Redis first, then MongoDB, as far as they are ours to start. Raises NotStarted."""
    parts = []
    if not plan.redis:
        parts.append(_redis(_free_port(), folder, kept=plan.folder is not None))
    if not plan.mongo:
        parts.append(_mongo(_free_port(), folder))
    return parts


def _redis(port: int, folder: Path, *, kept: bool) -> Part:
    program = shutil.which("redis-server")
    if program is None:
        raise NotStarted(
            "redis-server is not installed: apt-get install redis-server, or name one with --redis"
        )
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    words += ["--save", "", "--appendonly", "yes" if kept else "no", "--loglevel", "warning"]
    return Part("redis", words, port)


def _mongo(port: int, folder: Path) -> Part:
    place = folder / "mongo"
    place.mkdir(exist_ok=True)
    program = shutil.which("mongod")
    at = ["--port", str(port)]
    if program is not None:
        words = [program, "--dbpath", str(place), "--bind_ip", "127.0.0.1", "--quiet", *at]
        return Part("mongo", words, port)
    if importlib.util.find_spec("secantus") is None:
        raise NotStarted(
            "no MongoDB is here: install mongod or secantusdb (pip), or name one with --mongo"
        )
    words = [sys.executable, "-m", "secantus", "--storage-path", str(place), *at]
    return Part("mongo", [*words, "--host", "127.0.0.1", "--log-level", "ERROR"], port)


def _node_words(plan: Plan, port: int) -> list[str]:
    words = [sys.executable, "-m", "server.cli", "serve", "--host", "127.0.0.1"]
    words += ["--port", str(port)]
    return [*words, *(word for course in plan.courses for word in ("--course", course))]


def _secret(folder: Path) -> str:
    """The nodes' common token secret; kept with what the stores keep."""
    path = folder / "token.secret"
    if not path.is_file():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()


def _ports(plan: Plan) -> list[int]:
    if plan.port:
        return [plan.port + 1 + n for n in range(plan.nodes)]
    return [_free_port() for _ in range(plan.nodes)]


def _free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _code(code: int) -> str:
    """An exit code in words; a signal by its name.

    >>> _code(0), _code(-9)
    ('0', 'SIGKILL')
    """
    return str(code) if code >= 0 else signal.Signals(-code).name


def ready_line(cluster: Cluster) -> str:
    """What stands where, for machines."""
    return json.dumps(
        {
            "ready": True,
            "port": cluster.port,
            "url": f"http://127.0.0.1:{cluster.port}/",
            "nodes": [{"name": n.name, "port": n.port, "pid": n.pid} for n in cluster.nodes],
            "stores": [{"name": s.name, "port": s.port, "pid": s.pid} for s in cluster.stores],
        }
    )
