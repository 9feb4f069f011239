"""The tutor's side of the learner page: voices, stops, restarts, budgets, safety, hostile words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.axe import clean, clean_in_both
from tests.web.fake_server import WORDS, FakeServer
from tests.web.fake_tutor import (
    BUILTIN,
    DEMONSTRATION,
    MODEL,
    SAFETY_WORDS,
    Refused,
    Voice,
)
from tests.web.narrow import narrow
from tests.web.test_learner_page import ask, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HEARD = """() => {
  window.heard = [];
  const regionOf = (node) => {
    const at = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    const region = at?.closest('[role=status], [role=alert], [aria-live]');
    return region?.getAttribute('aria-live') === 'off' ? null : region ?? null;
  };
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records) {
      const region = [target, ...addedNodes].map(regionOf).find((one) => one !== null);
      if (region) window.heard.push(region.textContent);
    }
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
"""Every change inside a live region, and every live region that is added: what is read out."""

FRAMES = """() => {
  const log = document.querySelector('#transcript');
  window.frames_seen = [];
  const look = () => {
    const said = log.querySelector('.turn:last-of-type .said')?.textContent ?? '';
    window.frames_seen.push([log.scrollHeight, log.scrollTop, said.slice(0, 9)]);
    requestAnimationFrame(look);
  };
  look();
}"""
"""The transcript's height, its scroll position and how the newest words begin, in every frame."""

LONG = "\n\n".join(f"Line {n} of an answer that is longer than the window." for n in range(24))
DAY_MS = 86_400_000


def heard(page: Page) -> list[str]:
    """What a screen reader was told since `HEARD`."""
    said: list[str] = page.evaluate("window.heard")
    return said


def asked_and_held(page: Page, fake: FakeServer, beginning: str = "Let us loo") -> None:
    """A question whose answer is held once it has begun."""
    fake.pause_at = len(beginning)
    ask(page)
    expect(page.locator(".turn.running .said").last).to_contain_text(beginning)


