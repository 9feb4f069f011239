"""Widgets of a compiled course, from a real server to the browser and back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.engines.exercises.widget_items import (
    LINE,
    MATCH,
    ORDER,
    PARSONS,
    PARTS,
    PLOT,
    widget_course,
)
from tests.web.test_learner_page import frames_of, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROOT = Path(__file__).parents[2]
ITEMS = (ORDER, MATCH, PARSONS, LINE, PLOT, PARTS)
PLACE = re.compile(r", place \d+ of \d+$")


@pytest.fixture(scope="module")
def widgets_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server process that teaches a course of widgets."""
    course = tmp_path_factory.mktemp("course") / "widgets.json"
    course.write_bytes(widget_course(*ITEMS))
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--course", str(course)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready, "the server ended before it was ready"
        yield json.loads(ready)["url"]
        process.terminate()
        process.wait(30)


def spoken(page: Page, at: str) -> list[str]:
    """What entries are called aloud, without their places."""
    names = page.locator(f"{at} .entry").evaluate_all("all => all.map((at) => at.ariaLabel)")
    return [PLACE.sub("", name) for name in names]


def figures(page: Page) -> list[int]:
    """The whole numbers of the prompt."""
    tex = page.locator(".prompt annotation").all_text_contents()
    return [int(n) for n in re.findall(r"-?\d+", " ".join(tex))]


def put_in_order(page: Page) -> None:
    """By size, each to its place from the first one on."""
    for n, size in enumerate(sorted(map(Fraction, spoken(page, ".order")))):
        at = [Fraction(name) for name in spoken(page, ".order")].index(size)
        page.locator(".order .entry").nth(at).focus()
        for _ in range(at - n):
            page.keyboard.press("Control+ArrowUp")


def put_pairs(page: Page) -> None:
    for n, name in enumerate(spoken(page, ".left")):
        word = {"2": "halves", "3": "thirds", "5": "fifths"}[name.split("/")[1]]
        options = page.locator(".match select").nth(n).locator("option").all_inner_texts()
        label = next(text for text in options if text.endswith(word))
        page.locator(".match select").nth(n).select_option(label=label)


def put_lines(page: Page) -> None:
    for text in ("for k in", "print(k)", "print('done')"):
        page.locator(".unused .entry", has_text=text).click()
    page.locator(".used .entry").nth(1).press("ArrowRight")


def put_point(page: Page) -> None:
    _, n, _ = figures(page)
    page.get_by_label("Value", exact=True).fill(str(Fraction(n, 4)))


def put_sliders(page: Page) -> None:
    a, _, b = figures(page)
    page.get_by_label("slope, typed").fill(f"{a}/2")
    page.get_by_label("b0, typed").fill(str(b))


def put_parts(page: Page) -> None:
    (n,) = figures(page)
    page.get_by_label("Part a").fill(f"{n}/2")
    page.locator(".choice").filter(has_not_text="/").click()
    put_in_order(page)


WAYS: dict[str, Callable[[Page], None]] = {
    "order.1": put_in_order,
    "match.1": put_pairs,
    "parsons.1": put_lines,
    "line.1": put_point,
    "plot.1": put_sliders,
    "parts.1": put_parts,
}


def test_every_widget_of_a_course_is_judged_right(page: Page, widgets_url: str) -> None:
    heard = frames_of(page)
    opened(page, widgets_url)
    done: set[str] = set()
    for _ in range(24):
        item = next(frame["item"] for frame in reversed(heard) if frame["t"] == "item")
        expect(page.locator(".widget").first).to_be_visible()
        if item in done:
            page.keyboard.press("Alt+n")
            page.wait_for_timeout(50)
            continue
        WAYS[item](page)
        page.locator("[data-act=check]").click()
        expect(page.locator(".verdict")).to_be_visible()
        verdict = next(frame for frame in reversed(heard) if frame["t"] == "feedback")
        assert (verdict["item"], verdict["verdict"]) == (item, "correct"), verdict
        done.add(item)
        if len(done) == len(WAYS):
            break
        page.locator("[data-act=check]").click()
        expect(page.locator(".verdict")).to_have_count(0)
    assert done == set(WAYS)
