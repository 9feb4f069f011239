"""The house's rules that no tool of another maker checks: sizes, names, imports, first lines."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("protocol", "engines", "streaming", "server", "bench")
SOURCES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
BANNED = {
    "manager", "orchestrator", "coordinator", "service", "handler", "processor", "util", "utils",
    "common", "misc", "helper", "helpers", "enhanced", "advanced", "ultimate", "smart", "v2", "v3",
}  # fmt: skip


def words_of(name: str) -> set[str]:
    return {w.lower() for w in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def names_of(tree: ast.Module) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_at_most_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_says_what_it_is_and_uses_the_fields_names(path: Path) -> None:
    tree = ast.parse(path.read_text())
    doc = ast.get_docstring(tree)
    assert doc, "a module opens with a docstring"
    if path.name != "__init__.py":
        assert "his file" in " ".join(doc.split()), "the docstring says what this file is"
    banned = [name for name in [path.stem, *names_of(tree)] if words_of(name) & BANNED]
    assert not banned, banned


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_has_at_most_80_lines(path: Path) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds) and node.end_lineno
        if node.end_lineno - node.lineno + 1 > 80
    }
    assert not long


def test_numba_is_imported_in_kernels_and_maths_only() -> None:
    allowed = {p for p in SOURCES if p.name == "kernels.py" or p.parent.name == "maths"}
    users = {p for p in SOURCES if re.search(r"^\s*(import|from) numba", p.read_text(), re.M)}
    # run.py counts compiles and chooses the cache before anything else imports it
    assert users - allowed <= {ROOT / "server" / "run.py", ROOT / "server" / "warm.py"}


def loaded_by(statement: str) -> set[str]:
    """The packages that a statement loads; the namespace `google` is there at every start, made by
    a path file of google-generativeai, so its members are named in full.
    """
    code = f"import sys; {statement}; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name.split(".") for name in out.stdout.split() if name != "google"]
    return {".".join(name[: 2 if name[0] == "google" else 1]) for name in names}


GOOGLE = {"google.genai", "google.generativeai", "google.api_core", "google.ai", "grpc"}
SDKS = {"openai", "anthropic", "groq", "redis", "pymongo", "xllamacpp", *GOOGLE}


def test_the_application_loads_no_sdk() -> None:
    assert not loaded_by("import server.app") & SDKS


def test_the_command_line_loads_no_sdk_and_no_compiler() -> None:
    assert not loaded_by("import server.cli") & (SDKS | {"numba", "numpy", "starlette", "uvicorn"})


def test_the_lock_file_names_no_address_and_hashes_every_package() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.M)
    blocks = re.split(r"^(?=[a-z0-9][\w.-]*==)", lock, flags=re.M)[1:]
    assert len(pinned) == len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks)


def test_no_committed_text_names_this_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    found = []
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".woff2"} or not path.is_file():
            continue
        if str(ROOT.parent) + "/" in path.read_text(errors="replace"):
            found.append(name)
    assert not found
