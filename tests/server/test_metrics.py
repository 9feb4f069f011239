"""What is counted is told, and what is told has its row in the manual."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.events import Timing
from server.metrics import BOUNDS_US, MAX_US, METRICS, Histogram, LoopProbe, Metrics, slot_of
from tests.virtual import run

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


@given(st.lists(st.integers(0, MAX_US), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_a_quantile_is_right_to_one_part_in_sixteen(durations_us, p: float) -> None:
    histogram = Histogram()
    for us in durations_us:
        histogram.record(us)
    exact = sorted(durations_us)[max(0, -int(-p * len(durations_us) // 1) - 1)]
    assert exact <= histogram.quantile(p) <= exact + exact // 16 + 1
    assert histogram.count == len(durations_us)
    assert histogram.sum_us == sum(durations_us)


@given(st.lists(st.integers(0, MAX_US), max_size=60))
def test_counts_below_the_bounds_are_exact(durations_us) -> None:
    histogram = Histogram()
    for us in durations_us:
        histogram.record(us)
    assert histogram.below(BOUNDS_US) == [
        sum(us < bound for us in durations_us) for bound in BOUNDS_US
    ]


def test_the_edges_hold_what_lies_outside() -> None:
    histogram = Histogram()
    for us in (-5, MAX_US * 4):
        histogram.record(us)
    assert histogram.slots[0] == 1
    assert histogram.slots[slot_of(MAX_US)] == 1
    assert histogram.quantile(1.0) == MAX_US
    assert Histogram().quantile(0.99) == 0


def counted() -> Metrics:
    metrics = Metrics('1"\\')
    metrics.answered(Timing(1, 20, 300, 4_000, 50_000), "correct")
    metrics.answered(Timing(1, 20, 300, 4_000, 50_000), "correct")
    metrics.turn_ended("builtin", "completed", 12.5)
    metrics.turn_ended("llm", "failed", 0.0)
    metrics.refused(101)
    metrics.opened("websocket")
    metrics.opened("sse")
    metrics.closed("sse", 4009)
    metrics.commands += 3
    metrics.loop_gap.record(1_500)
    metrics.outboxes = lambda: {2: 5}
    return metrics


def samples(metrics: Metrics) -> dict[str, float]:
    found = {}
    for line in metrics.text().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, "a sample stands twice"
            found[name] = float(value)
    return found


def test_what_was_counted_is_told() -> None:
    found = samples(counted())
    assert found['tutorstream_feedback_seconds_count{stage="total"}'] == 2
    assert found['tutorstream_feedback_seconds_sum{stage="total"}'] == 0.1
    assert found['tutorstream_feedback_seconds_bucket{stage="check",le="3.2e-05"}'] == 2
    assert found['tutorstream_feedback_seconds_bucket{stage="check",le="1.6e-05"}'] == 0
    assert found['tutorstream_feedback_seconds_bucket{stage="total",le="+Inf"}'] == 2
    assert found['tutorstream_answers_total{verdict="correct"}'] == 2
    assert found['tutorstream_turns_total{source="llm",status="failed"}'] == 1
    assert found['tutorstream_ttft_seconds_count{source="llm"}'] == 0
    assert found['tutorstream_ttft_seconds_sum{source="builtin"}'] == 0.0125
    assert found['tutorstream_connections{transport="sse"}'] == 0
    assert found['tutorstream_connections_total{transport="sse"}'] == 1
    assert found['tutorstream_closes_total{code="4009"}'] == 1
    assert found['tutorstream_errors_total{code="101"}'] == 1
    assert found['tutorstream_outboxes{level="2"}'] == 5
    assert found['tutorstream_outboxes{level="0"}'] == 0
    assert found["tutorstream_commands_total"] == 3
    assert found["tutorstream_loop_gap_max_seconds"] == 0.0015
    assert found["tutorstream_ready"] == 0
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_resident_memory_bytes"] > 1_000_000


def test_the_text_is_prometheus_s() -> None:
    text = counted().text()
    assert text.endswith("\n")
    name = r"[a-z_]+(\{[a-z_]+=\"([^\"\\]|\\.)*\"(,[a-z_]+=\"([^\"\\]|\\.)*\")*\})?"
    for line in text.splitlines():
        assert re.fullmatch(rf"# (HELP|TYPE) [a-z_]+ .+|{name} [0-9.e+-]+", line), line
    assert 'version="1\\"\\\\"' in text


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_each_metric_is_told_and_has_its_row(metric) -> None:
    assert f"# TYPE {metric.name} {metric.kind}" in counted().text()
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
    row = f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"
    assert row in MANUAL.read_text().splitlines()


def test_the_manual_tells_of_no_other_metric() -> None:
    rows = re.findall(r"^\| `(\w+)`", MANUAL.read_text(), re.M)
    assert rows == [metric.name for metric in METRICS]


def test_the_probe_notes_how_late_the_loop_is() -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        histogram = Histogram()
        probe = LoopProbe(loop, histogram, every_s=0.02)
        probe.start()
        await asyncio.sleep(1.01)
        assert histogram.count == 50
        assert histogram.max_us <= 1
        loop._clock.now_s += 0.5  # type: ignore[attr-defined] # the virtual loop was held up
        await asyncio.sleep(0.01)
        assert histogram.max_us >= 480_000
        probe.stop()
        probe.stop()

    run(go())
