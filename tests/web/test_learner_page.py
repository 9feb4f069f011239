"""The learner page against a real server process, in a real browser."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocket, expect

from tests.web.axe import clean_in_both
from tests.web.narrow import narrow

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ANNOUNCED = """() => {
  window.announced = [];
  for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
    if (region.getAttribute('aria-live') === 'off') continue;
    new MutationObserver(() => window.announced.push(region.textContent))
      .observe(region, {childList: true, characterData: true, subtree: true});
  }
}"""

CUT_IN_MID_ANSWER = """() => {
  const talk = document.querySelector('#transcript');
  new MutationObserver((_, watch) => {
    const said = document.querySelector('.turn.running .said')?.textContent ?? '';
    if (!/\\w+ \\w+/.test(said)) return;
    watch.disconnect();
    document.querySelector('[data-act=cut]').click();
  }).observe(talk, {childList: true, subtree: true, characterData: true});
}"""

SLOW_LEARNER = """(() => {
  const now = performance.now.bind(performance);
  performance.now = () => 3000 * now();
})()"""
"""A learner who takes a minute where the test takes 20 ms: quick guesses are not scored."""


def frames_of(page: Page) -> list[dict[str, Any]]:
    """Every frame the page is sent from now on, in order."""
    heard: list[dict[str, Any]] = []

    def watch(socket: WebSocket) -> None:
        def took(payload: str | bytes) -> None:
            heard.extend(json.loads(line) for line in str(payload).split("\n"))

        socket.on("framereceived", took)

    page.on("websocket", watch)
    return heard


def opened(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator(".prompt")).to_be_visible()
    expect(page.locator("#pill")).to_have_attribute("data-phase", "live")


def solve(page: Page) -> None:
    """Solve the shown item with the ladder's help, by keyboard where it is text."""
    while page.locator("[data-act=hint]").is_enabled():
        shown = page.locator(".hints li").count()
        page.keyboard.press("Alt+h")
        expect(page.locator(".hints li")).to_have_count(shown + 1)
    if page.locator(".choices").count():
        options = page.locator(".choices input")
        for n in range(options.count()):
            options.nth(n).check()
            if judged(page):
                return
    tex = page.locator(".hints li").last.locator("annotation").all_text_contents()
    words = page.locator(".hints li").last.inner_text().split()
    for candidate in candidates(tex, words):
        page.locator("#answer").fill(candidate)
        if judged(page):
            return
    raise AssertionError(f"no answer was right: {tex} {words}")


def judged(page: Page) -> bool:
    """Check what stands in the box; whether it was right."""
    page.keyboard.press("Enter")
    expect(page.locator("[data-act=check]")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".verdict")).to_be_visible()
    return page.locator(".verdict.correct").count() == 1


def candidates(tex: list[str], words: list[str]) -> list[str]:
    """Answers that a bottom-out hint may name, the likeliest first."""
    found = []
    for formula in reversed(tex):
        last = formula.split("=")[-1].strip()
        fraction = re.fullmatch(r"(-?)\\d?frac\{(-?\d+)\}\{(\d+)\}", last)
        found.append("".join((fraction[1], fraction[2], "/", fraction[3])) if fraction else last)
    number = [re.sub(r"[^\d/-]", "", word) for word in reversed(words)]
    return list(dict.fromkeys([*filter(None, found), *filter(None, number), words[-1].rstrip(".")]))


