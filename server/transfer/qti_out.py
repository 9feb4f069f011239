r"""A course as a package of QTI 3.0 with fixed numbers. This file is that exporter.

Every item has one interaction and a standard response template. Formulas stay TeX in `\(...\)`.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from engines.exercises.formats import finite_places
from engines.words import Course
from server.transfer.drawn import FORMULAS, Drawn, NotHeld, Outcome, drawn, losses, typable
from server.transfer.hypertext import inline_html, to_html
from server.transfer.printing import HEAD, element, words
from server.transfer.qti_items import DATA
from server.transfer.questions import spelled
from server.transfer.tagged import settings_of, tags_of

VERSION = 1
"""Version of this exporter, named in the report."""
_ASI = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
_PACKAGE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
_LOM = "http://ltsc.ieee.org/xsd/LOM"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TEMPLATES = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates"
_SCHEMAS = "https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: a package depends on its course alone."""
_ONE = "RESPONSE"


@dataclass(frozen=True)
class _Form:
    """One item's declaration and interaction, in QTI's words."""

    interaction: str
    cardinality: str
    base_type: str
    correct: tuple[str, ...]
    mapped: dict[str, str] = field(default_factory=dict)
    """Credit by value, where the item is judged by `map_response`."""
    held: str = ""
    """The kind that an importer takes it for."""
    case: bool = True


def exported(course: Course, *, seeds: int) -> tuple[bytes, Outcome]:
    """The package's bytes, and what it could not hold."""
    outcome = Outcome()
    files: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    for draws in drawn(course, seeds, outcome):
        try:
            made = {_identifier(one.id): _item(one, course, outcome) for one in draws}
        except NotHeld as error:
            outcome.left_out.add(error.reason, draws[0].made.item.id)
            continue
        files |= made
        sections.setdefault(draws[0].skills[0], []).extend(made)
        outcome.items += 1
        outcome.questions += len(made)
    return _package(course, files, sections), outcome


def _identifier(name: str) -> str:
    """A name as QTI's identifiers are: they begin with a letter."""
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def _package(course: Course, items: dict[str, str], sections: dict[str, list[str]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "imsmanifest.xml", _manifest(course, items))
        _put(archive, "test.xml", _test(course, sections))
        for name, item in items.items():
            _put(archive, f"items/{name}.xml", item)
    return packed.getvalue()


def _put(archive: zipfile.ZipFile, name: str, xml: str) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, f"{HEAD}{xml}\n".encode())


def _manifest(course: Course, items: Iterable[str]) -> str:
    files = {
        "test": ("imsqti_test_xmlv3p0", "test.xml"),
        **{name: ("imsqti_item_xmlv3p0", f"items/{name}.xml") for name in items},
    }
    resources = [
        element(
            "resource",
            [element("file", attributes={"href": href})],
            {"identifier": f"r-{name}", "type": kind, "href": href},
        )
        for name, (kind, href) in files.items()
    ]
    inside = [
        element(
            "metadata",
            [
                element("schema", "QTI Package"),
                element("schemaversion", "3.0.1"),
                _rights(course),
            ],
        ),
        element("organizations"),
        element("resources", resources),
    ]
    where = f"{_PACKAGE} {_SCHEMAS}/imsqtiv3p0_imscpv1p2_v1p0.xsd"
    return element(
        "manifest",
        inside,
        {
            "xmlns": _PACKAGE,
            "xmlns:xsi": _XSI,
            "xsi:schemaLocation": where,
            "identifier": f"m-{course.id}",
        },
    )


def _rights(course: Course) -> str:
    """The course's title and licence as learning object metadata (IEEE 1484.12.3)."""
    title = element("general", [element("title", [_string(course, course.title)])])
    terms = ". ".join((course.license, *course.attribution))
    restricted = element(
        "copyrightAndOtherRestrictions", [element("source", "LOMv1.0"), element("value", "yes")]
    )
    described = element("description", [_string(course, terms)])
    return element("lom", [title, element("rights", [restricted, described])], {"xmlns": _LOM})


