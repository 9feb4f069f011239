"""The map of skills, the live difficulty's line, the review list and why an item comes next."""

from __future__ import annotations

import gzip
import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, WebSocket, expect

from tests.web.axe import clean, clean_in_both
from tests.web.fake_course import DAY_MS, SKILLS, key, many
from tests.web.fake_server import FakeServer
from tests.web.narrow import narrow
from tests.web.test_learner_page import opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HOUR_MS = 3_600_000
KEYS = {"map": "Alt+m", "progress": "Alt+p", "review": "Alt+v", "tutor": "Alt+t"}
WIDTH = "document.documentElement.scrollWidth"
FOCUS = "document.activeElement.dataset.skill ?? document.activeElement.id"


def cards(fake: FakeServer) -> None:
    """Two skills are due, one is not."""
    fake.cards = [
        ("frac.equivalent", -3 * DAY_MS - HOUR_MS, 0.812),
        ("int.signed", -20 * 60_000, 0.88),
        ("eq.one-step", 5 * DAY_MS, 0.97),
    ]


def answer(page: Page, fake: FakeServer, pattern: str) -> None:
    """Answer right (r) or wrong (w) in turn; the last verdict stays in sight."""
    for n, how in enumerate(pattern):
        text = page.locator("input#answer").count() == 1
        if text:
            page.locator("#answer").fill(key(fake.lesson.n) if how == "r" else "99")
        else:
            page.locator(".choices input").nth(0 if how == "r" else 2).check()
        page.keyboard.press("Enter")
        expect(page.locator(f".verdict.{'correct' if how == 'r' else 'incorrect'}")).to_be_visible()
        if how == "r" and n < len(pattern) - 1:
            page.keyboard.press("Enter")
            expect(page.locator(".verdict")).to_have_count(0)


def show(page: Page, panel: str) -> Locator:
    """Open a panel by its key; the focus goes there."""
    page.keyboard.press(KEYS[panel])
    found = page.locator(f"#{panel}" if panel != "tutor" else "#transcript")
    expect(found).to_be_focused()
    return found


def sent_by(page: Page) -> list[dict[str, Any]]:
    """Every frame the page says from now on, in order."""
    said: list[dict[str, Any]] = []

    def watch(socket: WebSocket) -> None:
        def took(payload: str | bytes) -> None:
            said.extend(json.loads(line) for line in str(payload).split("\n"))

        socket.on("framesent", took)

    page.on("websocket", watch)
    return said


# --- the map --------------------------------------------------------------------------------------


def test_the_map_shows_every_skill_in_its_layer_with_state_and_interval(
    page: Page, fake: FakeServer
) -> None:
    cards(fake)
    opened(page, fake.url)
    board = show(page, "map")
    layers = board.locator(".layer")
    shown = [layers.nth(n).locator(".node").all() for n in range(layers.count())]
    ids = [[node.get_attribute("data-skill") for node in row] for row in shown]
    assert ids == [
        ["frac.equivalent", "int.signed"],
        ["frac.lowest", "expr.collect", "eq.one-step"],
        ["frac.add-like", "eq.two-step"],
        ["frac.add-unlike", "eq.both-sides"],
    ]
    states = [node.locator(".state").inner_text().strip() for row in shown for node in row]
    assert states == ["due", "due", "open", *["locked"] * 6]
    node = board.locator("[data-skill='frac.equivalent']")
    expect(node.locator(".figures")).to_have_text("88\u00a0%")
    low, high = fake.lesson.beliefs.interval("frac.equivalent")
    expect(node).to_contain_text(
        f"likely between {round(low * 100)} and {round(high * 100)}\u00a0%"
    )
    expect(node).to_contain_text("due 3 days ago, chance of recall 81\u00a0%")
    whisker, bar = (node.locator(at).bounding_box() for at in (".whisker", ".bar"))
    assert whisker is not None
    assert bar is not None
    assert whisker["width"] == pytest.approx(bar["width"] * (high - low), abs=1.5)
    expect(board.locator("[aria-current]")).to_have_count(1)
    expect(board.locator("[aria-current]")).to_contain_text("Two-step equations now")
    expect(board.locator(".edges path")).to_have_count(9)


