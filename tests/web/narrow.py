"""A window made narrow. This file asks for it."""

from __future__ import annotations

from playwright.sync_api import Page

LAID_OUT = """(width) => new Promise((done) => {
  const look = () => requestAnimationFrame(() => (innerWidth === width ? done() : look()));
  requestAnimationFrame(look);
})"""


def narrow(page: Page, width: int, height: int) -> None:
    """The window has this size in pixels, and a frame was laid out for it.

    A question asked at once may still meet the width with the media rules of the size before.
    """
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(LAID_OUT, width)
