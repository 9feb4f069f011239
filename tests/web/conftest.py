"""What the browser tests share: one Chromium, a page that watches itself, one real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from engines.exercises.course import canonical
from tests.engines.exercises.widget_items import LINE, MATCH, ORDER, PARSONS, PARTS, PLOT
from tests.engines.exercises.widget_items import widget_course as course_of
from tests.web.fake_server import FakeServer

ROOT = Path(__file__).parents[2]
CHROMIUMS = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
"""Debian's. The first is the same browser without a window, and opens a page in half the time."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Chromium:
    """One browser for all browser tests that follow one another: beginning anew costs a second."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def opened(self) -> Browser:
        """The browser, which begins where none runs."""
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=next(filter(Path.exists, CHROMIUMS)), args=FLAGS
            )
        return self._browser

    def close(self) -> None:
        """End it: its loop occupies the thread, where others' loops are to run."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = None


CHROME = Chromium()

PATIENCE_MS = 20_000
"""More than any wait here needs on a busy machine."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """The browser ends before a test that is not of browsers."""
    yield
    if nextitem is None or nextitem.get_closest_marker("browser") is None:
        CHROME.close()


def pytest_sessionfinish() -> None:
    """Also where the run was stopped between two of its tests."""
    CHROME.close()


@pytest.fixture
def browser() -> Browser:
    """A headless Chromium."""
    if not any(map(Path.exists, CHROMIUMS)):
        pytest.skip(f"Chromium is not here: expected {' or '.join(map(str, CHROMIUMS))} (Debian's)")
    if not (ROOT / "server/pages/learner/index.html").exists():
        pytest.skip("the pages are not built: run `make web`")
    return CHROME.opened()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile at 1280x800; a page's own errors and refused requests fail the test."""
    wrong: list[str] = []

    def told(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    def watch(page: Page) -> None:
        page.on("console", told)
        page.on("pageerror", lambda error: wrong.append(str(error)))

    made = browser.new_context(viewport={"width": 1280, "height": 800})
    made.on("page", watch)
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()
    assert [text for text in wrong if "WebSocket connection" not in text] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """The scripted server."""
    with FakeServer() as server:
        yield server


TYPED = ("number", "fraction", "choice", "text")
PLAIN = {"kind": None}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server process of two courses; its URL. The first has no widget but a vote."""
    course = json.loads((ROOT / "server" / "courses" / "linear-equations.json").read_bytes())
    course["items"] = [
        item
        for item in course["items"]
        if item.get("widget", PLAIN)["kind"] in (None, "poll")
        and item.get("answer", {}).get("kind") in TYPED
    ]
    folder = tmp_path_factory.mktemp("courses")
    typed, widgets = folder / "linear-equations.json", folder / "widgets.json"
    typed.write_bytes(canonical(course))
    widgets.write_bytes(course_of(ORDER, MATCH, PARSONS, LINE, PLOT, PARTS))
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--json"]
    command += ["--course", str(typed), "--course", str(widgets)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, "the server ended before it was ready"
        yield json.loads(ready)["url"]
        process.terminate()
        process.wait(30)


@pytest.fixture
def lessons(served: str) -> str:
    """Where lessons on the course without widgets begin."""
    return f"{served}?course=linear-equations"