def test_the_map_is_walked_and_asked_by_keyboard(page: Page, fake: FakeServer) -> None:
    said = sent_by(page)
    opened(page, fake.url)
    show(page, "map")
    page.keyboard.press("Tab")
    expect(page.locator("#map .view-head button")).to_be_focused()
    page.keyboard.press("Tab")
    walked = [page.evaluate(FOCUS)]
    for press in ("ArrowUp", "ArrowLeft", "Home", "ArrowDown", "End", "ArrowUp"):
        page.keyboard.press(press)
        walked.append(page.evaluate(FOCUS))
    assert walked == ["eq.two-step", "eq.one-step", "expr.collect", "frac.equivalent",
                      "frac.lowest", "eq.both-sides", "eq.two-step"]  # fmt: skip
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".detail")).to_contain_text("Adding like fractions")
    expect(page.locator(".detail")).to_contain_text("first Lowest terms")
    page.keyboard.press("Enter")
    expect(page.locator(".eyebrow")).to_have_text("Adding like fractions")
    assert [f["skill"] for f in said if f["t"] == "item.next"] == ["frac.add-like"]
    expect(page.locator("#say-lesson")).to_have_text("An exercise on Adding like fractions is open")
    assert page.evaluate(FOCUS) == "frac.add-like"
    expect(page.locator("#map [aria-current]")).to_contain_text("Adding like fractions")
    stops = page.locator("#map .node[tabindex='0']")
    expect(stops).to_have_count(1)
    page.keyboard.press("F6")
    expect(page.locator("#here")).to_be_focused()
    page.keyboard.press("F6")
    expect(page.locator("#answer")).to_be_focused()


def test_a_click_on_a_skill_leaves_the_focus_in_the_answer_box(
    page: Page, fake: FakeServer
) -> None:
    opened(page, fake.url)
    answer(page, fake, "r")
    page.get_by_role("tab", name="Map").click()
    page.locator("#answer").focus()
    page.locator("[data-skill='int.signed']").click()
    expect(page.locator(".eyebrow")).to_have_text("Signed numbers")
    assert page.evaluate("document.activeElement.closest('.answer') !== null")
    expect(page.locator(".verdict")).to_have_count(0)


