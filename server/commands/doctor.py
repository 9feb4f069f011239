"""`tutorstream doctor`: checks this machine, a fix a finding. This file is that command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from server.commands.flags import add_flags, loaded_by

if TYPE_CHECKING:
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


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings, `--online` and `--json`."""
    add_flags(parser)
    parser.add_argument(
        "--online", action="store_true", help="also call the provider's endpoint, if one is set"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print one line a check; 0 where all hold, else 1."""
    settings = loaded_by(args).settings
    findings = list(checked(settings, online=args.online))
    if args.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else "FAIL"
            fix = "" if finding.ok else f"; {finding.fix}"
            print(f"{mark}  {finding.check:<10} {finding.found}{fix}")
    return 0 if all(finding.ok for finding in findings) else 1


def checked(settings: Settings, *, online: bool) -> Iterator[Finding]:
    """Every check in turn."""
    checks: list[Callable[[Settings], Finding]] = [
        _python, _clock, _libraries, _address, _store, _courses, _kernels, _pages, _provider,
    ]  # fmt: skip
    for check in checks:
        yield check(settings)
    if online:
        yield _endpoint(settings)


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
    import asyncio

    from server.app import store_path
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


def _courses(settings: Settings) -> Finding:
    from engines.exercises.course import course_from

    names = []
    for path in settings.course_files:
        try:
            names.append(course_from(path.read_bytes()).id)
        except (OSError, ValueError) as error:
            return Finding(
                "courses", False, f"{path.name}: {error}", "run tutorstream content check"
            )
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
    from importlib.util import find_spec

    from server.settings import BUILTIN

    name = settings.provider.name
    if name == BUILTIN:
        return Finding("provider", True, "built-in tutor, no key needed")
    there = find_spec("openai") is not None
    fix = f'provider "{name}" needs: pip install "tutorstream[openai]"'
    return Finding("provider", there, f"{name} {settings.provider.model}", fix)


def _endpoint(settings: Settings) -> Finding:
    """One call to the provider: a word of text must come back."""
    import asyncio

    from server.app import providers_of
    from streaming.providers.base import ChatMessage, LlmRequest, ProviderFailed, Text

    async def said() -> str:
        request = LlmRequest((ChatMessage("user", "Say: ready"),), 16)
        words = ""
        for provider in providers_of(settings):
            try:
                async for piece in provider.stream(request):
                    words += piece.text if isinstance(piece, Text) else ""
            finally:
                await provider.aclose()
        return words

    try:
        words = asyncio.run(said())
    except ProviderFailed as failed:
        return Finding("endpoint", False, str(failed), "check provider.base_url and the key")
    return Finding("endpoint", True, f"answered {words!r}" if words else "no provider is set")
