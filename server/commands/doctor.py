"""`tutorstream doctor`: checks this machine, a fix a finding. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from server.commands.flags import add_flags, loaded_by

if TYPE_CHECKING:
    from server.asked import Asked
    from server.settings import Settings

PYTHON = (3, 11)
CLOCK_FLOOR_S = 1_700_000_000
"""A wall clock before November 2023 is not set."""


class Finding(NamedTuple):
    """One check: whether it holds, what was found, and what to do where it does not."""

    check: str
    ok: bool
    found: str
    fix: str = ""
    facts: dict[str, Any] | None = None
    """What was measured, for machines."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings, `--online`, `--llm` and `--json`."""
    add_flags(parser)
    parser.add_argument(
        "--online", action="store_true", help="also see that the providers answer, if any is set"
    )
    parser.add_argument(
        "--llm", action="store_true", help="ask each provider for 8 tokens: kind, time, price"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print one line a check; 0 where all hold, else 1."""
    settings = loaded_by(args).settings
    findings = list(checked(settings, online=args.online, llm=args.llm))
    if args.json:
        print(json.dumps(list(map(_row, findings)), indent=1))
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else "FAIL"
            fix = "" if finding.ok else f"; {finding.fix}"
            print(f"{mark}  {finding.check:<10} {finding.found}{fix}")
    return 0 if all(finding.ok for finding in findings) else 1


def _row(finding: Finding) -> dict[str, Any]:
    row = finding._asdict()
    facts = row.pop("facts")
    return {**row, **facts} if facts else row


def checked(settings: Settings, *, online: bool, llm: bool = False) -> Iterator[Finding]:
    """Every check in turn; with `online` or `llm` the providers are asked once."""
    checks: list[Callable[[Settings], Finding]] = [
        _python, _clock, _libraries, _address, _store, _courses, _kernels, _pages, _provider,
    ]  # fmt: skip
    if settings.redis:
        checks.insert(checks.index(_courses), _redis)
    for check in checks:
        yield check(settings)
    if not (online or llm):
        return
    rows = _asked(settings)
    if online:
        yield _endpoint(rows)
    if llm:
        yield from (_answer(row) for row in rows)


def _python(_: Settings) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= PYTHON, found, "install Python 3.11 or newer")


def _clock(_: Settings) -> Finding:
    set_ = time.time() > CLOCK_FLOOR_S
    return Finding("clock", set_, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "set it")


def _libraries(_: Settings) -> Finding:
    from server.build import LIBRARIES, versions

    found = versions()
    missing = [name for name in LIBRARIES if name not in found]
    quick = "uvloop" in found
    text = f"{len(found)} of {len(LIBRARIES)}" + ("" if quick else "; without uvloop, slower")
    wanted = [name for name in missing if name != "uvloop"]
    return Finding("libraries", not wanted, text, f"pip install {' '.join(wanted)}")


def _address(settings: Settings) -> Finding:
    from server.run import listening_socket

    where = settings.uds or f"{settings.host}:{settings.port}"
    if settings.uds:
        return Finding("address", True, where)
    try:
        listening_socket(settings).close()
    except OSError as error:
        return Finding("address", False, f"{where}: {error.strerror}", "choose another --port")
    return Finding("address", True, f"{where} is free")


def _store(settings: Settings) -> Finding:
    if settings.shared:
        return _mongo(settings)
    import asyncio

    from server.stores import store_path
    from streaming.log import StoreUnavailable
    from streaming.store_sqlite import SqliteStore

    async def opened() -> int:
        store = SqliteStore.open(store_path(settings), loop=asyncio.get_running_loop())
        try:
            return len(await store.log.names())
        finally:
            await store.aclose()

    try:
        count = asyncio.run(opened())
    except (OSError, StoreUnavailable) as error:
        return Finding("store", False, f"{settings.store}: {error}", "set a writable --store")
    return Finding("store", True, f"{settings.store}, {count} sessions")


def _mongo(settings: Settings) -> Finding:
    import asyncio

    from server.settings import shown

    where = shown(settings, "store")
    try:
        from streaming.records_mongo import MongoRecords
    except ModuleNotFoundError:
        return Finding("store", False, f"{where}: no client", 'pip install "tutorstream[mongo]"')

    async def looked() -> str | None:
        records = await MongoRecords.open(settings.store, wait_s=settings.mongo.wait_ms / 1000)
        try:
            return records.trouble
        finally:
            await records.aclose()

    try:
        trouble = asyncio.run(looked())
    except ValueError as error:
        return Finding("store", False, f"{where}: {error}", "correct store")
    if trouble is not None:
        return Finding("store", False, trouble, "start it, or correct store")
    return Finding("store", True, f"{where} takes reads and writes")


def _redis(settings: Settings) -> Finding:
    from streaming.log import StoreUnavailable

    try:
        from streaming.look_redis import redis_facts
    except ModuleNotFoundError:
        return Finding("redis", False, "no client", 'pip install "tutorstream[redis]"')
    try:
        facts = redis_facts(settings.redis)
    except StoreUnavailable as error:
        return Finding("redis", False, str(error), "start it, or correct redis")
    kept = "on" if facts.appendonly else "off"
    found = f"{facts.version}, maxmemory-policy {facts.policy}, appendonly {kept}"
    holds = not settings.shared or facts.policy == "noeviction"
    return Finding("redis", holds, found, "set maxmemory-policy noeviction: logs would be evicted")


def _courses(settings: Settings) -> Finding:
    from server.authoring.compiled import opened, pictures_of
    from server.settings import Misconfigured
    from server.taught import listed

    names, broken = [], []
    try:
        files = listed(settings.course_files)
    except Misconfigured as error:
        return Finding("courses", False, str(error), "correct courses")
    for path, _ in files:
        try:
            course = opened(path)
            pictures_of(path, course)
            names.append(course.id)
        except (OSError, ValueError) as error:
            broken.append(f"{path.name}: {error}")
    if broken:
        return Finding("courses", False, "; ".join(broken), "run tutorstream content check")
    return Finding("courses", True, ", ".join(names))


def _kernels(settings: Settings) -> Finding:
    from server.run import choose_numba_cache

    choose_numba_cache(settings)
    start_s = time.perf_counter()
    from engines import tutor
    from engines.maths.kernels import cached, compiled

    tutor.warm()
    took_s = time.perf_counter() - start_s
    found = f"{compiled()} kernels in {took_s:.1f} s"
    return Finding("kernels", cached(), found, "set numba_cache_dir to a writable folder")


def _pages(_: Settings) -> Finding:
    from server.http import PAGES

    built = (PAGES / "learner" / "index.html").is_file()
    return Finding("pages", built, "built" if built else "not built", "run make web")


def _provider(settings: Settings) -> Finding:
    from server.providers import missing, providers_of, refused, tutor_words
    from server.sources import Misconfigured

    named = [candidate for tier in settings.tiers for candidate in tier]
    if not named:
        return Finding("provider", True, "built-in tutor, no key needed")
    lacking = [fix for fix in dict.fromkeys(missing(c.provider) for c in named) if fix]
    if lacking:
        return Finding("provider", False, ", ".join(map(str, named)), "; ".join(lacking))
    try:
        found = tutor_words(providers_of(settings))
    except Misconfigured as error:
        return Finding("provider", False, ", ".join(map(str, named)), str(error))
    left_out = ", ".join(map(str, refused(settings)))
    return Finding("provider", True, found + (f"; not allowed: {left_out}" if left_out else ""))


def _asked(settings: Settings) -> list[Asked]:
    import asyncio

    from server.asked import asked_all
    from server.providers import prices_of, providers_of

    return asyncio.run(asked_all(providers_of(settings), prices_of(settings)))


def _endpoint(rows: list[Asked]) -> Finding:
    """Whether every provider answers."""
    from server.asked import OK

    for row in rows:
        if row.kind != OK:
            return Finding("endpoint", False, f"{row.provider}: {row.words}", row.fix)
    answered = ", ".join(f"{row.provider} {row.model}" for row in rows)
    return Finding("endpoint", True, f"answered: {answered}" if rows else "no provider is set")


def _answer(row: Asked) -> Finding:
    """How one provider answered, in words and figures."""
    from server.asked import OK

    facts = {
        "provider": row.provider,
        "model": row.model,
        "kind": row.kind,
        "ttft_ms": None if row.ttft_ms is None else round(row.ttft_ms, 1),
        "tokens_in": row.spent and row.spent.input,
        "tokens_out": row.spent and row.spent.output,
        "micro_usd": row.micro_usd,
    }
    name = f"llm {row.provider}/{row.model}"
    return Finding(name, row.kind == OK, row.words, "" if row.kind == OK else row.fix, facts)
