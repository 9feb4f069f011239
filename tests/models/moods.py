"""A model of many moods: fluent, slow, mute, broken. This file is what it says in each."""

from __future__ import annotations

from typing import Any

from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Spent, Text
from tests.world import Scripted, spelt

Script = list[Piece | float | ProviderFailed]


def words(count: int, pause_s: float) -> Script:
    """Text in pieces, every fifth the end of a sentence."""
    said = [(Text(f"wörd{spelt(n)}{'. ' if n % 5 == 4 else ' '}"), pause_s) for n in range(count)]
    return [part for pair in said for part in pair]


MOODS: dict[str, Script] = {
    "fluent": [*words(30, 0.02), Spent(5, 30), End("stop")],
    "slow": [*words(25, 0.9), End("stop")],
    "at once": [Text("All of it."), End("stop")],
    "stalls": [*words(4, 0.05), 60.0, End("stop")],
    "mute": [60.0, Text("too late"), End("stop")],
    "refuses": [ProviderFailed("server_error", "down")],
    "breaks": [*words(7, 0.05), ProviderFailed("cut", "gone", emitted=7)],
    "cut short": [*words(6, 0.05), End("length")],
    "no end": words(3, 0.05),
    "empty": [End("stop")],
}


class Moody(Scripted):
    """A model whose next script is set from outside."""

    async def stream(self, request: LlmRequest) -> Any:
        script = Scripted(*self.script)
        async for piece in script.stream(request):
            yield piece
