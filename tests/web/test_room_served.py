"""A room on a real server process: three pages in browsers, four more members on wires."""

from __future__ import annotations

import json
import re
from collections import deque
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.web.test_room_page import confirmed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WAIT_S = 60.0


class Member:
    """A member on a wire of its own."""

    def __init__(self, line: ClientConnection, code: str, name: str) -> None:
        self.line = line
        self.n = 0
        self.waiting: deque[dict[str, Any]] = deque()
        self.heard: list[dict[str, Any]] = []
        self.line.send(json.dumps({"t": "hello", "have": [], "client": {"name": "test"}}))
        self.until("welcome")
        self.rid = self.said("room.join", rid=code, name=name)["changed"]["rid"]
        self.until("snapshot", s=self.rid)

    def until(self, t: str, **fields: Any) -> dict[str, Any]:
        """The next frame of a type with these fields; what was heard is acknowledged."""
        while True:
            while self.waiting:
                frame = self.waiting.popleft()
                self.heard.append(frame)
                assert frame["t"] != "err", frame
                if frame["t"] == t and all(frame.get(k) == v for k, v in fields.items()):
                    return frame
            self._receive()

    def _receive(self) -> None:
        frames = [json.loads(at) for at in str(self.line.recv(timeout=WAIT_S)).split("\n")]
        if read := {frame["s"]: frame["q"] for frame in frames if "q" in frame}:
            self.line.send(json.dumps({"t": "ack", "pos": read}))
        self.waiting.extend(frames)

    def said(self, t: str, **fields: Any) -> dict[str, Any]:
        """Say a command; its reply."""
        self.n += 1
        self.line.send(json.dumps({"t": t, "id": f"c{self.n}", **fields}))
        return self.until("ok", re=f"c{self.n}")


def wire(url: str) -> AbstractContextManager[ClientConnection]:
    """A line to the server; one with a bounded queue would not hear the end behind what it left."""
    socket = url.replace("http", "ws", 1) + "v1/ws"
    return connect(
        socket, subprotocols=[Subprotocol("tutorstream.v1.json")], proxy=None, max_queue=None
    )