def ask(page: Page, text: str = "Why does this work?") -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def test_ten_items_two_hints_a_turn_and_a_cut_line(page: Page, lessons: str) -> None:
    heard = frames_of(page)
    opened(page, lessons)
    expect(page.locator("#answer, .choices input").first).to_be_focused()
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+h")
    expect(page.locator(".hints li")).to_have_count(2)
    expect(page.locator("#say-lesson")).to_have_text(re.compile(r"Hint 2 of \d"))
    ask(page)
    expect(page.locator(".turn .said")).not_to_have_text("")
    for n in range(10):
        solve(page)
        expect(page.locator(".verdict.correct")).to_be_visible()
        feedback = [frame for frame in heard if frame["t"] == "feedback"][-1]
        own = [
            frame for frame in heard if frame["t"] == "item" and frame["item"] == feedback["item"]
        ]
        moves = [m for m in feedback["skills"] if m["id"] in own[-1]["skills"]]
        told = [
            f"{m['before']:.0%}→to{m['after']:.0%}"
            if round(100 * m["before"]) != round(100 * m["after"])
            else f"{m['after']:.0%}unchanged"
            for m in moves
        ]
        shown = page.locator(".moves .figures").all_text_contents()
        assert [re.sub(r"\s", "", text) for text in shown[: len(told)]] == told
        if n == 4:
            page.locator("[data-act=cut]").click()
            expect(page.locator("#pill")).to_contain_text("reconnecting")
        page.locator("[data-act=check]").click()
        expect(page.locator(".verdict")).to_have_count(0)
        if n == 4:
            expect(page.locator("#pill")).to_contain_text("resumed, nothing lost")
    numbers = [frame["q"] for frame in heard if "q" in frame]
    assert numbers == sorted(set(numbers))
    right = [frame for frame in heard if frame["t"] == "feedback" and frame["verdict"] == "correct"]
    assert len(right) == 10


def test_a_line_cut_in_mid_answer_ends_with_the_same_words(
    context: BrowserContext, page: Page, lessons: str
) -> None:
    opened(page, lessons)
    uncut = context.new_page()
    heard = frames_of(uncut)
    opened(uncut, lessons)
    page.evaluate(CUT_IN_MID_ANSWER)
    ask(page)
    expect(page.locator("#pill")).to_contain_text("reconnecting")
    page.locator("#question").fill("typed while the line is away")
    expect(page.locator("#pill")).to_contain_text(
        re.compile(r"resumed, nothing lost, caught up seq \d")
    )
    expect(page.locator(".turn.completed")).to_be_visible()
    expect(uncut.locator(".turn.completed")).to_be_visible()
    assert page.locator("#question").input_value() == "typed while the line is away"
    assert page.locator(".said").inner_html() == uncut.locator(".said").inner_html()
    text = "".join(frame["text"] for frame in heard if frame["t"] == "delta")
    done = next(frame for frame in heard if frame["t"] == "turn.done")
    assert hashlib.sha256(text.encode()).hexdigest() == done["text_sha256"]


def test_map_and_line_of_a_cut_and_of_a_reloaded_tab_are_those_of_an_uncut_one(
    context: BrowserContext, page: Page, lessons: str
) -> None:
    context.add_init_script(SLOW_LEARNER)
    heard = frames_of(page)
    opened(page, lessons)
    cut, reloaded = context.new_page(), context.new_page()
    opened(cut, lessons)
    opened(reloaded, lessons)
    cut.locator("[data-act=cut]").click()
    expect(cut.locator("#pill")).to_contain_text("reconnecting")
    for _ in range(4):
        if page.locator(".choices").count():
            page.locator(".choices input").first.check()
        else:
            page.locator("#answer").fill("1")
        judged(page)
        before = page.locator(".prompt").inner_html()
        page.keyboard.press("Alt+n")
        page.wait_for_function(
            "(was) => document.querySelector('.prompt').innerHTML !== was", arg=before
        )
    points = [frame for frame in heard if frame["t"] == "difficulty" and "b" in frame]
    assert points
    expect(cut.locator("#pill")).to_contain_text(re.compile("caught up|resynchronised"))
    while cut.locator(".verdict.correct").count():
        cut.keyboard.press("Alt+n")
    reloaded.reload()
    expect(reloaded.locator(".prompt")).to_be_visible()
    for key, panel in (("Alt+m", "#map"), ("Alt+p", "#progress")):
        for tab in (page, cut, reloaded):
            tab.keyboard.press(key)
            expect(tab.locator(panel)).to_be_focused()
        for at in (panel, "#here", ".item-head"):
            shown = page.locator(at).inner_html()
            expect(cut.locator(at)).to_have_js_property("innerHTML", shown)
            expect(reloaded.locator(at)).to_have_js_property("innerHTML", shown)
    expect(page.locator(".chart .dot")).to_have_count(len(points))