def budget(name: str, limit: int, left: int, reset_ms: int = DAY_MS // 2) -> dict[str, Any]:
    return {"name": name, "limit": limit, "left": left, "reset_ms": reset_ms}


@pytest.fixture
def berlin(browser: Browser) -> Iterator[BrowserContext]:
    """A learner one hour before Greenwich, at 22:30 of the UTC day."""
    made = browser.new_context(timezone_id="Etc/GMT-1")
    made.set_default_timeout(10_000)
    yield made
    made.close()


# --- what is read out -----------------------------------------------------------------------------


def test_three_hundred_pieces_are_announced_twice(page: Page, fake: FakeServer) -> None:
    fake.words, fake.pace_s, fake.voice = "abc" * 300, 0.001, MODEL
    opened(page, fake.url)
    page.evaluate(HEARD)
    ask(page)
    expect(page.locator(".turn.completed")).to_be_visible()
    assert heard(page) == ["Tutor is writing", "Answer complete"]
    assert page.locator(".said").inner_text() == "abc" * 300


def test_begun_again_and_again_is_announced_once_beside_beginning_and_end(
    page: Page, fake: FakeServer
) -> None:
    fake.voice = MODEL
    opened(page, fake.url)
    page.evaluate(HEARD)
    asked_and_held(page, fake)
    tutor = fake.lesson.tutor
    for voice in (Voice("groq", "llama"), BUILTIN):
        fake.do(tutor.restart(voice))
        fake.do(tutor.say(30))
    fake.hold(False)
    expect(page.locator(".turn.completed .said")).to_contain_text("after the first step?")
    again = "The tutor begins this answer again"
    assert heard(page) == ["Tutor is writing", again, "Answer complete"]
    asked_and_held(page, fake)
    fake.do(tutor.restart())
    expect(page.locator("#say-tutor")).to_have_text(again)
    page.keyboard.press("Escape")
    expect(page.locator(".turn.cancelled")).to_be_visible()
    assert heard(page)[3:] == ["Tutor is writing", again, "Answer stopped by you"]


# --- a restart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [WORDS, LONG], ids=["short", "long"])
def test_a_restart_replaces_text_in_one_frame_and_nothing_moves(
    page: Page, fake: FakeServer, words: str
) -> None:
    fake.voice, fake.words = MODEL, words
    opened(page, fake.url)
    asked_and_held(page, fake, words[:6])
    tutor = fake.lesson.tutor
    fake.do(tutor.say(len(words) - 40))
    turn, said = page.locator(".turn"), page.locator(".turn .said")
    expect(said).to_contain_text(words[-80:-60])
    page.evaluate(FRAMES)
    fake.do(tutor.restart(BUILTIN, "Anew, and shorter."))
    expect(turn.locator(".voice")).to_have_text("built-in tutor, begun again")
    expect(said).to_have_class("said stale")
    expect(said).to_contain_text(words[-80:-60])
    expect(turn).to_have_attribute("aria-busy", "true")
    clean(page)
    fake.do(tutor.say(6))
    expect(said).to_have_text("Anew, ")
    expect(said).to_be_in_viewport()
    shown = page.evaluate(
        "(([log, said]) => said.bottom <= log.bottom && said.bottom > log.top)(['#transcript',"
        " '.said p'].map((at) => document.querySelector(at).getBoundingClientRect()))"
    )
    assert shown, "the new words are out of sight"
    frames = page.evaluate("window.frames_seen")
    assert {(height, top) for height, top, _ in frames} == {tuple(frames[0][:2])}
    assert {text for _, _, text in frames} == {words[:9], "Anew, "}
    fake.hold(False)
    expect(page.locator(".turn.completed .said")).to_have_text("Anew, and shorter.")
    assert page.locator(".said").get_attribute("style") is None


def test_a_restart_before_the_first_word_changes_only_the_label(
    page: Page, fake: FakeServer
) -> None:
    fake.voice = MODEL
    fake.hold(True)
    opened(page, fake.url)
    page.evaluate(HEARD)
    ask(page)
    expect(page.locator(".voice")).to_have_text("AI gpt-5-mini by openai")
    before = page.locator(".said").inner_html()
    fake.do(fake.lesson.tutor.restart(reason="first_token"))
    expect(page.locator(".voice")).to_have_text("built-in tutor")
    assert page.locator(".said").inner_html() == before
    fake.hold(False)
    expect(page.locator(".turn.completed")).to_be_visible()
    assert heard(page) == ["Tutor is writing", "Answer complete"]


# --- asking and stopping --------------------------------------------------------------------------


def test_stop_tells_the_last_chunk_on_screen_and_asks_once(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    page.evaluate(HEARD)
    asked_and_held(page, fake)
    tutor = fake.lesson.tutor
    fake.do(asyncio.sleep(2 * fake.pace_s))  # nothing is said any more
    page.locator(".foot button").click()
    expect(page.locator(".strip")).to_contain_text(f"seq {len(fake.lesson.log)}")
    shown = page.locator(".said").inner_text().replace("\n", "")
    page.evaluate(
        "for (let n = 0; n < 3; n += 1) document.querySelector('[data-act=stop]').click()"
    )
    expect(page.locator(".turn.cancelled .turn-note")).to_have_text("stopped by you")
    (cancel,) = tutor.cancels
    chunks = [e["text"] for e in fake.lesson.log if e["t"] == "delta"]
    assert cancel["gen"] == "g1"
    assert "".join(chunks[: cancel["seen_i"] + 1]).strip() == shown.strip()
    assert cancel["seen_i"] == len(chunks) - 1
    assert heard(page) == ["Tutor is writing", "Answer stopped by you"]
    expect(page.locator("[data-act=ask]")).to_be_visible()


def test_a_turn_is_stopped_before_it_begins_by_its_command(page: Page, fake: FakeServer) -> None:
    fake.shut(True)
    opened(page, fake.url)
    ask(page)
    expect(page.locator(".waiting")).to_have_count(1)
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)
        delay = "getComputedStyle(document.querySelector('.waiting')).animationDelay"
        assert page.evaluate(delay) == "0.3s"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('[data-act=stop]') !== null")
    fake.shut(False)
    expect(page.locator(".turn.cancelled .turn-note")).to_have_text("stopped by you")
    (cancel,) = fake.lesson.tutor.cancels
    assert cancel["cmd"] == fake.lesson.tutor.turns[0]["cmd"]
    assert [e["t"] for e in fake.lesson.log].count("delta") == 0
    assert page.locator("#question").input_value() == ""


def test_the_four_quick_questions(page: Page, fake: FakeServer) -> None:
    fake.words = "So."
    opened(page, fake.url)
    for n, (name, action) in enumerate(
        {
            "Say simpler": "simpler",
            "Example": "example",
            "Why": "why",
            "Next step": "next_step",
        }.items()
    ):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".turn.completed")).to_have_count(n + 1)
        assert fake.lesson.tutor.turns[-1]["input"] == action
    expect(page.locator(".question").first).to_have_text("You asked: Say it more simply")
    expect(page.locator("#answer")).to_be_focused()


