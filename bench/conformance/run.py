"""Every check asked in turn, and what came of it as a table. This file is the conformance run."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from websockets.exceptions import WebSocketException

from bench.conformance import door, poll, resume, room, session
from bench.conformance.contact import Broken, shortened
from bench.conformance.visit import Check, Target, Visit

CHECKS: tuple[Check, ...] = (
    *door.CHECKS,
    *session.CHECKS,
    *resume.CHECKS,
    *room.CHECKS,
    *poll.CHECKS,
)
"""The contract, clause by clause."""
PATIENCE_S = 15.0
"""How long a check waits for what must come."""
CHECK_S = 180.0
"""How long one check may take in all."""
AT_ONCE = 5
"""Checks that run side by side; each has sessions of its own."""
_ADDRESS = re.compile(r"wss?://[^/\s]+/\S+")

_MISTAKES = (OSError, WebSocketException, TimeoutError, LookupError, TypeError, ValueError)
"""What a check may run into where the server's frames are not what they should be."""


class Verdict(NamedTuple):
    """What came of one check."""

    name: str
    says: str
    passed: bool
    seen: str
    """What was seen; of a check that failed, what came."""
    expected: str = ""
    """What the contract asks for, where something else came."""
    took_ms: int = 0


def address(url: str) -> str:
    """The address of a server's WebSocket. Raises ValueError.

    >>> address("ws://127.0.0.1:8765"), address("wss://school.example/v1/ws")
    ('ws://127.0.0.1:8765/v1/ws', 'wss://school.example/v1/ws')
    """
    whole = url if url.count("/") > 2 and not url.endswith("/") else url.rstrip("/") + "/v1/ws"
    if not _ADDRESS.fullmatch(whole):
        raise ValueError(f"expected ws://HOST:PORT or wss://HOST/v1/ws, came {url!r}")
    return whole


def chosen(names: Sequence[str], *, slow: bool) -> list[Check]:
    """The checks of these names, or all. Raises ValueError for a name that no check has."""
    known = {check.name: check for check in CHECKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no check is named {unknown[0]!r}; there are: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [check for check in CHECKS if slow or not check.slow]


async def judged(
    urls: Sequence[str],
    names: Sequence[str] = (),
    *,
    slow: bool = False,
    patience_s: float = PATIENCE_S,
    at_once: int = AT_ONCE,
    told: Callable[[Verdict], None] = lambda _: None,
) -> list[Verdict]:
    """The verdict of each check, in the order of the contract; `told` hears them as they come.

    Raises ValueError for addresses and names that cannot be, OSError where nobody answers.
    """
    target = Target([address(url) for url in urls], patience_s=patience_s)
    checks = chosen(names, slow=slow)
    for node in range(len(target.urls)):
        async with Visit(target) as visit:
            await visit.dial(node)
    places = asyncio.Semaphore(at_once)

    async def one(check: Check) -> Verdict:
        async with places:
            verdict = await _asked(check, target)
        told(verdict)
        return verdict

    try:
        return list(await asyncio.gather(*map(one, checks)))
    finally:
        for task in target.kept.values():
            task.cancel()
        await asyncio.gather(*target.kept.values(), return_exceptions=True)


async def _asked(check: Check, target: Target) -> Verdict:
    start_s = time.perf_counter()
    expected = ""
    try:
        async with asyncio.timeout(CHECK_S), Visit(target) as visit:
            seen, passed = await check.ask(visit), True
    except Broken as broken:
        seen, expected, passed = broken.came, broken.expected, False
    except _MISTAKES as error:
        seen, passed = f"{type(error).__name__}: {error}", False
        expected = "frames with which the check can go on"
    took_ms = int((time.perf_counter() - start_s) * 1000)
    return Verdict(check.name, check.says, passed, shortened(seen), shortened(expected), took_ms)


def line(verdict: Verdict) -> str:
    """One verdict in a line."""
    mark = "ok  " if verdict.passed else "FAIL"
    return f"{mark}  {verdict.name:<20} {verdict.took_ms:>6} ms  {verdict.seen}"


def table(verdicts: Sequence[Verdict]) -> str:
    """What failed, clause by clause with the evidence, and the count."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    lines: list[str] = []
    for verdict in failed:
        lines += [
            "",
            f"{verdict.name}: {verdict.says}",
            f"  expected  {verdict.expected}",
            f"  came      {verdict.seen}",
        ]
    lines += ["", f"{len(verdicts) - len(failed)} of {len(verdicts)} checks hold"]
    return "\n".join(lines) + "\n"


def record(urls: Sequence[str], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The verdicts for machines."""
    return {
        "passed": all(verdict.passed for verdict in verdicts),
        "nodes": len(urls),
        "checks": [verdict._asdict() for verdict in verdicts],
    }