def _string(course: Course, text: str) -> str:
    return element("string", words(text), {"language": course.locale})


def _spaces(name: str, title: str) -> dict[str, str]:
    return {
        "xmlns": _ASI,
        "xmlns:xsi": _XSI,
        "xsi:schemaLocation": f"{_ASI} {_SCHEMAS}/imsqti_asiv3p0_v1p0.xsd",
        "identifier": name,
        "title": title,
    }


def _test(course: Course, sections: dict[str, list[str]]) -> str:
    listed = [
        element(
            "qti-assessment-section",
            [
                element(
                    "qti-assessment-item-ref",
                    attributes={"identifier": name, "href": f"items/{name}.xml"},
                )
                for name in names
            ],
            {"identifier": f"section-{at}", "title": title, "visible": "true"},
        )
        for at, (title, names) in enumerate(sections.items(), start=1)
    ]
    part = {"identifier": "part-1", "navigation-mode": "nonlinear"}
    return element(
        "qti-assessment-test",
        [element("qti-test-part", listed, {**part, "submission-mode": "individual"})],
        _spaces(f"test-{course.id}", course.title),
    )


def _item(one: Drawn, course: Course, outcome: Outcome) -> str:
    typable(one)
    item = one.made.item
    if one.answer.tolerance is not None:
        raise NotHeld("tolerance")
    form = _form(one)
    partial = bool(form.mapped) and form.held in {"multi", "match"}
    settings = settings_of(one.answer, held=form.held, partial=partial)
    if one.answer.kind not in {"text", "choice", "multi"}:
        settings += [("accept", text) for text in one.made.accept]
    tags, lost = tags_of(settings)
    if lost:
        outcome.lose("judging", item.id)
    losses(one, outcome)
    data = ";".join(tag.partition(":")[2] for tag in tags)
    body = [to_html(one.made.prompt), _with_data(form.interaction, data)]
    name = _identifier(one.id)
    return element(
        "qti-assessment-item",
        [
            _declared(form),
            element(
                "qti-outcome-declaration",
                [element("qti-default-value", [element("qti-value", "0")])],
                {"identifier": "SCORE", "cardinality": "single", "base-type": "float"},
            ),
            element("qti-item-body", body),
            element(
                "qti-response-processing",
                attributes={
                    "template": f"{_TEMPLATES}/"
                    f"{'map_response' if form.mapped else 'match_correct'}.xml"
                },
            ),
        ],
        {
            **_spaces(name, item.title or one.id),
            "adaptive": "false",
            "time-dependent": "false",
            "xml:lang": course.locale,
        },
    )


def _with_data(interaction: str, data: str) -> str:
    """The interaction with its data attribute, which other systems pass over."""
    if not data:
        return interaction
    attribute = element("x", attributes={DATA: data}).removeprefix("<x ").removesuffix("/>")
    return re.sub(
        r"(response-identifier=\"RESPONSE\")", rf"\1 {_literal(attribute)}", interaction, count=1
    )


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\")


def _declared(form: _Form) -> str:
    inside = [
        element("qti-correct-response", [element("qti-value", words(v)) for v in form.correct])
    ]
    if form.mapped:
        case = {} if form.case else {"case-sensitive": "false"}
        entries = [
            element("qti-map-entry", attributes={"map-key": key, "mapped-value": credit, **case})
            for key, credit in form.mapped.items()
        ]
        bounds = {"lower-bound": "0", "upper-bound": "1", "default-value": "0"}
        inside.append(element("qti-mapping", entries, bounds))
    return element(
        "qti-response-declaration",
        inside,
        {"identifier": _ONE, "cardinality": form.cardinality, "base-type": form.base_type},
    )


