"""A small course to begin with, for `content new`. This file is its text."""

from __future__ import annotations

from pathlib import Path

from server.authoring.writing import Occupied

_HEAD = """\
course: {name}
version: 0.1.0
title: {title}
locale: en
license: CC-BY-4.0
attribution: ["Written by {name}'s authors"]
skills:
  - id: add.small
    title: Adding small numbers
    # requires: [another.skill]
    # bkt: {{init: 0.25, learn: 0.15, slip: 0.08, guess: 0.12, forget: 0.02}}
"""

_ITEMS = """\
# One list of items a file. Texts are Markdown with $maths$; @{expression} prints a drawn number.
- id: add.small.01
  skills: [add.small]
  difficulty: -1
  params: {a: {int: [2, 9]}, b: {int: [11, 19]}}
  prompt: "What is $@{a} + @{b}$?"
  answer:
    kind: number
    value: a + b
    examples: {right: ["@{a+b}"], wrong: ["@{b-a}", "@{a*b}"]}
  misconceptions:
    - {id: subtracted, when: b - a, say: "You subtracted. What does the plus ask for?"}
  hints:
    - {level: nudge, say: "Start at the larger number."}
    - level: scaffold
      ask: "Count on from $@{b}$: how many steps?"
      answer: {kind: number, value: a}
    - {level: bottom-out, say: "$@{b} + @{a} = @{a+b}$"}
  steps:
    - {show: "$@{a} + @{b} = @{b} + @{a}$", why: "The order of a sum does not matter."}
    - {show: "$@{a+b}$", why: "Count on from the larger number."}

- id: add.small.02
  skills: [add.small]
  params: {n: {int: [2, 12]}, m: {int: [2, 12]}}
  where: ["n != m"]
  prompt: "Which is the same as $@{n} + @{m}$?"
  choices:
    - {id: turned, text: "$@{m} + @{n}$"}
    - {id: minus, text: "$@{n} - @{m}$"}
    - {id: more, text: "$@{n} + @{m+1}$"}
  answer: {kind: choice, value: turned}
  misconceptions:
    - {id: any-sign, when: minus, say: "Look at the sign between the numbers."}
  hints:
    - {level: nudge, say: "Does the order of a sum matter?"}
    - {level: bottom-out, say: "$@{m} + @{n}$ only changes the order."}

- id: add.small.03
  skills: [add.small]
  params: {a: {int: [3, 9]}, s: {int: [12, 30]}}
  prompt: "Which number is missing: $@{a} + ? = @{s}$"
  answer: {kind: number, value: s - a}
  misconceptions:
    - {id: added, when: s + a, say: "The sum stands on the right already."}
  hints:
    - {level: nudge, say: "What must be put to the first number to reach the sum?"}
    - {level: bottom-out, say: "$@{s} - @{a} = @{s-a}$"}
"""


def started(folder: Path, name: str) -> list[Path]:
    """The files of a new course in an empty folder. Raises `Occupied` where it is not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Occupied(f"{folder} is not empty")
    (folder / "items").mkdir(parents=True, exist_ok=True)
    title = name.replace("-", " ").replace(".", " ").capitalize()
    written = {
        folder / "course.yaml": _HEAD.format(name=name, title=title),
        folder / "items" / "01-first.yaml": _ITEMS,
    }
    for path, text in written.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(written)
