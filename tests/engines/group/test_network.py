"""The help network against independent oracles: a linear system, and every shortest way counted."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.group.network import betweenness, help_network, pagerank
from engines.words import Floats

DAY_S = 86_400.0
EIGHT = [f"m{n}" for n in range(8)]


def luck(key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(key))


def graph(n: int, key: int) -> Floats:
    of = luck(key)
    weights = of.integers(1, 5, (n, n)) * (of.uniform(size=(n, n)) < of.uniform(0.02, 0.5))
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float64)


def solved(weights: Floats, damping: float = 0.85) -> Floats:
    """PageRank as the solution of its linear system, no walk taken."""
    n = len(weights)
    steps = np.array([row / row.sum() if row.any() else np.full(n, 1 / n) for row in weights])
    return np.linalg.solve(np.eye(n) - damping * steps.T, np.full(n, (1 - damping) / n))


def ways(links: Floats, source: int) -> tuple[dict[int, int], dict[int, int]]:
    """Distance and number of shortest ways from a node, by breadth-first search."""
    far, count, queue = {source: 0}, {source: 1}, deque([source])
    while queue:
        u = queue.popleft()
        for v in np.nonzero(links[u])[0].tolist():
            if v not in far:
                far[v], count[v] = far[u] + 1, 0
                queue.append(v)
            if far[v] == far[u] + 1:
                count[v] += count[u]
    return far, count


def counted(links: Floats) -> Floats:
    """Betweenness by its definition, each pair of others by itself."""
    n = len(links)
    all_ways = [ways(links, source) for source in range(n)]
    out = np.zeros(n)
    for s, (far, count) in enumerate(all_ways):
        for t in far:
            for v in far:
                if len({s, t, v}) == 3 and t in all_ways[v][0]:
                    on_the_way = far[v] + all_ways[v][0][t] == far[t]
                    out[v] += on_the_way * count[v] * all_ways[v][1][t] / count[t]
    return out / max(1, (n - 1) * (n - 2))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 16), key=st.integers(0, 2**32))
def test_measures_equal_their_oracles(n: int, key: int) -> None:
    weights = graph(n, key)
    np.testing.assert_allclose(pagerank(weights), solved(weights), atol=1e-9)
    assert pagerank(weights).sum() == pytest.approx(1.0)
    between: Floats = betweenness(weights > 0)
    np.testing.assert_allclose(between, counted(weights), atol=1e-9)


def test_measures_of_known_graphs() -> None:
    star = np.zeros((6, 6), bool)
    star[0, 1:] = star[1:, 0] = True
    assert betweenness(star).tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    ring = np.roll(np.eye(5), 1, axis=1)
    np.testing.assert_allclose(pagerank(ring), 0.2)
    np.testing.assert_allclose(betweenness(ring > 0), 0.5)
    assert betweenness(np.zeros((2, 2), bool)).tolist() == [0.0, 0.0]


def test_thanks_go_to_who_helped() -> None:
    found = help_network([("m0", other, 1.0) for other in EIGHT[1:]], EIGHT, 2.0)
    assert max(found.pagerank) == found.pagerank[0]
    assert found.weights[0].tolist() == [0.0] + [1.0] * 7
    assert found.isolates == ()
    assert found.reason is None


def test_help_counts_for_twenty_eight_days() -> None:
    now_s = 100 * DAY_S
    edges = [
        ("m0", "m1", now_s - 28 * DAY_S),
        ("m2", "m3", now_s - 27.9 * DAY_S),
        ("m2", "m3", now_s),
        ("m4", "gone", now_s),
        ("gone", "m5", now_s),
    ]
    found = help_network(edges, EIGHT, now_s)
    assert found.edges == (("m2", "m3", 2),)
    assert found.isolates == ("m0", "m1", "m4", "m5", "m6", "m7")
    assert found.reason is not None
    assert found.reason.text == "6 learners neither gave nor got help in 28 days"


def test_fewer_than_eight_are_hidden_entirely() -> None:
    found = help_network([("m0", "m1", 1.0)], EIGHT[:7], 2.0)
    assert found.hidden
    assert (found.edges, found.pagerank, found.betweenness, found.isolates) == ((), (), (), ())
    assert found.reason is None
    assert found.weights.size == 0
    assert found == help_network([("m3", "m5", 1.0)], EIGHT[:7], 2.0)
    assert not help_network([], EIGHT, 2.0).hidden


def test_what_is_no_help_is_refused() -> None:
    with pytest.raises(ValueError, match="expected help to somebody else"):
        help_network([("m0", "m0", 1.0)], EIGHT, 2.0)
    with pytest.raises(ValueError, match="expected distinct members"):
        help_network([], ["m0", "m0"], 2.0)
    with pytest.raises(ValueError, match="expected weights"):
        pagerank(np.array([[-1.0]]))
    with pytest.raises(ValueError, match="expected links"):
        betweenness(np.zeros((2, 3), bool))


def test_a_class_of_two_hundred_is_measured() -> None:
    of = luck(1)
    members = [f"m{n}" for n in range(200)]
    edges = [(members[a], members[b], 1.0) for a, b in of.integers(0, 200, (4_000, 2)) if a != b]
    found = help_network(edges, members, 2.0)
    np.testing.assert_allclose(found.pagerank, solved(found.weights.T), atol=1e-9)
