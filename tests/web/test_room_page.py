"""A study room in a real browser, against the scripted server: learner, facilitator, projector."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web import fake_room
from tests.web.axe import clean
from tests.web.fake_room import CODE, RID, TOKEN
from tests.web.fake_server import FakeServer
from tests.web.narrow import narrow
from tests.web.test_learner_page import ANNOUNCED

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WIDTH = "document.documentElement.scrollWidth"
LEAD = f"#r={RID}&t={TOKEN}"
QUESTION: dict[str, Any] = {
    "prompt": "What is $(-2)\\cdot(-3) - 2$?",
    "choices": ["$4$", "$-8$", "$8$", "$-4$"],
    "right": 0,
}
NAMES = ("Bo", "Cem", "Dua", "Eli")


def joined(page: Page, fake: FakeServer, name: str = "Ana") -> None:
    """A learner comes in by the code in the address, by keyboard."""
    page.goto(f"{fake.url}?c={CODE.lower()}")
    page.locator("#room-name").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.locator("#room-title")).to_have_text("Signs and sums")


def leading(page: Page, fake: FakeServer) -> None:
    """The facilitator's page is open."""
    page.goto(f"{fake.url}teach{LEAD}")
    expect(page.locator(".new-poll")).to_be_visible()


def company(fake: FakeServer) -> list[str]:
    """Four members that the test plays."""
    return [fake.do(fake.room.played(name)) for name in NAMES]


def play_open(fake: FakeServer, **more: Any) -> None:
    """Open a vote, or its second round."""
    refused = fake.do(fake.room.do_room_poll_open("", {**QUESTION, **more}))
    assert refused is None


def play_close(fake: FakeServer, then: str) -> None:
    fake.do(fake.room.do_room_poll_close("", {"then": then}))


def play_votes(fake: FakeServer, members: list[str], choices: str) -> None:
    fake.do(fake.room.voted({m: {"choice": c} for m, c in zip(members, choices, strict=True)}))


