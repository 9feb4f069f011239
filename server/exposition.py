"""Prometheus text, version 0.0.4: rows, labels, samples. This file is how a count is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Samples = list[tuple[tuple[str, ...], float]]
"""Values of a metric's labels, and the number."""


class Metric(NamedTuple):
    """A row of the table."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


class Buckets(NamedTuple):
    """A histogram to be written: `counts` are cumulative, one for each of `bounds_s`."""

    values: tuple[str, ...]
    bounds_s: Sequence[float]
    counts: Sequence[int]
    total: int
    sum_s: float


def head(metric: Metric) -> Iterator[str]:
    """The lines before a metric's samples."""
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {metric.kind}"


def sample_lines(metric: Metric, samples: Samples) -> Iterator[str]:
    """One line a sample."""
    for values, value in samples:
        yield f"{metric.name}{_labels(metric.labels, values)} {value}"


def histogram_lines(metric: Metric, histograms: Iterable[Buckets]) -> Iterator[str]:
    """A histogram's buckets, sum and count."""
    names = (*metric.labels, "le")
    for values, bounds_s, counts, total, sum_s in histograms:
        for bound_s, below in zip(bounds_s, counts, strict=True):
            yield f"{metric.name}_bucket{_labels(names, (*values, repr(bound_s)))} {below}"
        yield f"{metric.name}_bucket{_labels(names, (*values, '+Inf'))} {total}"
        yield f"{metric.name}_sum{_labels(metric.labels, values)} {sum_s}"
        yield f"{metric.name}_count{_labels(metric.labels, values)} {total}"


def one(value: float) -> Samples:
    """The sample of a metric without labels."""
    return [((), value)]


def each(counted: Mapping[Any, float]) -> Samples:
    """One sample a key; a tuple is several labels."""
    return [
        (tuple(map(str, key)) if isinstance(key, tuple) else (str(key),), value)
        for key, value in sorted(counted.items())
    ]


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
