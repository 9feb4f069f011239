"""What the browser tests share: Chromium, a page that watches itself, a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from engines.exercises.course import canonical
from tests.web.fake_server import FakeServer

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; ends with the module, since its loop occupies the thread."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not here: expected it at /usr/bin/chromium (Debian's chromium)")
    if not (ROOT / "server/pages/learner/index.html").exists():
        pytest.skip("the pages are not built: run `make web`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


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
    made.set_default_timeout(10_000)
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server process; its URL. Its course has what is typed or chosen, and no widgets."""
    course = json.loads((ROOT / "server" / "courses" / "linear-equations.json").read_bytes())
    course["items"] = [
        item
        for item in course["items"]
        if "widget" not in item and item.get("answer", {}).get("kind") in TYPED
    ]
    typed = tmp_path_factory.mktemp("typed") / "linear-equations.json"
    typed.write_bytes(canonical(course))
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--json"]
    command += ["--course", str(typed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, "the server ended before it was ready"
        yield json.loads(ready)["url"]
        process.terminate()
        process.wait(30)
