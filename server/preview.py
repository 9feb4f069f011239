"""`content preview`: the learner's page on one item, in every language. This file is that server.

Each language has the whole server on a port of its own, with a course that holds this item alone;
the desk on the first port shows them side by side. Everything listens on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.app import Application
from server.authoring.desk import MOST_SEED, Desk, response_of
from server.preview_page import PAGE, SCRIPT, START, STYLE
from server.run import listening
from server.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the folder is looked at."""
HOSTS = frozenset({"127.0.0.1", "localhost"})
BODY_BYTES = 64 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src http://127.0.0.1:*; base-uri 'none'; frame-ancestors 'none'"
)
_START_POLICY = "default-src 'none'; script-src 'self'; frame-ancestors http://127.0.0.1:*"


class Shown:
    """The learner's page in one language: a server whose course is replaced as the item changes."""

    def __init__(self, tag: str, folder: Path) -> None:
        self.tag = tag
        self.path = folder / f"{tag}.json"
        self.url = ""
        self._application: Application | None = None

    async def put(self, course: bytes) -> None:
        """Show this course from the next lesson on."""
        await asyncio.to_thread(self.path.write_bytes, course)
        if self._application is not None:
            await self._application.taught.reload()

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The server, until the block ends."""
        settings = Settings(port=0, courses=[str(self.path)])
        application = await Application.begin(settings)
        try:
            await application.warm()
            application.open()
            self._application = application
            async with listening(settings, _framed(application.asgi)) as (url, _):
                self.url = url
                yield
        finally:
            self._application = None
            await application.aclose()


def _framed(app: ASGIApp) -> ASGIApp:
    """The application as the desk may frame it, with a page that forgets the learner before."""
    start = Starlette(
        routes=[
            Route("/preview/start", lambda _: _answer(START, "text/html", _START_POLICY)),
            Route("/preview/start.js", lambda _: _answer(_FORGET, "text/javascript")),
        ]
    )

    async def framed(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(n, _open(v)) for n, v in message.get("headers", ())]
            await send(message)

        own = scope["type"] == "http" and scope["path"].startswith("/preview/")
        await (start if own else app)(scope, receive, send if own else sent)

    return framed


_FORGET = 'localStorage.clear();\nsessionStorage.clear();\nlocation.replace("/");\n'


def _open(value: bytes) -> bytes:
    return value.replace(b"frame-ancestors 'none'", b"frame-ancestors http://127.0.0.1:*")


def _answer(body: str | bytes, kind: str, policy: str = _POLICY, status: int = 200) -> Response:
    headers = {
        "cache-control": "no-store",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return Response(body, status, headers, f"{kind}; charset=utf-8")


def _json(document: object, status: int = 200) -> Response:
    return _answer(orjson.dumps(document), "application/json", status=status)


class Preview:
    """The desk: which item is on show, with which seed, and what was found in the folder."""

    def __init__(self, desk: Desk, item: str) -> None:
        self.desk = desk
        self.item = item
        self.seed = 0
        self.trouble = ""
        self.shown: list[Shown] = []
        self.asgi = Starlette(
            routes=[
                Route("/", lambda _: _answer(PAGE, "text/html")),
                Route("/desk.js", lambda _: _answer(SCRIPT, "text/javascript")),
                Route("/desk.css", lambda _: _answer(STYLE, "text/css")),
                Route("/state", self._state),
                Route("/show", self._show, methods=["POST"]),
                Route("/verdict", self._verdict, methods=["POST"]),
            ]
        )

    async def put(self) -> None:
        """Bring the item with its numbers to every language's page."""
        if self.item not in self.desk.items and self.desk.items:
            self.trouble = f"{self.item or 'no item'} could not be read: the first one is shown"
            self.item = self.desk.items[0]
        try:
            for shown in self.shown:
                await shown.put(self.desk.alone(self.item, self.seed, shown.tag))
        except (LookupError, ValueError) as error:
            self.trouble = str(error)

    async def watch(self) -> None:
        """Read the folder again as it changes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if await asyncio.to_thread(self.desk.refreshed):
                    self.trouble = ""
                    await self.put()
            except Exception as error:  # noqa: BLE001 - a half-written file is read again
                self.trouble = str(error).partition("\n")[0]
                _LOG.warning("the folder was not read: %s", self.trouble)

    # --- routes -------------------------------------------------------------------------------

    async def _state(self, request: Request) -> Response:
        if not _is_ours(request):
            return _json({"error": "this desk listens on loopback alone"}, 403)
        return _json(
            {
                "version": self.desk.version,
                "item": self.item,
                "seed": self.seed,
                "items": self.desk.items,
                "findings": self.desk.findings,
                "trouble": self.trouble,
                "pages": [{"tag": each.tag, "url": each.url} for each in self.shown],
            }
        )

    async def _show(self, request: Request) -> Response:
        try:
            asked = await _asked(request)
            item, seed = str(asked["item"]), int(asked["seed"])
            if item not in self.desk.items or not 0 <= seed < MOST_SEED:
                raise LookupError(f"expected an item of the course and a seed below {MOST_SEED}")
        except (LookupError, ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        self.item, self.seed, self.trouble = item, seed, ""
        await self.put()
        return await self._state(request)

    async def _verdict(self, request: Request) -> Response:
        try:
            asked = await _asked(request)
            text = str(asked["response"])
            judged: dict[str, Any] = {}
            for tag in self.desk.locales:
                item = self.desk.drawn(self.item, self.seed, tag).instance.item
                response = response_of(text, item)
                judged[tag] = self.desk.judged(self.item, self.seed, tag, response)
        except (LookupError, ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        return _json(judged)


async def _asked(request: Request) -> dict[str, Any]:
    """The body of a request from the desk's own page. Raises ValueError."""
    if not _is_ours(request) or request.headers.get("content-type") != "application/json":
        raise ValueError("expected JSON from the desk's own page")
    body = await request.body()
    if len(body) > BODY_BYTES:
        raise ValueError(f"expected at most {BODY_BYTES} bytes, {len(body)} came")
    found = orjson.loads(body)
    if not isinstance(found, dict):
        raise ValueError(f"expected an object, found {type(found).__name__}")
    return found


def _is_ours(request: Request) -> bool:
    """Whether the request names this machine: no other site's name leads here."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    return host.partition(":")[0] in HOSTS and origin in (None, f"http://{host}")


@contextlib.asynccontextmanager
async def previewed(desk: Desk, item: str, port: int = 0) -> AsyncIterator[tuple[str, Preview]]:
    """The desk and its pages: `(url, preview)`, until the block ends.

    Raises LookupError where nothing of the folder can be shown, OSError where the port is taken.
    """
    await asyncio.to_thread(desk.refreshed)
    preview = Preview(desk, item or next(iter(desk.items), ""))
    if preview.item not in desk.items:
        known = ", ".join(desk.items[:5])
        raise LookupError(f"no item {item!r} that could be read; the course has {known or 'none'}")
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="preview-")))
        for tag in desk.locales:
            shown = Shown(tag, folder)
            await shown.put(desk.alone(preview.item, preview.seed, tag))
            await stack.enter_async_context(shown.served())
            preview.shown.append(shown)
        settings = Settings(port=port)
        url, _ = await stack.enter_async_context(listening(settings, preview.asgi))
        watching = asyncio.create_task(preview.watch())
        try:
            yield url, preview
        finally:
            watching.cancel()
