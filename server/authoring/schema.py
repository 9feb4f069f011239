"""Every key an author may write, and its canonical name. This file is the author's form."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from engines.course_words import VARIANTS
from engines.exercises.goals import GOALS_MOST
from server.authoring.joined import AllOf
from server.authoring.overlays import COVERS, overlay_schema
from server.authoring.shapes import (
    Amount,
    Flag,
    Key,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Record,
    Text,
    Word,
    Written,
)
from server.authoring.widgets import MOST_PARTS, VALUE, WIDGET

ID = Word(r"[a-z0-9][a-z0-9.-]{0,63}")
PARAM = r"[A-Za-z][A-Za-z0-9_]{0,31}"
PROFILES = ("authored", "imported")

_KINDS = (
    "choice",
    "multi",
    "number",
    "fraction",
    "text",
    "expression",
    "equation",
    "interval",
    "set",
    "matrix",
    "order",
    "match",
)
_LATER_KINDS = ("code",)
_PROBABILITY = Number(0, 1)
_PAIR = ListOf(Amount(), least=2, most=2)

BKT = Record({name: Key(_PROBABILITY) for name in ("init", "learn", "slip", "guess", "forget")})

SKILL = Record(
    {
        "id": Key(ID, needed=True),
        "title": Key(Text(), needed=True),
        "requires": Key(ListOf(ID, most=16)),
        "mastery": Key(_PROBABILITY),
        "bkt": Key(BKT),
    }
)

CHOICES = ListOf(
    Record({"id": Key(ID, needed=True), "text": Key(Text(), needed=True)}), least=2, most=12
)

_FORM_NAME = Word(
    r"any|integer|lowest-terms|mixed|decimal(\([0-9]{1,2}\))?|sigfig\([1-9][0-9]?\)|scientific"
    r"|expanded|collected|factored|prime-factors|rational-denominator|simplified-root"
    r"|solved-for\([A-Za-z]\w*\)|no-parentheses",
    "a form as lowest-terms, decimal(2), factored or solved-for(x)",
)
FORM = AllOf(_FORM_NAME, " & ", most=8)

ANSWER = Record(
    {
        "kind": Key(OneOf(_KINDS, _LATER_KINDS), needed=True),
        "value": Key(VALUE, needed=True),
        "form": Key(FORM),
        "form_policy": Key(OneOf(("ask", "accept", "require"))),
        "accept": Key(ListOf(Written(), most=50)),
        "tolerance": Key(
            Record(
                {
                    "abs": Key(Written()),
                    "rel": Key(Written()),
                    "places": Key(Number(0, 30, whole=True)),
                    "sigfig": Key(Number(1, 30, whole=True)),
                },
                one_of=("abs", "rel", "places", "sigfig"),
            )
        ),
        "unit": Key(
            Record(
                {
                    "want": Key(Written(), needed=True),
                    "accept": Key(ListOf(Written(), most=20)),
                    "required": Key(Flag()),
                }
            )
        ),
        "percent": Key(OneOf(("equal", "separate"))),
        "variables": Key(ListOf(Word(PARAM, "a variable's name"), most=20)),
        "integers": Key(ListOf(Word(PARAM, "a variable's name"), most=20)),
        "complex": Key(Flag()),
        "domain": Key(OneOf(("any", "strict"))),
        "typos": Key(Flag()),
        "partial": Key(Flag()),
        "examples": Key(
            Record({name: Key(ListOf(Written(), most=50)) for name in ("right", "form", "wrong")})
        ),
    }
)

PARAMS = MapOf(
    PARAM,
    Record(
        {
            "int": Key(_PAIR),
            "decimal": Key(_PAIR),
            "fraction": Key(
                Record(
                    {
                        "num": Key(_PAIR, needed=True),
                        "den": Key(_PAIR, needed=True),
                        "lowest": Key(Flag()),
                    }
                )
            ),
            "choice": Key(ListOf(Amount(), least=1, most=500)),
            "sample": Key(
                Record(
                    {
                        "from": Key(ListOf(Amount(), least=1, most=500), needed=True),
                        "n": Key(Number(1, 100, whole=True), needed=True),
                    }
                )
            ),
            "expr": Key(Written()),
            "not": Key(ListOf(Amount(), most=500)),
            "step": Key(Amount()),
            "places": Key(Number(0, 30, whole=True)),
        },
        one_of=("int", "decimal", "fraction", "choice", "sample", "expr"),
    ),
)

PART = Record(
    {
        "id": Key(ID, needed=True),
        "prompt": Key(Text(), needed=True),
        "choices": Key(CHOICES, name="options"),
        "answer": Key(ANSWER, needed=True),
        "widget": Key(WIDGET),
    }
)
"""One of an item's several questions."""

