"""Idle learners and tutor turns, a few of each, against a real server; `--url` and `--compare`."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from bench import memory, report, servers, stream
from bench.options import Options
from bench.record import record
from server import cli
from server.commands.bench import command_line


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests leave this process where it is."""
    monkeypatch.setattr("bench.machine.to_core", lambda of: None)


def step(n: int, rss_bytes: int) -> dict[str, Any]:
    return {
        "learners": n,
        "rss_bytes": rss_bytes,
        "pss_bytes": None,
        "idle_gap_under_ms": 2.0,
        "idle_cpu_share": 0.01,
        "loop_gap_max_ms": 3.0,
        "flagged": False,
    }


def memory_record(each_bytes: int) -> dict[str, Any]:
    steps = [step(n, 90_000_000 + each_bytes * n) for n in (0, 50, 100, 200)]
    rows = [memory.row(k, steps) for k in range(3)]
    gates = memory.gates(rows)
    return record("memory", "tutorstream bench memory", {}, memory.body(rows), gates)


def test_the_slope_decides_whether_memory_passes() -> None:
    assert memory_record(29_000)["passed"]
    made = memory_record(31_000)
    assert made["summary"]["tutorstream"]["rss_kb"]["median"] == 31.0
    assert not made["passed"]
    assert "31 (31-31)" in report.table(made)
    assert "31 (31-31)" in report.page(made)


def test_memory_is_not_read_from_afar_nor_from_too_few() -> None:
    with pytest.raises(ValueError, match="--url"):
        memory.defaults(Options("memory", url="ws://127.0.0.1:1"))
    with pytest.raises(ValueError, match="4 learners"):
        memory.defaults(Options("memory", connections=3))


async def test_a_few_turns_are_heard_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.stream.WARM_S", 0.1)
    options = stream.defaults(Options("stream", connections=3, duration_s=3.0, rounds=1))
    body, gates = await stream.measured(options)
    ours = body["summary"]["tutorstream"]
    assert ours["texts_wrong"] == 0
    assert ours["turns"] >= 3
    assert ours["deltas"] > 0
    assert [g["ok"] for g in gates if g["limit"] == 0] == [True, True]


async def test_a_text_that_is_not_its_digest_is_counted() -> None:
    tally = stream.Listening()
    tally.over = True
    learner = stream.Listener(0, random.Random(1), tally)
    learner._hear(b'{"t":"delta","gen":"g1","text":"Half of"}')
    learner._hear(b'{"t":"turn.done","gen":"g1","status":"completed","text_sha256":"00"}')
    assert (tally.turns, tally.texts_wrong) == (1, 1)


async def test_a_server_that_runs_is_measured_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with servers.serving("ours", servers.ours("memory:")) as server:
        url = server.url("/v1/ws")
        words = ["bench", "feedback", "--url", url, "--connections", "2", "--rate", "10"]
        words += ["--duration", "0.5", "--rounds", "1", "--budget", "60s"]
        monkeypatch.setattr("bench.feedback.WARM_S", 0.1)
        first = await _said([*words, "--out", str(tmp_path)], capsys)
        second = await _said([*words, "--compare", str(tmp_path / "feedback.json")], capsys)
    made = json.loads((tmp_path / "feedback.json").read_text())
    assert (tmp_path / "feedback.html").read_text() == report.page(made)
    assert "guesses" in first
    assert f"against commit {made['commit'] or 'unknown'}:" in second
    assert "tutorstream, p50 ms:" in second
    assert url not in (tmp_path / "feedback.json").read_text()


async def _said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert await asyncio.to_thread(cli.main, words) == 0
    return capsys.readouterr().out


def test_the_command_names_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["bench", "stream", "--url=ws://example.org", "--out", "here", "--compare=x", "--json"]
    monkeypatch.setattr("sys.argv", ["tutorstream", *typed])
    assert command_line() == "tutorstream bench stream --url URL --json"


@pytest.mark.parametrize("url", ["nonsense", "wss://example.org", "ws://"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ws://HOST:PORT"):
        servers.address(url)
