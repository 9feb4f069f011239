"""Answers told outright: every form, in sentences, cut at every place. This file makes them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engines.exercises.template import instance
from engines.words import AnswerKind, AnswerSpec, Instance, Item, Option
from tests.corpus.forms import number_forms, roman, text_forms


class Leak(NamedTuple):
    """A text that states a key, where the form stands in it, and what it is."""

    kind: str
    form: str
    text: str
    start: int
    end: int
    key: Instance


def keyed(
    kind: AnswerKind,
    value: str | tuple[str, ...],
    prompt: str = "Work it out.",
    options: tuple[str, ...] = (),
    form: str = "any",
) -> Instance:
    """An instance without parameters; options are called o1, o2 .."""
    item = Item(
        id=f"{kind} {value} {prompt}",
        skills=("s",),
        prompt=prompt,
        answer=AnswerSpec(kind=kind, value=value, form=form),
        options=tuple(Option(f"o{n}", text) for n, text in enumerate(options, 1)),
    )
    return instance(item, "corpus", 3)


NUMBERS: dict[str, tuple[Instance, ...]] = {
    "integer": tuple(keyed("number", v) for v in ("7", "12", "48")),
    "negative": tuple(keyed("number", v) for v in ("-3", "-15")),
    "fraction": tuple(keyed("fraction", v) for v in ("7/8", "3/4", "2/3")),
    "mixed": tuple(keyed("fraction", v, form="mixed") for v in ("3/2", "11/4")),
    "decimal": tuple(keyed("number", v, form="decimal") for v in ("0.45", "2.5")),
    "given": (
        keyed("number", "3", "Solve $x + 3 = 6$."),
        keyed("number", "12", "Solve $y - 12 = 0$."),
    ),
}  # fmt: skip
CHOICES = (
    keyed("choice", "o2", "Which?", ("a triangle", "a rhombus", "a pentagon")),
    keyed("choice", "o1", "How many?", ("no solution", "exactly two solutions", "every number")),
)
MULTI = (keyed("multi", ("o1", "o3"), "Which are prime?", ("$23$", "$21$", "$29$", "$39$")),)
TEXTS = (
    keyed("text", "numerator", "What is the upper number called?"),
    keyed("text", "common denominator", "What do you look for?"),
)

FRAMES = (
    "The answer is {}.",
    "First add. Then you get {}, and you are done.",
    "{}",
    "So the result, after all that work, is {} indeed",
    "Look:\n\n- {}\n\nThat was it.",
    "$x = {}$ is what remains.",
)
PLACED = (
    "The answer is {}.",
    "So $x = {}$.",
    "It is {}, as you can see",
    "{}",
    "Just type {} into the box.",
)
"""For a value that the question prints: it is told where an answer stands."""
LABELS = (
    "The right one is option {}.",
    "Choose {}!",
    "Option {}",
    "I would pick {}.",
    "The answer: ({})",
    "It must be option **{}**, trust me",
)
_NO_MATHS = ("`", "<", "&", "[", "$")


def leaks() -> Iterator[Leak]:
    """Every form in every sentence, without cuts."""
    for kind, instances in NUMBERS.items():
        for made in instances:
            assert isinstance(made.key, Fraction)
            frames = PLACED if kind == "given" else FRAMES
            for form, told in number_forms(made.key):
                for frame in frames:
                    if "$" in frame and any(sign in told for sign in _NO_MATHS):
                        continue
                    if "base64" in form and "{}," in frame:
                        continue
                    yield _leak(kind, form, frame, told, made)
            if numeral := roman(made.key):
                for frame in PLACED[:3]:
                    yield _leak(kind, "roman", frame, numeral, made)
    for made in TEXTS:
        for form, told in text_forms(str(made.key)):
            for frame in FRAMES[:5]:
                yield _leak("text", form, frame, told, made)
    for kind, instances in (("choice", CHOICES), ("multi", MULTI)):
        for made in instances:
            yield from _options(kind, made)


def _options(kind: str, made: Instance) -> Iterator[Leak]:
    assert not isinstance(made.key, Fraction)
    right = {made.key} if isinstance(made.key, str) else set(made.key)
    for at, choice in enumerate(made.choices, 1):
        if choice.id not in right:
            continue
        bare = choice.text.strip("$")
        forms = number_forms(Fraction(bare)) if bare.isdigit() else text_forms(bare)
        for form, told in forms:
            for frame in FRAMES[:5]:
                yield _leak(kind, form, frame, told, made)
        letter = "ABCDEFGH"[at - 1]
        for form, told in (("label", letter), ("small label", letter.lower())):
            for frame in LABELS:
                yield _leak(kind, form, frame, told, made)
        place = ("first", "second", "third", "fourth")[at - 1]
        for frame in ("It is the {}.", "Take the {}, of course."):
            yield _leak(kind, "place", frame, f"{place} one", made)
        yield _leak(kind, "number of option", "The right one is option {}.", str(at), made)


def _leak(kind: str, form: str, frame: str, told: str, made: Instance) -> Leak:
    before = frame.partition("{}")[0]
    return Leak(kind, form, frame.replace("{}", told), len(before), len(before) + len(told), made)


@lru_cache(maxsize=1)
def corpus() -> tuple[tuple[Leak, int], ...]:
    """Every leak with every place to cut it in two: before, inside and behind its form."""
    return tuple((leak, cut) for leak in leaks() for cut in range(leak.start, leak.end + 1))
