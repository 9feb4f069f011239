"""Cuts and cancels against a real server, a few of each, no timing; and the known answers."""

from __future__ import annotations

import asyncio
import json
import random
from hashlib import sha256

import pytest

from bench import cancel, resume
from bench.options import Options
from bench.reader import BrittleWire
from bench.upstream import Upstream, answer, question, tokens
from protocol.commands import TurnStart
from protocol.events import Delta, Event, LogHead, TurnDone, TurnStarted, Welcome


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave this process where it is."""
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)


async def _chat(upstream: Upstream, text: str) -> bytes:
    port = int(upstream.base_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    writer.write(b"POST /v1/chat HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    said = await reader.readuntil(b"0\r\n\r\n") if "ask" in text else await reader.readline()
    writer.close()
    await writer.wait_closed()
    return said


async def test_the_upstream_says_the_answer_that_was_asked_for() -> None:
    upstream = Upstream(40, 10_000.0, first_s=0.0)
    await upstream.start()
    try:
        said = await _chat(upstream, f"{question('1.1')} and then {question('2.5')}")
        refused = await _chat(upstream, "no name")
    finally:
        await upstream.stop()
    events = [line[6:] for line in said.split(b"\n") if line.startswith(b"data: ")]
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    deltas = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
    assert "".join(deltas) == answer("2.5", 40) != answer("1.1", 40)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == 40
    assert refused.startswith(b"HTTP/1.1 400")
    assert (upstream.begun, upstream.completed, upstream.left) == (1, 1, 0)


def test_answers_hold_more_than_ascii() -> None:
    text = answer("1.0", 300)
    assert len(tokens("1.0", 300)) == 300
    assert {len(char.encode()) for char in text} == {1, 2, 3, 4}
    assert answer("1.0", 300).startswith(answer("1.0", 100))


class _Socket(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("left", "heard"), [(3, []), (4, [b"ab"]), (7, [b"ab"]), (9, [b"ab"] * 2)])
async def test_a_brittle_wire_hears_nothing_behind_its_cut(left: int, heard: list[bytes]) -> None:
    got: list[bytes] = []
    wire = BrittleWire(got.append, lambda code: None)
    socket = _Socket()
    wire.connection_made(socket)
    wire.opened.set_result(None)
    wire.bytes_left = left
    for _ in range(2):
        wire.data_received(b"\x81\x02ab")
    assert got == heard
    assert socket.aborted == wire.gone == (left < 9)


def test_moments_cover_the_whole_turn() -> None:
    drawn = cancel.moments(2_000, random.Random(1))
    assert {moment for moment, _ in drawn} == set(cancel.MOMENTS)
    late = [delay_s for moment, delay_s in drawn if moment == "late"]
    assert min(late) < cancel.STREAM_S < max(late)
    assert all(delay_s == 0 for moment, delay_s in drawn if moment in ("before", "started"))


@pytest.mark.parametrize("scenario", [resume, cancel])
def test_a_running_server_is_not_taken(scenario: object) -> None:
    with pytest.raises(ValueError, match="known one"):
        scenario.defaults(Options("any", url="http://elsewhere"))  # type: ignore[attr-defined] # a module


def _heard(gen: str, text: str) -> list[Event]:
    digest = sha256(text.encode()).hexdigest()
    return [
        TurnStarted("me", 1, 0, gen, "ask.0.9", "vllm", "known-answers", "llm"),
        Delta("me", 2, 0, gen, (0, 0), text),
        TurnDone("me", 3, 0, gen, "completed", 1, digest, 1.0),
    ]


@pytest.mark.parametrize("shown", [answer("0.9", 20), answer("0.9", 20) + "!", "", "0.9:"])
async def test_a_text_that_differs_is_told(shown: str) -> None:
    tally = resume.Tally()
    learner = resume.Learner(0, "", Upstream(20, 1.0), 1, random.Random(1), tally)
    replica = learner.reader.replica
    replica.hear(Welcome("c", "s_1", "n", 20.0, 64, [LogHead("me", "e", 0, "live")]))
    replica.send(TurnStart("ask.0.9", question("0.9")))
    for event in _heard("g1", shown):
        replica.hear(event)
    learner._asked, learner._text, learner._cuts_of_turn = "ask.0.9", answer("0.9", 20), 2
    learner._judge()
    assert (tally.identical, len(tally.wrong)) == ((2, 0) if shown == answer("0.9", 20) else (0, 1))


async def test_what_comes_behind_an_end_is_counted() -> None:
    tally = cancel.Tally()
    learner = cancel.Learner(0, "", cancel.Pool("", 1, tally))
    learner.ask("amid", 60.0)
    learner._turn = "0.9"
    learner.reader.replica.hear(Welcome("c", "s_1", "n", 20.0, 64, [LogHead("me", "e", 0, "live")]))
    for event in _heard("g1", answer("0.9", cancel.TOKENS)):
        learner.reader.replica.hear(event)
        learner._hear(event)
    assert (tally.late_deltas, tally.twice, tally.wrong) == (0, 0, [])
    _, delta, done = _heard("g1", "more")
    learner._hear(delta)
    learner._hear(done)
    assert (tally.late_deltas, tally.twice) == (1, 1)
    assert tally.running == 1  # the reply to the cancel is still due


@pytest.mark.usefixtures("anywhere")
async def test_texts_are_identical_after_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "TOKENS", 120)
    options = resume.defaults(Options("resume", cuts=20, connections=10, rate=80.0))
    body, gates = await resume.measured(options)
    assert [g for g in gates if not g["ok"]] == []
    row = body["rounds"][0]
    assert row["cuts"] == row["identical"] == 20
    assert row["turns"] >= 10
    assert sum(row["modes"].values()) == row["resume_ms"]["n"] >= 5


@pytest.mark.usefixtures("anywhere")
async def test_every_cancelled_turn_ends_once() -> None:
    options = cancel.defaults(Options("cancel", turns=30, connections=5, rate=20.0))
    body, gates = await cancel.measured(options)
    assert [g for g in gates if not g["ok"] and g["unit"] != "ms"] == []
    row = body["rounds"][0]
    assert row["cancelled"] + row["too_late"] == sum(row["ended"].values()) == row["turns"] == 30
    assert row["upstream"]["begun"] >= row["upstream"]["completed"]
