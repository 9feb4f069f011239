"""The index over patterns finds exactly what seeking them one by one finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.feeling.matching import Index, beginnings
from engines.feeling.phrases import ENGLISH

GROUPS = [wording.patterns for wording in ENGLISH]
INDEX = Index(GROUPS)
WORDS = sorted({word for group in GROUPS for p in group for word in re.findall(r"[a-z]{1,}", p)})
WHOLE = [re.compile("|".join(rf"\b(?:{p})\b" for p in group)) for group in GROUPS]


def sought(text: str) -> int | None:
    """The same without an index: every pattern of every group, at every word."""
    return next((n for n, group in enumerate(WHOLE) if group.search(text)), None)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_words_of_the_patterns_in_any_order(words: list[str]) -> None:
    assert INDEX.first(words) == sought(" ".join(words))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_a_pattern_matches_is_found(data: st.DataObject) -> None:
    group = data.draw(st.sampled_from(GROUPS))
    pattern = data.draw(st.sampled_from(group))
    bare = re.sub(r"\(\?<?[!=](?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", pattern)
    text = data.draw(st.from_regex(re.compile(bare, re.ASCII), fullmatch=True))
    words = f"well {text} . so".split()
    assert INDEX.first(words) == sought(" ".join(words))


@pytest.mark.parametrize(
    ("pattern", "pairs"),
    [
        ("kys", {("kys", None)}),
        ("go away", {("go", "away")}),
        ("a?b c", {("ab", "c"), ("b", "c")}),
        (r"go (?:\w+ )?home", {("go", None), ("go", "home")}),
        ("(?:so |my )*dog runs", {("so", "so"), ("so", "my"), ("my", "so"), ("my", "my"),
                                  ("so", "dog"), ("my", "dog"), ("dog", "runs")}),
        ("dog(?! (?:a|b)) runs", {("dog", "runs")}),
        (r"dog(?: \w+){1,3} runs", {("dog", None)}),
    ],
)  # fmt: skip
def test_beginnings(pattern: str, pairs: set[tuple[str, str | None]]) -> None:
    assert beginnings(pattern) == pairs


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\w+ home", "first word that can be listed"),
        ("(?:a )?", "first word that can be listed"),
        ("a)b", "brackets in pairs"),
        ("[ab] c", "letters, blanks and groups"),
        ("a(?! b", "bracket that is closed"),
    ],
)
def test_a_pattern_that_cannot_be_indexed_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        beginnings(pattern)


def test_an_earlier_group_is_worth_more_wherever_it_stands() -> None:
    index = Index([["red"], ["blue"]])
    assert index.first(["blue", "then", "red"]) == 0
    assert index.first(["blue"]) == 1
    assert index.first(["green"]) is None