def no_violations(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    clean(page)


def confirmed(page: Page, act: str) -> None:
    """Press a button of the facilitator, then say yes to what it asks back."""
    page.locator(f"[data-act={act}]").first.click()
    expect(page.locator("#ask-back")).to_be_visible()
    page.locator("[data-act=confirm]").click()
    expect(page.locator("#ask-back")).to_be_hidden()


# --- a learner ------------------------------------------------------------------------------------


def test_join_vote_discuss_vote_again_and_see_the_result_by_keyboard(
    page: Page, fake: FakeServer
) -> None:
    joined(page, fake)
    others = company(fake)
    play_open(fake, predict=True)
    expect(page.locator("#say-room")).to_have_text("A vote is open")
    expect(page.locator("#tab-room")).to_have_accessible_name("Room vote open")
    page.locator("[data-act=vote]").press("Enter")
    expect(page.locator(".poll .problem")).to_have_text("Choose an answer first.")
    page.locator("input[name=vote]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    expect(page.locator(".ballot")).to_contain_text("You voted B.")
    mine = [c for c in fake.room.commands if c["t"] == "room.vote"]
    told = {k: mine[0][k] for k in ("choice", "confidence", "predicted")}
    assert told == {"choice": "b", "confidence": 0.6, "predicted": 0.4}
    play_votes(fake, others, "abab")
    expect(page.locator(".voters")).to_have_text("5 have voted.")
    no_violations(page)
    play_close(fake, "discuss")
    expect(page.locator(".said-choices .mine")).to_contain_text("your vote")
    expect(page.locator(".bars, .figures-line")).to_have_count(0)
    play_open(fake, poll="p1")
    expect(page.locator(".ballot")).to_contain_text("Your first vote was B.")
    expect(page.locator("input[name=vote]:checked")).to_have_count(0)
    page.locator("input[name=vote]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("[data-act=vote]")).to_have_text("Voted")
    play_votes(fake, others, "aaab")
    play_close(fake, "reveal")
    right = page.locator(".bars .right")
    expect(right).to_contain_text("right")
    expect(right).to_contain_text("your vote")
    expect(right.locator(".figures")).to_have_text(["2 of 5 (40 %)", "4 of 5 (80 %)"])
    expect(page.locator(".gain")).to_contain_text("67 %")
    expect(page.locator("#say-room")).to_have_text("The vote is revealed")
    no_violations(page)


def test_a_late_vote_says_why_it_does_not_count(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    play_open(fake, seconds=600)
    expect(page.locator(".countdown")).to_have_text(re.compile(r"(10:00|9:5\d) left"))
    page.locator("input[name=vote]").nth(1).check()
    assert fake.room.poll is not None
    fake.room.poll["phase"] = "discuss"  # closed, and the page has not heard of it
    page.locator("[data-act=vote]").click()
    expect(page.locator(".poll .problem")).to_contain_text("came too late")


def test_talk_and_the_rooms_tutor_are_told_aloud_sparingly(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    bo = fake.do(fake.room.played("Bo"))
    for text in ("one", "two <b>*bold*</b>", "three"):
        fake.do(fake.room.do_room_say(bo, {"text": text}))
    log = page.locator("#room-talk")
    expect(log.locator(".say")).to_have_count(3)
    assert log.get_attribute("role") == "log"
    assert log.get_attribute("aria-live") == "off"
    expect(log.locator(".say").nth(1)).to_contain_text("two <b>bold</b>")
    expect(page.locator("#say-room")).to_have_text(re.compile("Message from Bo|new messages"))
    fake.do(fake.room.hinted(bo, True))
    expect(page.locator(".typing")).to_have_text("Bo is writing")
    page.locator("#say").fill("and I say four")
    page.keyboard.press("Enter")
    expect(log.locator(".say.own")).to_contain_text("and I say four")
    assert page.locator("#say").input_value() == ""
    assert [c["v"] for c in fake.room.commands if c["t"] == "eph"] == [True, False]
    fake.do(fake.room.hinted(bo, False))
    expect(page.locator(".typing")).to_have_text("")
    page.evaluate(ANNOUNCED)
    page.locator("#say").fill("Why is minus times minus plus?")
    page.locator("[data-act=ask-room]").click()
    expect(log.locator(".turn.completed .said")).to_contain_text("Try")
    expect(log.locator(".question")).to_have_text("You asked Why is minus times minus plus?")
    told = [words for words in page.evaluate("announced") if "essage" not in words]
    assert told == ["Tutor is writing", "Answer complete"]
    page.locator("#tab-tutor").click()
    expect(page.locator("#transcript .turn")).to_have_count(0)


def test_a_cut_in_mid_turn_of_the_room_goes_on_inside_it(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    bo = fake.do(fake.room.played("Bo"))
    fake.pause_at = len("What would")
    fake.do(fake.room.do_room_ask(bo, {"id": "x", "input": "why?"}))
    said = page.locator("#room-talk .said")
    expect(said).to_contain_text("What would")
    page.locator("[data-act=cut]").click()
    expect(page.locator("#pill")).to_contain_text("reconnecting")
    fake.hold(False)
    expect(page.locator("#room-talk .turn.completed")).to_contain_text(
        "if the sign were another? Try"
    )
    assert fake.room.turns[0]["text"] == fake.room.words


def test_a_reload_comes_back_to_the_seat_with_the_vote_that_was_given(
    page: Page, fake: FakeServer
) -> None:
    joined(page, fake)
    play_open(fake)
    page.locator("input[name=vote]").nth(2).check()
    page.locator("[data-act=vote]").click()
    expect(page.locator("[data-act=vote]")).to_have_text("Voted")
    page.goto(fake.url)
    page.keyboard.press("Alt+r")
    expect(page.locator("#room")).to_be_focused()
    expect(page.locator(".ballot")).to_contain_text("You voted C.")
    assert [c["t"] for c in fake.room.commands].count("room.join") == 1
    page.locator("[data-act=leave-room]").click()
    expect(page.locator("#room-code")).to_be_visible()


def test_a_wrong_code_is_told_in_words(page: Page, fake: FakeServer) -> None:
    page.goto(f"{fake.url}?c=ZZZZ")
    page.locator("#room-name").fill("Ana")
    page.locator("[data-act=join]").click()
    expect(page.locator(".door .problem")).to_contain_text("No room has this code")
    page.locator("#room-code").fill("zz")
    page.keyboard.press("Enter")
    expect(page.locator(".door .problem")).to_have_text("A code has 4 signs.")
    no_violations(page)
    page.locator("#room-code").fill("k7 p2")
    page.keyboard.press("Enter")
    expect(page.locator("#room-title")).to_have_text("Signs and sums")


def test_the_board_and_thanks_by_keyboard_alone(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    bo = fake.do(fake.room.played("Bo"))
    fake.do(fake.room.do_room_board(bo, {"key": "a1", "v": "Same signs: $+$"}))
    page.get_by_text("Board, 1 note").focus()
    page.keyboard.press("Enter")
    page.locator("#note").focus()
    page.keyboard.type("Different signs: minus")
    page.keyboard.press("Enter")
    notes = page.locator(".notes li")
    expect(notes).to_have_count(2)
    expect(page.locator("#note")).to_be_focused()
    notes.nth(0).locator("[data-act=edit]").press("Enter")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" always")
    page.keyboard.press("Enter")
    expect(notes.nth(0)).to_contain_text("always")
    assert fake.room.board["a1"]["v"] == "Same signs: $+$ always"
    notes.nth(1).locator("[data-act=remove]").press("Space")
    expect(notes).to_have_count(1)
    expect(page.locator("#note")).to_be_focused()
    page.get_by_text("2 learners here").focus()
    page.keyboard.press("Enter")
    thank = page.get_by_role("button", name="Bo: that helped")
    thank.press("Enter")
    expect(page.locator("#say-room")).to_have_text("Bo helped: noted")
    expect(thank).to_have_text("Thanked")
    assert [c["member"] for c in fake.room.commands if c["t"] == "room.thank"] == [bo]
    no_violations(page)


def test_gains_near_mine_are_for_who_opts_in(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    rows = [{"name": "Bo", "gain": 12, "you": False}, {"name": "Ana", "gain": 9, "you": True}]
    page.get_by_text("Gains near yours").click()
    expect(page.locator(".leaders li")).to_have_count(0)
    page.get_by_label("Show what I gained").check()
    fake.do(fake.room.aside("room.event", "leader", {"rows": rows}))
    expect(page.locator(".leaders li")).to_have_text(["Bo+12 %", "Anayou+9 %"])
    assert fake.lesson.prefs == {"boards": True}


def test_an_invitation_names_the_other_and_waits_for_both(page: Page, fake: FakeServer) -> None:
    joined(page, fake)
    bo = fake.do(fake.room.played("Bo"))
    me = next(iter(fake.room.of_token.values()))
    fake.do(
        fake.room.do_board_act("", {"act": "apply", "args": {"pairs": [{"members": [me, bo]}]}})
    )
    expect(page.locator("#say-room")).to_have_text("You are invited to work as a pair")
    expect(page.locator(".invitation")).to_contain_text("Talk it over with Bo?")
    page.locator("[data-act=accept]").press("Enter")
    expect(page.locator(".invitation")).to_contain_text("You said yes.")
    fake.do(fake.room.do_room_accept(bo, {"pair": "w1", "yes": True}))
    expect(page.locator(".room-top")).to_contain_text("You and Bo work together.")


def test_the_room_fits_320_pixels_dark_and_mirrored(page: Page, fake: FakeServer) -> None:
    narrow(page, 320, 700)
    joined(page, fake, name="Ana-Luisa von und zu Hohenlohe-Langenburg")
    others = company(fake)
    fake.do(fake.room.do_room_say(others[0], {"text": "a" * 60}))
    play_open(fake, seconds=90, predict=True)
    expect(page.locator(".ballot")).to_be_visible()
    for summary in page.locator("#room summary").all():
        summary.click()
    assert page.evaluate(WIDTH) == 320
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate(WIDTH) == 320
    no_violations(page)
    letters = [box["x"] for at in page.locator(".choice").all() if (box := at.bounding_box())]
    assert len(set(letters)) == 1


# --- who leads ------------------------------------------------------------------------------------


def test_a_room_is_made_and_the_page_leads_it(page: Page, fake: FakeServer) -> None:
    asked: list[Any] = []

    def made(route: Route) -> None:
        asked.append(route.request.post_data_json)
        room = {"rid": RID, "code": CODE, "token": TOKEN, "expires_at_ms": 0, "url": f"/?c={CODE}"}
        route.fulfill(status=201, content_type="application/json", body=json.dumps(room))

    page.route("**/v1/rooms", made)
    page.goto(f"{fake.url}teach")
    no_violations(page)
    page.locator("#title").fill("Signs and sums")
    page.keyboard.press("Enter")
    expect(page.locator(".join-with .big-code")).to_have_text(CODE)
    assert asked == [{"title": "Signs and sums"}]
    assert page.evaluate("location.hash") == LEAD
    assert "token" not in page.evaluate("location.search + document.referrer")
    page.reload()
    expect(page.locator(".new-poll")).to_be_visible()
    assert [c["t"] for c in fake.room.commands].count("room.join") == 1


def test_who_leads_comes_back_to_a_server_that_forgot_the_session(
    page: Page, fake: FakeServer
) -> None:
    leading(page, fake)
    lines = list(fake.lesson.lines)
    fake.lessons.clear()
    fake.room.of_token.clear()
    fake.room.title = "Begun anew"
    for line in lines:
        fake.do(line.close(4003))
    expect(page.locator("h1")).to_have_text("Begun anew")
    expect(page.locator(".people .tag")).to_have_text("leads")
    expect(page.locator(".new-poll")).to_be_visible()
    assert [c["t"] for c in fake.room.commands].count("room.join") == 2


def test_a_false_token_leads_nothing(page: Page, fake: FakeServer) -> None:
    page.goto(f"{fake.url}teach#r={RID}&t=guessed")
    expect(page.locator(".problem")).to_contain_text("does not let you lead")
    expect(page.locator(".new-poll, .bars")).to_have_count(0)


def test_a_vote_is_led_through_both_rounds(page: Page, fake: FakeServer) -> None:
    leading(page, fake)
    others = company(fake)
    page.locator("#prompt").fill(QUESTION["prompt"])
    page.locator("[data-act=open]").click()
    expect(page.locator(".vote-desk .problem")).to_contain_text("every choice")
    for n, text in enumerate(QUESTION["choices"]):
        page.locator(f"#choice-{n}").fill(text)
    page.get_by_label("A is right").check()
    page.locator("#seconds").select_option("90")
    page.locator("[data-act=open]").click()
    expect(page.locator("#ask-back")).to_contain_text("for everyone")
    no_violations(page)
    page.keyboard.press("Escape")
    expect(page.locator("#ask-back")).to_be_hidden()
    assert fake.room.poll is None
    expect(page.locator("[data-act=open]")).to_be_focused()
    confirmed(page, "open")
    expect(page.locator(".countdown")).to_be_visible()
    assert fake.room.right == "a"
    play_votes(fake, others, "abab")
    expect(page.locator(".vote-desk .figures").first).to_have_text("2 of 4 (50 %)")
    expect(page.locator(".suggestion")).to_contain_text("let them talk it over")
    expect(page.locator(".people .voted.yes")).to_have_count(4)
    no_violations(page)
    confirmed(page, "discuss")
    pairs = [{"members": others[:2], "reason": "one is right"}, {"members": others[2:]}]
    fake.previews = {"pairs": {"pairs": pairs}}
    page.locator("[data-act=pairs]").click()
    expect(page.locator(".sets li").first).to_have_text(re.compile("Bo, Cem.*one is right"))
    assert fake.room.pairs == []
    no_violations(page)
    confirmed(page, "apply-pairs")
    expect(page.locator(".sets .tag")).to_have_text(["invited", "invited"])
    assert [pair["members"] for pair in fake.room.pairs] == [others[:2], others[2:]]
    confirmed(page, "again")
    expect(page.locator(".poll-head h3")).to_have_text("Vote again")
    play_votes(fake, others, "aaab")
    confirmed(page, "reveal")
    expect(page.locator(".poll.revealed")).to_contain_text("fewer than 5 voted")
    expect(page.locator(".new-poll")).to_be_visible()


def test_groups_are_suggested_kept_and_told(page: Page, fake: FakeServer) -> None:
    ids = company(fake)
    leading(page, fake)
    groups = [{"members": ids[:2], "reason": "Bo has signs, Cem has sums"}, {"members": ids[2:]}]
    fake.previews = {"groups": {"groups": groups, "score": 1.2}}
    page.locator("#tab-groups").click()
    page.locator("[data-act=group]").click()
    page.get_by_label("Keep together").first.check()
    page.get_by_label("Members of a group").select_option("2")
    page.locator("[data-act=group]").click()
    confirmed(page, "apply-groups")
    acts = [c["args"] for c in fake.room.commands if c["t"] == "board.act"]
    assert acts[:2] == [{"size": 3}, {"size": 2, "locks": [ids[:2]]}]
    assert [g["members"] for g in fake.room.groups] == [ids[:2], ids[2:]]
    expect(page.locator("#panel-groups h3")).to_have_text("Groups")
    expect(page.locator("[data-act=apply-groups]")).to_have_count(0)


def test_help_and_talk_are_seen_as_a_list_and_a_drawing(page: Page, fake: FakeServer) -> None:
    ids = company(fake)
    fake.watched = {
        "talk": {"gini": 0.64, "silent": [ids[3]], "nudge": "Two of four have spoken."},
        "network": {"edges": [[ids[0], ids[1], 3], [ids[2], ids[1], 1]], "isolates": [ids[3]],
                    "hidden": False},
    }  # fmt: skip
    leading(page, fake)
    page.locator("#tab-talk").focus()
    page.keyboard.press("End")
    panel = page.locator("#panel-help")
    expect(panel).to_contain_text("Two of four have spoken.")
    expect(panel.locator(".sets li")).to_have_text(
        [re.compile(r"Bo helped Cem\s+3 times"), re.compile(r"Dua helped Cem\s+1 time")]
    )
    expect(panel).to_contain_text("Neither gave nor got help: Eli")
    expect(panel.locator(".ring line")).to_have_count(2)
    no_violations(page)
    narrow(page, 320, 700)
    assert page.evaluate(WIDTH) == 320


def test_the_widest_code_fits_320_pixels(
    page: Page, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_room, "CODE", "WMWM")
    leading(page, fake)
    expect(page.locator(".big-code")).to_have_text("WMWM")
    column = page.locator(".column", has=page.locator(".big-code"))
    assert column.evaluate("at => at.scrollWidth - at.clientWidth") == 0
    narrow(page, 320, 700)
    assert page.evaluate(WIDTH) == 320


# --- the wall -------------------------------------------------------------------------------------


def test_the_wall_has_no_name_and_no_number_before_the_reveal(page: Page, fake: FakeServer) -> None:
    page.goto(f"{fake.url}teach/project{LEAD}")
    expect(page.locator(".big-code")).to_have_text(CODE)
    page.evaluate("""() => {
      window.shown = [document.body.outerHTML];
      const all = {childList: true, characterData: true, subtree: true, attributes: true};
      new MutationObserver(() => window.shown.push(document.body.outerHTML))
        .observe(document.body, all);
    }""")
    no_violations(page)
    others = [*company(fake), fake.do(fake.room.played("Fay"))]
    fake.do(fake.room.do_room_say(others[0], {"text": "it is Bo who speaks"}))
    play_open(fake)
    play_votes(fake, others, "aabac")
    expect(page.locator(".wall-poll .wall-note")).to_have_text("5 of 5 have voted")
    no_violations(page)
    play_close(fake, "discuss")
    expect(page.locator(".wall-poll .wall-note")).to_contain_text("Convince each other")
    seen = "\n".join(page.evaluate("shown"))
    words = re.sub(r"<[^>]*>", " ", seen)
    for name in (*NAMES, "Fay", "Projector", "who speaks"):
        assert not re.search(rf"\b{name}\b", words), name
    assert "%" not in words
    assert "vote-bar" not in seen
    assert page.locator(".right, .figures").count() == 0
    play_close(fake, "reveal")
    expect(page.locator(".bars .right .figures")).to_have_text("3 of 5 (60 %)")
    expect(page.locator("text=/Bo|Fay/")).to_have_count(0)
    no_violations(page)


def test_a_wall_that_hears_nothing_says_since_when_it_is_frozen(
    page: Page, fake: FakeServer
) -> None:
    page.clock.install()
    page.goto(f"{fake.url}teach/project{LEAD}")
    expect(page.locator(".big-code")).to_have_text(CODE)
    before = page.locator("#beat time").inner_text()
    page.clock.run_for(3_000)
    assert page.locator("#beat time").inner_text() != before
    expect(page.locator("#beat.frozen")).to_have_count(0)
    page.clock.run_for(25_000)
    expect(page.locator("#beat")).to_contain_text(re.compile(r"frozen since 2[5-9] s"))
    stood = page.locator("#beat time").inner_text()
    page.clock.run_for(1_000)
    assert page.locator("#beat time").inner_text() == stood
    fake.do(fake.room.do_room_thank("", {}))
    page.clock.run_for(1_000)
    expect(page.locator("#beat.frozen")).to_have_count(0)
