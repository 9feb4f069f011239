"""Pictures that a question shows, carried along as files of the course. This file is that carrying.

What is shown must be in the file that is read: no address is followed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from server.authoring.media import ENDINGS, MEDIA_BYTES, picture_of, svg_faults
from server.transfer.tally import NotImported

MOST_PICTURES = 8
"""Pictures of one item, as the author's form takes them."""
_INLINE = re.compile(r"data:(image/[a-z+]+);base64,", re.IGNORECASE)


def unpacked(text: str) -> bytes:
    """The bytes of a text in base64; empty where it is none.

    >>> unpacked(" aGk= ")
    b'hi'
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


@dataclass
class Pictures:
    """The pictures of one question; `found` gives the bytes behind a name, empty for none."""

    found: Callable[[str], bytes]
    bodies: dict[str, bytes] = field(default_factory=dict)
    """By the name below the course's folder."""
    alts: dict[str, str] = field(default_factory=dict)

    def take(self, source: str, alt: str) -> None:
        """Carry the picture that a text shows. Raises `NotImported` where it cannot be."""
        inline = _INLINE.match(source)
        body = unpacked(source[inline.end() :]) if inline is not None else self.found(source)
        name = f"x{ENDINGS.get(inline[1].lower(), '')}" if inline is not None else source
        picture = picture_of(name, body) if 0 < len(body) <= MEDIA_BYTES else None
        if picture is None or len(self.bodies) >= MOST_PICTURES:
            raise NotImported("figure")
        if picture.type == "image/svg+xml" and svg_faults(body):
            raise NotImported("figure")
        file = f"media/{picture.sha256[:16]}{ENDINGS[picture.type]}"
        self.bodies[file] = body
        self.alts.setdefault(file, " ".join(alt.split()))

    def media(self, title: str) -> list[dict[str, str]]:
        """The pictures as an item's `media`; one that the source does not describe has the title.

        >>> Pictures(lambda _: b"").media("A cat")
        []
        """
        return [{"file": file, "alt": alt or title} for file, alt in self.alts.items()]
