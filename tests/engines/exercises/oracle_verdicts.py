"""What the oracle said of every pair, written down. This file asks it and keeps the answer.

`python -m tests.engines.exercises.oracle_verdicts` asks sympy anew, for some minutes, and writes
`oracle.json` beside this file; tests read that, and ask a sample again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.engines.exercises.oracle_pairs import SIZES, Pair, pairs

KEPT = Path(__file__).with_name("oracle.json")
_ORACLE = Path(__file__).with_name("oracle_sympy.py")


def asked(some: Iterable[Pair], timeout_s: float = 3_600.0) -> list[str]:
    """The oracle's letters on pairs, by a process of its own."""
    lines = "".join(json.dumps(pair.python) + "\n" for pair in some)
    done = subprocess.run(
        [sys.executable, str(_ORACLE)],
        input=lines,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=True,
    )
    return done.stdout.split()


def digest(some: list[Pair]) -> str:
    """What tells that the generator draws the pairs that the oracle was asked about."""
    return hashlib.sha256(json.dumps(some).encode()).hexdigest()


def kept() -> dict[str, Any]:
    """What is written down: `pairs_sha256` and the letters by family, in order."""
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def main() -> None:
    drawn = pairs()
    letters = asked(drawn)
    at, families = 0, {}
    for family, size in SIZES.items():
        families[family] = "".join(letters[at : at + size])
        at += size
    told = {"pairs_sha256": digest(drawn), "verdicts": families}
    KEPT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
