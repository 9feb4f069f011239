"""Each widget answered by pointer and then by keyboard alone; a course of them, really served."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web import fake_widgets as made
from tests.web.fake_server import FakeServer
from tests.web.fake_widgets import Scripted, lesson, plays
from tests.web.test_learner_page import frames_of, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Way = Callable[[Page], None]


def on_line(page: Page, along: float) -> None:
    """Press the number line at a share of its length."""
    box = page.locator(".line").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + along * box["width"], box["y"] + box["height"] / 2)


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def tabbed(page: Page, target: Locator) -> None:
    """The focus gets there by Tab alone, from wherever it is."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("at => at === document.activeElement"):
            return
    raise AssertionError("Tab does not reach it")


def thumb(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name, exact=True)


def entry(page: Page, id_: str) -> Locator:
    return page.locator(f'[data-entry="{id_}"]')


def dragged(page: Page, what: Locator, onto: Locator) -> None:
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + end["height"] / 2, steps=6)
    page.mouse.up()


# --- the ways -------------------------------------------------------------------------------------


def point_by_pointer(page: Page) -> None:
    on_line(page, 0.2)
    dragged(page, thumb(page, "Point"), page.locator(".tick").nth(7))
    expect(page.locator(".number-line")).to_contain_text("Point at 3/4")


def point_by_keys(page: Page) -> None:
    tabbed(page, thumb(page, "Point"))
    keys(page, "End", "PageDown", "ArrowRight", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight")
    expect(thumb(page, "Point")).to_have_attribute("aria-valuetext", "3/4")


def points_by_pointer(page: Page) -> None:
    for along in (0.3, 0.5, 0.7, 0.5):
        on_line(page, along)


def points_by_keys(page: Page) -> None:
    tabbed(page, thumb(page, "Mark"))
    keys(page, "ArrowLeft", "ArrowLeft", " ")
    expect(page.locator(".widget-says")).to_have_text("Point put at −2")
    tabbed(page, page.get_by_label("Value", exact=True))
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator(".chips li")).to_have_count(2)


def interval_by_pointer(page: Page) -> None:
    on_line(page, 5 / 8)
    expect(page.locator(".interval > .quiet")).to_have_text("From 2, included, to 5, included.")
    thumb(page, "Right end").click()


def interval_by_keys(page: Page) -> None:
    tabbed(page, thumb(page, "Right end"))
    keys(page, "ArrowLeft", " ")
    said = "From 2, included, to 5, not included."
    expect(page.locator(".interval > .quiet")).to_have_text(said)


def plot_by_pointer(page: Page) -> None:
    for name, along in (("Slope m", 3.5 / 6), ("b", 2 / 6)):
        box = thumb(page, name).bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 8 + along * (box["width"] - 16), box["y"] + box["height"] / 2)


def plot_by_keys(page: Page) -> None:
    tabbed(page, thumb(page, "Slope m"))
    keys(page, "ArrowRight")
    tabbed(page, page.get_by_label("b, typed"))
    page.keyboard.press("Control+a")
    page.keyboard.type("-1.0")
    expect(page.locator(".in-words")).to_contain_text("Point (4, 1): the curve is at 1 there")


def order_by_pointer(page: Page) -> None:
    dragged(page, entry(page, "1"), entry(page, "4"))
    entry(page, "3").click()
    entry(page, "1").click()
    entry(page, "4").click()
    page.get_by_role("button", name="Move up").click()
    page.get_by_role("button", name="Move down: 1/2").click()
    entry(page, "4").press("Escape")
    expect(page.locator(".held")).to_have_count(0)


def order_by_keys(page: Page) -> None:
    tabbed(page, entry(page, "1"))
    keys(page, "Control+ArrowDown", "Control+ArrowDown", "Control+ArrowDown")
    expect(page.locator(".widget-says")).to_have_text("3/4, place 4 of 4")
    keys(page, "Home", "ArrowDown", " ", "End", " ", "Home", "ArrowDown", "ArrowDown")
    keys(page, "Control+ArrowUp", "Control+ArrowDown")


