"""Probes, courses, pages: statuses, headers, caching."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from engines.words import Course, Skill
from server.http import (
    IMMUTABLE,
    SECURITY_HEADERS,
    Pages,
    Probes,
    SecurityHeaders,
    courses_route,
    pictures_route,
)
from server.metrics import Metrics
from tests.wire.sockets import Answer, request, serving

INDEX = (
    '<link rel="stylesheet" href="../shared/a.css"><script type="module" src="main.js"></script>'
    '<a href="/v1/courses">c</a><a href="https://example.org/">x</a><a href="#top">t</a>'
)


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    for name, text in {
        "learner/index.html": INDEX,
        "learner/main.js": "export {}",
        "shared/a.css": "a{}",
        "vendor/f.woff2": "font",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Pages(tmp_path)


def answers(routes: list[Any], *paths: Any) -> list[Answer]:
    app = Starlette(routes=routes, middleware=[Middleware(SecurityHeaders)])

    async def go() -> list[Answer]:
        async with serving(app) as (port, _):
            return [
                await request(port, "GET", path, headers=headers)
                for path, headers in (p if isinstance(p, tuple) else (p, {}) for p in paths)
            ]

    return asyncio.run(go())


def test_probes_say_alive_ready_and_why_not() -> None:
    why: list[str | None] = ["warming up"]
    metrics = Metrics("test")
    routes = Probes(metrics, lambda: why[0]).routes()
    live, ready, text = answers(routes, "/livez", "/readyz", "/metrics")
    assert (live.status, ready.status) == (200, 503)
    assert ready.json() == {"ready": False, "why": "warming up"}
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"tutorstream_ready 0" in text.body
    why[0] = None
    assert answers(routes, "/readyz")[0].status == 200


def test_every_answer_carries_the_security_headers(pages: Pages) -> None:
    for answer in answers(pages.routes(), "/", "/learner/main.js", "/nothing"):
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


def test_the_page_names_its_modules_below_their_hash(pages: Pages) -> None:
    (page,) = answers(pages.routes(), "/?c=K7P2")
    base = f"/p/{pages.version}"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'href="{base}/shared/a.css"' in page.body.decode()
    assert f'src="{base}/learner/main.js"' in page.body.decode()
    for kept in ('href="/v1/courses"', 'href="https://example.org/"', 'href="#top"'):
        assert kept in page.body.decode()
    module, font, plain = answers(
        pages.routes(), f"{base}/learner/main.js", f"{base}/vendor/f.woff2", "/learner/main.js"
    )
    assert module.headers["cache-control"] == font.headers["cache-control"] == IMMUTABLE
    assert module.headers["content-type"] == "text/javascript; charset=utf-8"
    assert font.headers["content-type"] == "font/woff2"
    assert plain.headers["cache-control"] == "no-cache"
    assert module.body == plain.body == b"export {}"


def test_what_is_unchanged_is_not_sent_again(pages: Pages) -> None:
    (first,) = answers(pages.routes(), "/learner/main.js")
    again, other = answers(
        pages.routes(),
        ("/learner/main.js", {"If-None-Match": first.headers["etag"]}),
        ("/learner/main.js", {"If-None-Match": '"other"'}),
    )
    assert (again.status, again.body) == (304, b"")
    assert other.status == 200


@pytest.mark.parametrize(
    "path", ["/nothing", "/../pyproject.toml", "/learner/../../x", "/%2e%2e/x", "/p/other/a"]
)
def test_nothing_else_is_served(pages: Pages, path: str) -> None:
    (answer,) = answers(pages.routes(), path)
    assert answer.status == 404


def test_without_built_pages_the_page_says_what_to_do(tmp_path: Path) -> None:
    (page,) = answers(Pages(tmp_path).routes(), "/")
    assert page.status == 200
    assert b"make web" in page.body


def test_another_build_has_another_path(tmp_path: Path, pages: Pages) -> None:
    (tmp_path / "learner" / "main.js").write_text("export let a")
    assert Pages(tmp_path).version != pages.version


def test_a_picture_is_served_by_its_hash_and_runs_nothing() -> None:
    name = "cd" * 32

    async def picture(sha256: str) -> tuple[str, bytes] | None:
        return ("image/svg+xml", b"<svg/>") if sha256 == name else None

    found, other, odd = answers(
        [pictures_route(picture)], f"/v1/media/{name}", f"/v1/media/{'ef' * 32}", "/v1/media/x.svg"
    )
    assert (found.status, found.body) == (200, b"<svg/>")
    assert found.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in found.headers["content-security-policy"]
    assert (other.status, odd.status) == (404, 404)


def test_courses_are_listed_in_their_order() -> None:
    course = Course(
        id="sums",
        version="1.0.0",
        title="Sums",
        license="CC-BY-4.0",
        attribution=("Somebody",),
        skills=(Skill(id="add", title="Adding"),),
        items=(),
        sha256="ab" * 32,
    )
    (answer,) = answers([courses_route(lambda: [course])], "/v1/courses")
    assert answer.json()["courses"] == [
        {
            "id": "sums",
            "title": "Sums",
            "version": "ab" * 6,
            "locale": "en",
            "locales": ["en"],
            "items": 0,
            "skills": [{"id": "add", "title": "Adding"}],
            "license": "CC-BY-4.0",
            "attribution": ["Somebody"],
        }
    ]
