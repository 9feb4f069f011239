"""A figure in the docs stands in the record it names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
RECORDS = sorted((ROOT / "bench" / "records").glob("*.json"))
_RECORD = re.compile(r"^Record: `(bench/records/[\w.-]+\.json)`", re.MULTILINE)
_ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| (\S+) \|$", re.MULTILINE)


def at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record[int(name)] if isinstance(record, list) else record[name]
    return record


def figures() -> list[tuple[str, str, str]]:
    parts = _RECORD.split(PAGE.read_text(encoding="utf-8"))[1:]
    return [
        (name, path, value)
        for name, text in zip(parts[::2], parts[1::2], strict=True)
        for path, value in _ROW.findall(text)
    ]


def test_the_page_names_figures() -> None:
    rows = re.findall(r"^\| (?!figure|-)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(figures()) == len(rows) > 0


@pytest.mark.parametrize(("name", "path", "value"), figures())
def test_a_figure_is_its_records(name: str, path: str, value: str) -> None:
    record = json.loads((ROOT / name).read_text(encoding="utf-8"))
    assert f"{at(record, path)}" == value


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.name)
def test_a_record_says_what_was_measured_where(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    for name in ("command", "commit", "machine", "versions", "settings", "gates"):
        assert record[name], name
    assert record["passed"] == all(g["ok"] for g in record["gates"])
    text = path.read_text(encoding="utf-8")
    assert "/home/" not in text
    assert str(ROOT.parent) + "/" not in text
    assert "://" not in text