def test_a9_a_room_from_the_first_click_to_the_result(
    page: Page, browser: Browser, served: str
) -> None:
    page.goto(f"{served}teach")
    page.locator("#title").fill("Signs")
    page.keyboard.press("Enter")
    expect(page.locator(".new-poll")).to_be_visible()
    code = page.locator(".join-with .big-code").inner_text()
    assert re.fullmatch(r"[A-Z2-9]{4}", code)
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Open the projector").click()
    wall = opening.value
    expect(wall.locator(".big-code")).to_have_text(code)
    own = browser.new_context(viewport={"width": 1280, "height": 800})
    learner = own.new_page()
    learner.goto(f"{served}?c={code}&course=widgets")
    learner.locator("#room-name").fill("Ana")
    learner.keyboard.press("Enter")
    expect(learner.locator("#room-title")).to_have_text("Signs")
    lines = ExitStack()
    members = [
        Member(lines.enter_context(wire(served)), code, name)
        for name in ("Bo", "Cem", "Dua", "Eli")
    ]
    expect(page.locator(".people .name")).to_have_text(
        ["Projector", "Teacher", "Ana", "Bo", "Cem", "Dua", "Eli"]
    )
    page.locator("#prompt").fill("What is $-2-3$?")
    for n, text in enumerate(("$-5$", "$1$", "$-1$", "$5$")):
        page.locator(f"#choice-{n}").fill(text)
    page.get_by_label("A is right").check()
    confirmed(page, "open")
    learner.locator("input[name=vote]").nth(1).check()
    learner.locator(".step input").nth(2).check()
    learner.locator("[data-act=vote]").click()
    expect(learner.locator("[data-act=vote]")).to_have_text("Voted")
    for member, choice in zip(members, "abab", strict=True):
        told = member.until("room.event", kind="poll")["data"]
        assert (told["poll"], told["phase"], "right" in told) == ("p1", "voting", False)
        member.said("room.vote", rid=member.rid, poll="p1", choice=choice, confidence=0.6)
    expect(page.locator(".vote-desk .figures").first).to_have_text("2 of 5 (40 %)")
    expect(page.locator(".suggestion")).to_contain_text("let them talk it over")
    expect(wall.locator(".wall-poll .wall-note")).to_have_text("5 of 5 have voted")
    confirmed(page, "discuss")
    expect(wall.locator(".figures, .vote-bar")).to_have_count(0)
    expect(learner.locator(".bars")).to_have_count(0)
    page.locator("[data-act=pairs]").click()
    confirmed(page, "apply-pairs")
    expect(learner.locator(".invitation")).to_contain_text("Talk it over with")
    learner.locator("[data-act=accept]").click()
    expect(learner.locator(".invitation")).to_contain_text("You said yes.")
    learner.locator("#say").fill("I took the sign twice")
    learner.keyboard.press("Enter")
    expect(page.locator("#tab-talk")).to_be_visible()
    page.locator("#tab-talk").click()
    expect(page.locator("#room-talk .say")).to_contain_text("I took the sign twice")
    confirmed(page, "again")
    expect(learner.locator(".ballot")).to_contain_text("Your first vote was B.")
    learner.locator("[data-act=cut]").click()
    learner.locator("input[name=vote]").first.check()
    learner.locator("[data-act=vote]").click()
    expect(learner.locator("[data-act=vote]")).to_have_text("Voted")
    for member, choice in zip(members, "aaab", strict=True):
        member.until("room.event", kind="poll")
        member.until("room.event", kind="poll")
        member.said("room.vote", rid=member.rid, poll="p1", choice=choice)
    told_before = json.dumps([member.heard for member in members])
    assert not re.search(r'"(totals|right|share_right|weighted|confidence)"', told_before)
    confirmed(page, "reveal")
    for at in (learner, page, wall):
        expect(at.locator(".bars .right .figures")).to_have_text(["2 of 5 (40 %)", "4 of 5 (80 %)"])
        expect(at.locator(".gain")).to_contain_text("67 %")
    learner.locator("#say").fill("Why do the signs add up?")
    learner.locator("[data-act=ask-room]").click()
    expect(page.locator("#room-talk .turn.completed .said")).not_to_be_empty()
    expect(page.locator("#room-talk .question")).to_contain_text("Ana asked")
    learner.reload()
    expect(learner.locator(".bars .right")).to_contain_text("your vote")
    expect(learner.locator("#room-talk .turn.completed .said")).not_to_be_empty()
    order = "log => [...log.children].map(at => at.className.split(' ')[0])"
    assert learner.locator("#room-talk").evaluate(order) == ["say", "question", "turn"]
    lines.close()
    expect(page.locator(".people .name")).to_have_text(["Projector", "Teacher", "Ana"])
    own.close()


def test_a_room_where_sockets_are_blocked(page: Page, browser: Browser, served: str) -> None:
    page.goto(f"{served}teach")
    page.locator("[data-act=make]").click()
    expect(page.locator(".new-poll")).to_be_visible()
    code = page.locator(".join-with .big-code").inner_text()
    own = browser.new_context(viewport={"width": 1280, "height": 800})
    own.add_init_script("delete globalThis.WebSocket")
    learner = own.new_page()
    learner.goto(f"{served}?c={code}&course=widgets")
    learner.locator("#room-name").fill("Ana")
    learner.keyboard.press("Enter")
    expect(learner.locator("#room-title")).to_have_text(f"Room {code}")
    page.locator("#say").fill("Welcome, all of you")
    page.keyboard.press("Enter")
    expect(learner.locator(".say")).to_contain_text("Welcome, all of you")
    learner.locator("[data-act=cut]").click()
    page.locator("#say").fill("While you were away")
    page.keyboard.press("Enter")
    expect(learner.locator(".say")).to_have_count(2)
    learner.locator("#say").fill("I am back")
    learner.keyboard.press("Enter")
    expect(page.locator(".say").last).to_contain_text("I am back")
    page.get_by_label("Ask", exact=True).select_option("eq.both-sides.06")
    expect(page.locator("#prompt")).to_have_count(0)
    confirmed(page, "open")
    learner.locator("input[name=vote]").first.check()
    learner.locator("[data-act=vote]").click()
    expect(learner.locator("[data-act=vote]")).to_have_text("Voted")
    confirmed(page, "reveal")
    expect(learner.locator(".bars .right")).to_have_count(1)
    assert learner.locator(".ask-all").inner_text() == page.locator(".ask-all").inner_text()
    own.close()
