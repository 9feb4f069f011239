"""Async tests of this folder that ask for `virtual` run on virtual time. This file says so."""

from collections.abc import Iterator

import pytest

from tests.virtual import pytest_asyncio_loop_factories, virtual
from tests.world import kill_all

__all__ = ["pytest_asyncio_loop_factories", "virtual"]


@pytest.fixture(autouse=True)
def closed_worlds() -> Iterator[None]:
    """Every world that a test began is closed when it ends."""
    yield
    kill_all()
