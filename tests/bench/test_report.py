"""A fixed record gives the same page, byte by byte; a broken bound gives FAIL."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from bench import report
from bench.record import gate, passed, verdict


def row(server: str, number: int, p99: float) -> dict[str, Any]:
    feedback = {"n": 100, "p50": 1.0, "p95": 2.0, "p99": p99, "max": 9.0}
    return {
        "server": server,
        "round": number,
        "feedback_ms": feedback,
        "cdf": [[0.5, 0.25], [1.0, 0.5], [p99, 0.99], [9.0, 1.0]],
        "stages": {"check_us": feedback},
    }


def fixed(worst: float = 9.0) -> dict[str, Any]:
    each = {"median": 1.0, "min": 0.9, "max": 1.5}
    gates = [gate("worst answer", worst, 100.0, "ms")]
    return {
        "schema": 1,
        "scenario": "feedback",
        "command": "tutorstream bench feedback",
        "commit": "abc",
        "machine": {
            "cpu": "A <fast> CPU",
            "cores": 2,
            "system": "Linux",
            "python": "CPython 3.11",
            "pinned": True,
        },
        "versions": {"uvloop": "1"},
        "settings": {"budget_ms": 100.0},
        "arrivals": "Poisson",
        "flagged": 1,
        "summary": {
            "tutorstream": {"p99_ms": each, "worst_ms": worst, "cpu_us": each, "compiles": 0},
            "null control": {"p99_ms": each, "worst_ms": 4.0, "cpu_us": each},
        },
        "ratios": {"null control": {"cpu_us": {"ratio": 2.0, "low": 1.5, "high": 2.5}}},
        "rounds": [row(s, n, 3.0 + n) for s in ("tutorstream", "null control") for n in range(3)],
        "gates": gates,
        "passed": passed(gates),
    }


def test_the_page_of_a_fixed_record_is_the_same_to_the_byte() -> None:
    page = report.page(fixed())
    assert page == report.page(fixed())
    assert hashlib.sha256(page.encode()).hexdigest() == PAGE_SHA256


PAGE_SHA256 = "b01a0f220448a610da35b35191ea71b33e23331b2c88151d7dc6cf7b52b6a17f"


def test_the_page_stands_alone_and_escapes_what_it_shows() -> None:
    page = report.page(fixed())
    assert not re.search(r"<script|https?://|<link|@import|url\(", page)
    assert "A &lt;fast&gt; CPU" in page
    assert "100 ms" in page


def test_every_figure_of_the_page_is_the_records() -> None:
    made = fixed()
    made["summary"]["tutorstream"]["p99_ms"]["median"] = 77.125
    assert "77.125" not in report.page(fixed())
    assert "77.125" in report.page(made)
    assert "77.125" in report.table(made)


def test_a_record_over_budget_says_fail() -> None:
    made = fixed(worst=101.0)
    assert not made["passed"]
    assert verdict(made) == "FAIL  worst answer 101 ms NOT <= 100 ms"
    assert "FAIL" in report.page(made)
    assert verdict(fixed()) == "PASS  worst answer 9 ms <= 100 ms"


def test_what_was_not_measured_does_not_pass() -> None:
    assert not passed([gate("p99", None, 100.0)])
    assert "missing" in verdict({"gates": [gate("p99", None, 100.0)], "passed": False})


def test_a_comparison_marks_what_lies_outside_the_rounds_of_before() -> None:
    new, old = fixed(), fixed()
    old["summary"]["tutorstream"]["cpu_us"] = {"median": 2.0, "min": 1.9, "max": 2.1}
    lines = report.changes(new, old)
    assert "  tutorstream, CPU us an answer: 2 (1.9-2.1) -> 1 (0.9-1.5), -50.0 % *" in lines
    assert not any("p99" in line and line.endswith("*") for line in lines)
