"""The wheel carries what a server needs outside a checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CARRIED = (
    "server/pages/learner/index.html",
    "server/pages/client/index.js",
    "server/pages/vendor/katex/katex.min.js",
    "server/courses/linear-equations.json",
    "streaming/prompts/en/policy.md",
    "streaming/providers/presets.toml",
    "protocol/py.typed",
    "bench/__init__.py",
)


@pytest.mark.slow
def test_a_wheel_holds_the_pages_the_course_and_the_prompts(tmp_path: Path) -> None:
    if not (ROOT / "server" / "pages" / "learner" / "index.html").is_file():
        pytest.skip("server/pages is empty: run `make web`")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert not [name for name in CARRIED if name not in names]
    assert not [name for name in names if name.startswith("tests/")]
