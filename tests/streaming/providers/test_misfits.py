"""Any JSON in any place of a chunk: a failure of the provider or an answer, never a bug of ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from streaming.providers.base import End, Provider, Text
from streaming.providers.groq import Groq
from streaming.providers.openai import OpenAIChat
from streaming.providers.openai_responses import OpenAIResponses
from tests.fakes.asking import heard
from tests.fakes.wire import Fake, Reply, started

MISFITS: tuple[Any, ...] = (None, 5, -1, 0.5, "x", "", True, [], [5], [None], {}, {"a": 1}, [{}])
KINDS = {"malformed", "truncated", "empty", "refused", "server_error"}
"""What an answer of the wrong shape may be called."""

_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}
_HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
CHAT: dict[str, Any] = {
    **_HEAD,
    "choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}],
    "usage": _USAGE,
}
GROQ: dict[str, Any] = {
    **_HEAD,
    "choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}],
    "x_groq": {"id": "r", "usage": _USAGE},
}
DELTA: dict[str, Any] = {"type": "response.output_text.delta", "delta": "Yes.", "logprobs": []}
COMPLETED: dict[str, Any] = {
    "type": "response.completed",
    "response": {
        "id": "r",
        "status": "completed",
        "incomplete_details": None,
        "output": [],
        "usage": {
            "input_tokens": 1,
            "output_tokens": 1,
            "input_tokens_details": {"cached_tokens": 1},
        },
    },
}
FAILED: dict[str, Any] = {
    "type": "response.failed",
    "response": {"id": "r", "error": {"code": "server_error", "message": "no"}},
}


def _chat(base_url: str) -> Provider:
    return OpenAIChat(name="x", model="m", base_url=base_url)


def _groq(base_url: str) -> Provider:
    return Groq(name="x", model="m", api_key="", base_url=base_url)


def _responses(base_url: str) -> Provider:
    return OpenAIResponses(name="x", model="m", base_url=base_url)


def misfitting(whole: Any) -> Iterator[Any]:
    """The whole with each of its parts, and itself, replaced by each misfit."""
    for path in list(_paths(whole)):
        for misfit in MISFITS:
            changed = {"root": copy.deepcopy(whole)}
            holder: Any = changed
            *way, last = ("root", *path)
            for step in way:
                holder = holder[step]
            holder[last] = misfit
            yield changed["root"]


def _paths(part: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    steps = part.items() if isinstance(part, dict) else ()
    for step, inner in enumerate(part) if isinstance(part, list) else steps:
        for rest in _paths(inner):
            yield (step, *rest)


def test_the_misfits_reach_every_part() -> None:
    changed = list(misfitting({"a": [1]}))
    assert len(changed) == 3 * len(MISFITS)
    assert {"a": [-1]} in changed
    assert {"a": "x"} in changed
    assert None in changed


@pytest.mark.parametrize(
    ("build", "before", "whole", "after"),
    [
        pytest.param(_chat, (), CHAT, (), id="chat"),
        pytest.param(_groq, (), GROQ, (), id="groq"),
        pytest.param(_responses, (), DELTA, (COMPLETED,), id="responses-delta"),
        pytest.param(_responses, (DELTA,), COMPLETED, (), id="responses-completed"),
        pytest.param(_responses, (DELTA,), FAILED, (), id="responses-failed"),
    ],
)
async def test_no_shape_of_a_chunk_is_a_bug_of_ours(
    build: Callable[[str], Provider], before: tuple[Any, ...], whole: Any, after: tuple[Any, ...]
) -> None:
    now: list[Any] = []

    async def play(reply: Reply) -> None:
        reply.head()
        for data in (*before, *now, *after):
            reply.raw(b"data: " + json.dumps(data).encode() + b"\n\n")
        reply.done()

    async with started(Fake({"m": play}, play)) as fake:
        provider = build(fake.base_url)
        for now[:] in ([changed] for changed in misfitting(whole)):
            result = await heard(provider)
            assert result.kind in KINDS or not result.kind, (result.kind, now)
            assert result.kind or isinstance(result.pieces[-1], End), now
            assert all(piece.text for piece in result.pieces if isinstance(piece, Text)), now
            assert sum(isinstance(piece, End) for piece in result.pieces) <= 1, now
        await provider.aclose()


async def test_an_error_of_any_shape_has_a_kind() -> None:
    """Bodies of errors, by status and in the stream, on every adapter of this make."""
    now: list[Any] = []

    async def play(reply: Reply) -> None:
        reply.whole(400, json.dumps(now[0]).encode(), {})

    error = {"error": {"message": "no", "type": "invalid_request_error", "code": "x", "param": 1}}
    async with started(Fake({"m": play}, play)) as fake:
        for build in (_chat, _groq, _responses):
            provider = build(fake.base_url)
            async with aclosing(provider):
                for now[:] in ([changed] for changed in misfitting(error)):
                    assert (await heard(provider)).kind == "bad_request", now
