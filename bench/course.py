"""The course that is taught while measuring: sums whose answer a client can work out. This file
is that course, and the client's reading of its prompts.
"""

from __future__ import annotations

import re
from typing import Any

from engines.exercises.course import canonical

COURSE_ID = "bench-sums"
N_SKILLS, N_ITEMS = 9, 200

_SUM = re.compile(r"(-?\d+) \+ (-?\d+)")


def document() -> dict[str, Any]:
    """9 skills in a row of prerequisites, 200 parametrised items from easy to hard."""
    skills = [
        {"id": f"sum.{k}", "title": f"Sums, part {k}", "requires": [f"sum.{k - 1}"] if k else []}
        for k in range(N_SKILLS)
    ]
    return {
        "format": 1,
        "id": COURSE_ID,
        "version": "1.0.0",
        "title": "Sums for measuring",
        "license": "CC0-1.0",
        "attribution": ["Made for measuring"],
        "locale": "en",
        "skills": skills,
        "items": [_item(n) for n in range(N_ITEMS)],
    }


def _item(n: int) -> dict[str, Any]:
    most = 20 + n
    return {
        "id": f"sum.{n % N_SKILLS}.{n:03}",
        "title": f"Sum {n}",
        "skills": [f"sum.{n % N_SKILLS}"],
        "difficulty": f"{4 * n - 2 * N_ITEMS}/{N_ITEMS}",
        "params": {"a": {"int": [2, most]}, "b": {"int": [2, most]}},
        "prompt": "What is $@{a} + @{b}$?",
        "answer": {"kind": "number", "value": "a + b"},
        "misconceptions": [
            {"id": "subtracted", "when": "a - b", "say": "You took @{b} away. Read the sign again."}
        ],
        "hints": [
            {"level": "nudge", "say": "Start at the larger number."},
            {"level": "bottom-out", "say": "It is $@{a + b}$."},
        ],
        "steps": [{"show": "$@{a} + @{b} = @{a + b}$", "why": "Add the two numbers."}],
    }


def course_bytes() -> bytes:
    """The course in its canonical form."""
    return canonical(document())


def sum_of(prompt: str) -> int:
    """The right answer to a prompt; ValueError for another prompt.

    >>> sum_of("What is $12 + 7$?")
    19
    """
    found = _SUM.search(prompt)
    if found is None:
        raise ValueError(f"expected a sum in the prompt, came {prompt!r}")
    return int(found[1]) + int(found[2])
