"""Axe-core on a page as it stands, and rings that are cut off. This file asks for both."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = """([at, rules]) => axe.run(at, {resultTypes: ['violations'], ...rules}).then(
  ({violations}) => violations.map(({id, help, nodes}) => [id, help, nodes.map((one) => one.html)])
)"""
CONTRAST = "color-contrast"
"""The one rule that colours decide: what stands in light and passes the others passes in dark."""
CLIPPED = """() => {
  const stops = 'a[href], button, input, select, textarea, summary, [tabindex]';
  return [...document.querySelectorAll(stops)].flatMap((at) => {
    if (at.disabled || !at.checkVisibility({visibilityProperty: true})) return [];
    at.focus();
    if (document.activeElement !== at || !at.matches(':focus-visible')) return [];
    const named = at.outerHTML.slice(0, 90);
    const drawn = (one) => one !== null && getComputedStyle(one).outlineStyle !== 'none';
    const ringed = [at, at.closest('label')].find(drawn);
    if (ringed === undefined) return [['no ring', named]];
    const {outlineWidth, outlineOffset} = getComputedStyle(ringed);
    const room = parseFloat(outlineWidth) + parseFloat(outlineOffset);
    const ring = ringed.getBoundingClientRect();
    const cut = [];
    for (let up = ringed.parentElement; up !== document.body; up = up.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(up);
      const box = up.getBoundingClientRect();
      const [left, top] = [box.left + up.clientLeft, box.top + up.clientTop];
      const [right, bottom] = [left + up.clientWidth, top + up.clientHeight];
      const across = Math.max(left - ring.left + room, ring.right + room - right);
      const down = Math.max(top - ring.top + room, ring.bottom + room - bottom);
      const least = 0.75; // of a pixel
      if (overflowX !== 'visible' && across > least) cut.push([across, up.className, named]);
      if (overflowY !== 'visible' && down > least) cut.push([down, up.className, named]);
    }
    return cut;
  });
}"""
"""What takes the focus by keyboard and shows no whole ring: none, or one that is cut off."""
AT_ONCE = "*, ::before, ::after { transition: none !important }"
"""Colours that fade into one another are of neither scheme."""


def clean(page: Page, *rules: str, at: str = "html") -> None:
    """Axe finds nothing, by all rules or by those named."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
        page.add_style_tag(content=AT_ONCE)
    options: dict[str, Any] = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(RUN, [at, options])
    assert found == [], found


def clean_in_both(page: Page, *, at: str = "html") -> None:
    """Axe finds nothing in light, nor in dark; the page is to be in light."""
    clean(page, at=at)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    clean(page, CONTRAST, at=at)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
