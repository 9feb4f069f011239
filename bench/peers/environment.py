"""The environment the peers run in, made once in the user's cache. This file makes it.

Their packages are installed there and nowhere else. Ours, and the numeric ones that the engines
need, are lent by a path file whose entries come after the environment's own packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

PACKAGES = ("fastapi", "uvicorn[standard]", "python-socketio")
MARK = "installed"


class NoPeers(Exception):  # noqa: N818 - named by what happened
    """The peers could not be installed; the message says how to go on without them."""


def python(tell: Callable[[str], None]) -> Path:
    """The interpreter of the peers' environment, which is made if it is not there."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    tag = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    folder = Path(home) / "tutorstream" / f"bench-peers-{tag}"
    program = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / MARK
    wanted = "\n".join(PACKAGES)
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        tell(f"installing the peers into {folder.name} (once)")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(program), "-m", "pip", "install", "--quiet", *PACKAGES])
        mark.write_text(wanted, encoding="utf-8")
    lent = [str(Path(__file__).parents[2]), sysconfig.get_path("purelib")]
    lent.append(sysconfig.get_path("platlib"))
    own = _output([str(program), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    (Path(own) / "tutorstream-bench.pth").write_text(
        "\n".join(dict.fromkeys(lent)) + "\n", encoding="utf-8"
    )
    return program


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise NoPeers(f"the peers do not install: {words[-1] if words else ''}; use --no-peers")


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()
