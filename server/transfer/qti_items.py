"""One item of QTI 3.0 as a question: its interaction, its key, its scoring. This file is it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from server.transfer.hypertext import Composer, composed
from server.transfer.pictures import Pictures
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
    worded,
)
from server.transfer.tagged import BEGIN, of_tags, restored
from server.transfer.tally import NotImported
from server.transfer.trees import Tree

TEMPLATES = ("match_correct", "map_response")
BLANK = "_____"
DATA = "data-tutorstream"
"""An interaction's attribute for what QTI has no place for; see `tagged`."""
_READ = (
    "qti-choice-interaction",
    "qti-text-entry-interaction",
    "qti-inline-choice-interaction",
    "qti-order-interaction",
    "qti-match-interaction",
)
_WITHOUT_PLACE = (
    "qti-feedback-inline",
    "qti-feedback-block",
    "qti-modal-feedback",
    "qti-rubric-block",
)
_PROGRAMS = ("qti-portable-custom-interaction", "qti-custom-interaction")
_ESSAYS = ("qti-extended-text-interaction", "qti-upload-interaction", "qti-drawing-interaction")


@dataclass(frozen=True)
class _Response:
    """A declared response: its right values, and the credit by value where it is mapped."""

    correct: tuple[str, ...]
    mapped: dict[str, Fraction]
    base_type: str
    cardinality: str
    case_matters: bool

    def shares(self, template: str) -> dict[str, Fraction]:
        """By value its share of the credit; the best value alone is worth it all."""
        if template == "match_correct":
            return dict.fromkeys(self.correct, FULL)
        most = max(self.mapped.values(), default=Fraction(0))
        if most <= 0:
            raise NotImported("no-answer")
        return {value: credit / most for value, credit in self.mapped.items()}


def question_of(item: Tree, which: str, pictures: Pictures) -> Question:
    """An item as a question, without its title. Raises `NotImported`."""
    if item.deep("qti-template-processing", "qti-template-declaration", "qti-printed-variable"):
        raise NotImported("qti-template")
    body = item.one("qti-item-body")
    if body is None:
        raise NotImported("no-question")
    interaction = _interaction(body)
    if item.attributes.get("adaptive") == "true":
        raise NotImported("response-processing")
    template = _template(item.one("qti-response-processing"))
    response = _response(item, interaction.attributes.get("response-identifier", ""))
    judged = _JUDGED[interaction.name](interaction, response, template)
    tags, extra = of_tags(
        [f"{BEGIN}{part}" for part in interaction.attributes.get(DATA, "").split(";") if part]
    )
    restored(judged, extra)
    made = Question(which, _prompt(body, pictures), judged, tags=tags, pictures=pictures)
    if item.deep(*_WITHOUT_PLACE):
        made.notes.append("feedback-left-out")
    return made


def _interaction(body: Tree) -> Tree:
    """The body's one interaction. Raises `NotImported`."""
    found = [
        each
        for each in body.deep(*_names_of(body))
        if each.name.endswith("-interaction") and each.name != "qti-end-attempt-interaction"
    ]
    names = {each.name for each in found}
    if names & {*_PROGRAMS}:
        raise NotImported("portable-custom-interaction")
    if names & {*_ESSAYS}:
        raise NotImported("essay")
    if names - {*_READ}:
        raise NotImported("qti-interaction")
    if len(found) != 1:
        raise NotImported("several-interactions" if found else "no-question")
    return found[0]


def _names_of(tree: Tree) -> set[str]:
    found: set[str] = set()
    stack = [tree]
    while stack:
        each = stack.pop()
        found.add(each.name)
        stack += each.children
    return found


def _template(processing: Tree | None) -> str:
    """The standard template that judges, by its name or its text. Raises `NotImported`."""
    if processing is None:
        raise NotImported("response-processing")
    named = processing.attributes.get("template", "")
    last = named.rstrip("/").rpartition("/")[2].removesuffix(".xml")
    if last in TEMPLATES and not processing.children:
        return last
    written = _skeleton(processing)
    for template, skeleton in _WRITTEN_OUT.items():
        if not named and written in skeleton:
            return template
    raise NotImported("response-processing")


def _skeleton(tree: Tree) -> str:
    """The elements of a program without their ids: what it does, whatever it is about."""
    inside = ",".join(_skeleton(each) for each in tree.children)
    short = tree.name.removeprefix("qti-")
    if short == "base-value":
        short += _SCORES.get(tree.text.strip(), "=?")
    return f"{short}({inside})" if inside else short


_SCORES = {"0": "=0", "0.0": "=0", "1": "=1", "1.0": "=1"}
_MATCH = (
    "response-condition(response-if(match(variable,correct),set-outcome-value(base-value=1))"
    ",response-else(set-outcome-value(base-value=0)))"
)
_WRITTEN_OUT: dict[str, tuple[str, ...]] = {
    "match_correct": (
        f"response-processing({_MATCH})",
        "response-processing(response-condition(response-if(match(variable,correct)"
        ",set-outcome-value(base-value=1))))",
    ),
    "map_response": (
        "response-processing(response-condition(response-if(is-null(variable)"
        ",set-outcome-value(base-value=0)),response-else(set-outcome-value(map-response))))",
        "response-processing(set-outcome-value(map-response))",
    ),
}
"""The standard templates as QTI writes them out."""


