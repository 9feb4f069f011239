"""A run's record: who measured what, where, with which outcome. This file is its form.

`gates` decide the verdict; a gate without a limit informs. Every figure of the table and the page
is read from the record, never from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import machine

SCHEMA = 1


def gate(name: str, value: float | None, limit: float, unit: str = "") -> dict[str, Any]:
    """A bound that must hold: `value <= limit`. A value that is missing does not hold.

    >>> gate("worst answer", 7.5, 100.0, "ms")["ok"], gate("worst answer", None, 100.0)["ok"]
    (True, False)
    """
    ok = value is not None and value <= limit
    return {"name": name, "value": value, "limit": limit, "unit": unit, "ok": ok}


def record(
    scenario: str,
    command: str,
    settings: Mapping[str, Any],
    body: Mapping[str, Any],
    gates: list[dict[str, Any]],
) -> dict[str, Any]:
    """The whole record; `body` holds the scenario's own figures."""
    return {
        "schema": SCHEMA,
        "scenario": scenario,
        "command": command,
        "commit": machine.commit(),
        "machine": machine.card(),
        "versions": machine.versions(),
        "settings": dict(settings),
        **body,
        "gates": gates,
        "passed": passed(gates),
    }


def passed(gates: list[dict[str, Any]]) -> bool:
    """Whether every gate holds.

    >>> passed([gate("a", 1, 2), gate("b", 3, 2)])
    False
    """
    return all(g["ok"] for g in gates)


def verdict(made: Mapping[str, Any]) -> str:
    """`PASS` or `FAIL` with each gate's figures.

    >>> verdict({"gates": [gate("p99", 7.9, 100, "ms")], "passed": True})
    'PASS  p99 7.9 ms <= 100 ms'
    """
    parts = []
    for g in made["gates"]:
        unit = f" {g['unit']}" if g["unit"] else ""
        value = "missing" if g["value"] is None else f"{g['value']:g}{unit}"
        sign = "<=" if g["ok"] else "NOT <="
        parts.append(f"{g['name']} {value} {sign} {g['limit']:g}{unit}")
    return f"{'PASS' if made['passed'] else 'FAIL'}  " + "; ".join(parts)
