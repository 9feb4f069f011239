"""`bench llm`: its upstream, its arithmetic, and a small run of each part, nothing timed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bench import llm, llm_bare, llm_failures, llm_fakes, llm_load, llm_small, llm_upstream
from bench.llm_failures import Failure
from bench.llm_learner import Asked
from bench.llm_upstream import Connection, Pacer, answer, asked_for, name_of, question, words
from bench.options import Options
from bench.record import passed
from server import turn_timing

PACE, N = 2_000.0, 30


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave this process where it is."""
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)


@asynccontextmanager
async def upstream(n: int = N) -> AsyncIterator[tuple[Pacer, int]]:
    """The paced upstream on this loop; an answer has `n` tokens."""
    pacer = Pacer(PACE, n)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pacer), "127.0.0.1", 0)
    try:
        yield pacer, server.sockets[0].getsockname()[1]
    finally:
        pacer.close()
        server.close()
        await server.wait_closed()


# --- the upstream ---------------------------------------------------------------------------------


def test_names_and_answers_hold_no_number() -> None:
    names = [name_of(n) for n in range(2_000)]
    assert len(set(names)) == 2_000
    text = "".join([*names, *(answer(name, 220) for name in names[:50]), *llm_fakes.SECOND])
    assert not any(char.isdigit() for char in text)
    assert asked_for(f"{question('qa')} and {question('qzb')}") == ["qa", "qzb"]
    assert len(words("qa", 220)) == 220
    assert answer("qa", 220).count(" ") == 219


async def _said(port: int, text: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body))
    writer.write(body)
    said = await reader.readuntil(b"0\r\n\r\n") if "ask" in text else await reader.readline()
    writer.close()
    await writer.wait_closed()
    return said


async def test_the_upstream_says_the_answer_and_stamps_it() -> None:
    async with upstream() as (pacer, port):
        before_s = time.monotonic()
        said, refused = await _said(port, question("qa")), await _said(port, "no name")
        report = pacer.report()
        again = pacer.report()
    events = [line[6:] for line in said.split(b"\n") if line.startswith(b"data: ")]
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    deltas = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
    assert "".join(deltas) == answer("qa", N)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert refused.startswith(b"HTTP/1.1 400")
    call = report["calls"]["qa"]
    assert before_s < call["asked_s"] <= call["first_s"] - llm_upstream.FIRST_S
    assert "left_s" not in call
    assert report["written"] == report["late_ms"]["n"] == N
    assert (again["calls"], again["written"]) == ({}, 0)


