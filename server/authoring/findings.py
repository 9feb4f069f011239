"""What a check found, collected, ordered, printed, counted. This file is the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

MOST = 200

Severity = Literal["E", "W"]


@dataclass(frozen=True, slots=True, order=True)
class Located:
    """One finding and its place; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = "E"
    fix: str = ""

    def __str__(self) -> str:
        """As in `items/a.yaml:3:5: C102 unknown key "promt" (use "prompt")`."""
        fix = f" ({self.fix})" if self.fix else ""
        mark = "" if self.severity == "E" else " warning:"
        return f"{self.file}:{self.line}:{self.column}: {self.code}{mark} {self.message}{fix}"


class Report:
    """Findings of one run, in order of file and line; a repeated finding counts once."""

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._found: dict[Located, None] = {}

    def add(self, finding: Located) -> None:
        """Take a finding; under `strict` a warning counts as an error."""
        if self._strict and finding.severity == "W":
            finding = replace(finding, severity="E")
        self._found[finding] = None

    @property
    def all(self) -> list[Located]:
        """Every finding, by file, line and column."""
        return sorted(self._found)

    @property
    def errors(self) -> int:
        """How many refuse a build."""
        return sum(1 for finding in self._found if finding.severity == "E")

    @property
    def warnings(self) -> int:
        """How many do not."""
        return len(self._found) - self.errors

    def shown(self) -> list[Located]:
        """The findings that are printed: at most 200, errors before warnings."""
        return sorted(self.all, key=lambda finding: finding.severity != "E")[:MOST]

    def text(self) -> str:
        """One finding a line, then a line of counts."""
        lines = [str(finding) for finding in self.shown()]
        if (hidden := len(self._found) - len(lines)) > 0:
            lines.append(f"... and {hidden} more, not listed")
        lines.append(f"{self.errors} errors, {self.warnings} warnings")
        return "\n".join(lines)

    def json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(
            {
                "errors": self.errors,
                "warnings": self.warnings,
                "findings": [asdict(finding) for finding in self.shown()],
            },
            ensure_ascii=False,
        )
