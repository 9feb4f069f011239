"""Routes and wiring. This file is the one place where objects are built and given to others."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from engines import tutor
from engines.maths.kernels import cached, compiled
from protocol.limits import LIMITS, Limits
from server.build import build, version
from server.connection import Edge
from server.gate import Gate, Tokens
from server.http import Pages, Probes, SecurityHeaders, courses_route, pictures_route
from server.metrics import LoopProbe, Metrics
from server.node_metrics import node_counts
from server.rooms import RoomDoor
from server.settings import Settings
from server.sse import Streams
from server.stores import Stores, store_path
from server.taught import Taught
from server.tutor_metrics import tutor_counts
from server.tutoring import Tutoring
from server.websocket import WebSocketEndpoint
from server.wheel import Wheel
from streaming.catalogue import Catalogue
from streaming.log import stored
from streaming.ownership import Ownership, new_sid
from streaming.prompt import greeting
from streaming.providers.warmup import warmed
from streaming.records import Conflict
from streaming.rooms import Rooms
from streaming.surroundings import Surroundings

if TYPE_CHECKING:
    from streaming.records import Records

_LOG = logging.getLogger(__name__)

SECRET_KEY = ("edge", "token_secret")
"""Where a secret that nobody set is kept, so that guests' tokens outlive the process."""


