r"""GIFT, Moodle's notation of questions in plain text, as a course. This file is that importer.

Read as Moodle's own importer reads it: questions parted by blank lines, `::name::`, a format in
brackets, the answers in the first braces, escapes of `: # = { } ~ \n`, categories by `$CATEGORY:`
(docs.moodle.org, GIFT format).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from server.transfer.draft import Draft
from server.transfer.hypertext import from_html
from server.transfer.markup import from_markdown, from_plain
from server.transfer.questions import (
    FULL,
    Given,
    Judged,
    Question,
    chosen,
    counted,
    matched,
    number_of,
    worded,
)
from server.transfer.source import source_at
from server.transfer.tally import NotImported

VERSION = 1
"""Version of this importer, named in the report."""
TRUE_FALSE = {
    "ar": ("صحيح", "خطأ"),
    "de": ("Wahr", "Falsch"),
    "en": ("True", "False"),
    "es": ("Verdadero", "Falso"),
    "fr": ("Vrai", "Faux"),
    "it": ("Vero", "Falso"),
    "nl": ("Waar", "Onwaar"),
    "pt": ("Verdadeiro", "Falso"),
    "sv": ("Sant", "Falskt"),
}
"""What the two choices of a true-or-false question read as; in other languages in English."""

_ESCAPES = {"\\": "\ue010", ":": "\ue011", "#": "\ue012", "=": "\ue013", "{": "\ue014",
            "}": "\ue015", "~": "\ue016", "n": "\ue017"}  # fmt: skip
_MEANT = {mark: "\n" if sign == "n" else sign for sign, mark in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\([\\:#={}~n])")
_MARKED = re.compile("[\ue010-\ue017]")
_WEIGHT = re.compile(r"%(-?\d{1,3}(?:\.\d*)?)%")
_FORMAT = re.compile(r"\[(html|moodle|plain|markdown)\]")
_OF_COMMENT = re.compile(r"\[(id|tag):((?:[^\]\\]|\\.)*)\]")
_TRUE, _FALSE = frozenset({"T", "TRUE"}), frozenset({"F", "FALSE"})


@dataclass
class _Block:
    """One question's lines without its comments; `line` counts from 1."""

    text: str
    line: int
    id: str
    tags: list[str]


def imported(path: Path, *, locale: str = "en", rights: str = "") -> Draft:
    """A file's questions as a course. Raises OSError, ValueError for what is no text."""
    draft = Draft(f"gift {VERSION}", source_at(path), locale, rights=rights)
    category: list[str] = []
    for block in _blocks(draft.source.text()):
        if block.text.startswith("$CATEGORY:"):
            category = category_of(block.text.partition(":")[2])
            continue
        _take(draft, block, category)
    return draft


def _blocks(text: str) -> Iterator[_Block]:
    lines: list[str] = []
    begin, name = 1, ""
    tags: list[str] = []
    for number, line in enumerate([*_MARKED.sub("", text).splitlines(), ""], start=1):
        stripped = line.strip()
        if stripped.startswith("//"):
            for key, value in _OF_COMMENT.findall(stripped):
                plain = re.sub(r"\\(.)", r"\1", value).strip()
                if key == "tag":
                    tags.append(plain)
                else:
                    name = name or plain
        elif stripped:
            begin = begin if lines else number
            lines.append(stripped)
        elif lines:
            yield _Block("\n".join(lines), begin, name, tags)
            lines, name, tags = [], "", []


def category_of(path: str) -> list[str]:
    """The category that a path names last, without Moodle's own roots.

    >>> category_of(" $course$/top/Fractions/Adding a//b "), category_of("$course$/top")
    (['Adding a/b'], [])
    """
    names = [
        name.replace("\ue010", "/").strip() for name in path.replace("//", "\ue010").split("/")
    ]
    kept = [n for n in names if n and n != "top" and not re.fullmatch(r"\$\w+\$", n)]
    return kept[-1:]


def _take(draft: Draft, block: _Block, category: list[str]) -> None:
    name, _, rest = ("", "", block.text)
    marked = _ESCAPED.sub(lambda found: _ESCAPES[found[1]], block.text)
    if marked.startswith("::") and "::" in marked[2:]:
        name, _, rest = marked[2:].partition("::")
    else:
        rest = marked
    title = " ".join(_meant(name).split())
    which = block.id or title or f"line {block.line}"
    try:
        question = _question(rest.strip(), which, title, draft.locale)
    except NotImported as error:
        draft.skip(error.reason, which)
        return
    question.skills = category
    question.tags = block.tags
    draft.take(question)


def _meant(text: str) -> str:
    """The text with its escapes undone."""
    return _MARKED.sub(lambda found: _MEANT[found.group()], text)