def test_the_answer_box_is_used_while_the_tutor_writes(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    page.locator("#answer").focus()
    fake.hold(True)
    page.evaluate(
        "window.moved = 0; document.addEventListener('focusin', () => { window.moved += 1; })"
    )
    page.get_by_role("button", name="Why", exact=True).click()
    page.keyboard.type("99", delay=30)
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    expect(page.locator(".turn.running")).to_be_visible()
    fake.hold(False)
    expect(page.locator(".turn.completed")).to_be_visible()
    expect(page.locator("#answer")).to_be_focused()
    assert page.evaluate("window.moved") == 0
    assert page.locator("#answer").input_value() == "99"


def test_an_interrupted_answer_keeps_its_words_and_offers_to_go_on(
    page: Page, fake: FakeServer
) -> None:
    opened(page, fake.url)
    page.evaluate(HEARD)
    asked_and_held(page, fake)
    fake.do(fake.lesson.tutor.end("lost", "owner_lost"))
    expect(page.locator(".turn-note")).to_contain_text("interrupted")
    expect(page.locator(".said")).to_contain_text("Let us loo")
    assert heard(page) == ["Tutor is writing", "Answer interrupted"]
    fake.hold(False)
    page.locator("[data-act=continue]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator("#transcript")).to_be_focused()
    assert fake.lesson.tutor.turns[-1]["input"] == "Please go on."


def test_a_refused_question_is_told_in_words_and_no_answer_waits_behind_it(
    page: Page, fake: FakeServer
) -> None:
    why = Refused(129, "rate_limited", "10 turns a minute", temp=True, retry_ms=40_000)
    fake.refusals = [why]
    opened(page, fake.url)
    ask(page, "Is it five?")
    words = "That was many questions in a short time. Ask again in 40 seconds."
    expect(page.locator(".ask [role=alert]")).to_have_text(words)
    assert page.locator("#question").input_value() == "Is it five?"
    expect(page.locator(".waiting")).to_have_count(0)
    clean(page)
    page.locator("#answer").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    page.locator("#question").press("Enter")
    expect(page.locator(".ask [role=alert]")).to_have_count(0)
    expect(page.locator(".turn")).to_have_count(1)


# --- who speaks, and what is left -----------------------------------------------------------------


def test_every_turn_says_who_speaks_and_a_model_that_it_is_an_ai(
    page: Page, fake: FakeServer
) -> None:
    page.emulate_media(reduced_motion="reduce")
    fake.words = "So."
    opened(page, fake.url)
    voices = {BUILTIN: "built-in tutor", MODEL: "AI gpt-5-mini by openai"}
    voices[DEMONSTRATION] = f"AI {DEMONSTRATION.model} on this machine"
    voices[Voice("<img src=x>", "<b onclick=alert(1)>m</b>")] = (
        "AI <b onclick=alert(1)>m</b> by <img src=x>"
    )
    for n, (voice, words) in enumerate(voices.items()):
        fake.voice = voice
        ask(page)
        turn = page.locator(".turn.completed").nth(n)
        expect(turn.locator(".voice")).to_have_text(words)
        label = words if voice == BUILTIN else words.replace("AI ", "AI, ", 1)
        expect(turn).to_have_attribute("aria-label", f"Tutor, turn {n + 1}: {label}")
    expect(page.locator(".voice.caution")).to_have_count(1)
    expect(page.locator(".turn").first).not_to_contain_text("AI")
    clean(page)


def test_what_is_left_of_the_budgets_is_told_quietly(
    berlin: BrowserContext, fake: FakeServer
) -> None:
    page = berlin.new_page()
    page.clock.install(time="2026-03-02T22:30:00Z")
    fake.words = "So."
    opened(page, fake.url)
    left = page.locator(".talk-head .left")
    expect(left).to_have_count(0)
    page.evaluate(HEARD)
    until_midnight_ms = 90 * 60_000
    mine = budget("tutor.learner.day", 150_000, 123_500, until_midnight_ms)
    steps: list[tuple[list[dict[str, Any]], str]] = [
        ([mine, budget("tutor.turns.min", 10, 0, 1000)], "Tutor with a model today: 82 % left"),
        (
            [mine, budget("tutor.tenant.usd.day", 5_000_000, 1)],
            "Tutor with a model today: 1 % left",
        ),
        (
            [mine, budget("tutor.tenant.month", 100, 50, 20 * DAY_MS)],
            "Tutor with a model this month: 50 % left",
        ),
        (
            [budget("tutor.learner.day", 150_000, 0, until_midnight_ms)],
            "The built-in tutor answers until 01:00",
        ),
        (
            [budget("tutor.tenant.usd.month", 7, 0, 29 * DAY_MS + until_midnight_ms)],
            "The built-in tutor answers until 1 April at 01:00",
        ),
        ([budget("tutor.tenant.day", 0, 0)], "The built-in tutor answers here"),
    ]
    for limits, words in steps:
        fake.limits = limits
        ask(page)
        expect(left).to_have_text(words)
    expect(page.locator(".turn.completed")).to_have_count(len(steps))
    told = heard(page)
    assert told == ["Tutor is writing", "Answer complete"] * len(steps), "the budget is no alarm"
    page.reload()
    expect(left).to_have_text("The built-in tutor answers here")
    fake.limits = [budget("tutor.learner.day", 10, 0, 1000)]
    ask(page)
    expect(left).to_have_text("The built-in tutor answers until 23:30")
    page.clock.fast_forward(2000)
    page.locator("#question").fill("x")
    expect(left).to_have_count(0)


# --- words that must be handled with care ---------------------------------------------------------


def test_a_safety_turn_is_an_alert_once_and_its_help_line_is_text(
    page: Page, fake: FakeServer
) -> None:
    fake.voice = MODEL
    page.emulate_media(reduced_motion="reduce")
    opened(page, fake.url)
    page.evaluate(HEARD)
    ask(page, "I want to hurt myself")
    turn = page.locator(".turn.safety")
    expect(turn.locator("[role=alert]")).to_contain_text("Helpline 116 111.")
    expect(turn.locator(".voice")).to_have_text("built-in tutor")
    assert turn.locator("a").count() == 0
    words = SAFETY_WORDS.replace("\n\n", "")
    assert heard(page) == ["Tutor is writing", words]
    clean(page)
    ask(page)
    expect(page.locator(".turn.completed")).to_have_count(2)
    assert heard(page).count(words) == 1
    expect(page.locator(".turn").nth(1)).not_to_have_class("turn completed safety")
    page.reload()
    expect(page.locator(".turn.safety .said")).to_contain_text("Helpline 116 111.")
    assert page.locator("[role=alert]").count() == 0


def test_hostile_words_stay_words(page: Page, fake: FakeServer) -> None:
    fake.words = (
        "<img src=x onerror=alert(1)> <script>alert(1)</script> [a](http://127.0.0.1:9/x) "
        "$\\href{javascript:alert(1)}{x}$ $\\includegraphics{http://127.0.0.1:9/y}$ **bold**"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, fake.url)
    ask(page, "<b>me</b> <img src=x onerror=alert(2)>")
    expect(page.locator(".turn.completed")).to_be_visible()
    inside = "#transcript :is(img, script, a, b, iframe)"
    assert page.locator(inside).count() == 0
    expect(page.locator(".question")).to_contain_text("<b>me</b> <img src=x onerror=alert(2)>")
    expect(page.locator(".said")).to_contain_text("<img src=x onerror=alert(1)>")
    assert [url for url in asked if not url.startswith((fake.url, "data:"))] == []


def test_the_edge_of_a_text_that_is_being_written(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    cut = {
        "So $3x + 5 = 20$ and": "So $3x + 5 = 20$ and",
        "So $3x + \\frac{1}": "So ",
        "So $$\n3x": "So ",
        "It costs $5 and the rest": "It costs $5 and the rest",
        "It costs \\$5": "It costs \\$5",
        "What was **done la": "What was **done la**",
        "What was **done*": "What was **done**",
        "What was **": "What was ",
        "say *three ti": "say *three ti*",
        "2*3 and 2 * 3": "2*3 and 2 * 3",
        "type `x+": "type `x+`",
        "Now:\n\n- undo\n- ": "Now:\n\n- undo",
        "Now:\n1.": "Now:",
        "$a$": "$a$",
        "": "",
    }
    found = page.evaluate(
        "async (all) => { const { edged } = await import('/pages/shared/markup.js');"
        " return all.map(edged); }",
        list(cut),
    )
    assert dict(zip(cut, found, strict=True)) == cut


def test_axe_finds_nothing_in_mid_answer_and_320_pixels_are_enough(
    page: Page, fake: FakeServer
) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    fake.voice = DEMONSTRATION
    fake.limits = [budget("tutor.learner.day", 100, 0)]
    opened(page, fake.url)
    ask(page, "I want to hurt myself")
    expect(page.locator(".turn.completed")).to_be_visible()
    asked_and_held(page, fake)
    clean_in_both(page)
    fake.do(fake.lesson.tutor.restart(MODEL))
    expect(page.locator(".said.stale")).to_be_visible()
    clean_in_both(page)
    narrow(page, 320, 640)
    page.locator(".tabs").get_by_role("button", name="Tutor").click()
    expect(page.locator("#question")).to_be_visible()
    clean_in_both(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
