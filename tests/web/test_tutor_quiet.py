"""What stays in its place beside the tutor's words, and refusals that promise nothing untrue."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.fake_server import FakeServer
from tests.web.fake_tutor import DEMONSTRATION, Refused
from tests.web.narrow import narrow
from tests.web.test_learner_page import ask, opened
from tests.web.test_tutor_page import LONG, asked_and_held, budget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_tutor_that_begins_to_write_moves_nothing_around_it(page: Page, fake: FakeServer) -> None:
    fixed = page.locator("[role=tab], #question, .ask .box button")

    def places() -> list[Any]:
        return [each.bounding_box() for each in fixed.all()]

    opened(page, fake.url)
    tab = page.locator("#tab-tutor")
    expect(tab).to_have_accessible_name("Tutor")
    before = places()
    asked_and_held(page, fake)
    expect(tab).to_have_accessible_name("Tutor writing")
    assert places() == before


def test_the_caution_of_a_demonstration_stays_in_sight(page: Page, fake: FakeServer) -> None:
    fake.voice, fake.words, fake.pace_s = DEMONSTRATION, LONG, 0.001
    opened(page, fake.url)
    ask(page)
    expect(page.locator(".turn.completed")).to_be_visible()
    log = page.locator("#transcript")
    assert log.evaluate("log => log.scrollTop") > 0
    caution, seen = page.locator(".voice.caution").bounding_box(), log.bounding_box()
    assert caution
    assert seen
    assert seen["y"] <= caution["y"] <= seen["y"] + 20


def test_a_question_that_is_too_long_is_not_cut_in_silence(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    fake.refusals = [Refused(109, "too_large", "expected at most 2048 bytes, came 3000")]
    words = ("why " * 750).strip()
    ask(page, words)
    expect(page.locator(".ask .problem")).to_contain_text("too long for one question")
    assert page.locator("#question").input_value() == words


def test_who_is_refused_for_the_budget_is_not_promised_another_tutor(
    browser: Browser, fake: FakeServer
) -> None:
    context = browser.new_context(timezone_id="Etc/GMT-1")
    page = context.new_page()
    page.clock.install(time="2026-03-02T22:30:00Z")
    fake.words = "So."
    opened(page, fake.url)
    left = page.locator(".talk-head .left")
    fake.limits = [budget("tutor.learner.day", 10, 0, 90 * 60_000)]
    ask(page)
    expect(left).to_have_text("The built-in tutor answers until 01:00")
    expect(page.locator(".turn.completed")).to_have_count(1)
    fake.refusals = [Refused(120, "budget_spent", "spent")]
    ask(page)
    expect(page.locator(".ask .problem")).to_contain_text("The tutor's budget is spent.")
    expect(left).to_have_text("The tutor answers again from 01:00")
    ask(page)
    expect(page.locator(".turn.completed")).to_have_count(2)
    expect(left).to_have_text("The built-in tutor answers until 01:00")
    context.close()


@pytest.mark.parametrize("width", [320, 390, 700])
def test_a_narrow_page_cuts_no_title(page: Page, fake: FakeServer, width: int) -> None:
    narrow(page, width, 780)
    opened(page, fake.url)
    title = page.locator(".top h1")
    assert title.evaluate("h => h.scrollWidth <= h.clientWidth && h.clientHeight < 40")
    assert page.evaluate("document.documentElement.scrollWidth") == width
