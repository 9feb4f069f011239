"""A server with four SDKs configured serves undisturbed: they are imported before it listens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.wire.process import serving
from tests.world import small_course

WATCHED_S = 2.0

CONFIG = """
[router]
chain = ["openai/a | anthropic/b", "groq/c | gemini/d"]
"""


def config(folder: Path) -> str:
    """Four providers at an address that does not exist: the warm-up calls none of them."""
    accounts = [
        f'[providers.{name}]\napi_key = "k"\nbase_url = "https://{name}.invalid"\n'
        for name in ("openai", "anthropic", "groq", "gemini")
    ]
    path = folder / "tutorstream.toml"
    path.write_text(CONFIG + "".join(accounts))
    return str(path)


def libraries(pid: int) -> set[str]:
    """The shared objects that a process has loaded."""
    lines = (Path("/proc") / str(pid) / "maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if ".so" in line}


@pytest.mark.slow
async def test_four_sdks_are_imported_before_the_server_listens(tmp_path: Path) -> None:
    (tmp_path / "sums.json").write_bytes(small_course())
    arguments = ("--config", config(tmp_path), "--course", str(tmp_path / "sums.json"))
    async with serving(*arguments) as server:
        loaded = libraries(server.process.pid)
        assert any("pydantic_core" in name for name in loaded)  # which all four bring
        await asyncio.sleep(WATCHED_S)
        assert libraries(server.process.pid) <= loaded, "an import on the loop holds it up"
        assert await server.drain() == 0
