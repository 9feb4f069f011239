r"""Tables of questions, one a row, as a course. This file is the CSV importer.

Columns (a header row is required, in any order, in any case): `id`, `skill`, `title`, `prompt`,
`kind`, `value`, `form`, `form_policy`, `tolerance`, `accept`, `options`, `settings`, `hint_1` to
`hint_4`, `explanation`, `misconceptions`, `difficulty`, `tags`, `license`, `source`, `url`. Lists
within a cell are parted by `|` (`\|` is one of the text); options may begin with an id as `a) `;
misconceptions, and the value of a match, are pairs `wrong -> what is said`; settings of the answer
are `partial=true`, `percent=separate`, `typos=true`, `variable=name`.
"""

from __future__ import annotations

import csv
import io
import re
from fractions import Fraction
from pathlib import Path

from engines.exercises.marks import respelled
from server.transfer.draft import Draft
from server.transfer.markup import from_markdown
from server.transfer.questions import (
    FULL,
    LETTERS,
    Given,
    Judged,
    Question,
    chosen,
    counted,
    matched,
    number_of,
    ordered,
    spelled,
    typed_number,
    worded,
)
from server.transfer.source import source_at
from server.transfer.tagged import BEGIN, of_tags, restored
from server.transfer.tally import NotImported

VERSION = 1
"""Version of this importer, named in the report."""
DELIMITERS = ",;\t|"
COLUMNS = (
    "id", "skill", "title", "prompt", "kind", "value", "form", "form_policy", "tolerance", "accept",
    "options", "settings", "hint_1", "hint_2", "hint_3", "hint_4", "explanation", "misconceptions",
    "difficulty", "tags", "license", "source", "url",
)  # fmt: skip
NEEDED = ("prompt", "value")
FORMULAS = ("fraction", "expression", "equation", "interval", "set", "matrix")
"""Kinds whose value is a text of the answer grammar."""
_ARROW = re.compile("->|→")
_JUDGED_BY = {
    "accept": {"choice", "number", "text", *FORMULAS},
    "tolerance": {"number"},
    "options": {"choice", "multi", "order", "match"},
    "misconceptions": {"choice", "multi", "number", "text", *FORMULAS},
}
"""The kinds that a column is read for."""
_SAME = {
    "question": "prompt", "skills": "skill", "answer": "value", "choices": "options",
    "hint1": "hint_1", "hint2": "hint_2", "hint3": "hint_3", "hint4": "hint_4",
    "misconception": "misconceptions", "licence": "license", "type": "kind",
}  # fmt: skip
"""Other names that a column may have."""
_FIELD_CHARACTERS = 1 << 20
_PART = re.compile(r"(?<!\\)\|")
_OWN_ID = re.compile(r"([a-z0-9][a-z0-9.-]{0,63})\)\s+(?=\S)")


def imported(path: Path, *, locale: str = "en", rights: str = "") -> Draft:
    """A file's rows as a course. Raises ValueError where it has no header of known columns."""
    draft = Draft(f"csv {VERSION}", source_at(path), locale, rights=rights)
    text = draft.source.text()
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    csv.field_size_limit(_FIELD_CHARACTERS)
    try:
        header = next(rows, [])
        columns = _columns(header, path.name, draft)
        for cells in rows:
            if any(cell.strip() for cell in cells):
                _row(draft, columns, cells, f"row {rows.line_num}")
    except csv.Error as error:
        raise ValueError(f"{path.name}: line {rows.line_num}: {error}; mend the quotes") from None
    return draft


def delimiter_of(text: str) -> str:
    r"""What parts the cells: the sign by which the first line names the most known columns.

    >>> delimiter_of("prompt;kind;value\n"), delimiter_of("prompt,value\n1;2,3")
    (';', ',')
    """
    line = text.lstrip("\r\n").partition("\n")[0]
    return max(
        DELIMITERS, key=lambda sign: sum(_known(cell) in COLUMNS for cell in line.split(sign))
    )


def _known(cell: str) -> str:
    name = re.sub(r"[\s-]+", "_", cell.strip().strip("\"'").strip().lower())
    return _SAME.get(name, name)


