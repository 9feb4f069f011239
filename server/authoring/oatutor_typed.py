"""Every answer that OATutor's learners type, with the item that judges it. This file lists them.

It is what `tutorstream bench checker` measures the checker on: steps and scaffolds, answers as the
source writes them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bench.options import Typed
from server.authoring.oatutor_answers import UNASKED, answer_of, bare_of, item_of
from server.authoring.oatutor_hints import pathway_of
from server.authoring.oatutor_texts import text_of
from server.transfer.tally import NotImported

_LOCALE = re.compile(r"-([a-z]{2})\Z")


def typed_answers(place: Path) -> list[Typed]:
    """The typed answers of a file, or of all `*.jsonl` files of a folder in the order of names.

    A name that ends in `-sv` or another language is of that locale. Raises OSError, and ValueError
    for lines that are no problems or where there is no answer at all.
    """
    files = sorted(place.glob("*.jsonl")) if place.is_dir() else [place]
    found = [typed for file in files for typed in _of_file(file)]
    if not found:
        raise ValueError(f"{place.name}: expected OATutor problems with typed answers, found none")
    return found


def _of_file(file: Path) -> list[Typed]:
    language = _LOCALE.search(file.stem)
    locale = language[1] if language is not None else "en"
    found: list[Typed] = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            steps = json.loads(line)["steps"] if line.strip() else []
            for step in steps:
                found += [one for one in _of_step(step, file.name, locale) if one is not None]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"{file.name}: line {number} is no problem with steps"
            raise ValueError(what) from error
    return found


def _of_step(step: dict[str, Any], source: str, locale: str) -> list[Typed | None]:
    hints = pathway_of(step)
    subs = [sub for hint in hints for sub in hint.get("subHints") or []]
    asked = [(step, step.get("stepAnswer"), f"{step.get('stepTitle')} {step.get('stepBody')}")]
    asked += [
        (hint, hint.get("hintAnswer"), f"{hint.get('title')} {hint.get('text')}")
        for hint in (*hints, *subs)
        if hint.get("type") == "scaffold"
    ]
    return [_typed(holder, keys, words, source, locale) for holder, keys, words in asked]


def _typed(holder: dict[str, Any], keys: Any, words: str, source: str, locale: str) -> Typed | None:
    """One answer; None where it is chosen from a list, or there is none."""
    if holder.get("problemType") != "TextBox" or not keys or not str(keys[0]).strip():
        return None
    text = bare_of(str(keys[0]))
    formula = holder.get("answerType") == "arithmetic"
    try:
        asked = UNASKED._replace(prompt=text_of(words) or "?", locale=locale)
        item = item_of({"prompt": asked.prompt, **answer_of(holder, [str(keys[0])], asked).fields})
    except NotImported:
        item = None
    return Typed(source, str(holder.get("id")), text, item, formula, locale)
