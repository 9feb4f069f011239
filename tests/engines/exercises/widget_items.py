"""Items with widgets and parts that the tests share. This file is one of each.

Ids of entries are words that no text holds, so that a frame which names one is found out.
"""

from __future__ import annotations

from typing import Any

from engines.exercises.course import canonical

HINTS = [
    {"level": "nudge", "say": "Look at the sizes first."},
    {"level": "bottom-out", "say": "That was all of it."},
]
ORDER: dict[str, Any] = {
    "id": "order.1",
    "skills": ["s"],
    "prompt": "Put them in order, the smallest first.",
    "params": {"a": {"int": [1, 4]}, "b": {"int": [5, 9]}},
    "answer": {
        "kind": "order",
        "value": ["zebra", "yak", "wolf", "vole"],
        "partial": True,
        "accept": ["yak, zebra, wolf, vole"],
        "examples": {"right": ["zebra, yak, wolf, vole"], "wrong": ["vole, wolf, yak, zebra"]},
    },
    "widget": {
        "kind": "order",
        "tokens": [
            {"id": "zebra", "text": "$\\frac{1}{@{b}}$"},
            {"id": "yak", "text": "$\\frac{1}{@{a}}$"},
            {"id": "wolf", "text": "$@{a + 1}$"},
            {"id": "vole", "text": "$@{a + b}$"},
        ],
        "across": True,
    },
    "misconceptions": [
        {"id": "reversed", "when": "vole, wolf, yak, zebra", "say": "That begins with the largest."}
    ],
    "hints": HINTS,
}
MATCH: dict[str, Any] = {
    "id": "match.1",
    "skills": ["s"],
    "prompt": "Which belong together?",
    "params": {"n": {"int": [2, 9]}},
    "answer": {
        "kind": "match",
        "value": {"moth": "newt", "mole": "otter", "mule": "pike"},
        "partial": True,
        "examples": {
            "right": ["moth: newt, mole: otter, mule: pike"],
            "wrong": ["moth: pike, mole: newt, mule: otter"],
        },
    },
    "widget": {
        "kind": "match",
        "left": [
            {"id": "moth", "text": "$@{n}/2$"},
            {"id": "mole", "text": "$@{n}/3$"},
            {"id": "mule", "text": "$@{n}/5$"},
        ],
        "right": [
            {"id": "newt", "text": "halves"},
            {"id": "otter", "text": "thirds"},
            {"id": "pike", "text": "fifths"},
            {"id": "quail", "text": "sevenths"},
        ],
    },
    "misconceptions": [
        {"id": "sevenths", "when": "moth: quail", "say": "Nothing is cut in seven here."}
    ],
    "hints": HINTS,
}
PARSONS: dict[str, Any] = {
    "id": "parsons.1",
    "skills": ["s"],
    "prompt": "Print each number up to @{n}.",
    "params": {"n": {"int": [2, 9]}},
    "answer": {"kind": "order", "value": ["raven", "shrew:1", "tapir"], "partial": True},
    "widget": {
        "kind": "parsons",
        "lines": [
            {"id": "raven", "text": "for k in range(@{n + 1}):"},
            {"id": "shrew", "text": "print(k)"},
            {"id": "tapir", "text": "print('done')"},
            {"id": "urchin", "text": "print(n)"},
        ],
        "most_indent": 2,
    },
    "hints": HINTS,
}
LINE: dict[str, Any] = {
    "id": "line.1",
    "skills": ["s"],
    "prompt": "Where is the middle of $0$ and $@{n}/2$?",
    "params": {"n": {"int": [1, 7]}},
    "answer": {"kind": "fraction", "value": "n/4"},
    "widget": {"kind": "number-line", "low": "0", "high": "2", "step": "1/4"},
    "hints": HINTS,
}
PLOT: dict[str, Any] = {
    "id": "plot.1",
    "skills": ["s"],
    "prompt": "Make the line rise by $@{a}/2$ and meet $@{b}$.",
    "params": {"a": {"int": [1, 5]}, "b": {"int": [-4, 4], "not": [0]}},
    "answer": {"kind": "expression", "value": "a/2*x + b"},
    "widget": {
        "kind": "slider-plot",
        "plot": "m*x + b0",
        "sliders": [
            {"name": "m", "low": "-3", "high": "3", "step": "1/2", "start": "0", "label": "slope"},
            {"name": "b0", "low": "-5", "high": "5", "step": "1", "start": "0"},
        ],
        "x": ["-5", "5"],
        "y": ["-10", "10"],
        "points": [["0", "b"]],
    },
    "hints": HINTS,
}
PARTS: dict[str, Any] = {
    "id": "parts.1",
    "skills": ["s"],
    "prompt": "You have $@{n}$ apples.",
    "params": {"n": {"int": [2, 9]}},
    "parts": [
        {
            "id": "half",
            "prompt": "How many in each half?",
            "answer": {"kind": "number", "value": "n/2"},
        },
        {
            "id": "more",
            "prompt": "Which is more?",
            "choices": [{"id": "x", "text": "$@{n}$"}, {"id": "y", "text": "$@{n}/2$"}],
            "answer": {"kind": "choice", "value": "x"},
        },
        {
            "id": "row",
            "prompt": "Put them in order.",
            "answer": {"kind": "order", "value": ["adder", "bison", "camel"]},
            "widget": {
                "kind": "order",
                "tokens": [
                    {"id": "adder", "text": "$@{n}$"},
                    {"id": "bison", "text": "$@{n + 1}$"},
                    {"id": "camel", "text": "$@{n + 2}$"},
                ],
            },
        },
    ],
    "hints": HINTS,
}
POLL: dict[str, Any] = {
    "id": "poll.1",
    "skills": ["s"],
    "prompt": "Which is larger?",
    "params": {"n": {"int": [2, 9]}},
    "choices": [{"id": "hare", "text": "$1/@{n}$"}, {"id": "ibex", "text": "$1/@{n + 1}$"}],
    "answer": {"kind": "choice", "value": "hare"},
    "widget": {"kind": "poll"},
    "hints": HINTS,
}
BOARD: dict[str, Any] = {
    "id": "board.1",
    "skills": ["s"],
    "prompt": "Sketch $@{n}$ dots and count them.",
    "params": {"n": {"int": [2, 9]}},
    "answer": {"kind": "number", "value": "n"},
    "widget": {"kind": "board"},
    "hints": HINTS,
}
WRITTEN = (ORDER, MATCH, PARSONS, LINE, PARTS, POLL, BOARD)
"""Those whose kinds of answer this file's tests judge themselves."""
AUTHORS_IDS = (
    "zebra", "yak", "wolf", "vole", "moth", "mole", "mule", "newt", "otter", "pike", "quail",
    "raven", "shrew", "tapir", "urchin", "adder", "bison", "camel",
)  # fmt: skip


def widget_course(*written: dict[str, Any]) -> bytes:
    """Canonical bytes of a course of these items, all of them by default."""
    items = []
    for each in written or WRITTEN:
        item = {("options" if key == "choices" else key): value for key, value in each.items()}
        item["parts"] = [
            {("options" if key == "choices" else key): value for key, value in part.items()}
            for part in each.get("parts", ())
        ]
        items.append(item if item["parts"] else {k: v for k, v in item.items() if k != "parts"})
    return canonical(
        {
            "format": 1,
            "id": "widgets",
            "version": "1.0.0",
            "title": "Widgets",
            "license": "CC-BY-4.0",
            "attribution": ["Written for the tests"],
            "skills": [{"id": "s", "title": "Sizes"}],
            "items": items,
        }
    )
