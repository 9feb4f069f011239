"""The client against a real server: few answers, no timing."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bench import feedback, servers
from bench.course import course_bytes, document, sum_of
from bench.learner import Tally, counted, entered
from bench.load import played, settled
from bench.options import Options
from bench.wire import client_frame, masked
from engines.exercises.course import course_from, findings, syllabus
from engines.exercises.grading import graded
from engines.exercises.template import instance


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave this process where it is."""
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)


def test_the_course_is_sound_and_the_client_can_work_it_out() -> None:
    course = course_from(course_bytes())
    assert len(course.skills) == 9
    assert len(course.items) == 200
    assert not [f for f in findings(course) if f.severity == "E"]
    assert syllabus(course).d.min() < -1 < 1 < syllabus(course).d.max()
    for item in course.items[::40]:
        drawn = instance(item, course.sha256, 5)
        assert graded(drawn, str(sum_of(drawn.prompt))).verdict == "correct"
        assert graded(drawn, str(sum_of(drawn.prompt) + 1)).verdict == "incorrect"
    assert document() == document()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_client_frame_says_its_length_and_unmasks(size: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    frame = client_frame(payload, 0xA1B2C3D4)
    head = {True: 2, False: 4 if size < 65_536 else 10}[size < 126]
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert frame[head : head + 4] == b"\xa1\xb2\xc3\xd4"
    assert masked(frame[head + 4 :], 0xA1B2C3D4) == payload


def test_a_rate_over_a_connections_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 10"):
        feedback.defaults(Options("feedback", connections=2, rate=500.0))


async def test_a_schedule_passes_on_the_times_that_were_due() -> None:
    seen: list[tuple[int, float]] = []
    start_s = await played([0.0, 0.001, 0.001], lambda n, due: seen.append((n, due)))
    assert [n for n, _ in seen] == [0, 1, 2]
    assert [round(due - start_s, 6) for _, due in seen] == [0.0, 0.001, 0.001]


async def test_an_error_in_an_arrival_ends_the_schedule() -> None:
    def act(n: int, due_s: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await played([0.0, 1e9], act)


async def _answers(url: str, dialect: str, n: int) -> tuple[Tally, dict[str, int]]:
    tally = Tally()
    learners = await entered(2, url, dialect, 1, tally)  # type: ignore[arg-type] # a literal
    tally.since_s = 0.0
    for _ in range(n):  # all at once: the second waits in the client, its latency counts from now
        for learner in learners:
            learner.answer(time.monotonic())
    assert await settled(lambda: tally.waiting, 20.0) == 0
    found = counted(learners)
    for learner in learners:
        learner.ack()
        learner.wire.close()
    return tally, found


@pytest.mark.usefixtures("anywhere")
async def test_answers_to_our_server_are_heard_and_counted() -> None:
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "course.json"
        course.write_bytes(course_bytes())
        async with servers.serving("ours", servers.ours("memory:", course=course)) as server:
            tally, found = await _answers(server.url("/v1/ws"), "native", 4)
            samples = await server.metrics()
    assert len(tally.latencies_ms) == tally.feedbacks == 8
    assert sum(tally.verdicts.values()) == 8
    assert set(tally.verdicts) <= {"correct", "incorrect"}
    assert tally.refusals == []
    assert found["events"] >= 8 + tally.verdicts["correct"] + 4
    assert set(tally.stages) == {"decode_us", "check_us", "score_us", "store_us", "total_us"}
    assert samples['tutorstream_feedback_seconds_count{stage="total"}'] == 8


@pytest.mark.usefixtures("anywhere")
async def test_the_null_control_echoes() -> None:
    command = [sys.executable, "-m", "bench.peers.echo"]
    async with servers.serving("echo", command) as server:
        tally, found = await _answers(server.url("/"), "echo", 3)
    assert tally.feedbacks == 6
    assert found["bytes_in"] == found["bytes_out"]


@pytest.mark.usefixtures("anywhere")
async def test_a_server_that_does_not_start_says_why() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such store')"]
    with pytest.raises(servers.NotStarted, match="no such store"):
        async with servers.serving("none", command):
            await asyncio.sleep(0)