class Application:
    """Every object of one server process, wired.

    `begin` builds it on the running loop, `warm` readies it for learners, `drain` and `aclose`
    end it. `asgi` is what the server library serves.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        taught: Taught,
        tutoring: Tutoring,
        secret: str,
        limits: Limits = LIMITS,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.stores = stores
        self.taught = taught
        self.catalogue = catalogue = taught.catalogue
        self.tutoring = tutoring
        self.tiers = tutoring.tiers
        self.metrics = Metrics(version())
        ground = Surroundings(
            log=stores.log,
            records=stores.records,
            catalogue=catalogue,
            routing=tutoring.routing,
            loop=loop,
            wall_ms=_wall_ms,
            gauges=self.metrics,
            build=build(),
            alerts=tutoring.alerts,
            treasury=tutoring.treasury,
            rules=tutoring.rules,
            nodes=stores.nodes,
            secret=hashlib.sha256(b"marks" + secret.encode()).digest(),
            limits=limits,
        )
        self.node = "n_" + secrets.token_urlsafe(6)
        self.ownership = Ownership(ground, self.node, idle_s=settings.idle_s)
        tokens = Tokens(secret, days=settings.token.days)
        self.rooms = Rooms(ground, self.node, learners=self.ownership, roles=tokens.room_role)
        self.ownership.rooms = self.rooms
        self.ownership.on_node_gone.append(self.rooms.node_gone)
        self.ownership.readers.update(self.rooms.readers)
        self.wheel = Wheel(loop)
        self.edge = Edge(
            ownership=self.ownership,
            gate=Gate(settings, tokens, new_sid),
            metrics=self.metrics,
            wheel=self.wheel,
            loop=loop,
            limits=limits,
        )
        self._probe = LoopProbe(loop, self.metrics.loop_gap)
        self._warm = False
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[list[str]] | None = None
        self.asgi = self._routed()
        self._count()

    @classmethod
    async def begin(cls, settings: Settings, limits: Limits = LIMITS) -> Application:
        """Open the stores, load the courses, build the rest.

        Raises Misconfigured where a course that is named, or every one of a folder, cannot be read;
        StoreUnavailable for a store.
        """
        stores = await Stores.open(settings)
        try:
            catalogue = Catalogue(stores.records, fits_folder(settings))
            taught = Taught(lambda: settings.course_files, catalogue)
            await taught.load()
            secret = settings.token.secret or await kept_secret(stores.records)
            tutoring = Tutoring(settings, stores, _wall_ms, limits)
            application = cls(settings, stores, taught, tutoring, secret, limits)
            try:
                await tutoring.begin()
            except BaseException:
                await tutoring.aclose()
                raise
        except BaseException:
            await stores.aclose()
            raise
        application.ownership.begin()
        application.rooms.begin()
        try:
            await application.ownership.appear()
        except BaseException:
            await application.aclose()
            raise
        return application

    # --- life ---------------------------------------------------------------------------------

    async def warm(self) -> None:
        """Compile the kernels and import the providers' SDKs; `open` is next."""
        tutor.warm()
        if not cached():
            _LOG.warning("no folder for compiled kernels can be written: set numba_cache_dir")
        models = [provider for tier in self.tiers for provider in tier]
        lesson = greeting(self.settings.tutor.mode, self.catalogue.offered[0])
        late = await warmed(models, greeting=lesson)
        for provider in late:
            _LOG.warning("not ready yet: %s %s", provider.name, provider.model)

    def open(self) -> None:
        """From now on /readyz is 200, and what holds the loop up is counted."""
        at_ready = compiled()
        self.metrics.compiles = lambda: compiled() - at_ready
        self._warm = True
        self._probe.start()
        if self.settings.courses_watch_s:
            watching = self.taught.watch(self.settings.courses_watch_s)
            self._watching = asyncio.get_running_loop().create_task(watching)

    def read_courses_again(self) -> asyncio.Task[list[str]]:
        """Look at the course files; lessons begun stay with the version that they began on."""
        self._reading = asyncio.get_running_loop().create_task(self.taught.reload())
        return self._reading

    def unready(self) -> str | None:
        """Why new learners should go elsewhere, or None."""
        if self.edge.gate.draining:
            return "draining"
        if not self._warm:
            return "warming up"
        return "; ".join(self.stores.trouble) or None

    async def drain(self, timeout_s: float) -> None:
        """Tell everybody, let running turns finish, store all sessions, close all connections."""
        self.edge.drain("the server is restarting")
        await asyncio.gather(self.ownership.drain(timeout_s), self.rooms.drain(timeout_s))
        await self.ownership.leave()  # not before: others would end what a room is told here

    async def aclose(self) -> None:
        """Store what is queued and give everything back; a turn that still runs is cut off."""
        for task in (self._watching, self._reading):
            if task is not None:
                task.cancel()
        self._probe.stop()
        self.wheel.stop()
        self.ownership.stop()
        self.rooms.stop()
        for session in self.ownership:
            session.end()
        try:
            await self.tutoring.aclose()
        finally:
            await self.stores.aclose()

    # --- wiring -------------------------------------------------------------------------------

    def _routed(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/v1/ws", WebSocketEndpoint(self.edge)),
                *Streams(self.edge).routes(),
                *RoomDoor(self.edge, self.rooms).routes(),
                courses_route(lambda: self.catalogue.offered),
                pictures_route(self.catalogue.picture),
                *Probes(self.metrics, self.unready, lambda: self.taught.notes).routes(),
                *Pages().routes(),
            ],
            middleware=[Middleware(SecurityHeaders)],
        )

    def _count(self) -> None:
        metrics = self.metrics
        metrics.sessions = lambda: len(self.ownership)
        metrics.outboxes = self._levels
        metrics.ready = lambda: self.unready() is None
        metrics.node = lambda: node_counts(self.ownership, self.rooms, self.stores.log)
        metrics.tutor = lambda: tutor_counts(self.tutoring.routing, self.tutoring.treasury)

    def _levels(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for connection in self.edge.connections:
            found[connection.level] = found.get(connection.level, 0) + 1
        return found


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def fits_folder(settings: Settings) -> Path | None:
    """Where refits of the courses are left: beside the store; None where that is no file."""
    path = store_path(settings)
    return None if path is None else Path(f"{path}.fits")


async def kept_secret(records: Records) -> str:
    """The token secret kept with the store; made on first use, by one node where many begin."""
    while True:
        document = await records.get(*SECRET_KEY)
        if document is not None:
            return document.body.decode()
        with contextlib.suppress(Conflict):  # another node was first: its secret is everybody's
            await stored(records.put(*SECRET_KEY, secrets.token_urlsafe(48).encode(), 0))
