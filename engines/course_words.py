"""What an author says beside the exercise itself. This file is the plain part of a course's words.

Skills, ways to explain, pictures, sources: types that no judging needs. Those of the exercise are
in `engines.words`, those of widgets in `engines.widget_words`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from engines.widget_words import Word

VariantName = Literal["worked", "analogy", "visual", "rule"]
"""The ways in which an item may be explained: an example worked through, a likeness, a picture in
words, the rule."""
VARIANTS: tuple[VariantName, ...] = ("worked", "analogy", "visual", "rule")


class Bkt(Word, frozen=True):
    """Bayesian knowledge tracing of one skill (Corbett & Anderson 1995), with forgetting."""

    init: float = 0.25
    learn: float = 0.15
    slip: float = 0.08
    guess: float = 0.12
    forget: float = 0.02


class Skill(Word, frozen=True):
    """One skill; `requires` are the skills to master first, `mastery` is P(L) to reach."""

    id: str
    title: str
    requires: tuple[str, ...] = ()
    mastery: float = 0.95
    bkt: Bkt = Bkt()


class Source(Word, frozen=True):
    """Where an imported item comes from."""

    title: str = ""
    url: str = ""
    license: str = ""
    original_id: str = ""


class Variants(Word, frozen=True):
    """One item explained in several ways; each a template, empty where there is none."""

    worked: str = ""
    analogy: str = ""
    visual: str = ""
    rule: str = ""


class Media(Word, frozen=True):
    """A picture shown with an item: the hash and type of its bytes, and what it shows, in words."""

    sha256: str
    type: str
    alt: str


class SharedMisconception(Word, frozen=True):
    """A wrong way that several items share: what is said about it once for all of them."""

    id: str
    say: str


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One fault of a course, by its check code (content format, section 5).

    `path` leads to the place: field names and positions, as `("items", 3, "hints", 0)`.
    `severity` is `E` (refuses a build) or `W`.
    """

    code: str
    severity: Literal["E", "W"]
    path: tuple[str | int, ...]
    message: str
    fix: str = ""
