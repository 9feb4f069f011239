"""Widgets and small questions beside what is seen of them: verdicts, drafts, space, direction."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.web import axe
from tests.web import fake_widgets as made
from tests.web.fake_course import SKILLS
from tests.web.fake_server import FakeServer
from tests.web.fake_widgets import entries, lesson, plays
from tests.web.narrow import narrow
from tests.web.test_learner_page import opened
from tests.web.test_widgets import entry, on_line, tabbed, thumb

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SMALL = """() => {
  const targets = document.querySelectorAll('.exercise :is(button, input, select, [role=slider])');
  return [...targets].filter((at) => {
    const {width, height} = (at.closest('label.choice') ?? at).getBoundingClientRect();
    return width > 0 && (width < 24 || height < 24);
  }).map((at) => at.outerHTML.slice(0, 90));
}"""
"""What is smaller than 24 by 24 pixels and is pressed."""


DRAFTS = """(() => {
  window.draftsAt = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    if (String(text).includes('answer.draft')) window.draftsAt.push(performance.now());
    return send.call(this, text);
  };
})()"""


def clean(page: Page, *rules: str) -> None:
    """Axe on the exercise, by all rules or by those named."""
    axe.clean(page, *rules, at=".exercise")


def opened_on(page: Page, fake: FakeServer, *script: made.Scripted) -> None:
    page.emulate_media(reduced_motion="reduce")
    plays(fake, *script)
    opened(page, fake.url)
    expect(page.locator(".widget, .box").first).to_be_visible()
    expect(page.get_by_text("Opening", exact=True)).to_have_count(0)


def until(page: Page, true: Callable[[], bool]) -> None:
    """What the server hears comes a moment later."""
    for _ in range(500):
        if true():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not come to be so")


def test_axe_finds_nothing_in_any_widget_in_light_and_in_dark(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.all_at_once(), made.board())
    expect(page.locator(".widget")).to_have_count(9)
    page.locator(".line-box").nth(1).click()
    page.locator(".order .entry").first.click()
    page.locator(".unused .entry").first.click()
    page.locator(".match select").first.select_option("b")
    clean(page)
    page.keyboard.press("Tab")
    assert page.evaluate(axe.CLIPPED) == []
    page.add_style_tag(content=axe.AT_ONCE)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    clean(page, "color-contrast")
    page.keyboard.press("Alt+n")
    expect(page.locator(".board-notes")).to_be_visible()
    clean(page)


def test_each_widget_fits_320_pixels_and_1280_by_800(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.all_at_once(), made.plot(), made.board())
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    shown = ((9, "ts-order"), (1, "ts-slider-plot"), (1, "ts-board-notes"))
    for widgets, tag in shown:
        expect(page.locator(tag).first).to_be_visible()
        expect(page.locator(".widget")).to_have_count(widgets)
        assert page.evaluate(size) == [1280, 800]
        box = page.locator("[data-act=check]").bounding_box()
        acts = page.locator(".acts").bounding_box()
        assert box is not None
        assert acts is not None
        assert box["y"] + box["height"] <= acts["y"]
        assert page.evaluate(SMALL) == []
        page.keyboard.press("Alt+n")
    narrow(page, 320, 640)
    for widgets, tag in shown:
        expect(page.locator(tag).first).to_be_visible()
        expect(page.locator(".widget")).to_have_count(widgets)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert page.evaluate(SMALL) == []
        page.keyboard.press("Alt+n")


def test_a_draft_a_second_at_most_and_restored_when_the_page_comes_back(
    page: Page, fake: FakeServer
) -> None:
    page.add_init_script(DRAFTS)
    opened_on(page, fake, made.order(), made.match())
    entry(page, "1").focus()
    for _ in range(12):
        page.keyboard.press("Control+ArrowDown")
        page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Control+ArrowDown")
    expect(page.locator(".entry").first).to_have_attribute("data-entry", "2")
    heard = lesson(fake)
    until(page, lambda: heard.draft == ["2", "1", "3", "4"] and len(heard.drafts()) > 1)
    at_ms = page.evaluate("window.draftsAt")
    assert min(b - a for a, b in pairwise(at_ms)) >= 990, at_ms
    page.reload()
    expect(page.locator(".entry").first).to_have_attribute("data-entry", "2")
    page.keyboard.press("Alt+n")
    page.locator("select").nth(0).select_option("b")
    until(page, lambda: heard.draft == {"1": "b"})
    page.reload()
    expect(page.locator("select").nth(0)).to_have_value("b")
    page.locator("[data-act=check]").click()
    expect(page.locator(".problem")).to_contain_text("2 have no partner yet")
    assert heard.given() == []


def test_nothing_is_checked_before_there_is_an_answer(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.point(), made.parsons(), made.parts(), made.order())
    for words in ("on the line first", "a line into your answer", "3 are still empty"):
        page.locator("[data-act=check]").click()
        expect(page.locator(".problem")).to_contain_text(words)
        page.keyboard.press("Alt+n")
        expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator(".entry")).to_have_count(4)
    page.locator("[data-act=check]").click()  # an order stands there, moved or not
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    assert lesson(fake).given() == [["1", "2", "3", "4"]]


def test_partly_right_says_how_much_and_which_parts(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.parts(), made.order())
    page.get_by_label("Part 1").fill("6")
    page.locator(".choice", has_text="yes").click()
    thumb(page, "Point").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Part 1").press("Enter")
    expect(page.locator(".verdict.partial")).to_contain_text("Partly right, 2 of 3 parts")
    each = page.locator(".part-verdicts li")
    expect(each).to_have_text(
        [
            re.compile(r"^Part 1\s+Not yet\s+What is"),
            re.compile(r"^Part 2\s+Right\s+Is it odd\?$"),
            re.compile(r"^Part 3\s+Right\s+Put it on the line\.$"),
        ]
    )
    expect(page.locator(".parts > li.incorrect .verdict-mark")).to_have_text("Not yet")
    clean(page, "color-contrast")
    page.get_by_label("Part 1").fill("5")
    page.get_by_label("Part 1").press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    assert lesson(fake).given()[-1] == {"a": "5", "b": "x", "c": "5"}
    page.locator("[data-act=check]").click()
    entry(page, "1").focus()
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    entry(page, "3").click()
    page.keyboard.press("End")
    page.locator("[data-act=check]").click()
    words = page.locator(".verdict.partial .verdict-words p")
    expect(words).to_have_text(["Partly right", "3 of 4 stand in the right order."])


def test_a_form_that_is_asked_and_the_sign_that_is_not_read(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.expression(), made.matrix())
    page.locator("#answer").fill("2x + ?1")
    expect(page.locator("#reading")).to_contain_text("a number is expected")
    expect(page.locator("#reading mark")).to_have_text("?")
    expect(page.locator("#reading .unseen")).to_have_text(", at sign 6")
    page.locator("#answer").fill("2(x + 1)")
    expect(page.locator("#reading")).to_contain_text("I read: 2(x + 1)")
    page.locator("#answer").press("Enter")
    said = "Equivalent, but not in the form asked"
    expect(page.locator(".verdict.wrong_form")).to_contain_text(said)
    expect(page.locator("#say-lesson")).to_have_text(f"{said}. Multiply it out.")
    expect(page.locator(".moves .figures")).to_have_text("25\u00a0% unchanged")
    expect(page.locator(".moves .bar")).to_have_class("bar")
    page.keyboard.press("Alt+n")
    field = page.locator("textarea#answer")
    field.focus()
    page.keyboard.type("1 0")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("0, 1")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    assert lesson(fake).given()[-1] == "[[1, 0], [0, 1]]"


def test_a_question_on_the_way_is_answered_in_its_own_box(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.asked("number", "Solve $3x + 5 = 20$.", "5"))
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+h")
    expect(page.locator(".hints li")).to_have_count(2)
    expect(page.locator(".hints .count").nth(1)).to_have_text("Hint 2 of 4, a question on the way")
    assert page.locator("#answer").evaluate("at => at === document.activeElement")
    small = page.locator(".small-question")
    box = small.locator("input")
    tabbed(page, box)
    page.keyboard.type("14?")
    expect(small.locator(".reading mark")).to_have_text("?")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    expect(small.locator(".small-verdict")).to_contain_text("Not yet Take 5 away from 20.")
    box.fill("1")
    page.locator("#answer").fill("4")
    until(page, lambda: (lesson(fake).sub_drafts, lesson(fake).draft) == ({"hint.2": "1"}, "4"))
    page.reload()
    expect(box).to_have_value("1")
    expect(page.locator("#answer")).to_have_value("4")
    expect(page.locator(".verdict")).to_have_count(0)
    page.locator("[data-act=small-hint]").click()
    expect(page.locator(".small-hint")).to_contain_text("Hint 1 of 1 for this question")
    clean(page)
    box.fill("15")
    box.press("Enter")
    expect(small.locator(".small-verdict.small-verdict")).to_contain_text("Right Now back")
    expect(page.locator(".prompt")).to_contain_text("Solve")
    box.press("Enter")
    expect(page.locator("#answer")).to_be_focused()
    page.reload()
    expect(box).to_have_value("15")
    expect(small.locator("[data-act=back]")).to_be_visible()
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+h")
    expect(page.locator(".hints li.told .count")).to_have_text("Hint 4 of 4, the answer")
    expect(page.locator(".hints li").nth(2)).to_contain_text("A twin")
    assert [f["at"] for f in lesson(fake).heard if "at" in f and f["t"] == "answer.submit"] == [
        "hint.2"
    ] * 2


def test_worked_steps_have_blanks_to_fill_in_or_to_give_up(page: Page, fake: FakeServer) -> None:
    opened_on(page, fake, made.asked("number", "Solve $3x + 5 = 20$.", "5"))
    page.keyboard.press("Alt+s")
    steps = page.locator(".steps li")
    expect(steps).to_have_count(2)
    expect(steps.nth(0)).to_contain_text("As it is given.")
    blank = steps.nth(1).locator("input")
    expect(blank).to_have_attribute("aria-label", "Step 2: Take 5 away on both sides.")
    blank.fill("14")
    blank.press("Enter")
    expect(steps.nth(1).locator(".small-verdict")).to_contain_text("Not yet")
    blank.fill("15")
    blank.press("Enter")
    expect(steps.nth(1).locator(".show .formula annotation")).to_have_text("3x = 15")
    expect(blank).to_be_focused()
    expect(page.locator("[data-act=steps]")).to_be_disabled()
    page.keyboard.press("Alt+n")
    expect(page.locator(".steps")).to_have_count(0)
    page.keyboard.press("Alt+s")
    page.locator("[data-act=give-up]").click()
    expect(steps.nth(1).locator(".show .formula annotation")).to_have_text("3x = 15")
    expect(steps.nth(1)).to_be_focused()
    expect(steps.nth(1).locator("input")).to_have_count(0)


def test_an_arabic_exercise_runs_from_the_right_and_its_mathematics_does_not(
    page: Page, fake: FakeServer
) -> None:
    fake.skills = [(s, "معادلات بخطوتين" if s == "eq.two-step" else t, n) for s, t, n in SKILLS]
    widget = {"kind": "order", "tokens": entries("أولا", "ثانيا", "ثالثا"), "across": True}
    script = made.asked("order", "رتب $x + 1 = 2$ هنا", ["2", "1", "3"], widget=widget)
    opened_on(page, fake, script, made.point())
    direction = "at => getComputedStyle(at).direction"
    assert page.locator(".exercise").evaluate(direction) == "rtl"
    assert page.locator(".prompt .formula").evaluate(direction) == "ltr"
    first, second = entry(page, "1").bounding_box(), entry(page, "2").bounding_box()
    assert first is not None
    assert second is not None
    assert first["x"] > second["x"]
    entry(page, "1").focus()
    page.keyboard.press("Control+ArrowLeft")
    expect(page.locator(".entry").first).to_have_attribute("data-entry", "2")
    clean(page)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    page.locator("[data-act=check]").click()
    expect(page.locator(".exercise")).to_have_css("direction", "rtl")
    on_line(page, 0.25)
    thumb(page, "Point").focus()
    page.keyboard.press("ArrowRight")
    expect(thumb(page, "Point")).to_have_attribute("aria-valuetext", "0")