def _response(item: Tree, name: str) -> _Response:
    declared = [
        each
        for each in item.all("qti-response-declaration")
        if each.attributes.get("identifier") == name
    ]
    if len(declared) != 1:
        raise NotImported("no-answer")
    one = declared[0]
    correct = tuple(
        value.text.strip()
        for holder in one.all("qti-correct-response")
        for value in holder.all("qti-value")
    )
    entries = [each for holder in one.all("qti-mapping") for each in holder.all("qti-map-entry")]
    mapped = {
        each.attributes.get("map-key", ""): number_of(each.attributes.get("mapped-value", "0"))
        for each in entries
    }
    default = [holder.attributes.get("default-value", "0") for holder in one.all("qti-mapping")]
    if any(number_of(value) > 0 for value in default):
        raise NotImported("response-processing")
    case = [each.attributes.get("case-sensitive", "true") == "true" for each in entries]
    return _Response(
        correct,
        mapped,
        one.attributes.get("base-type", ""),
        one.attributes.get("cardinality", "single"),
        all(case) if case else True,
    )


def _prompt(body: Tree, pictures: Pictures) -> str:
    """The body's text: an interaction's own prompt stands where it is, a blank where one types."""
    composer = Composer(pictures=pictures.take)
    blank = {
        name: lambda _: composer.blank(BLANK)
        for name in ("qti-text-entry-interaction", "qti-inline-choice-interaction")
    }
    asked = {name: lambda tree: _asked(tree, composer) for name in _READ if name not in blank}
    nothing: dict[str, Callable[[Tree], None]] = {
        name: lambda _: None for name in (*_WITHOUT_PLACE, "qti-end-attempt-interaction")
    }
    composed(body, composer, {**blank, **asked, **nothing})
    paragraphs = composer.text().split("\n\n")
    if len(paragraphs) > 1 and paragraphs[-1] == BLANK:
        paragraphs.pop()
    return "\n\n".join(paragraphs)


def _asked(interaction: Tree, composer: Composer) -> None:
    for prompt in interaction.all("qti-prompt"):
        composer.start("qti-prompt", {})
        composed(prompt, composer, _NOTHING)
        composer.end("qti-prompt")


_NOTHING: dict[str, Callable[[Tree], None]] = {name: lambda _: None for name in _WITHOUT_PLACE}


def _text(tree: Tree) -> str:
    composer = Composer()
    composed(tree, composer, _NOTHING)
    return composer.text()


def _chosen(interaction: Tree, response: _Response, template: str) -> Judged:
    name = "qti-inline-choice" if "inline" in interaction.name else "qti-simple-choice"
    options = interaction.all(name)
    shares = response.shares(template)
    if not any(option.attributes.get("identifier") in shares for option in options):
        raise NotImported("key-not-among-choices" if shares else "no-answer")
    given = [
        Given(_text(option), shares.get(option.attributes.get("identifier", ""), Fraction(0)))
        for option in options
    ]
    many = response.cardinality == "multiple"
    made = chosen(given, many=many, partial=template == "map_response")
    if interaction.attributes.get("shuffle", "false") != "true":
        made.notes.append("order-fixed")
    return made


def _typed(_interaction: Tree, response: _Response, template: str) -> Judged:
    shares = response.shares(template)
    escaped = [Given(text.replace("*", "\\*"), share) for text, share in shares.items()]
    if response.base_type in {"integer", "float"}:
        return counted([Given(text, share) for text, share in shares.items()])
    if response.base_type != "string" or response.cardinality != "single":
        raise NotImported("kind")
    made = worded(escaped)
    if response.case_matters and any(text.lower() != text.upper() for text in shares):
        made.notes.append("case-ignored")
    return made


def _ordered(interaction: Tree, response: _Response, template: str) -> Judged:
    texts = {
        each.attributes.get("identifier", ""): _text(each)
        for each in interaction.all("qti-simple-choice")
    }
    if template != "match_correct":
        raise NotImported("response-processing")
    if not response.correct:
        raise NotImported("no-answer")
    if sorted(response.correct) != sorted(texts):
        raise NotImported("key-not-among-choices")
    across = interaction.attributes.get("orientation") == "horizontal"
    return ordered([texts[each] for each in response.correct], across=across, partial=False)


def _matched(interaction: Tree, response: _Response, template: str) -> Judged:
    sets = interaction.all("qti-simple-match-set")
    if len(sets) != 2:
        raise NotImported("kind")
    left, right = (
        {
            each.attributes.get("identifier", ""): _text(each)
            for each in side.all("qti-simple-associable-choice")
        }
        for side in sets
    )
    partner: dict[str, str] = {}
    for pair, share in response.shares(template).items():
        one, _, other = pair.partition(" ")
        if share <= 0:
            continue
        if one not in left or other not in right:
            raise NotImported("key-not-among-choices")
        if one in partner:
            raise NotImported("match-many")
        partner[one] = other
    if partner.keys() != left.keys():
        raise NotImported("match-many" if partner else "no-answer")
    if len(set(right.values())) < len(right):
        raise NotImported("empty-choice")
    pairs = [(text, right[partner[each]]) for each, text in left.items()]
    made = matched(pairs, list(right.values()))
    if template == "match_correct":
        del made.fields["answer"]["partial"]
    return made


_JUDGED: dict[str, Callable[[Tree, _Response, str], Judged]] = {
    "qti-choice-interaction": _chosen,
    "qti-inline-choice-interaction": _chosen,
    "qti-text-entry-interaction": _typed,
    "qti-order-interaction": _ordered,
    "qti-match-interaction": _matched,
}
