"""What a foreign format has no place for, kept in its tags. This file is that writing and reading.

A tag `tutorstream:form=lowest-terms` is a plain word to another system; a question that comes back
has its kind and form again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.transfer.questions import Judged, number_of
from server.transfer.tally import NotImported

MOST_CHARACTERS = 50
"""Longest tag that Moodle keeps."""
_BEGIN = "tutorstream:"
_FORMULAS = frozenset({"number", "fraction", "expression", "equation", "interval", "set", "matrix"})
"""Kinds that a short answer may stand for: the value is a text of the answer grammar."""
_TRUE_KEYS = ("typos", "partial")
_KEYS = ("form", "form_policy", "percent")


def tags_of(answer: Mapping[str, Any], *, kind: str, held: str) -> tuple[list[str], list[str]]:
    """Tags for what `held`, the other system's kind, cannot say, and the keys that do not fit.

    `answer` is the answer as an author writes it.

    >>> tags_of({"form": "mixed", "accept": ["x = 3"]}, kind="fraction", held="text")
    (['tutorstream:kind=fraction', 'tutorstream:form=mixed', 'tutorstream:accept=x = 3'], [])
    """
    said = [("kind", kind)] if kind != held else []
    said += [(key, str(answer[key])) for key in _KEYS if isinstance(answer.get(key), str)]
    said += [(key, "true") for key in _TRUE_KEYS if answer.get(key)]
    said += [("variable", each) for each in answer.get("variables", ())]
    said += [("accept", each) for each in answer.get("accept", ())]
    tags: list[str] = []
    lost: list[str] = []
    for key, value in said:
        tag = f"{_BEGIN}{key}={value}"
        if len(tag) <= MOST_CHARACTERS and "," not in tag:
            tags.append(tag)
        else:
            lost.append(key)
    return tags, lost


def of_tags(tags: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The tags that are the source's own, and what the others say by key.

    >>> of_tags(["easy", "tutorstream:kind=set"])
    (['easy'], {'kind': ['set']})
    """
    own: list[str] = []
    extra: dict[str, list[str]] = {}
    for tag in tags:
        key, equals, value = tag.removeprefix(_BEGIN).partition("=")
        if tag.startswith(_BEGIN) and equals:
            extra.setdefault(key, []).append(value)
        else:
            own.append(tag)
    return own, extra


def restored(judged: Judged, extra: Mapping[str, Sequence[str]]) -> None:
    """Give an answer its kind and form again."""
    answer = judged.fields["answer"]
    kind = extra.get("kind", [""])[0]
    if kind in _FORMULAS and answer["kind"] == "text":
        answer["kind"] = kind
        if kind in {"number", "fraction"}:
            try:
                judged.value = number_of(answer["value"])
            except NotImported:
                judged.value = None
    for key in _KEYS:
        if values := extra.get(key):
            answer[key] = values[0]
    for key in _TRUE_KEYS:
        if key in extra:
            answer[key] = True
    if names := extra.get("variable"):
        answer["variables"] = list(names)
    if texts := extra.get("accept"):
        answer["accept"] = list(dict.fromkeys([*answer.get("accept", []), *texts]))
    if kind in _FORMULAS:
        judged.shown = f"${answer['value']}$"
