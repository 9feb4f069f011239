"""A course as a folder of YAML that people can go on editing. This file is the writer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from engines.exercises.formats import decimal, finite_places

FILE_ITEMS = 100
"""Most items of one written file."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/-]*[A-Za-z0-9]\Z|[A-Za-z]\Z")
_RESERVED = re.compile(r"(?i)(null|true|false|yes|no|on|off|y|n)\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_ESCAPED = re.compile(r"((?:^|[^\\])(?:\\\\)*)\\([bft])")
"""A control character that JSON escapes by a letter: it would be read as LaTeX gone wrong."""
_CODES = {"b": "0008", "f": "000c", "t": "0009"}
_UNBLOCKABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[ ]\n|\n\n\n"
)


class Occupied(Exception):  # noqa: N818 (what is in the way)
    """The folder holds something already."""


def yaml_of(value: Any, indent: int = 0) -> str:
    """A value as YAML 1.2 lines, each ended; mappings in their own order.

    >>> print(yaml_of({"id": "a.1", "prompt": "What is $1$?", "tags": ["x", "no"]}), end="")
    id: a.1
    prompt: "What is $1$?"
    tags: [x, "no"]
    """
    pad = " " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{_scalar(key)}:{_after(each, indent)}" for key, each in value.items())
    lines = [
        f"{pad}  {_scalar(each)}\n" if _leaf(each) else yaml_of(each, indent + 2) for each in value
    ]
    return "".join(f"{pad}- {line[indent + 2 :]}" for line in lines)


def _after(value: Any, indent: int) -> str:
    """What follows a key: on the same line where it is short and flat."""
    if isinstance(value, str) and _blockable(value):
        pad = " " * (indent + 2)
        body = "".join(f"{pad}{line}\n" if line else "\n" for line in value.split("\n"))
        return f" |-\n{body}"
    if _flat(value):
        return f" {_flow(value)}\n"
    return "\n" + yaml_of(value, indent + 2)


def _blockable(text: str) -> bool:
    """Whether a text survives as a literal block: several lines, no odd signs at its ends."""
    ends_well = "\n" in text and not text[0].isspace() and not text.endswith("\n")
    return ends_well and not _UNBLOCKABLE.search(text)


def _flat(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not value or (all(_leaf(each) for each in value.values()) and _short(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return not value or (all(_leaf(each) for each in value) and _short(value))
    return True


def _leaf(value: Any) -> bool:
    return isinstance(value, str | int | bool | Fraction) or value is None


def _short(value: Any) -> bool:
    return len(_flow(value)) <= 80


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_scalar(key)}: {_flow(each)}" for key, each in value.items()) + "}"
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Fraction):
        return _decimal(value)
    text = str(value)
    if _PLAIN.match(text) and not _RESERVED.match(text) and "  " not in text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = _ESCAPED.sub(lambda found: f"{found[1]}\\u{_CODES[found[2]]}", quoted)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def _decimal(value: Fraction) -> str:
    """The number as YAML has it, exact. Raises ValueError for one whose decimals never end."""
    places = finite_places(value)
    if places is None:
        raise ValueError(f"{value} has no end as a decimal; YAML cannot hold it exactly")
    return decimal(value, places)


def folder_written(
    out: Path,
    head: Mapping[str, Any],
    items: Iterable[tuple[str, Sequence[Mapping[str, Any]]]],
    *,
    force: bool,
) -> int:
    """How many files a course took: `course.yaml` and, per (name, items), files in `items/`.

    Raises `Occupied` if the folder holds anything and `force` is not given; with it, the course's
    own YAML files are replaced and nothing else is touched.
    """
    has_room(out, force=force)
    for path in (out / "course.yaml", *out.glob("items/*.yaml"), *out.glob("locales/*.yaml")):
        path.unlink(missing_ok=True)
    (out / "items").mkdir(parents=True, exist_ok=True)
    _write(out / "course.yaml", yaml_of(head))
    count = 1
    for name, listed in items:
        for at in range(0, len(listed), FILE_ITEMS):
            part = f"-{at // FILE_ITEMS + 1}" if len(listed) > FILE_ITEMS else ""
            text = "\n".join(yaml_of([item]) for item in listed[at : at + FILE_ITEMS])
            _write(out / "items" / f"{name}{part}.yaml", text)
            count += 1
    return count


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def has_room(out: Path, *, force: bool) -> None:
    """Raise `Occupied` where a course may not be written: a file, or a folder that is not empty."""
    if not out.exists():
        return
    if not out.is_dir():
        raise Occupied(f"{out} is a file")
    if any(out.iterdir()) and not force:
        raise Occupied(f"{out} is not empty; give --force to replace its course")