def _columns(header: list[str], name: str, draft: Draft) -> list[str]:
    columns = [_known(cell) for cell in header]
    for needed in NEEDED:
        if needed not in columns:
            known = ", ".join(COLUMNS)
            raise ValueError(f"{name}: no column {needed!r} in the header; the columns are {known}")
    for column in COLUMNS:
        if columns.count(column) > 1:
            raise ValueError(f"{name}: the column {column!r} stands twice; take one out")
    for cell, column in zip(header, columns, strict=True):
        if column not in COLUMNS:
            draft.notes.add("unknown-column", cell.strip() or "a column without a name")
    return columns


def _row(draft: Draft, columns: list[str], cells: list[str], place: str) -> None:
    row = {
        column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()
    }
    which = row.get("id", place)
    if any(cell.strip() for cell in cells[len(columns) :]):
        draft.skip("bad-row", which)
        return
    try:
        draft.take(_question(row, which, draft.locale))
    except NotImported as error:
        draft.skip(error.reason, which)


def _question(row: dict[str, str], which: str, locale: str) -> Question:
    source = {
        key: row[column]
        for key, column in (("title", "source"), ("url", "url"), ("license", "license"))
        if column in row
    }
    judged = _judged(row, locale)
    return Question(
        which,
        from_markdown(row.get("prompt", "")),
        judged,
        title=from_markdown(row.get("title", "")),
        skills=parts(row.get("skill", "")),
        hints=[from_markdown(row[f"hint_{n}"]) for n in range(1, 5) if f"hint_{n}" in row],
        explanation=from_markdown(row.get("explanation", "")),
        tags=parts(row.get("tags", "")),
        difficulty=_decimal(row["difficulty"], locale) if "difficulty" in row else None,
        source=source,
    )


def parts(cell: str) -> list[str]:
    r"""The parts of a cell.

    >>> parts(r"one | two\|three|")
    ['one', 'two|three']
    """
    found = [part.strip().replace("\\|", "|") for part in _PART.split(cell)]
    return [part for part in found if part]


def pairs(cell: str) -> list[tuple[str, str]]:
    """The pairs of a cell. Raises `NotImported` for a part without an arrow."""
    found: list[tuple[str, str]] = []
    for part in parts(cell):
        arrow = _ARROW.search(part)
        if arrow is None:
            raise NotImported("no-answer")
        found.append((part[: arrow.start()].strip(), part[arrow.end() :].strip()))
    return found


def _decimal(text: str, locale: str) -> Fraction:
    """A number as the file's language writes it. Raises `NotImported`."""
    return number_of(respelled(text, locale, lists=False))


def _kind(row: dict[str, str], locale: str) -> str:
    """The kind named, or the one that the row's cells ask for."""
    named = row.get("kind", "").lower().replace("_", "-")
    if named:
        return named
    if "options" in row:
        return "multi" if len(parts(row["value"])) > 1 else "choice"
    try:
        value = _decimal(row.get("value", ""), locale)
    except NotImported:
        return "text"
    return "fraction" if "/" in row["value"] and value.denominator > 1 else "number"


def _judged(row: dict[str, str], locale: str) -> Judged:
    if "value" not in row:
        raise NotImported("no-answer")
    kind = _kind(row, locale)
    wrong = pairs(row.get("misconceptions", ""))
    if kind in {"choice", "multi"}:
        made = _chosen(row, wrong, many=kind == "multi")
    elif kind == "number":
        made = _counted(row, wrong, locale)
    elif kind == "text":
        made = _worded(row, wrong)
    elif kind == "order":
        made = _ordered(row)
    elif kind == "match":
        listed = [(from_markdown(one), from_markdown(two)) for one, two in pairs(row["value"])]
        made = matched(listed, [from_markdown(each) for each in parts(row.get("options", ""))])
    elif kind in FORMULAS:
        made = _formula(row, wrong, kind, locale)
    else:
        raise NotImported("kind")
    if any(column in row and kind not in kinds for column, kinds in _JUDGED_BY.items()):
        made.notes.append("cell-left-out")
    for key in ("form", "form_policy"):
        if key in row:
            made.fields["answer"][key] = row[key]
    restored(made, of_tags([f"{BEGIN}{part}" for part in parts(row.get("settings", ""))])[1])
    return made


