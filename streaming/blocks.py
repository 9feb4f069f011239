"""The Markdown blocks that prompts are made of, one folder a language. This file is their loader.

A block's first line is a comment with its name and version. Placeholders (`@{item.prompt}`) come
from a closed list; an unknown one, a missing block or a missing phrase fails when loading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple, get_args

from engines.words import ACTS, Mode, VerdictName

ACTIONS = ("simpler", "example", "why", "next_step", "none")
BANDS = ("new", "growing", "nearly", "mastered")
PHRASES = frozenset(
    [f"action.{name}" for name in ACTIONS]
    + [f"verdict.{name}" for name in get_args(VerdictName)]
    + [f"band.{name}" for name in BANDS]
    + ["stopped", "withheld", "seen"]
)
ACT_WORDS = 60
"""Longest block of an act: what to do, what to withhold, how long."""
FIXED_ACTS = frozenset({"safety"})
"""Acts whose text is fixed: no model is asked, so they have no block."""
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "lesson": frozenset({"course.title", "course.skills"}),
    "summary": frozenset({"summary"}),
    "learner": frozenset({"mark", "text"}),
    "turn": frozenset(
        {"item.prompt", "item.options", "attempts", "verdict", "answer", "misconception",
         "hints", "steps", "mastery", "key", "secret", "withheld", "question", "act"}
    ),
    "room": frozenset({"item.prompt", "item.options", "key", "withheld", "act"}),
}  # fmt: skip
"""Which placeholders a block may hold; every other block holds none."""

_FIRST = re.compile(r"<!-- ([a-z]+) (\d+) -->")
_PLACEHOLDER = re.compile(r"@\{([^}]*)\}")
_SECTION = re.compile(r"^## (\S+)\n", re.MULTILINE)


class Blocks(NamedTuple):
    """All blocks of one language. `versions` maps a block's name to its version."""

    policy: str
    modes: Mapping[str, str]
    lesson: str
    summary: str
    learner: str
    turn: str
    room: str
    acts: Mapping[str, str]
    phrases: Mapping[str, str]
    versions: Mapping[str, int]


@cache
def blocks(language: str = "en") -> Blocks:
    """The blocks of a language, read and checked once. Raises ValueError for what is not right."""
    folder = resources.files("streaming").joinpath("prompts", language)
    once = ["policy", "lesson", "summary", "learner", "turn", "room", "acts", "phrases"]
    names = [*once, *get_args(Mode)]
    texts, versions = {}, {}
    for name in names:
        text = folder.joinpath(f"{name}.md").read_text("utf-8")
        texts[name], versions[name] = checked(name, text)
    return Blocks(
        policy=texts["policy"],
        modes={mode: texts[mode] for mode in get_args(Mode)},
        lesson=texts["lesson"],
        summary=texts["summary"],
        learner=texts["learner"],
        turn=texts["turn"],
        room=texts["room"],
        acts=brief(sections("acts", texts["acts"], frozenset(ACTS) - FIXED_ACTS)),
        phrases=sections("phrases", texts["phrases"], PHRASES),
        versions=versions,
    )


def checked(name: str, text: str) -> tuple[str, int]:
    """A block without its first line, and its version. Raises ValueError."""
    first, _, body = text.partition("\n")
    found = _FIRST.fullmatch(first)
    if found is None or found[1] != name:
        raise ValueError(f"block {name}: expected '<!-- {name} VERSION -->' first, got {first!r}")
    unknown = set(_PLACEHOLDER.findall(body)) - PLACEHOLDERS.get(name, frozenset())
    if unknown:
        raise ValueError(f"block {name}: no such placeholder: {', '.join(sorted(unknown))}")
    return body.strip(), int(found[2])


def sections(name: str, text: str, expected: frozenset[str]) -> dict[str, str]:
    """The texts under the second headings of a block. Raises ValueError if one is missing."""
    parts = _SECTION.split(text)
    found = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    if set(found) != expected:
        differing = ", ".join(sorted(set(found) ^ expected))
        raise ValueError(f"block {name}: missing or unknown: {differing}")
    return found


def brief(acts: dict[str, str]) -> dict[str, str]:
    """The acts, none longer than 60 words. Raises ValueError for one that is."""
    long = [name for name, text in acts.items() if len(text.split()) > ACT_WORDS]
    if long:
        raise ValueError(f"block acts: expected at most {ACT_WORDS} words in {', '.join(long)}")
    return acts


def filled(template: str, values: Mapping[str, str]) -> str:
    r"""The template with its placeholders replaced in one pass; values are never read again.

    A paragraph in which a value is empty is left out.

    >>> filled("Tries: @{n}\n\nKey: @{key}", {"n": "2 of @{key}", "key": ""})
    'Tries: 2 of @{key}'
    """
    kept = []
    for paragraph in template.split("\n\n"):
        names = _PLACEHOLDER.findall(paragraph)
        if all(values[name] for name in names):
            kept.append(_PLACEHOLDER.sub(lambda found: values[found[1]], paragraph))
    return "\n\n".join(kept)
