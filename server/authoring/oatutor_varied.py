"""OATutor's variabilisation: numbers that a problem draws from lists of its own. This file turns
them into params.

A problem, step or hint names lists; one place, the same in all of them, is drawn, and `@{name}` is
replaced in every text before it is read. As a param each list is a choice by that place: whole
numbers as such, all else as texts, so that what is printed is what the source prints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from server.authoring.oatutor_answers import (
    Answer,
    Asked,
    accepts_itself,
    answer_of,
    bare_of,
    holds_key,
)
from server.authoring.oatutor_texts import formula_of, text_of
from server.transfer.tally import NotImported

OPTIONS_MOST = 64
"""Most places of a list."""
PLACE = "v_place"
"""The param that is drawn."""

_MARK = re.compile(r"@\{([^{}\s]+)\}")
_HELD = re.compile("\ue000([^\ue001]*)\ue001")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_TEXT = re.compile(r"[^'\x00-\x1f]{0,200}\Z")


class Variation:
    """The lists in force for a step, and the params they become.

    Raises `NotImported` for lists that cannot be params: empty, longer than `OPTIONS_MOST`, with
    values that are neither texts nor numbers, or named twice with different values.
    """

    def __init__(self, *holders: Mapping[str, Any]) -> None:
        self.lists: dict[str, list[str]] = {}
        self.params: dict[str, dict[str, Any]] = {}
        for holder in holders:
            for name, values in (holder.get("variabilization") or {}).items():
                self._add(str(name), values)
        self.options = max((len(values) for values in self.lists.values()), default=1)
        if self.lists:
            self.params[PLACE] = {"int": [0, self.options - 1]}
        for name, values in self.lists.items():
            self.params[f"v_{name}"] = {"expr": self._choice([_literal(v) for v in values])}

    def _add(self, name: str, values: Any) -> None:
        listed = [str(v).strip() for v in values] if isinstance(values, list) else []
        known = self.lists.get(name, listed)
        fits = 0 < len(listed) <= OPTIONS_MOST and all(map(_TEXT.match, listed))
        if not fits or known != listed or not re.fullmatch(r"[A-Za-z0-9_]{1,28}", name):
            raise NotImported("variabilised")
        self.lists[name] = listed

    def _choice(self, values: list[str]) -> str:
        """An expression that is the value at the place drawn; a list that is short begins anew."""

        def between(low: int, high: int) -> str:
            if high - low == 1:
                return values[low % len(values)]
            middle = (low + high) // 2
            return f"if({PLACE} < {middle}, {between(low, middle)}, {between(middle, high)})"

        return between(0, self.options)

    def held(self, value: Any) -> Any:
        """A JSON value with the marks of the lists' names set apart from other text."""
        return _walked(value, lambda text: _MARK.sub(self._hold, text))

    def _hold(self, found: re.Match[str]) -> str:
        if found[1] not in self.lists:
            raise NotImported("unfilled-template")
        return f"\ue000{found[1]}\ue001"

    def filled(self, value: Any, place: int) -> Any:
        """A held value with what stands at a place of the lists."""

        def put(found: re.Match[str]) -> str:
            values = self.lists[found[1]]
            return values[place % len(values)]

        return _walked(value, lambda text: _HELD.sub(put, text))

    def marked(self, value: Any) -> Any:
        """A held value as a template: what was set apart is a mark of its param."""
        if not self.lists:
            return value
        return _walked(value, lambda text: _HELD.sub(lambda f: f"@{{v_{f[1]}}}", text))

    def answer(self, step: dict[str, Any], keys: list[str], asked: Asked) -> Answer:
        """The answer of a held step or scaffold. Raises `NotImported`."""
        if not any(map(_HELD.search, [*keys, *(step.get("choices") or [])])):
            return answer_of(step, keys, asked)
        each = [
            answer_of(self.filled(step, at), self.filled(keys, at), self._asked(asked, at))
            for at in range(self.options)
        ]
        kinds = {answer.kind for answer in each}
        if kinds == {"choice"}:
            fields = self._chosen(step, each)
        elif kinds <= {"number", "fraction"}:
            fields = self._counted(each, kinds, keys)
        else:
            fields = self._formula(each, keys, asked)
        repeated = any(answer.repeated for answer in each)
        return Answer(fields, text_of(keys[0]), repeated=repeated, each=tuple(each))

    def _asked(self, asked: Asked, at: int) -> Asked:
        return asked._replace(prompt=self.filled(asked.prompt, at))

    def _chosen(self, step: dict[str, Any], each: list[Answer]) -> dict[str, Any]:
        answers = {repr(answer.fields["answer"]) for answer in each}
        if len(answers) > 1:
            raise NotImported("variabilised")
        listed = [
            {"id": option["id"], "text": text_of(text) or "\\_"}
            for option, text in zip(each[0].fields["choices"], step["choices"], strict=True)
        ]
        return {"choices": listed, "answer": each[0].fields["answer"]}

    def _counted(self, each: list[Answer], kinds: set[str], keys: list[str]) -> dict[str, Any]:
        name = f"v_key{len(self.params)}"
        values = [str(answer.value) for answer in each]
        self.params[name] = {"expr": self._choice([f"({value})" for value in values])}
        spec: dict[str, Any] = {"kind": "fraction" if "fraction" in kinds else "number"}
        spec["value"] = name
        if "fraction" in kinds:
            spec["form_policy"] = "accept"
        if all("accept" in answer.fields["answer"] for answer in each):
            spec["accept"] = [bare_of(keys[0])]
        return {"answer": spec}

    def _formula(self, each: list[Answer], keys: list[str], asked: Asked) -> dict[str, Any]:
        """One kind over the params where every place has it, else a text with marks."""
        bare = bare_of(keys[0])
        specs = {(a.kind, str(a.fields["answer"].get("form", "any"))) for a in each}
        if len(specs) == 1 and each[0].kind != "text":
            kind, form = specs.pop()
            value = _HELD.sub(lambda found: f"(v_{found[1]})", formula_of(bare))
            spec = {"kind": kind, "value": value} | ({"form": form} if form != "any" else {})
            if accepts_itself({"params": self.params, "answer": spec}, locale=asked.locale):
                return {"answer": spec}
        return {"answer": {"kind": "text", "value": bare}}

    def states(self, text: str, answer: Answer) -> bool:
        """Whether a held text says the key, whatever the place."""
        if not answer.each:
            return holds_key(text, answer)
        filled = (self.filled(text, at) for at in range(self.options))
        return all(map(holds_key, filled, answer.each))


def _literal(value: str) -> str:
    return f"({value})" if _WHOLE.match(value) else f"'{value}'"


def _walked(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _walked(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_walked(each, change) for each in value]
    return value
