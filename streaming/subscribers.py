"""Who hears of which log in this process. This file is what both twins of `Log` tell news to.

Each hearer is called back by the loop on its own, in the order of the news: one that fails takes
no other along, nor the ticket of the append that it hears of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streaming.log import News


class Subscribers:
    """The hearers of all logs; `left(name)` is called when the last one of a log has closed."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, left: Callable[[str], None] | None = None
    ) -> None:
        self._loop = loop
        self._left = left
        self._of: dict[str, list[Hearing]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._of

    @property
    def names(self) -> list[str]:
        """Logs that somebody hears of."""
        return list(self._of)

    def add(self, name: str, hear: Callable[[News], None]) -> Hearing:
        """A further hearer of a log."""
        hearing = Hearing(self, name, hear)
        self._of.setdefault(name, []).append(hearing)
        return hearing

    def tell(self, name: str, news: News) -> None:
        """Call every hearer of a log back, soon; to be called on the loop's thread."""
        for hearing in self._of.get(name, ()):
            self._loop.call_soon(hearing.told, news)

    def gone(self, hearing: Hearing) -> None:
        """Forget a hearer that has closed."""
        hearings = self._of[hearing.name]
        hearings.remove(hearing)
        if not hearings:
            del self._of[hearing.name]
            if self._left is not None:
                self._left(hearing.name)


class Hearing:
    """One hearer of one log: a `streaming.log.Subscription`."""

    __slots__ = ("_among", "_hear", "name")

    def __init__(self, among: Subscribers, name: str, hear: Callable[[News], None]) -> None:
        self.name = name
        self._among = among
        self._hear: Callable[[News], None] | None = hear

    def told(self, news: News) -> None:
        """Pass news on, unless closed meanwhile."""
        if self._hear is not None:
            self._hear(news)

    def close(self) -> None:
        """Hear nothing any more; a second call does nothing."""
        if self._hear is not None:
            self._hear = None
            self._among.gone(self)