def match_by_pointer(page: Page) -> None:
    for left, right in (("1", "b"), ("2", "a"), ("3", "a"), ("2", "c")):
        entry(page, left).click()
        entry(page, right).click()


def match_by_keys(page: Page) -> None:
    for n, letter in enumerate("BCA"):
        tabbed(page, page.locator(".match select").nth(n))
        page.keyboard.type(letter)
    expect(page.locator(".paired")).to_have_count(3)


def parsons_by_pointer(page: Page) -> None:
    for id_ in "1234":
        entry(page, id_).click()
    dragged(page, entry(page, "1"), entry(page, "4"))
    for id_, times in (("3", 1), ("4", 2), ("1", 1)):
        entry(page, id_).click()
        for _ in range(times):
            page.get_by_role("button", name="Indent more").click()


def parsons_by_keys(page: Page) -> None:
    tabbed(page, entry(page, "1"))
    keys(page, "Enter")
    tabbed(page, entry(page, "2"))
    keys(page, "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter", "Control+ArrowUp")
    expect(page.locator(".widget-says")).to_have_text("def size(n):, line 1 of 2, indented 0")
    keys(page, "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft")
    for id_, presses in (("3", ["Control+ArrowUp"]), ("4", ["ArrowRight", "Control+ArrowUp"])):
        keys(page, "Shift+Tab")
        expect(entry(page, id_)).to_be_focused()
        keys(page, "Enter", *presses)
    keys(page, "Delete")
    expect(page.locator(".used .entry")).to_have_count(3)
    keys(page, "Shift+Tab", "Enter", "ArrowRight", "Control+ArrowUp")


def parts_by_pointer(page: Page) -> None:
    page.get_by_label("Part 1").click()
    page.keyboard.type("5")
    page.locator(".choice", has_text="yes").click()
    on_line(page, 0.5)


def parts_by_keys(page: Page) -> None:
    tabbed(page, page.get_by_label("Part 1"))
    page.keyboard.type("5")
    keys(page, "Tab", " ", "Tab", "ArrowRight", "PageUp", *["ArrowLeft"] * 5)
    expect(thumb(page, "Point")).to_have_attribute("aria-valuetext", "5")


def poll_by_pointer(page: Page) -> None:
    page.locator(".choice").nth(0).click()


def poll_by_keys(page: Page) -> None:
    tabbed(page, page.locator(".choice input").nth(0))
    keys(page, "ArrowDown", "ArrowUp")


def board_by_pointer(page: Page) -> None:
    page.get_by_label("New note").fill("four above")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Edit note: four above").click()
    page.get_by_label("Edit the note").fill("four above, four below")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".board-notes li")).to_have_text("four above, four belowEditRemove")
    page.locator("#answer").fill("12")


def board_by_keys(page: Page) -> None:
    expect(page.locator(".board-notes li")).to_have_count(0)
    page.keyboard.type("12")
    tabbed(page, page.get_by_label("New note"))
    page.keyboard.type("and four up")
    keys(page, "Enter")
    expect(page.locator(".board-notes li")).to_have_count(1)
    tabbed(page, page.locator("#answer"))


WAYS: list[tuple[str, Scripted, Way, Way]] = [
    ("point", made.point(), point_by_pointer, point_by_keys),
    ("points", made.points(), points_by_pointer, points_by_keys),
    ("interval", made.interval(), interval_by_pointer, interval_by_keys),
    ("plot", made.plot(), plot_by_pointer, plot_by_keys),
    ("order", made.order(), order_by_pointer, order_by_keys),
    ("match", made.match(), match_by_pointer, match_by_keys),
    ("parsons", made.parsons(), parsons_by_pointer, parsons_by_keys),
    ("parts", made.parts(), parts_by_pointer, parts_by_keys),
    ("poll", made.poll(), poll_by_pointer, poll_by_keys),
    ("board", made.board(), board_by_pointer, board_by_keys),
]


