"""The life of a server process: warm-up, listening, signals, drain. This file is `serve`.

Order: choose numba's cache folder, build, warm, listen, say so; where stores that are shared with
other servers are away, listen first and wait for them. The first SIGTERM or SIGINT
drains: readiness off, `drain` to everybody, running turns finish, then the end. A second one ends
at once. uvicorn's own signal handling closes sockets in mid-turn, so it is not installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from protocol.errors import Close
from protocol.limits import LIMITS
from server.collector import Collector
from server.settings import Misconfigured, Settings, shown

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from server.app import Application
    from server.waiting import Entrance

_LOG = logging.getLogger(__name__)

SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's part of what a reader has not read: with defaults it takes megabytes of old text."""
UNREAD_MS = 40_000
"""The kernel cuts a TCP connection whose peer has taken nothing for so long, window closed or not:
the last guard against readers that never read."""
BACKLOG = 2048
AGAIN_S = 1.0
"""How often stores that are away at the start are looked for."""
SLOW_START_S = 8.0
"""A start that takes longer than this is explained to who waits for it."""
DATE_S = 1.0
"""The `date` header has whole seconds."""
CLOSING_S = 5
"""How long closed connections may take to say goodbye."""
ENGINES = Path(__file__).parents[1] / "engines"


class Stopped(Exception):  # noqa: N818 - named by what happened
    """The process was told to stop while it still waited for its stores."""


class Running(NamedTuple):
    """A server that listens."""

    application: Application
    url: str
    port: int
    """0 on a Unix socket."""


def choose_numba_cache(settings: Settings) -> Path | None:
    """Point numba at a folder it can write, before it is imported; the folder, if we chose one.

    Without a wish: beside the code where that can be written (a checkout), else in the user's
    cache folder. None: numba's own choice, or no cache at all, about which `warm` warns.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return Path(os.environ["NUMBA_CACHE_DIR"])
    if settings.numba_cache_dir:
        folder = Path(settings.numba_cache_dir)
    elif os.access(ENGINES, os.W_OK):
        return None
    else:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = Path(home) / "tutorstream" / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def listening_socket(settings: Settings) -> socket.socket:
    """A bound socket; what it accepts inherits the small send buffer. Raises OSError."""
    if settings.uds:
        return _unix_socket(Path(settings.uds))
    family, kind, proto, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, proto)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if sys.platform == "linux":
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _unix_socket(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()  # left by a process that was killed
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        bound.bind(str(path))
    except OSError:
        bound.close()
        raise
    return bound


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *, freeze: bool = False, stop: asyncio.Event | None = None
) -> AsyncIterator[Running]:
    """A warm server that listens, until the block ends; running turns are not waited for.

    Where MongoDB or Redis are away it listens, says so and waits for them, until `stop` is set.

    `freeze` takes all that is alive out of the garbage collector's sight and has full collections
    wait for a quiet moment: for a process that does nothing else. Raises Misconfigured,
    StoreUnavailable, OSError (the address is taken), Stopped.
    """
    from server.waiting import Entrance

    entrance = Entrance()
    application = await _begun(settings, entrance)
    try:
        if application is not None:
            await application.warm()
        async with listening(settings, entrance) as (url, port):
            if application is None:
                application = await _awaited(settings, entrance, url, stop or asyncio.Event())
                await application.warm()
            entrance.inside = application.asgi
            collector = Collector(asyncio.get_running_loop())
            if freeze:
                gc.collect()
                gc.freeze()
                collector.begin()
            application.open()
            try:
                yield Running(application, url, port)
            finally:
                collector.stop()
                application.edge.close_all(Close.DRAIN, "the server is restarting: come back")
    finally:
        if application is not None:
            await application.aclose()


@contextlib.asynccontextmanager
async def listening(settings: Settings, entrance: ASGIApp) -> AsyncIterator[tuple[str, int]]:
    """The server library at work on our socket: `(url, port)`."""
    bound = listening_socket(settings)
    library = _library(entrance)
    await library.startup(sockets=[bound])
    clock = asyncio.create_task(_dated(library))
    try:
        yield _address(bound, settings)
    finally:
        clock.cancel()
        await library.shutdown(sockets=[bound])
        _unlink(settings.uds)


async def _dated(library: uvicorn.Server) -> None:
    """Keep the `date` of answers: all of the library's own clock that we need, once a second.

    Its `main_loop` wakes ten times as often, to look whether a signal came that we take ourselves.
    """
    while True:
        await library.on_tick(0)
        await asyncio.sleep(DATE_S)


async def _begun(settings: Settings, entrance: Entrance) -> Application | None:
    """The application; None where servers that it shares with others are away."""
    from server.app import Application
    from streaming.log import StoreUnavailable

    try:
        return await Application.begin(settings)
    except StoreUnavailable as error:
        if not settings.shared:  # a file does not come by itself
            raise
        entrance.why = str(error)
        return None


async def _awaited(
    settings: Settings, entrance: Entrance, url: str, stop: asyncio.Event
) -> Application:
    """The application once its stores are there. Raises Stopped."""
    told = ""
    while True:
        if entrance.why != told:
            told = entrance.why
            _LOG.warning("listening on %s, not ready: %s", url, told)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), AGAIN_S)
            raise Stopped
        application = await _begun(settings, entrance)
        if application is not None:
            return application


def _unlink(uds: str) -> None:
    if uds:
        Path(uds).unlink(missing_ok=True)


def _library(entrance: ASGIApp) -> uvicorn.Server:
    """uvicorn, with our socket class and nothing of its own process life."""
    import uvicorn

    from server.transport import RawWebSocket

    config = uvicorn.Config(
        entrance,
        loop="none",
        http="httptools",
        ws=RawWebSocket,
        ws_max_size=LIMITS.inbound_bytes,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=CLOSING_S,
    )
    config.load()
    library = uvicorn.Server(config)
    library.lifespan = config.lifespan_class(config)
    return library


def _address(bound: socket.socket, settings: Settings) -> tuple[str, int]:
    if settings.uds:
        return f"unix:{settings.uds}", 0
    port = bound.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}/", port


# --- the process ----------------------------------------------------------------------------------


def serve(settings: Settings, announce: Callable[[Running], None]) -> int:
    """Run a server until it is told to stop; `announce` is called once it listens.

    0 after a drain, 1 where turns were cut off or the server could not start. Raises
    Misconfigured.
    """
    begin_logging(settings)
    choose_numba_cache(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_served(settings, announce))


def begin_logging(settings: Settings) -> None:
    """Our own words on standard error; the server library's from warnings on."""
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    quiet = (
        "uvicorn",
        "websockets",
        "httpx",
        "httpx2",
        "openai",
        "anthropic",
        "groq",
        "google_genai",
    )
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for this system
        return None
    return uvloop.new_event_loop