def test_a_skill_asked_for_while_away_comes_after_the_return(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    show(page, "map")
    before = page.locator(".prompt").inner_text()
    page.locator("[data-act=cut]").click()
    page.locator("[data-skill='int.signed']").click()
    expect(page.locator("[data-skill='int.signed'] .state")).to_have_text("coming")
    assert page.locator(".prompt").inner_text() == before
    expect(page.locator(".eyebrow")).to_have_text("Signed numbers")


def test_the_table_says_what_the_map_says(page: Page, fake: FakeServer) -> None:
    cards(fake)
    opened(page, fake.url)
    answer(page, fake, "rr")
    board = show(page, "map")
    drawn = {
        node.get_attribute("data-skill"): (
            node.locator(".state").inner_text().strip(),
            node.locator(".figures").inner_text(),
        )
        for node in board.locator(".node").all()
    }
    board.get_by_role("button", name="As a table").click()
    rows = board.locator("tbody tr")
    expect(rows).to_have_count(9)
    told = {
        row.locator("button").get_attribute("data-skill"): (
            row.locator(".state").inner_text().strip(),
            row.locator("td").nth(1).inner_text().split("\u00a0%")[0] + "\u00a0%",
        )
        for row in rows.all()
    }
    assert told == drawn
    expect(rows.first).to_contain_text("due 3 days ago, chance of recall 81\u00a0%")
    rows.first.get_by_role("button").click()
    expect(page.locator(".eyebrow")).to_have_text("Equivalent fractions")


# --- the line -------------------------------------------------------------------------------------


def test_the_line_has_a_dot_for_each_scored_answer(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    panel = show(page, "progress")
    expect(panel).to_contain_text("No scored answer yet")
    expect(panel.get_by_role("button")).to_have_count(0)
    page.locator("#answer").focus()
    answer(page, fake, "rwrrw")
    expect(panel.locator("circle.dot.right")).to_have_count(3 + 1)  # one stands in the legend
    expect(panel.locator("path.dot.wrong")).to_have_count(2 + 1)
    line = fake.lesson.beliefs.line
    sentence = panel.locator(".lead")
    expect(sentence).to_contain_text("The last 5 scored answers: 3 right")
    expect(sentence).to_contain_text(f"{line[-1]['theta']:.2f}".replace("-", "−"))
    boxes = [dot.bounding_box() for dot in panel.locator(".chart .dot").all()]
    middles = [box["y"] + box["height"] / 2 for box in boxes if box is not None]
    up = [middles[n] for n in sorted(range(5), key=lambda n: line[n]["b"])]
    assert up == sorted(up, reverse=True)
    expect(panel.locator(".chart .end")).to_have_text(["harder", "easier"])
    panel.get_by_role("button", name="As a table").click()
    rows = panel.locator("tbody tr")
    expect(rows).to_have_count(5)
    newest = rows.first
    expect(newest).to_contain_text("5, not yet")
    expect(newest.locator("td").nth(0)).to_have_text(f"{line[-1]['b']:.2f}".replace("-", "−"))


def test_the_line_of_one_skill(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    answer(page, fake, "rrrr")
    panel = show(page, "progress")
    expect(panel.locator(".chart .theta")).to_have_count(3)
    panel.get_by_label("Answers on").select_option(label="Two-step equations")
    expect(panel.locator(".chart .theta")).to_have_count(1)
    expect(panel.locator(".chart .dot")).to_have_count(3)
    expect(panel.locator(".lead")).to_contain_text("The last 3 scored answers: 3 right")


# --- why, and what an answer moved ----------------------------------------------------------------


def test_why_this_item_stands_at_its_head_and_opens_what_is_behind(
    page: Page, fake: FakeServer
) -> None:
    opened(page, fake.url)
    answer(page, fake, "rw")
    why = page.locator(".item-head .why")
    expect(why).to_contain_text("Two-step equations are within reach now")
    expect(why).to_contain_text("Right about 7 times in 10.")
    page.locator("#answer").focus()
    page.keyboard.press("Shift+Tab")
    turn = page.locator("[data-act=why]")
    expect(turn).to_be_focused()
    expect(turn).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(turn).to_have_attribute("aria-expanded", "true")
    expect(turn).to_be_focused()
    behind = page.locator("#behind")
    point = fake.lesson.beliefs.line[-1]
    low, high = fake.lesson.beliefs.interval("eq.two-step")
    for words in (
        "14 to 16 in 20 go right",
        "71\u00a0%",
        f"{point['theta']:.2f} ± {point['sd']:.2f} logits".replace("-", "−"),
        f"{round(low * 100)}–{round(high * 100)}\u00a0%",
    ):
        expect(behind).to_contain_text(words)
    page.locator("#answer").fill("1")
    turn.click()
    expect(page.locator("#answer")).to_be_focused()
    expect(behind).to_be_hidden()


def test_moves_have_their_interval_and_their_reasons(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    answer(page, fake, "r")
    moves = page.locator(".verdict .moves > li")
    expect(moves).to_have_count(3)
    expect(moves.first).to_contain_text("Two-step equations")
    expect(moves.first.locator(".figures")).to_have_text("25\u00a0% →to 56\u00a0%")
    low, high = fake.lesson.beliefs.interval("eq.two-step")
    expect(moves.first.locator(".range")).to_contain_text(
        f"{round(low * 100)}–{round(high * 100)}\u00a0%"
    )
    expect(page.locator(".reasons li")).to_have_text(
        "this answer raised your lowest terms skill by 0.04"
    )
    expect(page.locator("#here .figures")).to_contain_text("56\u00a0%")


def test_many_moves_are_folded_behind_the_largest(page: Page, fake: FakeServer) -> None:
    fake.skills = [
        *SKILLS[:7],
        ("eq.two-step", "Two-step equations", tuple(s for s, *_ in SKILLS[:7])),
    ]
    opened(page, fake.url)
    answer(page, fake, "r")
    expect(page.locator(".verdict-words > .moves > li")).to_have_count(3)
    more = page.locator(".more")
    expect(more.locator("summary")).to_have_text("5 more skills moved")
    more.locator("summary").click()
    expect(more.locator("li")).to_have_count(5)
    expect(more.locator("li").first).to_be_visible()


# --- the review list ------------------------------------------------------------------------------


def test_the_review_list_says_when_and_how_well_and_practises(page: Page, fake: FakeServer) -> None:
    cards(fake)
    said = sent_by(page)
    opened(page, fake.url)
    expect(page.get_by_role("tab", name="Review, 2 due")).to_be_visible()
    panel = show(page, "review")
    due = panel.get_by_role("list", name="Due").locator("li")
    expect(due).to_have_count(2)
    expect(due.nth(0)).to_contain_text("Equivalent fractions")
    expect(due.nth(0)).to_contain_text("due 3 days ago")
    expect(due.nth(0)).to_contain_text("9 days ago; chance of recall about 81 %")
    expect(due.nth(0)).to_contain_text(
        "Back in 9 days if right, in 3 days with help, in 1 day if not"
    )
    expect(due.nth(1)).to_contain_text("due 20 minutes ago")
    expect(due.nth(1)).to_contain_text("chance of recall about 88 %")
    expect(panel.get_by_role("list", name="Coming up")).to_contain_text("due in 5 days")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Practise Equivalent fractions")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".eyebrow")).to_have_text("Equivalent fractions")
    page.locator("#answer").focus()
    answer(page, fake, "r")
    expect(due).to_have_count(1)
    expect(page.get_by_role("tab", name="Review, 1 due")).to_be_visible()
    assert [frame["t"] for frame in said].count("review.due") == 2


def test_nothing_due_and_no_list_at_all_are_said(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    panel = show(page, "review")
    expect(panel).to_contain_text("Nothing is due.")
    fake.older = True
    page.locator("#answer").fill("99")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.incorrect")).to_be_visible()
    show(page, "tutor")
    show(page, "review")
    again = panel.get_by_role("button", name="Ask again")
    expect(again).to_be_visible()
    fake.older = False
    again.click()
    expect(panel).to_contain_text("Nothing is due.")


# --- everything -----------------------------------------------------------------------------------


def test_panels_are_tabs_turned_by_arrow_keys(page: Page, fake: FakeServer) -> None:
    opened(page, fake.url)
    page.get_by_role("tab", name="Tutor").focus()
    for press, name in (("ArrowRight", "Map"), ("End", "Review"), ("ArrowRight", "Tutor")):
        page.keyboard.press(press)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel")).to_have_count(1)


def test_facts_of_an_older_server_still_draw(page: Page, fake: FakeServer) -> None:
    fake.older = True
    opened(page, fake.url)
    answer(page, fake, "r")
    expect(page.locator(".verdict .figures").first).to_have_text("25\u00a0% →to 56\u00a0%")
    expect(page.locator(".whisker")).to_have_count(0)
    expect(show(page, "map").locator(".node")).to_have_count(9)
    expect(page.locator("#map .layer")).to_have_count(1)
    expect(show(page, "progress")).to_contain_text("No scored answer yet")
    page.locator("[data-act=why]").click()
    expect(page.locator("#behind")).to_contain_text("Your level")


@pytest.mark.parametrize("retained", [10_000, 2])
def test_a_cut_tab_shows_what_an_uncut_one_shows(
    context: BrowserContext, page: Page, fake: FakeServer, retained: int
) -> None:
    cards(fake)
    fake.retained = retained
    opened(page, fake.url)
    cut = context.new_page()
    opened(cut, fake.url)
    answer(page, fake, "wr")
    page.keyboard.press("Enter")
    with cut.expect_websocket() as back:
        cut.locator("[data-act=cut]").click()
        expect(cut.locator("#pill")).to_contain_text("reconnecting")
        answer(page, fake, "rwr")
        page.keyboard.press("Enter")
    assert back.value is not None
    expect(cut.locator("#pill")).to_contain_text("caught up" if retained > 2 else "resynchronised")
    if cut.locator(".verdict.correct").count():
        cut.keyboard.press("Alt+n")
    expect(page.locator(".verdict")).to_have_count(0)
    for tab in (page, cut):
        show(tab, "review")
        expect(tab.locator("#review .facts").first).to_be_visible()
    for panel in ("review", "map", "progress"):
        for tab in (page, cut):
            show(tab, panel)
        same(cut, page, f"#{panel}")
    for at in ("#here", ".item-head", ".tablist"):
        same(cut, page, at)


def same(tab: Page, other: Page, at: str) -> None:
    """What stands there is the same in both tabs once all has arrived."""
    expect(tab.locator(at)).to_have_js_property("innerHTML", other.locator(at).inner_html())


def test_axe_finds_nothing_in_the_views(page: Page, fake: FakeServer) -> None:
    cards(fake)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    opened(page, fake.url)
    answer(page, fake, "rrwr")
    page.locator("[data-act=why]").click()
    clean_in_both(page)
    for panel in ("map", "progress", "review"):
        shown = show(page, panel)
        clean_in_both(page, at=".panels")
        table = shown.get_by_role("button", name="As a table")
        if table.count():
            table.click()
            clean_in_both(page, at=".panels")
    narrow(page, 320, 640)
    for tab in ("Exercise", "Map"):
        page.locator(".tabs").get_by_role("button", name=re.compile(tab)).click()
        clean(page)


@pytest.mark.parametrize("skills", [9, 60])
def test_no_scrolling_sideways_at_320_and_none_at_all_at_1280(
    page: Page, fake: FakeServer, skills: int
) -> None:
    cards(fake)
    if skills != len(SKILLS):
        fake.skills, fake.cards = many(skills), [("s00", -HOUR_MS, 0.9)]
    opened(page, fake.url)
    answer(page, fake, "rrwr")
    for panel in ("map", "progress", "review"):
        show(page, panel)
        whole = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert page.evaluate(whole) == [1280, 800], panel
    narrow(page, 320, 640)
    for panel in ("map", "progress", "review"):
        shown = show(page, panel)
        assert page.evaluate(WIDTH) == 320, panel
        table = shown.get_by_role("button", name="As a table")
        if table.count():
            table.click()
            expect(shown.locator("table")).to_be_visible()
            assert page.evaluate(WIDTH) == 320, panel
            table.click()
    board = show(page, "map")
    expect(board.locator(".node")).to_have_count(skills)
    expect(board.locator(".edges")).to_be_hidden()
    lefts = {box["x"] for node in board.locator(".node").all() if (box := node.bounding_box())}
    assert len(lefts) == 1
    page.locator(".node").last.click()
    expect(page.locator(".exercise")).to_be_visible()
    expect(page.locator("#answer, .choices input").first).to_be_visible()


def test_the_whole_page_is_small(page: Page, fake: FakeServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, fake.url)
    page.wait_for_load_state("networkidle")
    files = [url for url in asked if url.endswith((".js", ".css"))]
    sizes = {}
    for url in files:
        with urllib.request.urlopen(url) as body:
            sizes[url] = len(gzip.compress(body.read()))
    assert sum(sizes.values()) <= 200 * 1024, sizes
    assert len(asked) <= 30, asked
