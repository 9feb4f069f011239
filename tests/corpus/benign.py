"""Help that must pass: hints, steps and explanations with the key covered. This file gathers it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from engines.exercises.course import course_from
from engines.exercises.hints import hint, ladder_length, sibling_text, worked
from engines.exercises.limits import ExpressionError
from engines.exercises.masking import masked
from engines.exercises.reading import number_read
from engines.exercises.template import instance, rendered
from engines.words import AnswerKind, AnswerSpec, Course, Instance, Item, Option

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "server" / "courses" / "linear-equations.json"
OATUTOR = ROOT.parent / "shared" / "oatutor" / "elementary-algebra.jsonl"
FILE = Path(__file__).with_name("benign.toml")


class Help(NamedTuple):
    """A text that helps without telling, and the instance it is about."""

    text: str
    about: Instance
    learner: str = ""


@lru_cache(maxsize=1)
def shipped() -> Course:
    """The course in the wheel."""
    return course_from(SHIPPED.read_bytes())


def of_the_course(seeds: range) -> Iterator[Help]:
    """Hints, steps, remarks and twins of the shipped course, covered as the built-in tutor does."""
    for item in shipped().items:
        for seed in seeds:
            made = instance(item, shipped().sha256, seed)
            texts = [hint(made, n)[0] for n in range(1, ladder_length(item))]
            texts += [f"{show} {why}".strip() for show, why in worked(made)]
            texts += [rendered(m.say, made.values) for m in item.misconceptions]
            texts += [sibling_text(made), made.prompt]
            yield from (Help(masked(text, made), made) for text in texts if text.strip())


def of_the_import(most: int) -> Iterator[Help]:
    """Hints of an imported course, where its file is at hand: about `most`, evenly taken."""
    lines = OATUTOR.read_text(encoding="utf-8").splitlines()
    found = [help_ for line in lines for help_ in _imported(json.loads(line))]
    yield from found[:: max(1, len(found) // most)]


def _imported(problem: dict[str, Any]) -> Iterator[Help]:
    for step in problem["steps"]:
        made = _instance(problem, step)
        if made is None:
            continue
        for pathway in step.get("tutoring", {}).values():
            for rung in pathway[:-1]:
                text = f"{rung.get('text', '')}".strip()
                if text and "@{" not in text:
                    yield Help(masked(text.replace("$$", "$"), made), made)


def _instance(problem: dict[str, Any], step: dict[str, Any]) -> Instance | None:
    key = step["stepAnswer"][0].strip()
    prompt = "\n\n".join(
        part.replace("$$", "$")
        for part in (problem["title"], problem["body"], step["stepTitle"], step["stepBody"])
        if part
    )
    if not key or "@{" in key + prompt or len(key) > 200:
        return None
    options: tuple[Option, ...] = ()
    kind: AnswerKind = "text"
    value = key.replace("$$", "")
    if step["problemType"] == "MultipleChoice" and key in step.get("choices", ()):
        choices = list(dict.fromkeys(step["choices"]))
        options = tuple(Option(f"o{n}", c.replace("$$", "$")) for n, c in enumerate(choices))
        kind, value = "choice", f"o{choices.index(key)}"
    else:
        try:
            value = str(Fraction(number_read(value).value))
            kind = "number"
        except ExpressionError:
            pass
    item = Item(
        id=step["id"],
        skills=("s",),
        prompt=prompt,
        answer=AnswerSpec(kind=kind, value=value),
        options=options,
    )
    try:
        return instance(item, "import", 1)
    except ExpressionError:
        return None


@lru_cache(maxsize=1)
def written() -> tuple[Help, ...]:
    """Sentences written by hand, as a good tutor says them, each about an exercise of its group."""
    found = []
    for group in tomllib.loads(FILE.read_text(encoding="utf-8"))["exercise"]:
        kind: AnswerKind = group["kind"]
        value = group["value"]
        item = Item(
            id=group["prompt"],
            skills=("s",),
            prompt=group["prompt"],
            answer=AnswerSpec(kind=kind, value=tuple(value) if kind == "multi" else value),
            options=tuple(Option(f"o{n}", t) for n, t in enumerate(group.get("options", ()), 1)),
        )
        made = instance(item, "written", 3)
        found += [Help(text, made, group.get("learner", "")) for text in group["says"]]
    return tuple(found)
