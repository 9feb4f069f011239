"""Moodle's XML of a question bank as a course. This file is that importer.

The elements are those that Moodle's own format writes (`question/format/xml`): the file is a
`quiz` of `question` elements, categories among them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from server.transfer.calculated import (
    Marks,
    expression_of,
    param_names,
    params_of,
    shown_places,
    tolerance_of,
)
from server.transfer.draft import Draft
from server.transfer.gift_in import category_of, true_false
from server.transfer.hypertext import Shows, from_html
from server.transfer.markup import bare, from_markdown, from_plain
from server.transfer.pictures import Pictures, unpacked
from server.transfer.questions import (
    FULL,
    Given,
    Judged,
    Question,
    chosen,
    counted,
    matched,
    number_of,
    ordered,
    spelled,
    worded,
)
from server.transfer.source import source_at
from server.transfer.tagged import of_tags, restored
from server.transfer.tally import NotImported
from server.transfer.trees import Tree

VERSION = 1
"""Version of this importer, named in the report."""

_NOT_READ = {
    "essay": "essay",
    "description": "description",
    "cloze": "cloze",
    "multianswer": "cloze",
    "random": "random",
    "randomsamatch": "random",
    "calculatedmulti": "calculated-choice",
}
"""Moodle's own types that are not imported, and why; every other one is a plug-in's."""
_TO_ALL = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")
"""Feedbacks that are tied to no answer."""
_AS_MOODLE_HAS_IT = frozenset(
    {
        "",
        "Your answer is correct.",
        "Your answer is partially correct.",
        "Your answer is incorrect.",
    }
)
_GRADES_UNITS = "1"

Shown = Callable[[Tree | None], str]
"""Takes an element that holds a text; the text as Markdown."""


def imported(path: Path, *, locale: str = "en", rights: str = "") -> Draft:
    """A file's questions as a course. Raises OSError, ValueError for what is no question bank."""
    draft = Draft(f"moodle {VERSION}", source_at(path), locale, rights=rights)
    quiz = draft.source.tree()
    if quiz.name != "quiz":
        raise ValueError(f"{path.name}: expected a <quiz> of Moodle XML, found <{quiz.name}>")
    category: list[str] = []
    for question in quiz.all("question"):
        if question.attributes.get("type") == "category":
            category = category_of(question.text_of("category"))
        else:
            _take(draft, question, category)
    return draft


def _take(draft: Draft, question: Tree, category: list[str]) -> None:
    name = " ".join(question.text_of("name").split())
    which = question.text_of("idnumber") or name or f"line {question.line}"
    try:
        read = _question(question, which, name, draft.locale)
    except NotImported as error:
        kind = question.attributes.get("type", "")
        plug_in = error.reason == "plug-in"
        draft.skip(error.reason, f"{which} ({kind})" if plug_in else which)
        return
    read.skills = category
    draft.take(read)


def shown(element: Tree | None) -> str:
    """The text of an element in the format it names, as Markdown. Raises `NotImported`."""
    return _translated(element, _unchanged)


def _pictures(question: Tree) -> Pictures:
    """The pictures of a question's text: files beside it, in base64."""
    asked = question.one("questiontext")
    files = {
        each.attributes.get("path", "/").strip("/") + "/" + each.attributes.get("name", ""): each
        for each in (asked.all("file") if asked is not None else ())
    }

    def found(source: str) -> bytes:
        name = unquote(source.partition("?")[0]).removeprefix("@@PLUGINFILE@@/")
        file = files.get(name if "/" in name else f"/{name}")
        return unpacked(file.text) if file is not None and name != source else b""

    return Pictures(found)


def _translated(
    element: Tree | None, before: Callable[[str], str], pictures: Shows | None = None
) -> str:
    """The same, the source's text changed by `before`."""
    if element is None:
        return ""
    inner = element.one("text")
    text = before((inner if inner is not None else element).text)
    style = element.attributes.get("format", "html")
    if style == "markdown":
        return from_markdown(text)
    if style == "plain_text":
        return from_plain(text)
    return from_html(text, lines=style == "moodle_auto_format", pictures=pictures)


def _question(question: Tree, which: str, name: str, locale: str) -> Question:
    kind = question.attributes.get("type", "")
    if kind in {"calculated", "calculatedsimple"}:
        return _calculated(question, which, name)
    if kind == "truefalse":
        judged = _true_false(question, locale)
    elif kind in _JUDGED:
        judged = _JUDGED[kind](question)
    else:
        raise NotImported(_NOT_READ.get(kind, "plug-in"))
    made = _around(question, which, name, judged, _unchanged)
    tags, extra = of_tags(made.tags)
    made.tags = tags
    restored(made.judged, extra)
    return made


def _unchanged(text: str) -> str:
    return text


def _around(
    question: Tree,
    which: str,
    name: str,
    judged: Judged,
    before: Callable[[str], str],
    after: Callable[[str], str] = _unchanged,
) -> Question:
    """The question with what every type has; texts are changed by `before` and `after`."""

    def shown(element: Tree | None) -> str:
        return after(_translated(element, before))

    pictures = _pictures(question)
    made = Question(
        which,
        after(_translated(question.one("questiontext"), before, pictures.take)),
        judged,
        pictures=pictures,
        title=from_plain(name),
        hints=[shown(hint) for hint in question.all("hint")],
        explanation=shown(question.one("generalfeedback")),
        tags=[
            " ".join(tag.text.split())
            for holder in question.all("tags")
            for tag in holder.all("tag")
        ],
    )
    said = (question.one(name) for name in _TO_ALL)
    if any(bare(shown(each)) not in _AS_MOODLE_HAS_IT for each in said):
        made.notes.append("feedback-left-out")
    return made


