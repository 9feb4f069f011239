"""A room's page in a real browser: markup from others stays text, the focus is never lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.fake_server import FakeServer
from tests.web.test_room_page import confirmed, joined, leading, play_close, play_open

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EVIL = "<img src=x onerror=\"document.title='taken'\"> $\\href{javascript:alert(1)}{x}$ <b>x</b>"
FOCUSED = "document.activeElement?.id || document.activeElement?.tagName"


def hostile(fake: FakeServer) -> None:
    """Somebody whose every text is markup."""
    evil = fake.do(fake.room.played(EVIL[:40]))
    fake.do(fake.room.do_room_say(evil, {"text": EVIL}))
    for key, value in (("__proto__", EVIL), ("constructor", {"toString": EVIL}), ("k", [EVIL])):
        fake.do(fake.room.do_room_board(evil, {"key": key, "v": value}))
    fake.do(fake.room.do_room_poll_open("", {"prompt": EVIL, "choices": [EVIL, "b"], "right": 0}))


def test_markup_of_others_stays_text_for_a_learner(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    hostile(fake)
    page.get_by_text("Board, 3 notes").click()
    page.get_by_text("2 learners here").click()
    expect(page.locator(".notes li")).to_have_count(3)
    expect(page.locator(".ask-all")).to_contain_text("<img src=x")
    expect(page.locator(".people")).to_contain_text("<img src=x")
    for found in ("img", "a[href^=javascript]", "script:not([src])", ".room b b"):
        assert page.locator(f"#room {found}").count() == 0, found
    assert page.title() != "taken"


def test_markup_of_others_stays_text_for_who_leads(page: Page, fake: FakeServer) -> None:
    leading(page, fake)
    hostile(fake)
    expect(page.locator(".ask-all")).to_contain_text("<img src=x")
    for tab in ("talk", "groups", "help"):
        page.locator(f"#tab-{tab}").click()
        for found in ("img", "a[href^=javascript]"):
            assert page.locator(f"#app {found}").count() == 0, (tab, found)
    assert page.title() != "taken"


def test_the_focus_goes_on_inside_the_room_and_out_of_it(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    assert page.evaluate(FOCUSED) == "room"
    page.locator("[data-act=leave-room]").press("Enter")
    expect(page.locator("#room-code")).to_be_visible()
    assert page.evaluate(FOCUSED) == "room"


def test_the_focus_outlives_an_invitation_and_a_vote_that_closes(
    page: Page, fake: FakeServer
) -> None:
    joined(page, fake)
    bo = fake.do(fake.room.played("Bo"))
    me = next(iter(fake.room.of_token.values()))
    fake.do(
        fake.room.do_board_act("", {"act": "apply", "args": {"pairs": [{"members": [me, bo]}]}})
    )
    page.locator("[data-act=accept]").press("Enter")
    expect(page.locator(".invitation")).to_contain_text("You said yes.")
    assert page.evaluate(FOCUSED) == "room"
    play_open(fake)
    page.locator("input[name=vote]").first.focus()
    play_close(fake, "discuss")
    expect(page.locator(".said-choices")).to_be_visible()
    assert page.evaluate(FOCUSED) == "room"
    page.locator("#say").focus()
    play_open(fake, poll="p1")
    expect(page.locator(".ballot")).to_be_visible()
    assert page.evaluate(FOCUSED) == "say"


def test_who_leads_keeps_the_focus_on_the_desk(page: Page, fake: FakeServer) -> None:
    leading(page, fake)
    page.locator("#prompt").fill("Is it?")
    for n in range(4):
        page.locator(f"#choice-{n}").fill(f"{n}")
    confirmed(page, "open")
    expect(page.locator("[data-act=discuss]")).to_be_visible()
    assert page.evaluate(FOCUSED) == "desk"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) != "BODY"