def test_answers_given_while_away_are_judged_once_after_the_return(
    page: Page, lessons: str
) -> None:
    heard = frames_of(page)
    opened(page, lessons)
    while page.locator(".choices").count():
        before = page.locator(".prompt").inner_html()
        page.locator("[data-act=skip]").click()
        expect(page.locator(".prompt")).not_to_have_text(before)
        page.wait_for_function(
            "(was) => document.querySelector('.prompt').innerHTML !== was", arg=before
        )
    page.locator("[data-act=cut]").click()
    page.locator("#answer").fill("1234567")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.kept")).to_be_visible()
    expect(page.locator("#pill")).to_contain_text("reconnecting, 1 answer kept")
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    assert [frame["t"] for frame in heard].count("feedback") == 1


def test_a_reload_restores_item_draft_hints_and_conversation(page: Page, lessons: str) -> None:
    with page.expect_websocket() as line:
        opened(page, lessons)
    page.keyboard.press("Alt+h")
    ask(page)
    expect(page.locator(".turn.completed")).to_be_visible()
    box = page.locator("input#answer")
    if box.count():
        with line.value.expect_event("framesent", lambda sent: '"answer.draft"' in str(sent)):
            box.fill("12/5")
        expect(page.locator(".reading annotation")).to_have_text(re.compile("12"))
    shown = {at: page.locator(at).inner_html() for at in (".prompt", ".hints", ".said")}
    page.reload()
    expect(page.locator(".turn.completed")).to_be_visible()
    assert {at: page.locator(at).inner_html() for at in shown} == shown
    if box.count():
        assert box.input_value() == "12/5"
    assert page.locator("#say-tutor").inner_text() == ""


def test_a_turn_is_announced_twice_however_many_words_it_has(page: Page, lessons: str) -> None:
    opened(page, lessons)
    page.evaluate(ANNOUNCED)
    ask(page)
    expect(page.locator(".turn.completed")).to_be_visible()
    assert page.evaluate("window.announced") == ["Tutor is writing", "Answer complete"]
    log = page.locator("#transcript")
    expect(log).to_have_attribute("aria-live", "off")
    expect(log.locator("article")).to_have_attribute("aria-busy", "false")


def test_the_focus_stays_in_the_answer_box(page: Page, lessons: str) -> None:
    opened(page, lessons)
    page.evaluate(
        "window.moved = [];"
        "document.addEventListener('focusin', (e) => window.moved.push(e.target.id))"
    )
    for act, seen in (
        ("hint", ".hints"),
        ("steps", ".steps"),
        ("skip", ".exercise:not(:has(.hints))"),
    ):
        page.locator(f"[data-act={act}]").click()
        expect(page.locator(seen)).to_be_visible()
        assert page.evaluate("document.activeElement.closest('.answer') !== null"), act
    assert set(page.evaluate("window.moved")) <= {"answer", ""}


def test_escape_stops_the_tutor(page: Page, lessons: str) -> None:
    opened(page, lessons)
    ask(page)
    expect(page.locator(".turn.running .said")).not_to_have_text("")
    page.keyboard.press("Escape")
    expect(page.locator(".turn.cancelled .turn-note")).to_have_text("stopped by you")


def test_axe_finds_nothing(page: Page, lessons: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    opened(page, lessons)
    page.keyboard.press("Alt+h")
    page.keyboard.press("Alt+s")
    expect(page.locator(".steps")).to_be_visible()
    if page.locator("input#answer").count():
        page.locator("#answer").fill("999")
    else:
        page.locator(".choices input").first.check()
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_be_visible()
    ask(page)
    expect(page.locator(".turn.completed")).to_be_visible()
    page.locator(".foot button").click()
    clean_in_both(page)
    page.locator(".icon").click()
    clean_in_both(page, at="dialog")


def test_few_requests_all_to_this_server(page: Page, served: str, lessons: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, lessons)
    page.wait_for_load_state("networkidle")
    assert len(asked) <= 30
    outside = [url for url in asked if not url.startswith((served, "data:"))]
    assert outside == []


def test_no_scrolling_at_1280_by_800_and_none_sideways_at_320(page: Page, lessons: str) -> None:
    opened(page, lessons)
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(size) == [1280, 800]
    narrow(page, 320, 640)
    assert page.evaluate(size)[0] == 320
    page.locator(".tabs").get_by_role("button", name="Tutor").click()
    expect(page.locator("#question")).to_be_visible()
    assert page.evaluate(size)[0] == 320
