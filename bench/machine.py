"""What the machine is, what a process used of it, what others took. This file reads the OS."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

LIBRARIES = (
    "starlette", "uvicorn", "websockets", "httptools", "uvloop", "msgspec", "orjson", "numpy",
    "numba", "openai",
)  # fmt: skip
FLAGGED_SHARE = 0.10
"""A window in which others took more of the machine than this is flagged."""


def card() -> dict[str, Any]:
    """The machine and the interpreter, for the record."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "pinned": pinned(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def versions() -> dict[str, str]:
    """Versions of our own distribution and of what decides about speed."""
    found: dict[str, str] = {}
    for name in ("tutorstream", *LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The checkout's commit, with `+` where measured files differ from it; empty for a wheel."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return ""
    try:
        name = _git(root, "rev-parse", "--short=12", "HEAD")
        rooms = ("protocol", "engines", "streaming", "server", "bench")
        return name + ("+" if _git(root, "status", "--porcelain", "--", *rooms) else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words
        ["git", "-C", str(root), *words],  # noqa: S607 - whichever git the user has
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


# --- cores ----------------------------------------------------------------------------------------


def pinned() -> bool:
    """Whether servers and load are each kept on a core of their own."""
    return hasattr(os, "sched_setaffinity") and len(_ALLOWED) >= 2


def _allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


_ALLOWED = _allowed()


def to_core(of: str) -> None:
    """Move this process to the core of the `server` or of the `load`, or to `any`; children
    inherit it.
    """
    if pinned():
        cores = {"server": _ALLOWED[:1], "load": _ALLOWED[1:2], "any": _ALLOWED}[of]
        os.sched_setaffinity(0, cores)


def let_go() -> None:
    """Use all cores again."""
    if pinned():
        os.sched_setaffinity(0, set(_ALLOWED))


def raise_file_limit() -> int:
    """As many open files as the hard limit allows; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# --- use ------------------------------------------------------------------------------------------


def cpu_s(pid: int) -> float:
    """User and system time of a living process, all threads, in seconds with the kernel's ns."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of another process, on Linux


def rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def pss_bytes(pid: int) -> int | None:
    """Resident memory with shared pages divided among their users; None where it is not told."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    lines = (line.split() for line in text.splitlines() if line.startswith("Pss:"))
    return next((int(words[1]) * 1024 for words in lines), None)


class Use(NamedTuple):
    """What happened in a window."""

    window_s: float
    server_cpu_s: float
    load_cpu_s: float
    others_share: float | None
    """Share of the whole machine that neither server nor load used; None where unknown."""

    @property
    def flagged(self) -> bool:
        """Whether others took too much for the figures to be trusted."""
        return self.others_share is not None and self.others_share > FLAGGED_SHARE


class Window:
    """Measures a process (or none), ourselves and the rest from its making to `end`."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._at_s = time.monotonic()
        self._server_s = self._server()
        self._load_s = time.process_time()
        self._busy_s = _busy_s()

    def end(self) -> Use:
        """What was used since."""
        server_s = self._server() - self._server_s
        load_s = time.process_time() - self._load_s
        passed_s = time.monotonic() - self._at_s
        share = None
        before_s = None if self._pid is None else self._busy_s  # a server unseen is no "other"
        if before_s is not None and (busy_s := _busy_s()) is not None:
            others_s = busy_s - before_s - server_s - load_s
            share = max(0.0, others_s / (passed_s * (os.cpu_count() or 1)))
        return Use(passed_s, server_s, load_s, share)

    def _server(self) -> float:
        return 0.0 if self._pid is None else cpu_s(self._pid)


def _busy_s() -> float | None:
    """Seconds all cores spent not idle since boot, time stolen by a hypervisor included."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            words = file.readline().split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
