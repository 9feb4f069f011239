"""Counter-based dice (Philox4x64-10, Salmon et al. 2011). This file is where all chance comes from.

A throw depends on the key, the place and how many throws came before at that place, nothing else:
a log that is folded again throws the same dice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_WORD = (1 << 64) - 1
_NONE = (0, 0, 0, 0)

Words = tuple[int, int, int, int]


def philox(key0: int, key1: int, block: int, at: int) -> Words:
    """Four words of Philox4x64-10 for counter (block, 0, 0, at), in plain whole numbers.

    `engines.maths.kernels.philox_block` gives the same words faster, once it is compiled.
    """
    c0, c1, c2, c3 = block, 0, 0, at
    for _ in range(10):
        first, third = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1 = (third >> 64) ^ c1 ^ key0, third & _WORD
        c2, c3 = (first >> 64) ^ c3 ^ key1, first & _WORD
        key0 = (key0 + 0x9E3779B97F4A7C15) & _WORD
        key1 = (key1 + 0xBB67AE8584CAA73B) & _WORD
    return c0, c1, c2, c3


@dataclass
class Blocks:
    """What computes a block of words for all dice.

    `engines.maths.kernels` puts its own here: whoever scores has the fast one, and whoever only
    draws an item's numbers need not wait for a compiler to be loaded.
    """

    made: Callable[[int, int, int, int], Words]


BLOCKS = Blocks(philox)


class Dice:
    """Dice keyed by `key` (0 <= key < 2**128) for the place `at` (0 <= at < 2**64).

    Words equal those of `numpy.random.Philox(key=key, counter=[0, 0, 0, at])`. Places share no
    draws. Making one costs no draw: the first block is computed when it is asked for.
    Raises ValueError for a key or place out of range.

    >>> Dice(7, 1).uint64() == Dice(7, 1).uint64()
    True
    """

    __slots__ = ("_at", "_block", "_key0", "_key1", "_left", "_words")

    def __init__(self, key: int, at: int) -> None:
        high = key >> 64
        if not (0 <= high <= _WORD and 0 <= at <= _WORD):
            msg = f"expected 0 <= key < 2**128 and 0 <= at < 2**64, got key {key} and at {at}"
            raise ValueError(msg)
        self._key0 = key & _WORD
        self._key1 = high
        self._at = at
        self._block = 0
        self._left = 0
        self._words: Words = _NONE

    def again(self) -> Dice:
        """Dice of their own that will throw what these will.

        >>> dice = Dice(7, 1)
        >>> dice.again().uint64() == dice.uint64()
        True
        """
        same = Dice.__new__(Dice)
        same._key0, same._key1, same._at = self._key0, self._key1, self._at
        same._block, same._left, same._words = self._block, self._left, self._words
        return same

    def uint64(self) -> int:
        """The next word, uniform in [0, 2**64)."""
        left = self._left
        if not left:
            self._block += 1
            self._words = BLOCKS.made(self._key0, self._key1, self._block, self._at)
            left = 4
        self._left = left - 1
        return self._words[4 - left]

    def pair(self) -> tuple[int, int]:
        """The next two words, as `uint64` would give them one by one."""
        if self._left == 0:
            self._block += 1
            self._words = BLOCKS.made(self._key0, self._key1, self._block, self._at)
            self._left = 2
            return self._words[:2]
        return self.uint64(), self.uint64()

    def random(self) -> float:
        """The next float, uniform in [0, 1) on the grid of 2**-53.

        >>> 0.0 <= Dice(7, 1).random() < 1.0
        True
        """
        return (self.uint64() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        """A whole number uniform in [0, n), without bias (Lemire 2019).

        Raises ValueError unless 1 <= n <= 2**64.

        >>> Dice(7, 1).below(1)
        0
        """
        if not 1 <= n <= _WORD + 1:
            msg = f"expected 1 <= n <= 2**64, got {n}"
            raise ValueError(msg)
        product = self.uint64() * n
        if product & _WORD < n:
            floor = (_WORD + 1 - n) % n
            while product & _WORD < floor:
                product = self.uint64() * n
        return product >> 64
