"""Which build this is. This file is what `version` prints and a session's log begins with."""

from __future__ import annotations

import platform
import tomllib
from importlib import metadata
from pathlib import Path

NAME = "tutorstream"
LIBRARIES = (
    "starlette", "uvicorn", "websockets", "httptools", "uvloop", "msgspec", "orjson", "numpy",
    "numba", "pyjwt",
)  # fmt: skip


def version() -> str:
    """Version of the installed wheel, or of the checkout that is run from source."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def versions() -> dict[str, str]:
    """Versions of what decides about speed and bits, by distribution; without absent ones."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def build() -> str:
    """One line that names everything a bit-exact replay depends on."""
    with_bits = versions()
    return (
        f"{NAME} {version()}, python {platform.python_version()}, numpy {with_bits.get('numpy')}, "
        f"numba {with_bits.get('numba')}, {platform.machine()} {platform.system()}"
    )
