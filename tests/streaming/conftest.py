"""Async tests of this folder that ask for `virtual` run on virtual time. This file says so."""

from tests.virtual import pytest_asyncio_loop_factories, virtual

__all__ = ["pytest_asyncio_loop_factories", "virtual"]