def _options(row: dict[str, str]) -> dict[str, str]:
    """Texts of the options by id: their own, or letters."""
    listed = parts(row.get("options", ""))
    own = [_OWN_ID.match(part) for part in listed]
    if listed and all(own):
        named = {
            found[1]: part[found.end() :] for found, part in zip(own, listed, strict=True) if found
        }
        if len(named) == len(listed):
            return named
    return dict(zip(LETTERS, listed, strict=False)) if len(listed) <= len(LETTERS) else {
        str(at): part for at, part in enumerate(listed)
    }  # fmt: skip


def _named(cell: str, options: dict[str, str]) -> str:
    """The id of the option that a cell names, by its id or its text. Raises `NotImported`."""
    if cell in options:
        return cell
    for name, text in options.items():
        if text == cell:
            return name
    raise NotImported("key-not-among-choices")


def _chosen(row: dict[str, str], wrong: list[tuple[str, str]], *, many: bool) -> Judged:
    options = _options(row)
    listed = parts(row["value"])
    if not many:
        listed = [row["value"], *parts(row.get("accept", ""))]
    right = {_named(part, options) for part in listed}
    said = {_named(when, options): from_markdown(say) for when, say in wrong}
    given = [
        Given(from_markdown(text), FULL if name in right else Fraction(0), said.get(name, ""))
        for name, text in options.items()
    ]
    made = chosen(given, many=many, partial=False)
    _rename(made, dict(zip(LETTERS, options, strict=False)))
    return made


def _rename(made: Judged, names: dict[str, str]) -> None:
    """Give choices the ids that the file has for them."""
    answer = made.fields["answer"]
    for choice in made.fields["choices"]:
        choice["id"] = names[choice["id"]]
    value = answer["value"]
    answer["value"] = names[value] if isinstance(value, str) else [names[each] for each in value]
    if "accept" in answer:
        answer["accept"] = [names[each] for each in answer["accept"]]
    for each in made.misconceptions:
        each["when"] = names[each["when"]]


def _counted(row: dict[str, str], wrong: list[tuple[str, str]], locale: str) -> Judged:
    tolerance = row.get("tolerance", "")
    relative = tolerance.endswith("%")
    if tolerance:
        tolerance = str(_decimal(tolerance.rstrip("%").strip(), locale))
    value = str(_decimal(row["value"], locale))
    given = [Given(value, FULL, tolerance="" if relative else tolerance)]
    given += [
        Given(str(_decimal(when, locale)), Fraction(0), from_markdown(say)) for when, say in wrong
    ]
    made = counted(given)
    if relative:
        made.fields["answer"]["tolerance"] = {"rel": str(Fraction(tolerance) / 100)}
    _accept(made, row)
    return made


def _accept(made: Judged, row: dict[str, str]) -> None:
    if listed := [part.replace("@{", "@@{") for part in parts(row.get("accept", ""))]:
        made.fields["answer"]["accept"] = listed


def _worded(row: dict[str, str], wrong: list[tuple[str, str]]) -> Judged:
    given = [
        Given(text.replace("*", "\\*"), FULL)
        for text in (row["value"], *parts(row.get("accept", "")))
    ]
    given += [
        Given(when.replace("*", "\\*"), Fraction(0), from_markdown(say)) for when, say in wrong
    ]
    return worded(given)


def _formula(row: dict[str, str], wrong: list[tuple[str, str]], kind: str, locale: str) -> Judged:
    """A value of the answer grammar, kept as it is written: a check reads it."""
    given = [
        Given(when.replace("*", "\\*"), Fraction(0), from_markdown(say)) for when, say in wrong
    ]
    made = worded([Given("key", FULL), *given])
    made.fields = {"answer": {"kind": kind, "value": row["value"]}}
    made.shown = f"${row['value']}$"
    if kind == "fraction" and (value := typed_number(row["value"], locale)) is not None:
        made.value, made.fields["answer"]["value"] = value, spelled(value)
    _accept(made, row)
    return made


def _ordered(row: dict[str, str]) -> Judged:
    """Tokens in their right order: those of the value, named by id or by text."""
    options = _options(row)
    value = parts(row["value"])
    if options:
        value = [options[_named(part, options)] for part in value]
        if len(value) != len(options):
            raise NotImported("key-not-among-choices")
    return ordered([from_markdown(text) for text in value])