HINT = Record(
    {
        "level": Key(OneOf(("nudge", "point", "scaffold", "sibling", "bottom-out")), needed=True),
        "say": Key(Text()),
        "ask": Key(Text()),
        "answer": Key(ANSWER),
        "choices": Key(CHOICES, name="options"),
        "hints": Key(ListOf(Text(), least=1, most=10)),
    },
)

STEP = Record(
    {
        "show": Key(Text(), needed=True),
        "why": Key(Text()),
        "ask": Key(ANSWER),
        "choices": Key(CHOICES, name="options"),
    }
)

GOAL = Record(
    {
        "id": Key(ID, needed=True),
        "elicit": Key(Text()),
        "probe": Key(ListOf(Text(), least=1, most=3, lone=True)),
        "narrow": Key(Text()),
        "contrast": Key(Text()),
        "counterexample": Key(Text()),
        "confirm": Key(Text()),
        "summarise": Key(Text()),
        "expect": Key(ANSWER),
        "choices": Key(CHOICES, name="options"),
        "phrases": Key(ListOf(Text(), least=1, most=20, lone=True)),
    }
)
"""A Socratic goal: a question for each move of the plan, and what meets it."""

MEDIA = ListOf(
    Record(
        {
            "file": Key(
                Word(r"media/[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "a file's name below media/"),
                needed=True,
            ),
            "alt": Key(Text()),
        }
    ),
    least=1,
    most=8,
)

ITEM = Record(
    {
        "id": Key(ID, needed=True),
        "title": Key(Text()),
        "skills": Key(ListOf(ID, least=1, most=4), needed=True),
        "difficulty": Key(Number(-6, 6)),
        "params": Key(PARAMS),
        "where": Key(ListOf(Written(), most=20)),
        "prompt": Key(Text(), needed=True),
        "choices": Key(CHOICES, name="options"),
        "answer": Key(ANSWER),
        "widget": Key(WIDGET),
        "parts": Key(ListOf(PART, least=2, most=MOST_PARTS)),
        "misconceptions": Key(
            ListOf(
                Record(
                    {
                        "id": Key(ID, needed=True),
                        "when": Key(Written(), needed=True),
                        "say": Key(Text()),
                        "shared": Key(Flag()),
                    }
                ),
                most=50,
            )
        ),
        "hints": Key(ListOf(HINT, most=100)),
        "steps": Key(ListOf(STEP, most=50)),
        "variants": Key(Record({name: Key(Text()) for name in VARIANTS})),
        "socratic": Key(
            Record({"goals": Key(ListOf(ID, least=1, most=GOALS_MOST), needed=True)}),
            name="goals",
        ),
        "media": Key(MEDIA),
        "tags": Key(ListOf(Written(), most=50)),
        "time_hint_s": Key(Number(Fraction(1), 86_400)),
        "source": Key(
            Record({name: Key(Written()) for name in ("title", "url", "license", "original_id")})
        ),
    },
    one_of=("answer", "parts"),
)

COURSE = Record(
    {
        "course": Key(ID, needed=True, name="id"),
        "version": Key(Word(r"[0-9A-Za-z.+-]{1,32}", "a version as 1.2.0"), needed=True),
        "title": Key(Text(), needed=True),
        "locale": Key(Word(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a language tag as en")),
        "license": Key(Written()),
        "attribution": Key(ListOf(Written(), most=100)),
        "profile": Key(OneOf(PROFILES)),
        "skills": Key(ListOf(SKILL, least=1, most=2_000), needed=True),
        "misconceptions": Key(
            ListOf(
                Record({"id": Key(ID, needed=True), "say": Key(Text(), needed=True)}),
                most=500,
            )
        ),
        "socratic": Key(Record({"goals": Key(ListOf(GOAL, most=500), needed=True)}), name="goals"),
        "reading_grade": Key(Number(1, 18)),
        "items": Key(ListOf(ITEM, most=5_000)),
    },
)


def json_schema() -> dict[str, Any]:
    """The author's form as JSON Schema (2020-12): `course.yaml`, `$defs.items`, `$defs.locale`."""
    one_item = ITEM.schema()
    schema = COURSE.schema()
    schema["properties"]["items"]["items"] = {"$ref": "#/$defs/item"}
    many = {"type": "array", "items": {"$ref": "#/$defs/item"}}
    overlay = overlay_schema(COURSE)
    overlay["properties"][COVERS] = ListOf(ID).schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A tutorstream course: course.yaml",
        **schema,
        "$defs": {
            "item": one_item,
            "locale": {
                "title": "locales/<tag>.yaml: the course's texts in another language",
                **overlay,
            },
            "items": {
                "title": "items/*.yaml: a list of items, or a mapping with the key items",
                "anyOf": [
                    many,
                    {
                        "type": "object",
                        "properties": {"items": many},
                        "required": ["items"],
                        "additionalProperties": False,
                    },
                ],
            },
        },
    }
