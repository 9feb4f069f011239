"""XML as it is written: escaped, indented, in the order given. This file is the one writer here."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold, escaped or not."""


def words(text: str) -> str:
    r"""A text between tags, on one line.

    >>> words("1 < 2 & 3\x00\n4")
    '1 &lt; 2 &amp; 3&#10;4'
    """
    return _one_line(html.escape(_NOT_XML.sub("", text), quote=False))


def _one_line(escaped: str) -> str:
    return escaped.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")


def element(
    name: str, inside: str | Iterable[str] = "", attributes: Mapping[str, str] | None = None
) -> str:
    """An element: around a text that is XML already, or around lines of elements.

    >>> print(element("a", [element("b", words("<")), element("c")], {"id": "1"}))
    <a id="1">
      <b>&lt;</b>
      <c/>
    </a>
    """
    told = "".join(
        f' {key}="{_one_line(html.escape(_NOT_XML.sub("", value)))}"'
        for key, value in (attributes or {}).items()
    )
    if isinstance(inside, str):
        return f"<{name}{told}>{inside}</{name}>" if inside else f"<{name}{told}/>"
    lines = "\n".join(each for each in inside if each)
    if not lines:
        return f"<{name}{told}/>"
    indented = lines.replace("\n", "\n  ")
    return f"<{name}{told}>\n  {indented}\n</{name}>"
