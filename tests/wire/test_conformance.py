"""The contract of the wire: a real server keeps all of it, and each way to break it is found."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bench.conformance.run import CHECKS, Verdict, judged, table
from tests.wire import faulty
from tests.wire.process import ROOT, Process, serving
from tests.world import small_course

QUICK = tuple(check.name for check in CHECKS if not check.slow)

FAULTS: dict[type[faulty.Fault], tuple[str, str]] = {
    faulty.DoubledDelta: ("order", "q 7 of me"),
    faulty.LostDelta: ("order", "q 7 of me"),
    faulty.LateDelta: ("silent-after-end", "nothing of g1 after its `turn.done`"),
    faulty.TwoEnds: ("one-end", "one beginning and one end"),
    faulty.WrongText: ("text-hash", "text_sha256"),
    faulty.ForgottenIds: ("ids-repeat", "`dup` true"),
    faulty.OtherBytes: ("two-connections", "at q 3"),
    faulty.DeafToCancel: ("cancel", "status cancelled"),
    faulty.NoReplay: ("resume-replay", "event 2 alone"),
    faulty.EarlyPing: ("hello-first", "`welcome` as the answer"),
    faulty.TextAsNumber: ("words", "a frame as the table has it"),
    faulty.NoPlace: ("zero-places", "`q` 0 on a room's or a board's events only"),
    faulty.OtherCodes: ("too-large", "close 4413"),
    faulty.TotalsToAll: ("poll-secret", "no word of what was chosen before the reveal"),
    faulty.LateVotes: ("poll-late", "`err` with"),
    faulty.OtherTalk: ("room-say", "at q "),
    faulty.NamedSessions: ("room-join", "no session's id in any frame of a room"),
}
"""A way to break the contract, the check that must find it, and what it must say."""


def begun(folder: Path) -> tuple[str, ...]:
    """The flags of a server with a small course."""
    (folder / "sums.json").write_bytes(small_course())
    return ("--course", str(folder / "sums.json"), "--store", f"sqlite:///{folder}/store.db")


async def conformance(*words: str) -> tuple[int, str, str]:
    """Run the command; its exit code, output and complaint."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server.cli", "conformance"),
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_real_server_keeps_the_contract_and_every_fault_is_found(tmp_path: Path) -> None:
    async with serving(*begun(tmp_path)) as server:
        code, out, err = await conformance("--url", server.url, "--json")
        record = json.loads(out)
        assert code == 0, [check for check in record["checks"] if not check["passed"]]
        assert [check["name"] for check in record["checks"]] == list(QUICK)
        assert len(err.splitlines()) == len(QUICK), "a line a check"
        await _faults_are_found(server)
        await _a_failure_is_told(server)
    code, _, err = await conformance("--url", server.url)
    assert code == 1
    assert "no server answers" in err


async def _faults_are_found(server: Process) -> None:
    async def found(fault: type[faulty.Fault], name: str) -> Verdict:
        async with faulty.relay(server.url, fault) as url:
            # Of a room's members every second one comes through the relay; the room is made beside.
            urls = [server.url, url] if name.startswith(("room", "poll")) else [url]
            (verdict,) = await judged(urls, [name], patience_s=5)
            return verdict

    sound = await found(faulty.Fault, "order")
    assert sound.passed, "the relay itself breaks nothing"
    verdicts = await asyncio.gather(*(found(fault, name) for fault, (name, _) in FAULTS.items()))
    for (fault, (_, says)), verdict in zip(FAULTS.items(), verdicts, strict=True):
        assert not verdict.passed, fault
        assert says in verdict.expected, (fault, verdict)
    assert (await found(faulty.Fault, "origin")).passed is False, "it lets every origin in"
    words = table(verdicts)
    assert f"0 of {len(FAULTS)} checks hold" in words
    assert "expected" in words


async def _a_failure_is_told(server: Process) -> None:
    async with faulty.relay(server.url, faulty.EarlyPing) as url:
        code, out, _ = await conformance("--url", url, "--only", "hello-first")
    assert code == 1
    assert out.startswith("FAIL  hello-first")
    assert "  expected  `welcome` as the answer to `hello`" in out
    assert "0 of 1 checks hold" in out


@pytest.mark.parametrize("words", [["--url", "http://127.0.0.1"], ["--only", "nothing"]])
async def test_wrong_options_are_one_line_and_2(words: list[str]) -> None:
    code, _, err = await conformance(*words)
    assert code == 2
    assert len(err.splitlines()) == 1


def test_each_check_has_a_name_of_its_own_and_says_its_clause() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.says.endswith(".") for check in CHECKS)
    assert {name for name, _ in FAULTS.values()} <= set(names)
