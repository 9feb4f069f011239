"""States that a healthy server rarely shows, played by the scripted one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.axe import CLIPPED, clean
from tests.web.fake_server import WORDS, FakeServer, offered
from tests.web.test_learner_page import ask, opened
from tests.web.test_tutor_page import asked_and_held

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_line_cut_inside_a_word_goes_on_inside_it(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    asked_and_held(page, fake)
    said = page.locator(".turn .said")
    page.locator("[data-act=cut]").click()
    shown = said.inner_text()
    assert not shown.endswith("step?")
    expect(page.locator("#pill")).to_contain_text("reconnecting")
    assert said.inner_text() == shown
    fake.hold(False)
    expect(page.locator(".turn.completed")).to_be_visible()
    assert fake.lesson.tutor.turns[0]["text"] == WORDS
    expect(said).to_contain_text("Can you say what is left after the first step?")


def test_too_far_behind_the_picture_is_restored_whole(page: Page, fake: FakeServer) -> None:
    fake.retained = 2
    opened(page, fake.url)
    page.locator("#answer").fill("41")
    asked_and_held(page, fake)
    page.locator("[data-act=cut]").click()
    fake.hold(False)
    expect(page.locator("#pill")).to_contain_text("resynchronised")
    expect(page.locator(".turn.completed .said")).to_contain_text("after the first step?")
    assert page.locator("#answer").input_value() == "41"


def test_lost_log_another_epoch_restores_the_lesson(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    fake.epoch = "e2"
    fake.close_lines(4003)
    expect(page.locator("#pill")).to_contain_text("resynchronised")
    page.locator("#answer").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()


def test_signed_out_says_so_and_comes_back_by_hand(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    fake.close_lines(4409)
    expect(page.locator("#pill")).to_contain_text("open in too many places")
    page.get_by_role("button", name="Come back").click()
    expect(page.locator("#pill")).to_have_attribute("data-phase", "live")


def test_choices_by_keyboard_and_the_verdict_in_place(page: Page, fake: FakeServer) -> None:
    page.emulate_media(reduced_motion="reduce")  # axe would measure a verdict that fades in
    opened(page, fake.url)
    for answer in ("5", "6"):
        page.keyboard.type(answer)
        page.keyboard.press("Enter")
        expect(page.locator(".verdict.correct")).to_be_visible()
        page.keyboard.press("Enter")
    expect(page.locator(".choices input").first).to_be_focused()
    assert page.evaluate(CLIPPED) == []
    page.locator(".choices input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct .figures")).to_have_count(2)
    clean(page)
    page.keyboard.press("Enter")
    expect(page.locator("input#answer")).to_be_focused()


def test_an_address_of_another_course_asks_before_it_begins_one(
    page: Page, fake: FakeServer
) -> None:
    fake.courses.append(offered("fractions", "Fractions", 112))
    page.goto(f"{fake.url}?course=frac&c=K7P2")
    expect(page.locator(".choose-course .problem")).to_contain_text("no course 'frac'")
    expect(page.locator("[data-course=fractions]")).to_have_text("Fractions112 exercises, 9 skills")
    page.locator("[data-course=fractions]").click()
    expect(page.locator("h1")).to_have_text("Fractions")
    expect(page).to_have_url(f"{fake.url}?course=fractions&c=K7P2")
    page.locator("#answer").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    page.goto(f"{fake.url}?course=linear-equations")
    expect(page.locator(".elsewhere")).to_contain_text("This address is of Linear equations")
    expect(page.locator("h1")).to_have_text("Fractions")
    clean(page)
    page.locator("[data-act=stay]").click()
    expect(page.locator(".elsewhere")).to_have_count(0)
    expect(page).to_have_url(f"{fake.url}?course=fractions")
    page.locator("[data-act=courses]").click()
    clean(page)
    page.locator("[data-course=linear-equations]").click()
    expect(page.locator("#say-lesson")).to_have_text("A new lesson has begun: Linear equations")
    expect(page).to_have_url(f"{fake.url}?course=linear-equations")
    expect(page.locator(".verdict")).to_have_count(0)
    expect(page.locator("[data-act=courses]")).to_be_focused()


def test_the_status_strip_and_the_key_list_outside_fields(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    page.keyboard.type("5~?")
    expect(page.locator(".strip")).to_have_count(0)
    page.locator("#answer").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.correct")).to_be_visible()
    page.locator("#transcript").focus()
    page.keyboard.press("~")
    strip = (
        r"server 0\.2 wire [\d.]+ paint [\d.]+ = [\d.]+ ms.*p50 [\d.]+ p99 [\d.]+ ms, n = 1.*seq \d"
    )
    expect(page.locator(".strip")).to_have_text(re.compile(strip, re.DOTALL))
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#transcript")).to_be_focused()


def test_the_clients_numbers_are_the_protocols() -> None:
    from protocol.errors import TEMPORARY, Close, reconnects
    from protocol.limits import LIMITS

    root = Path(__file__).parents[2]
    codes = sorted({*map(int, Close), 1000, 1001, 1006, 1011, 1012, 1013})
    script = (
        "import {LIMITS, TEMPORARY, reconnects} from './web/client/wire.js';"
        f"console.log(JSON.stringify([LIMITS, [...TEMPORARY], {codes}.filter(reconnects)]))"
    )
    said = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        cwd=root, check=True, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    limits, temporary, come_back = json.loads(said.stdout)
    assert limits == {name: getattr(LIMITS, name) for name in limits}
    assert set(temporary) == set(map(int, TEMPORARY))
    assert come_back == [code for code in codes if reconnects(code)]