def _question(text: str, which: str, title: str, locale: str) -> Question:
    begin, end = text.find("{"), text.find("}")
    if begin < 0 and end < 0:
        raise NotImported("description")
    if begin < 0 or end < begin:
        raise NotImported("bad-braces")
    answers = text[begin + 1 : end].strip()
    before, after = text[:begin], text[end + 1 :]
    if "{" in answers or "{" in after:
        raise NotImported("cloze")
    explained = ""
    if "####" in answers:
        answers, _, explained = answers.rpartition("####")
    asked = f"{before}_____{after}" if after.strip() else before
    style = _style_of(asked.strip(), "moodle")
    judged = _judged(answers.strip(), style, locale)
    return Question(
        which,
        _shown(asked, "moodle"),
        judged,
        title=from_plain(title),
        explanation=_shown(explained, style),
    )


def _style_of(text: str, default: str) -> str:
    found = _FORMAT.match(text)
    return found[1] if found is not None else default


def _shown(text: str, default: str) -> str:
    """A text in the format it names, else in the question's, as Markdown. Raises `NotImported`."""
    text = text.strip()
    style = _style_of(text, default)
    if _FORMAT.match(text):
        text = text.partition("]")[2]
    meant = _meant(text).strip()
    if style == "markdown":
        return from_markdown(meant)
    if style == "plain":
        return from_plain(meant)
    return from_html(meant, lines=style == "moodle")


def _judged(answers: str, style: str, locale: str) -> Judged:
    if not answers:
        raise NotImported("essay")
    if answers.startswith("#"):
        return _counted(answers[1:], style)
    if "~" in answers:
        return _chosen(answers, style)
    if "=" in answers and "->" in answers:
        return _matched(answers, style)
    word = answers.partition("#")[0].strip()
    if word in _TRUE | _FALSE:
        return true_false(
            word in _TRUE, *[_shown(part, style) for part in answers.split("#")[1:3]], locale=locale
        )
    return worded([_given(part, style, bare=True) for part in _split(answers, "=")])


def true_false(right: bool, wrong: str = "", praise: str = "", *, locale: str = "en") -> Judged:
    """True or false; `wrong` is said to the other choice, `praise` to the right one."""
    words = TRUE_FALSE.get(locale.partition("-")[0], TRUE_FALSE["en"])
    options = [
        Given(word, FULL if each is right else Fraction(0), praise if each is right else wrong)
        for each, word in zip((True, False), words, strict=True)
    ]
    return chosen(options, many=False)


def _split(answers: str, sign: str) -> list[str]:
    """The answers behind a sign, without what stands empty before the first."""
    parts = answers.split(sign)
    return parts if parts[0].strip() else parts[1:]


def _given(part: str, style: str, *, share: Fraction = FULL, bare: bool = False) -> Given:
    """One answer with its weight and its feedback; `bare`: its text is what a learner types."""
    part = part.strip()
    weight = _WEIGHT.match(part)
    if weight is not None:
        share = Fraction(weight[1]) / 100
        part = part[weight.end() :]
    text, _, say = part.partition("#")
    plain = _meant(_FORMAT.sub("", text.strip(), count=1)).strip() if bare else _shown(text, style)
    return Given(plain, share, _shown(say, style))


def _chosen(answers: str, style: str) -> Judged:
    many = "=" not in answers
    options = [
        _given(part.removeprefix("="), style, share=FULL if part.startswith("=") else Fraction(0))
        for part in (each.strip() for each in _split(answers.replace("=", "~="), "~"))
        if part
    ]
    return chosen(options, many=many)


def _matched(answers: str, style: str) -> Judged:
    listed: list[tuple[str, str]] = []
    extra: list[str] = []
    for part in _split(answers, "="):
        left, arrow, right = part.partition("->")
        if not arrow:
            raise NotImported("no-answer")
        shown = from_plain(_meant(right))
        if left.strip():
            listed.append((_shown(left, style), shown))
        else:
            extra.append(shown)
    return matched(listed, extra)


def _counted(answers: str, style: str) -> Judged:
    answers, tilde, other = answers.partition("~")
    given = [_number(part, style) for part in _split(answers, "=") if part.strip()]
    if tilde:
        given.append(Given("*", Fraction(0), _shown(other.partition("#")[2], style)))
    return counted(given)


def _number(part: str, style: str) -> Given:
    read = _given(part, style, bare=True)
    if ".." in read.text:
        low, high = (number_of(half) for half in read.text.split("..", 1))
        return Given(str((low + high) / 2), read.share, read.say, str(abs(high - low) / 2))
    value, _, tolerance = read.text.partition(":")
    return Given(value.strip(), read.share, read.say, tolerance.strip())