def _share(answer: Tree) -> Fraction:
    return number_of(answer.attributes.get("fraction", "0")) / 100


def _shown_answers(question: Tree) -> list[Given]:
    return [
        Given(shown(answer), _share(answer), shown(answer.one("feedback")))
        for answer in question.all("answer")
    ]


def _typed_answers(question: Tree) -> list[Given]:
    """Answers whose text is what a learner types."""
    return [
        Given(
            answer.text_of("text"),
            _share(answer),
            shown(answer.one("feedback")),
            answer.text_of("tolerance"),
        )
        for answer in question.all("answer")
    ]


def _chosen(question: Tree) -> Judged:
    made = chosen(_shown_answers(question), many=question.text_of("single") in {"false", "0"})
    if question.text_of("shuffleanswers") in {"false", "0"}:
        made.notes.append("order-fixed")
    return made


def _true_false(question: Tree, locale: str) -> Judged:
    answers = {answer.text_of("text").lower(): answer for answer in question.all("answer")}
    if answers.keys() != {"true", "false"}:
        raise NotImported("no-answer")
    right = [word for word, answer in answers.items() if _share(answer) >= FULL]
    if len(right) != 1:
        raise NotImported("no-full-answer")
    wrong = "false" if right[0] == "true" else "true"
    said = (shown(answers[word].one("feedback")) for word in (wrong, right[0]))
    return true_false(right[0] == "true", *said, locale=locale)


def _worded(question: Tree) -> Judged:
    made = worded(_typed_answers(question))
    if question.text_of("usecase") == "1":
        made.notes.append("case-ignored")
    return made


def _counted(question: Tree) -> Judged:
    made = counted(_typed_answers(question))
    units = [
        unit.text_of("unit_name") for holder in question.all("units") for unit in holder.all("unit")
    ]
    if any(units) or question.text_of("unitgradingtype") == _GRADES_UNITS:
        made.notes.append("unit-left-out")
    return made


def _matched(question: Tree) -> Judged:
    pairs: list[tuple[str, str]] = []
    extra: list[str] = []
    for each in question.all("subquestion"):
        left = shown(each)
        answer = each.one("answer")
        right = from_plain(answer.text_of("text")) if answer is not None else ""
        if left:
            pairs.append((left, right))
        else:
            extra.append(right)
    return matched(pairs, extra)


def _ordered(question: Tree) -> Judged:
    """The tokens by their `fraction`, which is a place here: the first, the second .."""
    answers = sorted(
        question.all("answer"), key=lambda answer: number_of(answer.attributes.get("fraction", "0"))
    )
    across = question.text_of("layouttype").upper() in {"HORIZONTAL", "1"}
    made = ordered([shown(answer) for answer in answers], across=across)
    if question.text_of("selecttype").upper() not in {"", "ALL", "0"}:
        made.notes.append("attributes")
    return made


_JUDGED: dict[str, Callable[[Tree], Judged]] = {
    "multichoice": _chosen,
    "shortanswer": _worded,
    "numerical": _counted,
    "matching": _matched,
    "match": _matched,
    "ordering": _ordered,
}


def _calculated(question: Tree, which: str, name: str) -> Question:
    """A question whose numbers are drawn: its wildcards become params."""
    wildcards = params_of(question)
    names = param_names(wildcards)
    marks = Marks(names, wildcards)

    def drawn(element: Tree | None) -> str:
        return marks.put(_translated(element, marks.taken))

    right = [answer for answer in question.all("answer") if _share(answer) >= FULL]
    if not right:
        raise NotImported("no-full-answer" if question.all("answer") else "no-answer")
    value = expression_of(right[0].text_of("text"), names)
    answer: dict[str, Any] = {"kind": "number", "value": value}
    tolerance = tolerance_of(right[0])
    places = shown_places(right[0])
    if not tolerance and places is not None:  # who types what Moodle shows is right there too
        tolerance = {"abs": spelled(Fraction(1, 2 * 10**places))}
    if tolerance:
        answer["tolerance"] = tolerance
    judged = Judged({"answer": answer}, f"${marks.mark(value, places)}$", notes=["template-kept"])
    for other in question.all("answer"):
        _said(judged, other, drawn, names)
    if right[1:]:
        judged.notes.append("second-tolerance")
    made = _around(question, which, name, judged, marks.taken, marks.put)
    made.params = {names[wildcard]: param for wildcard, param in wildcards.items()}
    return made


def _said(judged: Judged, answer: Tree, drawn: Shown, names: dict[str, str]) -> None:
    """Keep what is said to one calculated answer."""
    say = drawn(answer.one("feedback"))
    if _share(answer) >= FULL:
        judged.said += [say] if say else []
    elif answer.text_of("text") == "*":
        judged.notes.append("any-other")
    elif say:
        when = expression_of(answer.text_of("text"), names)
        name = f"wrong-{len(judged.misconceptions) + 1}"
        judged.misconceptions.append({"id": name, "when": when, "say": say})