async def _served(settings: Settings, announce: Callable[[Running], None]) -> int:
    from streaming.log import StoreUnavailable

    signals = Signals(asyncio.get_running_loop())
    signals.listen()
    # A thread's clock: while kernels compile, the loop stands still.
    slow = threading.Timer(SLOW_START_S, _explain_the_wait)
    slow.daemon = True
    slow.start()
    try:
        async with running(settings, freeze=True, stop=signals.first) as server:
            slow.cancel()
            announce(server)
            signals.hangup = lambda: server.application.read_courses_again()
            await signals.first.wait()
            return await _drained(server.application, signals)
    except Stopped:
        return 0
    except OSError as error:
        where = settings.uds or f"{settings.host}:{settings.port}"
        print(
            f"tutorstream: cannot listen on {where}: {error.strerror or error}; "
            "choose another --port",
            file=sys.stderr,
        )
        return 1
    except StoreUnavailable as error:
        where = shown(settings, "store")
        print(f"tutorstream: the store {where} does not open: {error}", file=sys.stderr)
        return 1
    finally:
        slow.cancel()
        signals.ignore()


def _explain_the_wait() -> None:
    print(
        "tutorstream: still starting; the first start on a machine compiles its kernels, "
        "which takes up to a minute",
        file=sys.stderr,
        flush=True,
    )


async def _drained(application: Application, signals: Signals) -> int:
    """Let turns finish, unless a second signal comes first."""
    drain = asyncio.create_task(application.drain(LIMITS.drain_s))
    second = asyncio.create_task(signals.second.wait())
    await asyncio.wait((drain, second), return_when=asyncio.FIRST_COMPLETED)
    second.cancel()
    if not drain.done():
        drain.cancel()
        _LOG.warning("stopped by a second signal while turns were running")
        return 1
    drain.result()
    return 0


async def ended() -> None:
    """Wait for SIGTERM or SIGINT."""
    signals = Signals(asyncio.get_running_loop())
    signals.listen()
    try:
        await signals.first.wait()
    finally:
        signals.ignore()


class Signals:
    """SIGTERM and SIGINT, counted: the first drains, the second stops. SIGHUP calls `hangup`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self.hangup: Callable[[], object] = lambda: None
        self._loop = loop

    def listen(self) -> None:
        """Take the signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._came)
        self._loop.add_signal_handler(signal.SIGHUP, lambda: self.hangup())

    def ignore(self) -> None:
        """Give them back."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)

    def _came(self) -> None:
        if self.first.is_set():
            self.second.set()
        self.first.set()


__all__ = ["Misconfigured", "Running", "choose_numba_cache", "running", "serve"]
