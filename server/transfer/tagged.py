"""What a foreign format has no place for, kept in its tags. This file is that writing and reading.

A tag `tutorstream:form=lowest-terms` is a plain word to another system; a question that comes back
has its kind and form again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engines.words import AnswerSpec
from server.transfer.questions import Judged, spelled, typed_number

MOST_CHARACTERS = 50
"""Longest tag that Moodle keeps."""
BEGIN = "tutorstream:"
FORMULAS = frozenset({"number", "fraction", "expression", "equation", "interval", "set", "matrix"})
"""Kinds that a short answer may stand for: the value is a text of the answer grammar."""
_WORDS = {"form": "any", "form_policy": "ask", "percent": "equal", "domain": "any"}
_FLAGS = ("typos", "complex")
_LISTS = {"variables": "variable", "integers": "integer"}
_PARTIAL = frozenset({"multi", "order", "match"})

Setting = tuple[str, str]


def settings_of(answer: AnswerSpec, *, held: str, partial: bool) -> list[Setting]:
    """How an answer is judged, where that is not what `held`, the other system's kind, says.

    `partial` is what an importer takes for granted of shares.

    >>> settings_of(AnswerSpec("fraction", "1/2", form="mixed"), held="text", partial=False)
    [('kind', 'fraction'), ('form', 'mixed')]
    """
    said: list[Setting] = [("kind", answer.kind)] if answer.kind != held else []
    for key, usual in _WORDS.items():
        if (value := getattr(answer, key)) != usual:
            said.append((key, str(value)))
    said += [(key, "true") for key in _FLAGS if getattr(answer, key)]
    if answer.kind in _PARTIAL and answer.partial != partial:
        said.append(("partial", "true" if answer.partial else "false"))
    for key, one in _LISTS.items():
        said += [(one, each) for each in getattr(answer, key)]
    return said


def tags_of(settings: Iterable[Setting]) -> tuple[list[str], list[Setting]]:
    """The settings as tags, and those that fit in none.

    >>> tags_of([("form", "mixed"), ("accept", "1,5")])
    (['tutorstream:form=mixed'], [('accept', '1,5')])
    """
    tags: list[str] = []
    lost: list[Setting] = []
    for key, value in settings:
        tag = f"{BEGIN}{key}={value}"
        if len(tag) <= MOST_CHARACTERS and not set(",;|\n") & set(tag):
            tags.append(tag)
        else:
            lost.append((key, value))
    return tags, lost


def of_tags(tags: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The tags that are the source's own, and what the others say by key.

    >>> of_tags(["easy", "tutorstream:kind=set"])
    (['easy'], {'kind': ['set']})
    """
    own: list[str] = []
    extra: dict[str, list[str]] = {}
    for tag in tags:
        key, equals, value = tag.removeprefix(BEGIN).partition("=")
        if tag.startswith(BEGIN) and equals:
            extra.setdefault(key, []).append(value)
        else:
            own.append(tag)
    return own, extra


def restored(judged: Judged, extra: Mapping[str, Sequence[str]]) -> None:
    """Give an answer its kind and settings again; a key that is none is left alone."""
    answer = judged.fields["answer"]
    kind = extra.get("kind", [""])[0]
    if kind in FORMULAS and answer["kind"] == "text":
        answer["kind"] = kind
        judged.shown = f"${answer['value']}$"
        if kind in {"number", "fraction"} and (value := typed_number(answer["value"])) is not None:
            judged.value, answer["value"] = value, spelled(value)
    for key in _WORDS:
        if values := extra.get(key):
            answer[key] = values[0]
    for key in (*_FLAGS, "partial"):
        if values := extra.get(key):
            answer[key] = values[0] == "true"
    for key, one in _LISTS.items():
        if values := extra.get(one):
            answer[key] = list(values)
    if texts := extra.get("accept"):
        answer["accept"] = list(dict.fromkeys([*answer.get("accept", []), *texts]))
