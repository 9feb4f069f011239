"""Fitted models on disk: frozen dataclasses of numbers as arrays by name. This file keeps them.

No pickle: a file is arrays and the names of classes of `engines.classical`, and nothing in it is
run.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CLASS = "class"
_ROOM = "engines.classical."


def write(path: Path, model: Any) -> None:
    """Write a model, whole or not at all."""
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        np.savez(file, **_flat(model, ""))
    os.replace(half, path)


def read(path: Path) -> Any:
    """What `write` wrote. Raises ValueError for other files."""
    with np.load(path, allow_pickle=False) as stored:
        return _made({name: stored[name] for name in stored.files}, "")


def _flat(model: Any, prefix: str) -> dict[str, Any]:
    kind = type(model)
    found: dict[str, Any] = {prefix + _CLASS: np.array(f"{kind.__module__}:{kind.__name__}")}
    for entry in fields(model):
        value = getattr(model, entry.name)
        name = prefix + entry.name
        found |= _flat(value, name + ".") if is_dataclass(value) else {name: np.asarray(value)}
    return found


def _made(arrays: dict[str, npt.NDArray[Any]], prefix: str) -> Any:
    module, _, name = str(arrays[prefix + _CLASS]).partition(":")
    if not module.startswith(_ROOM):
        msg = f"expected a model of {_ROOM[:-1]}, got {module}"
        raise ValueError(msg)
    kind = getattr(importlib.import_module(module), name)
    given = {}
    for entry in fields(kind):
        at = prefix + entry.name
        if at + "." + _CLASS in arrays:
            given[entry.name] = _made(arrays, at + ".")
            continue
        value = arrays[at]
        given[entry.name] = value.item() if value.ndim == 0 else value
        if str(entry.type).startswith("tuple"):
            given[entry.name] = tuple(value.tolist())
    return kind(**given)
