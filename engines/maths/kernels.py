"""How loops are compiled and counted, and the Philox block. This file is numba's entry to engines.

A kernel has explicit signatures, so it is compiled (or read from the cache) when its module is
imported and never while a learner waits. No fast-math, no parallel reductions: the same input
gives the same bits on the same build. A kernel calls no kernel of another file, because numba's
cache watches one file's time stamp only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from engines.maths.dice import BLOCKS

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: list[Any] = []
"""Every dispatcher made by `kernel`, in order of definition."""
_uncached: list[str] = []


def kernel(*signatures: str) -> Callable[[F], F]:
    """A decorator that compiles a loop for `signatures` now, from numba's cache where it can.

    Where no cache folder can be written numba refuses `cache=True`; the loop is then compiled
    without one, and `cached()` says so.
    """

    def compiled_loop(loop: F) -> F:
        try:
            dispatcher = numba.njit(list(signatures), cache=True)(loop)
        except (RuntimeError, OSError):
            _uncached.append(loop.__qualname__)
            dispatcher = numba.njit(list(signatures))(loop)
        KERNELS.append(dispatcher)
        return cast("F", dispatcher)

    return compiled_loop


def part(loop: F) -> F:
    """A piece of a kernel, compiled with the kernels of its file that call it, never by itself."""
    return cast("F", numba.njit(loop))


def compiled() -> int:
    """How many signatures are compiled in this process; it must not grow after start.

    >>> compiled() >= 1
    True
    """
    return sum(len(dispatcher.signatures) for dispatcher in KERNELS)


def cached() -> bool:
    """Whether every kernel could use numba's cache; if not, the caller warns once.

    >>> isinstance(cached(), bool)
    True
    """
    return not _uncached


@part
def _product(a: Any, b: Any) -> Any:
    """High and low word of a 64 by 64 bit product, from 32 bit halves."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & mask, b >> half, b & mask
    low, cross, other = a0 * b0, a1 * b0, a0 * b1
    middle = (low >> half) + (cross & mask) + (other & mask)
    high = a1 * b1 + (cross >> half) + (other >> half) + (middle >> half)
    return high, a * b


@kernel("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64)")
def philox_block(key0: Any, key1: Any, block: Any, at: Any) -> Any:
    """Four words of Philox4x64-10 for counter (block, 0, 0, at) (Salmon et al. 2011)."""
    c0, c1, c2, c3 = block, np.uint64(0), np.uint64(0), at
    for _ in range(10):
        high0, low0 = _product(np.uint64(0xD2E7470EE14C6C93), c0)
        high1, low1 = _product(np.uint64(0xCA5A826395121157), c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0
        key0 += np.uint64(0x9E3779B97F4A7C15)
        key1 += np.uint64(0xBB67AE8584CAA73B)
    return c0, c1, c2, c3


BLOCKS.made = philox_block
