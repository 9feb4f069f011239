"""Worlds end with the test that began them. This file sees to it."""

from collections.abc import Iterator

import pytest

from tests.world import kill_all


@pytest.fixture(autouse=True)
def closed_worlds() -> Iterator[None]:
    """Every world that a test began is closed when it ends."""
    yield
    kill_all()
