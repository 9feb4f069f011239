"""Pictures of a course: known by their bytes, drawings free of scripts. This file is that check.

A drawing (SVG) is kept to a whitelist of elements and attributes: it can draw, and load, run or
link nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.parsers import expat

MEDIA_BYTES = 512 * 1024
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""The types carried, by the ending of the file's name."""
ENDINGS = {kind: ending for ending, kind in reversed(TYPES.items())}

_STARTS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_ELEMENT_NAMES = (
    "svg g defs symbol use title desc path rect circle ellipse line polyline polygon text tspan"
    " marker clipPath mask pattern linearGradient radialGradient stop"
)
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTE_NAMES = (
    "id class x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy d points width height viewBox version"
    " transform fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap"
    " stroke-linejoin stroke-dasharray stroke-dashoffset stroke-miterlimit opacity color display"
    " visibility font-family font-size font-style font-weight text-anchor dominant-baseline"
    " letter-spacing textLength lengthAdjust rotate marker-start marker-mid marker-end markerWidth"
    " markerHeight markerUnits refX refY orient clip-path clip-rule clipPathUnits mask maskUnits"
    " maskContentUnits patternUnits patternContentUnits patternTransform gradientUnits"
    " gradientTransform spreadMethod offset stop-color stop-opacity preserveAspectRatio"
    " vector-effect href role aria-label aria-hidden lang direction unicode-bidi"
    " shape-rendering xmlns"
)
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_NAMESPACE = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_INSIDE = re.compile(r"#[A-Za-z_][\w.-]*\Z")
_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)", re.IGNORECASE)


class Fault(NamedTuple):
    """What is wrong with a picture; the place counts from 1."""

    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Picture:
    """A file under `media/`: its bytes, their hash, and their type."""

    body: bytes
    sha256: str
    type: str


def picture_of(name: str, body: bytes) -> Picture | None:
    """The picture of these bytes; None where the bytes are not of the type that the name says."""
    kind = TYPES.get(f".{name.rpartition('.')[2].lower()}", "")
    if not kind or (kind in _STARTS and not _STARTS[kind].match(body)):
        return None
    return Picture(body, hashlib.sha256(body).hexdigest(), kind)


def svg_faults(body: bytes) -> list[Fault]:
    """What a drawing holds that is not let through, each at its place; at most one a line.

    >>> svg_faults(b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>')
    []
    >>> [each.message for each in svg_faults(b'<svg><script/></svg>')]
    ['the element script is not let through']
    """
    found: dict[int, Fault] = {}
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def tell(message: str) -> None:
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        found.setdefault(line, Fault(line, column, message))

    def element(tag: str, attributes: dict[str, str]) -> None:
        for message in _element_faults(tag, attributes):
            tell(message)

    def refused(*_: Any) -> None:
        tell("a document type or a processing instruction is not let through")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refused
    parser.EntityDeclHandler = refused
    parser.ProcessingInstructionHandler = refused
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        message = f"not well-formed: {expat.ErrorString(error.code)}"
        found.setdefault(error.lineno, Fault(error.lineno, error.offset + 1, message))
    return sorted(found.values())


def _element_faults(tag: str, attributes: dict[str, str]) -> Iterator[str]:
    namespace, _, name = tag.rpartition(" ")
    if name not in _ELEMENTS or namespace not in ("", _NAMESPACE):
        yield f"the element {name} is not let through"
    for written, value in attributes.items():
        space, _, attribute = written.rpartition(" ")
        foreign = space not in ("", _NAMESPACE) and (space, attribute) != (_XLINK, "href")
        if attribute not in _ATTRIBUTES or foreign:
            yield f"the attribute {attribute} is not let through"
        elif attribute == "href" and not _INSIDE.match(value):
            yield f"a link to {value[:40]!r} leads out of the drawing"
        elif any(not _INSIDE.match(target) for target in _URL.findall(value)):
            yield f"{value[:40]!r} loads what is outside the drawing"
