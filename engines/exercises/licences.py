"""Whether an item's licence lets it into a course of another. This file is that table.

After the compatibility chart of Creative Commons. What the table does not know is told as unknown.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"[\s_-]*v?\d(\.\d)*([\s_-]*(international|intl|unported|generic))?\Z")
_TAKEN_BY: dict[str, frozenset[str]] = {
    "cc-by": frozenset({"cc-by", "cc-by-sa", "cc-by-nc", "cc-by-nc-sa", "permissive"}),
    "permissive": frozenset({"permissive", "cc-by", "cc-by-sa", "cc-by-nc", "cc-by-nc-sa"}),
    "cc-by-sa": frozenset({"cc-by-sa"}),
    "cc-by-nc": frozenset({"cc-by-nc", "cc-by-nc-sa"}),
    "cc-by-nc-sa": frozenset({"cc-by-nc-sa"}),
    "cc-by-nd": frozenset(),
    "cc-by-nc-nd": frozenset(),
}
"""By the licence of a source, the licences of courses that may hold an adaptation of it."""


def family(licence: str) -> str:
    """The licence's family without its version, or "" where the table has none.

    >>> family("CC BY-SA 4.0"), family("CC0-1.0"), family("Apache-2.0"), family("all rights")
    ('cc-by-sa', 'cc0', 'permissive', '')
    """
    bare = _VERSION.sub("", licence.strip().casefold())
    bare = re.sub(
        r"[\s_]+", "-", bare.replace("creative commons", "cc").replace("attribution", "by")
    )
    if bare in ("cc0", "public-domain", "pdm", "cc-pdm", "unlicense", "cc-zero"):
        return "cc0"
    if bare in ("mit", "apache", "bsd-2-clause", "bsd-3-clause", "isc"):
        return "permissive"
    return bare if bare in _TAKEN_BY else ""


def misfit(source: str, course: str) -> str | None:
    """Why an item under `source` may not stand in a course under `course`; None where it may.

    >>> misfit("CC BY 4.0", "CC-BY-SA-4.0") is None, misfit("CC BY-SA 4.0", "CC-BY-4.0")
    (True, 'CC BY-SA 4.0 does not allow a course under CC-BY-4.0')
    """
    if not source.strip() or source.strip().casefold() == course.strip().casefold():
        return None
    of, into = family(source), family(course)
    if of == "cc0":
        return None
    if not of or not into:
        unknown = source if not of else course
        return f"the licence {unknown!r} is not known here, so it cannot be compared"
    if into in _TAKEN_BY[of]:
        return None
    return f"{source} does not allow a course under {course}"