def _form(one: Drawn) -> _Form:
    kind = one.answer.kind
    if kind == "number" or kind in FORMULAS:
        return _typed(one)
    if kind not in _FORMS:
        raise NotHeld("kind")
    return _FORMS[kind](one)


def _share(parts: int) -> str:
    return f"{float(Fraction(1, parts)):.7g}"


def _chosen(one: Drawn) -> _Form:
    many = one.answer.kind == "multi"
    right = {one.key} if isinstance(one.key, str) else set(one.key)
    accepted = set(one.answer.accept) if not many else set()
    choices = [
        element("qti-simple-choice", inline_html(text), {"identifier": _identifier(name)})
        for name, text in one.options
    ]
    most = {"max-choices": "0" if many else "1", "shuffle": "true"}
    interaction = element("qti-choice-interaction", choices, {"response-identifier": _ONE, **most})
    mapped: dict[str, str] = {}
    if accepted:
        mapped = {_identifier(name): "1" for name, _ in one.options if name in right | accepted}
    elif many and one.answer.partial:
        share = _share(len(right))
        mapped = {
            _identifier(name): share if name in right else f"-{share}" for name, _ in one.options
        }
    correct = tuple(_identifier(name) for name, _ in one.options if name in right)
    cardinality = "multiple" if many else "single"
    return _Form(interaction, cardinality, "identifier", correct, mapped, one.answer.kind)


def _typed(one: Drawn) -> _Form:
    """A field to type in; a text is judged in any case, a number as one."""
    interaction = element(
        "p", element("qti-text-entry-interaction", attributes={"response-identifier": _ONE})
    )
    if one.answer.kind == "number" and finite_places(one.value) is not None:
        return _Form(interaction, "single", "float", (spelled(one.value),), held="number")
    keys = (one.key,) if isinstance(one.key, str) else tuple(str(each) for each in one.key)
    if one.answer.kind != "text":
        return _Form(interaction, "single", "string", keys[:1], held="text")
    mapped = dict.fromkeys((*keys, *one.made.accept), "1")
    return _Form(interaction, "single", "string", keys[:1], mapped, "text", case=False)


def _ordered(one: Drawn) -> _Form:
    assert isinstance(one.key, list)
    if sorted(one.key) != sorted(name for name, _ in one.left):
        raise NotHeld("widget")
    choices = [
        element("qti-simple-choice", inline_html(text), {"identifier": _identifier(name)})
        for name, text in sorted(one.left, key=lambda entry: entry[1])
    ]
    across = bool(getattr(one.made.item.widget, "across", False))
    look = {"orientation": "horizontal" if across else "vertical", "shuffle": "true"}
    interaction = element("qti-order-interaction", choices, {"response-identifier": _ONE, **look})
    correct = tuple(_identifier(name) for name in one.key)
    return _Form(interaction, "ordered", "identifier", correct, held="order")


def _matched(one: Drawn) -> _Form:
    assert isinstance(one.key, dict)
    sides = [
        element(
            "qti-simple-match-set",
            [
                element(
                    "qti-simple-associable-choice",
                    inline_html(text),
                    {"identifier": f"{side}-{name}", "match-max": most},
                )
                for name, text in entries
            ],
        )
        for side, most, entries in (("left", "1", one.left), ("right", "0", one.right))
    ]
    interaction = element(
        "qti-match-interaction",
        sides,
        {
            "response-identifier": _ONE,
            "shuffle": "true",
            "max-associations": str(len(one.left)),
        },
    )
    correct = tuple(f"left-{name} right-{one.key[name]}" for name, _ in one.left)
    mapped = dict.fromkeys(correct, _share(len(correct))) if one.answer.partial else {}
    return _Form(interaction, "multiple", "directedPair", correct, mapped, "match")


_FORMS: dict[str, Callable[[Drawn], _Form]] = {
    "choice": _chosen,
    "multi": _chosen,
    "text": _typed,
    "order": _ordered,
    "match": _matched,
}
