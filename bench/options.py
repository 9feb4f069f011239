"""What a run is told by its command line. This file is those options, and the words to the user."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engines.responses import Responses


class Options(NamedTuple):
    """The options of every scenario; 0 stands for the scenario's own default.

    `only` names parts of a scenario that has several, joined by commas; empty: all of them.
    `log` is the response log that was given and `data` its name, the file's without folder and
    endings; the log itself does not go into the record.
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


def tell(words: str) -> None:
    """One line of progress, where somebody looks."""
    if sys.stderr.isatty():
        print(f"bench: {words}", file=sys.stderr, flush=True)
