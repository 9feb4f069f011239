"""Plain HTTP: liveness, readiness, metrics, courses, the pages. This file is everything unstreamed.

The pages are copied by `make web` to `server/pages/`. Their modules are served below a path that
holds the hash of all of them, so a browser keeps them for good and a new build is a new path.
"""

from __future__ import annotations

import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from engines.words import Course
    from server.metrics import Metrics

PAGES = Path(__file__).parent / "pages"
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
IMMUTABLE = "public, max-age=31536000, immutable"
HASH_CHARS = 12
_REFERENCE = re.compile(r'\b(src|href)="(?![a-z]+:|/|#)([^"]+)"')
_UNBUILT = (
    "<!doctype html><meta charset=utf-8><title>tutorstream</title>"
    "<p>The server runs; its pages are not built. In a source checkout run <code>make web</code>, "
    "then start the server again. The wire is at <code>/v1/ws</code>."
)

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


class SecurityHeaders:
    """Puts the security headers on every HTTP response of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(k.encode(), v.encode()) for k, v in SECURITY_HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                stricter = {name for name, _ in own}
                message["headers"] = own + [h for h in self._headers if h[0] not in stricter]
            await send(message)

        await self._app(scope, receive, with_headers)


class Probes:
    """`/livez`, `/readyz`, `/metrics`."""

    def __init__(
        self,
        metrics: Metrics,
        unready: Callable[[], str | None],
        notes: Callable[[], list[str]] = list,
    ) -> None:
        self._metrics = metrics
        self._unready = unready
        self._notes = notes

    def routes(self) -> list[Route]:
        """What `app` mounts."""
        return [
            Route("/livez", self.live),
            Route("/readyz", self.ready),
            Route("/metrics", self.metrics),
        ]

    async def live(self, _: Request) -> Response:
        """200 as long as the process answers at all."""
        return _json({"live": True})

    async def ready(self, _: Request) -> Response:
        """200 while new learners are welcome; 503 until warm and while draining.

        `notes` tells what an operator should look at, as a course that cannot be used.
        """
        why, notes = self._unready(), self._notes()
        told = {"notes": notes} if notes else {}
        if why is None:
            return _json({"ready": True, **told})
        return _json({"ready": False, "why": why, **told}, 503)

    async def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        return Response(
            self._metrics.text(), media_type="text/plain; version=0.0.4", headers=_NO_STORE
        )


_NO_STORE = {"cache-control": "no-store"}


def _json(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, _NO_STORE, "application/json")


def courses_route(offered: Callable[[], Sequence[Course]]) -> Route:
    """`GET /v1/courses`: what is taught here, the default course first."""

    async def courses(_: Request) -> Response:
        return _json(
            {
                "courses": [
                    {
                        "id": course.id,
                        "title": course.title,
                        "version": course.sha256[:HASH_CHARS],
                        "locale": course.locale,
                        "locales": list(course.locales) or [course.locale],
                        "items": len(course.items),
                        "skills": [
                            {"id": skill.id, "title": skill.title} for skill in course.skills
                        ],
                        "license": course.license,
                        "attribution": list(course.attribution),
                    }
                    for course in offered()
                ]
            }
        )

    return Route("/v1/courses", courses)


_PICTURE_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
"""A drawing that is opened by itself runs nothing either."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def pictures_route(picture: Callable[[str], Awaitable[tuple[str, bytes] | None]]) -> Route:
    """`GET /v1/media/{sha256}`: a picture of a course, by the hash of its bytes."""

    async def shown(request: Request) -> Response:
        name = request.path_params["sha256"]
        found = await picture(name) if _SHA256.fullmatch(name) else None
        if found is None:
            return _json({"error": "no course has this picture"}, 404)
        kind, body = found
        return Response(body, 200, _PICTURE_HEADERS, kind)

    return Route("/v1/media/{sha256}", shown)


class _File:
    __slots__ = ("body", "etag", "media_type")

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'


class Pages:
    """The built pages, read once: a few files of a few hundred KiB together."""

    def __init__(self, folder: Path = PAGES) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _File(path.read_bytes(), _type_of(path.name))
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        whole = hashlib.sha256()
        for name, file in self._files.items():
            whole.update(name.encode() + b"\0" + hashlib.sha256(file.body).digest())
        self.version = whole.hexdigest()[:HASH_CHARS]

    def routes(self) -> list[Route]:
        """What `app` mounts, last."""
        return [
            Route("/", self._page("learner/index.html")),
            Route("/teach", self._page("teacher/index.html")),
            Route("/teach/project", self._page("teacher/project.html")),
            Route(f"/p/{self.version}/{{path:path}}", self.hashed),
            Route("/{path:path}", self.named),
        ]

    def _page(self, name: str) -> Callable[[Request], object]:
        page = self._files.get(name)
        folder = posixpath.dirname(name)
        body = (
            _UNBUILT if page is None else self._with_hashed_references(page.body.decode(), folder)
        )
        file = _File(body.encode(), "text/html; charset=utf-8")

        async def shown(request: Request) -> Response:
            return _answer(request, file, "no-cache")

        return shown

    def _with_hashed_references(self, html: str, folder: str) -> str:
        def hashed(found: re.Match[str]) -> str:
            path = posixpath.normpath(posixpath.join(folder, found[2]))
            return f'{found[1]}="/p/{self.version}/{path}"'

        return _REFERENCE.sub(hashed, html)

    async def hashed(self, request: Request) -> Response:
        """A file below its hash: it never changes."""
        return self._found(request, IMMUTABLE)

    async def named(self, request: Request) -> Response:
        """A file by its plain name: asked again each time, answered 304 while it is the same."""
        return self._found(request, "no-cache")

    def _found(self, request: Request, caching: str) -> Response:
        file = self._files.get(request.path_params["path"])
        if file is None:
            return _json({"error": f"nothing is at {request.url.path}"}, 404)
        return _answer(request, file, caching)


def _answer(request: Request, file: _File, caching: str) -> Response:
    headers = {"cache-control": caching, "etag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, 200, headers, file.media_type)


def _type_of(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