@pytest.mark.parametrize(
    ("script", "by_pointer", "by_keys"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS]
)
def test_by_pointer_and_then_by_keyboard_alone(
    page: Page, fake: FakeServer, script: Scripted, by_pointer: Way, by_keys: Way
) -> None:
    plays(fake, script)
    opened(page, fake.url)
    box = page.locator(".widget").first
    expect(box).to_be_visible()
    by_pointer(page)
    page.locator("[data-act=check]").click()
    assert_right(page, fake, script.right)
    page.locator("[data-act=check]").click()
    expect(page.locator(".verdict")).to_have_count(0)
    expect(page.locator(".widget").first).to_be_visible()
    by_keys(page)
    if script.fields["kind"] == "match":  # Enter opens a list of choices; Esc leaves the widget
        page.keyboard.press("Escape")
        expect(page.locator("[data-act=check]")).to_be_focused()
    page.keyboard.press("Enter")
    assert_right(page, fake, script.right)


def assert_right(page: Page, fake: FakeServer, right: Any) -> None:
    expect(page.locator("[data-act=check]")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".verdict")).to_be_visible()
    assert lesson(fake).given()[-1] == right
    expect(page.locator(".verdict.correct")).to_be_visible()


# --- a real server --------------------------------------------------------------------------------

PLACE = re.compile(r", place \d+ of \d+$")


def spoken(page: Page, at: str) -> list[str]:
    """What entries are called aloud, without their places."""
    names = page.locator(f"{at} .entry").evaluate_all("all => all.map((at) => at.ariaLabel)")
    return [PLACE.sub("", name) for name in names]


def figures(page: Page) -> list[int]:
    """The whole numbers of the prompt."""
    tex = page.locator(".prompt annotation").all_text_contents()
    return [int(n) for n in re.findall(r"-?\d+", " ".join(tex))]


def items(heard: list[dict[str, Any]]) -> int:
    """How many exercises came."""
    return sum(frame["t"] == "item" for frame in heard)


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
    page.get_by_label("Part 1").fill(f"{n}/2")
    page.locator(".choice").filter(has_not_text="/").click()
    put_in_order(page)


SERVED: dict[str, Callable[[Page], None]] = {
    "order.1": put_in_order,
    "match.1": put_pairs,
    "parsons.1": put_lines,
    "line.1": put_point,
    "plot.1": put_sliders,
    "parts.1": put_parts,
}


def test_a_course_is_chosen_by_keyboard_and_every_widget_of_it_is_judged_right(
    page: Page, served: str
) -> None:
    heard = frames_of(page)
    page.goto(served)
    course = page.locator("[data-course=widgets]")
    expect(course).to_contain_text("6 exercises, 1 skill")
    tabbed(page, course)
    page.keyboard.press("Enter")
    expect(page.locator(".prompt")).to_be_visible()
    expect(page).to_have_url(f"{served}?course=widgets")
    done: set[str] = set()
    for _ in range(24):
        item = next(frame["item"] for frame in reversed(heard) if frame["t"] == "item")
        expect(page.locator(".widget").first).to_be_visible()
        if item in done:
            shown = items(heard)
            page.keyboard.press("Alt+n")
            while items(heard) == shown:
                page.wait_for_timeout(5)
            continue
        SERVED[item](page)
        page.locator("[data-act=check]").click()
        expect(page.locator(".verdict")).to_be_visible()
        verdict = next(frame for frame in reversed(heard) if frame["t"] == "feedback")
        assert (verdict["item"], verdict["verdict"]) == (item, "correct"), verdict
        done.add(item)
        if len(done) == len(SERVED):
            break
        page.locator("[data-act=check]").click()
        expect(page.locator(".verdict")).to_have_count(0)
    assert done == set(SERVED)
    page.locator("[data-act=courses]").press("Enter")
    expect(page.locator("#courses-note")).to_contain_text("Another course is a new lesson")
    page.locator("[data-course=linear-equations]").press("Enter")
    expect(page.locator("#say-lesson")).to_have_text("A new lesson has begun: Linear equations")
    expect(page).to_have_url(f"{served}?course=linear-equations")
    page.reload()
    expect(page.locator("h1")).to_have_text("Linear equations")
    expect(page.locator(".prompt")).to_be_visible()
