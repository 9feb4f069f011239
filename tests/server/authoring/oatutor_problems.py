"""OATutor problems for tests, in few words. This file is their maker."""

from __future__ import annotations

import json
from typing import Any

from server.authoring.oatutor import Import, imported

LICENSE = "https://creativecommons.org/licenses/by/4.0/ <CC BY 4.0>"


def hint(text: str, name: str = "h1", **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "hint", "dependencies": [], "title": "", "text": text, **more}


def scaffold(text: str, key: str, name: str = "h1", **more: Any) -> dict[str, Any]:
    asked = {"problemType": "TextBox", "answerType": "arithmetic", "hintAnswer": [key]}
    return hint(text, name, **{**asked, "type": "scaffold", **more})


def step(name: str, title: str, key: str, *hints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": name, "stepTitle": title, "stepBody": "", "stepAnswer": [key],
        "problemType": "TextBox", "answerType": "arithmetic", "variabilization": {},
        "knowledgeComponents": ["use_numbers"], "tutoring": {"DefaultPathway": list(hints)}, **more,
    }  # fmt: skip


def choice(name: str, title: str, key: str, *choices: str, **more: Any) -> dict[str, Any]:
    asked = {"problemType": "MultipleChoice", "answerType": "string", "choices": list(choices)}
    return step(name, title, key, **{**asked, **more})


def problem(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "p1", "title": "", "body": "", "variabilization": {}, "oer": "<A Book>",
        "license": LICENSE, "lesson": "1.1 Numbers", "courseName": "Book", "steps": list(steps),
        **more,
    }  # fmt: skip


def made(*problems: dict[str, Any], locale: str = "en") -> Import:
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in problems)
    return imported(lines.encode(), locale=locale)


def items(done: Import) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for listed in done.items.values() for item in listed}
