"""The original layout of OATutor's content: a folder a problem. This file reads it.

`content-pool/ID/ID.json`, `content-pool/ID/steps/STEP/STEP.json` with the step's pathways in its
`tutoring/`, `content-pool/ID/figures/`, and `skillModel.json` with the skills by step. Fitted
parameters (`bktParams.json`) are not read: the source's are all equal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE_BYTES = 2 * 1024 * 1024
FILES_MOST = 200_000
_PATHWAY = "DefaultPathway"


class Tree:
    """A content folder. Raises FileNotFoundError for a folder without `content-pool`.

    Links are not followed; a file over `FILE_BYTES` counts as not there.
    """

    def __init__(self, folder: Path) -> None:
        self.pool = folder / "content-pool"
        if not self.pool.is_dir():
            raise FileNotFoundError(f"{folder}: expected a folder content-pool in it")
        model = self._json(folder / "skillModel.json")
        self.skills: dict[str, Any] = model if isinstance(model, dict) else {}

    def listing(self) -> bytes:
        """The files read, a line each with its hash: what a report names as its source.

        Raises ValueError for more than `FILES_MOST`.
        """
        lines = list[str]()
        for path in sorted(self.pool.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            if len(lines) >= FILES_MOST:
                raise ValueError(f"{self.pool}: expected at most {FILES_MOST} files")
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{digest} {path.relative_to(self.pool).as_posix()}\n")
        return "".join(lines).encode()

    def problems(self) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Name and problem, its steps joined into it; None where it cannot be read."""
        for folder in _folders(self.pool):
            problem = self._json(folder / f"{folder.name}.json")
            if isinstance(problem, dict):
                steps = [self._step(each) for each in _folders(folder / "steps")]
                yield folder.name, {**problem, "steps": steps}
            else:
                yield folder.name, None

    def figures(self, name: str) -> dict[str, bytes]:
        """A problem's figure files: bytes by name."""
        folder = self.pool / name / "figures"
        if folder.is_symlink() or not folder.is_dir():
            return {}
        found = (path for path in sorted(folder.iterdir()) if not path.is_symlink())
        return {path.name: path.read_bytes() for path in found if _fits(path)}

    def _step(self, folder: Path) -> Any:
        """A step with its skills and its pathways; None where it cannot be read."""
        step = self._json(folder / f"{folder.name}.json")
        if not isinstance(step, dict):
            return None
        hints = self._json(folder / "tutoring" / f"{folder.name}{_PATHWAY}.json")
        skills = self.skills.get(str(step.get("id", folder.name)))
        own = {"knowledgeComponents": skills} if isinstance(skills, list) else {}
        return {**step, **own, "tutoring": {_PATHWAY: hints if isinstance(hints, list) else []}}

    def _json(self, path: Path) -> Any:
        """The file's value; None where there is none or it is no JSON."""
        if path.is_symlink() or not _fits(path):
            return None
        try:
            return json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return None


def _fits(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= FILE_BYTES


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, links left out, by name."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
