"""The built-in tutor's pace, on virtual time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.providers.base import End, LlmRequest, Piece, ProviderFailed, Text
from streaming.providers.builtin import Builtin, words_of
from tests.virtual import run

SAID = "Subtract $3 + 1$ from both sides. Then divide."


def request(text: str = SAID, *, at_once: bool = False) -> LlmRequest:
    return LlmRequest((), 0, builtin_text=text, at_once=at_once)


async def timed(provider: Builtin, asked: LlmRequest) -> list[tuple[float, Piece]]:
    loop = asyncio.get_running_loop()
    return [(round(loop.time(), 4), piece) async for piece in provider.stream(asked)]


def test_the_first_word_comes_at_once_and_then_thirty_a_second() -> None:
    said = run(timed(Builtin(), request()))
    words = words_of(SAID)
    assert [piece for _, piece in said] == [*map(Text, words), End("stop")]
    assert said[0][0] == 0
    assert [s for s, _ in said[:-1]] == [round(n / 30, 4) for n in range(len(words))]


@pytest.mark.parametrize(
    ("provider", "asked"),
    [(Builtin(pace_words_a_s=0), request()), (Builtin(), request(at_once=True))],
)
def test_without_a_pace_the_text_is_one_piece(provider: Builtin, asked: LlmRequest) -> None:
    assert run(timed(provider, asked)) == [(0, Text(SAID)), (0, End("stop"))]


def test_a_slow_reader_makes_no_word_later() -> None:
    async def scenario() -> float:
        async for piece in Builtin().stream(request()):
            if piece == Text("Subtract"):
                await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx((len(words_of(SAID)) - 1) / 30)


def test_no_text_is_a_failure() -> None:
    with pytest.raises(ProviderFailed) as failed:
        run(timed(Builtin(), request("")))
    assert failed.value.kind == "empty"


def test_a_negative_pace_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Builtin(pace_words_a_s=-1)


@given(st.text(st.sampled_from("ab $\n\t."), min_size=1))
def test_words_joined_are_the_text(text: str) -> None:
    words = words_of(text)
    assert "".join(words) == text
    assert all(words)
