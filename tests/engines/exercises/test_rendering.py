from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.exercises.rendering import LINK_TEXT_CHARS, TAG_CHARS, Rendered
from tests.engines.exercises.test_leak import cuttings


def rendered(pieces: list[str]) -> str:
    stage = Rendered()
    return "".join([stage.push(piece) for piece in pieces]) + stage.finish()


SHOWN = [
    ("## Title\nText", "Title\nText"),
    ("**1**2 and *em* and `code`", "**1**2 and *em* and `code`"),
    ("<b>7</b>", "7"),
    ("1<!-- x -->2", "12"),
    ("&#55; &#x37; &lt;b&gt; x &amp; y &nosuch;", "7 7  x & y &nosuch;"),
    ("See [the page](https://a.b/c_(d)) now", "See the page now"),
    ("![alt](x.png)after", "after"),
    ("<https://a.b> <a@b.co>.", " ."),
    ("go to https://a.b/c?d=e. Then", "go to . Then"),
    ("www.x.org, ok", ", ok"),
    ("[a](javascript:alert(1))b", "ab"),
    (r"\javascript:x and \https://x.org a", r"\ and \ a"),
    (r"\frac12 \:// b", r"\frac12 \ b"),
    ("| a | b |\n|---|:-:|\n| 1 | 2 |\nend", "a ; b \n1 ; 2 \nend"),
    ("> quote\n>> more", "quote\nmore"),
    ("```python\nx = 1\n```\nafter", "x = 1\nafter"),
    ("---\n***\ntext\n===\nq", "text\nq"),
    ("- item\n* item2\n1. x", "- item\n* item2\n1. x"),
    ("$x<y$ and $a < b$", "$x< y$ and $a < b$"),
    ("\\( x = 5 \\) and \\[ y \\]", "$ x = 5 $ and $$ y $$"),
    ("~~no~~ ~5", "no ~5"),
    ("\\*lit\\* \\$5", "*lit* \\$5"),
    ("[NAME_1] and [1, 2] and $[2, 3](x)$", "[NAME_1] and [1, 2] and $[2, 3](x)$"),
    ("<script>alert(1)</script>hi", "alert(1)hi"),
    ("<<b>script>x", "< script>x"),
    ("x<sup>2</sup>, one<br>two", "x^2, one\ntwo"),
    ("\u202e21\u202c 1\u200b2 a\x07b", "21 12 ab"),
    ("|x| = 3 and $|x|$", "|x| = 3 and $|x|$"),
    ("5 <3 and 3> 2, #5, 3! = 6", "5 <3 and 3> 2, #5, 3! = 6"),
    ("data: 3, 4; http is a word: yes", "data: 3, 4; http is a word: yes"),
    ("text [open", "text [open"),
    ("a://b c", "a c"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_a_page_may_hold(text: str, shown: str) -> None:
    assert rendered([text]) == shown
    assert rendered(list(text)) == shown
    for step in (2, 3, 5):
        assert rendered([text[at : at + step] for at in range(0, len(text), step)]) == shown


def test_what_never_ends_is_let_go() -> None:
    for text in ("[" + "x " * LINK_TEXT_CHARS, "<b " + "x " * TAG_CHARS):
        stage = Rendered()
        shown = "".join([stage.push(sign) for sign in text])
        assert len(shown) > len(text) // 2
        assert (shown + stage.finish()).replace(" ", "") == text.replace(" ", "")


def test_plain_prose_is_not_held() -> None:
    stage = Rendered()
    for word in ("Undo ", "the ", "last ", "step, ", "then ", "look. "):
        assert stage.push(word) == word


PARTS = st.sampled_from(
    [*"<>[]()!$\\#*`~|-=_&;:/.,'\"aAb07\n xé", "<b>", "</b>", "<!--", "-->", "https://",
     "www.", "](",
     "$$", "&#55;", "&lt;", "```", "\n\n", "javascript:", "data:x", "<a href='x'>", "<br/>",
     "![", "| ",
     "|---|\n", "## ", "> ", "&amp;", "\u200b", "\u202e", "word "]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PARTS, max_size=30).map("".join), st.lists(st.integers(0, 120), max_size=10))
def test_every_cutting_gives_the_same_and_no_markup_is_left(text: str, cuts: list[int]) -> None:
    whole = rendered([text])
    assert rendered(list(cuttings(text, cuts))) == whole
    assert rendered(list(text)) == whole
    assert not re.search(r"<[A-Za-z/!?]", whole)
    assert "://" not in whole
    assert not re.search(r"(?i)(?<![a-z0-9])javascript:\S", whole)
    assert "\u202e" not in whole


@given(st.text(max_size=80), st.lists(st.integers(0, 80), max_size=6))
def test_any_text_at_all_is_cut_alike(text: str, cuts: list[int]) -> None:
    assert rendered(list(cuttings(text, cuts))) == rendered([text])
