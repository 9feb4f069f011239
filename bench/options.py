"""What a run is told by its command line. This file is those options, and the words to the user."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engines.responses import Responses
    from engines.words import Item


class Typed(NamedTuple):
    """An answer as somebody types it, for the checker: its file, its id, the text, and the item.

    `item` is None where no item judges it; `formula` says that it is meant as mathematics.
    """

    source: str
    name: str
    text: str
    item: Item | None
    formula: bool
    locale: str = "en"


class Options(NamedTuple):
    """The options of every scenario; 0 stands for the scenario's own default.

    `only` names parts of a scenario that has several, joined by commas; empty: all of them.
    `log` is the response log that was given and `data` its name, the file's without folder and
    endings; the log itself does not go into the record, nor do the `answers` of a checker's data.
    """

    scenario: str
    connections: int = 0
    rate: float = 0.0
    duration_s: float = 0.0
    rounds: int = 0
    turns: int = 0
    cuts: int = 0
    url: str = ""
    peers: bool = True
    budget_ms: float = 100.0
    seed: int = 1
    data: str = ""
    only: str = ""
    log: Responses | None = None
    answers: tuple[Typed, ...] = ()


def tell(words: str) -> None:
    """One line of progress, where somebody looks."""
    if sys.stderr.isatty():
        print(f"bench: {words}", file=sys.stderr, flush=True)
