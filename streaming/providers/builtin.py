"""The tutor that needs no key: plays the text composed from the item itself. This file is its pace.

The text comes with the request (`LlmRequest.builtin_text`, from `engines/exercises/explain.py`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Text

NAME = "builtin"
WORDS_A_S = 30.0

_WORD = re.compile(r"\s*(?:\$[^$\n]+\$\S*|\S+)")
"""One word with the space before it; a formula between dollars is one word."""


class Builtin:
    """Streams the ready text word by word; the first word at once, then `pace_words_a_s`.

    A pace of 0, or a request that says `at_once`, gives the whole text as one piece.
    """

    name = NAME
    model = "builtin/1"
    ready = True
    local = True
    first_token_s = 0.0

    def __init__(self, *, pace_words_a_s: float = WORDS_A_S) -> None:
        if pace_words_a_s < 0:
            raise ValueError(f"a pace in words a second is 0 or more, {pace_words_a_s} came")
        self._pace = pace_words_a_s

    def warm(self) -> float:
        """There is nothing to import."""
        return 0.0

    async def stream(self, request: LlmRequest) -> AsyncIterator[Piece]:
        """The text of `request.builtin_text`, then `End("stop")`; `empty` where there is none."""
        if not request.builtin_text:
            raise ProviderFailed("empty", "the request carries no text for the built-in tutor")
        paced = self._pace > 0 and not request.at_once
        words = words_of(request.builtin_text) if paced else [request.builtin_text]
        loop = asyncio.get_running_loop()
        start = loop.time()
        for n, word in enumerate(words):
            wait_s = start + n / self._pace - loop.time() if n else 0.0
            if wait_s > 0:  # due times are absolute, so a slow reader makes nothing later
                await asyncio.sleep(wait_s)
            yield Text(word)
        yield End("stop")

    async def aclose(self) -> None:
        """Nothing is held."""


def words_of(text: str) -> list[str]:
    """The words of a text, each with the white space before it; joined they are the text.

    >>> words_of("Take $x + 2 = 5$. What now?")
    ['Take', ' $x + 2 = 5$.', ' What', ' now?']
    """
    words = _WORD.findall(text)
    rest = text[sum(map(len, words)) :]
    return [*words[:-1], words[-1] + rest] if words else [text]