async def test_a_reader_that_leaves_is_stamped() -> None:
    async with upstream(n=40_000) as (pacer, port):  # 20 s: it leaves long before the end
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps({"messages": [{"role": "user", "content": question("qb")}]}).encode()
        writer.write(b"POST /v1 HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await reader.readuntil(b"So")
        writer.close()
        await writer.wait_closed()
        while "left_s" not in pacer.calls["qb"]:  # noqa: ASYNC110 - the other side of a socket
            await asyncio.sleep(0.001)
    assert pacer.calls["qb"]["left_s"] >= pacer.calls["qb"]["first_s"]


async def test_the_bare_sdk_reads_every_token() -> None:
    async with upstream() as (pacer, port):
        job = {
            "base_url": f"http://127.0.0.1:{port}/v1",
            "messages": [{"role": "user", "content": question("qa")}],
            "asked": "ask qa",
            "times": [0.0, 0.01, 0.3],
            "names": ["qx", "qy", "qz"],
            "since_s": 0.0,
            "until_s": 1.0,
        }
        found = await llm_bare.called(job)
        asked = set(pacer.calls)
    assert found["errors"] == []
    assert (found["tokens"], found["unended"]) == (3 * N, 0)
    assert asked == set(found["calls"]) == {"qx", "qy", "qz"}
    assert all(call["first_s"] > call["called_s"] for call in found["calls"].values())


# --- arithmetic -----------------------------------------------------------------------------------


def test_a_histogram_between_two_scrapes() -> None:
    series = 'x_bucket{stage="in",le='
    before = {f'{series}"0.001"}}': 5.0, f'{series}"0.01"}}': 9.0, f'{series}"+Inf"}}': 9.0}
    after = {f'{series}"0.001"}}': 65.0, f'{series}"0.01"}}': 109.0, f'{series}"+Inf"}}': 109.0}
    assert llm.bucketed(before, after, series) == {"n": 100, "p50": 1.0, "p99": 10.0, "max": 10.0}
    after[f'{series}"+Inf"}}'] = 119.0
    assert llm.bucketed(before, after, series) == {"n": 110, "p50": 1.0, "p99": None, "max": None}
    assert llm.bucketed(after, after, series)["p50"] is None


def _turn(text: str, status: str = "completed", *voices: str, whole: bool = True) -> Asked:
    return Asked("qa", 0.0, voices=list(voices) or ["vllm"], status=status, text=text, whole=whole)


def test_a_text_is_the_answer_or_its_beginning() -> None:
    whole = answer("qa", llm.TOKENS)
    assert llm._right(_turn(whole))
    assert not llm._right(_turn(whole, whole=False))
    assert not llm._right(_turn(whole[:40]))
    assert llm._right(_turn(whole[:40], "cancelled"))
    assert not llm._right(_turn("So not this", "cancelled"))
    assert llm._right(_turn("Look again.", "completed", "vllm", "builtin"))
    assert not llm._right(_turn("", "failed", "vllm", "builtin"))


TEXTS = {"first": "What would undo it?", "second": "Let us look at it together."}


@pytest.mark.parametrize(
    ("text", "voices", "right"),
    [
        (TEXTS["second"], ("openai", "openrouter"), True),
        ("What would " + TEXTS["second"], ("openai", "openrouter"), False),
        (TEXTS["second"], ("openrouter",), False),
        (TEXTS["first"], ("openai",), False),
    ],
)
def test_a_text_of_two_sources_is_told(text: str, voices: tuple[str, ...], right: bool) -> None:
    turn = _turn(text, "completed", *voices)
    assert (llm_failures.complained(Failure("cut"), turn, TEXTS) == "") is right


def test_the_built_in_tutor_follows_nobodys_words() -> None:
    failure = Failure("silence everywhere", text="builtin", timed=False)
    voices = ("openai", "openrouter", "builtin")
    good, spliced = "Look again.", TEXTS["first"] + " Look again."
    assert not llm_failures.complained(failure, _turn(good, "completed", *voices), TEXTS)
    assert llm_failures.complained(failure, _turn(spliced, "completed", *voices), TEXTS)
    assert llm_failures.complained(failure, _turn(good, "failed", *voices), TEXTS)


def test_failover_counts_from_the_failures_last_byte() -> None:
    turn = Asked("qa", 1.0, sent_s=1.0)
    calls: list[dict[str, Any]] = [
        {"upstream": "first", "began_s": 1.1, "over_s": 1.5},
        {"upstream": "second", "began_s": 1.52, "over_s": 1.6},
    ]
    assert llm_failures.failover_ms(turn, calls) == pytest.approx(20.0)
    assert llm_failures.failover_ms(turn, calls[1:]) == pytest.approx(520.0)
    assert llm_failures.failover_ms(turn, calls[:1]) is None


def test_cancels_are_drawn_beforehand() -> None:
    drawn = llm_load.cancels(1_000, 0.1, (1.0, 2.0), 7)
    assert drawn == llm_load.cancels(1_000, 0.1, (1.0, 2.0), 7)
    given_up = [s for s in drawn if s is not None]
    assert 60 < len(given_up) < 140
    assert all(1.0 <= s <= 2.0 for s in given_up)


def test_chunks_join_to_the_text() -> None:
    text = "½ of x² is “half” 🙂 " * 20
    pieces = llm_small.chunks(text)
    assert "".join(pieces) == text
    assert max(len(piece.encode()) for piece in pieces) <= llm_small.CHUNK_BYTES


def test_a_running_server_is_not_taken() -> None:
    with pytest.raises(ValueError, match="known upstream"):
        llm.defaults(Options("llm", url="ws://elsewhere"))


# --- the parts ------------------------------------------------------------------------------------


def test_the_guards_pass_the_courses_own_hints() -> None:
    found = llm_small.guards(llm_small.shipped_course(), 1)
    assert found["caught"] == 0
    assert found["chunk_us"]["n"] == found["held_chars"]["n"] > 100


async def test_plans_and_first_words_are_timed_on_the_servers_own_turns() -> None:
    found = await turn_timing.timed(plans=9, turns=11)
    assert (len(found["plan_us"]), len(found["first_us"])) == (9, 11)
    assert min(min(values) for values in found.values()) > 0


@pytest.mark.usefixtures("anywhere")
async def test_every_failure_ends_once_in_one_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await llm_failures.measured(1, 2)
    for word, each in found["failures"].items():
        assert (each["turns"], each["first_wrong"]) == (1, []), word
    assert found["failures"]["refused"]["reasons"] == ["connect"]
    assert found["failures"]["unfinished"]["reasons"] == ["truncated"]
    assert found["cancel"]["wrong"] == found["late_deltas"] == found["ended_twice"] == 0
    assert [g for g in llm_failures.gates(found) if not g["ok"] and g["unit"] != "ms"] == []
    monkeypatch.setattr(llm_failures, "present", lambda: False)
    left_out = await llm_failures.measured(1, 2)
    assert "tests/fakes" in left_out["left_out"]
    assert llm_failures.gates(left_out) == []


@pytest.mark.usefixtures("anywhere")
async def test_a_window_of_the_server_and_of_the_bare_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "TOKENS", 60)
    monkeypatch.setattr(llm, "STREAM_S", 1.6)
    options = llm.defaults(Options("llm", connections=3, duration_s=3.0))
    ours, bare = await llm._loaded(0, 3, options)
    assert (ours["texts_wrong"], ours["refused"], ours["late_deltas"]) == (0, 0, 0)
    assert ours["turns"] == bare["turns"] > 0
    assert ours["by_model"] == ours["turns"]
    assert ours["stages_ms"]["both"]["n"] > 0
    # Of an answer that began as the window closed the first word may have come after it.
    for window in (ours, bare):
        assert window["turns"] - 1 <= window["outside_ms"]["n"] <= window["turns"]
    assert bare["errors"] == []
    small = {name: {"p99": 1.0} for name in ("plan_us", "first_us", "chunk_us", "held_chars")}
    rows = [ours, bare]
    failed = {"left_out": "not here"}
    gates = llm._gates(rows, small, failed, options)
    assert [g for g in gates if not g["ok"] and g["unit"] != "ms"] == []
    ours["texts_wrong"] = 1
    assert not passed(llm._gates(rows, small, failed, options))
    body = llm._body(rows, small, failed, options)
    assert list(body["summary"]) == ["tutorstream, 3 at once", "bare SDK, 3 at once"]
