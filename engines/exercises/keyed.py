"""Instances as keys of a cache: equal where they were drawn alike. This file is that equality.

An instance holds mappings, so it has no hash of its own.
"""

from __future__ import annotations

from engines.words import Instance


class Keyed:
    """An instance that may be asked for in a cache.

    >>> from engines.exercises.template import instance
    >>> from engines.words import AnswerSpec, Item
    >>> item = Item(id="i", skills=("s",), prompt="?", answer=AnswerSpec(kind="number", value="3"))
    >>> Keyed(instance(item, "", 0)) == Keyed(instance(item, "", 0))
    True
    """

    __slots__ = ("_hash", "instance")

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._hash = hash((instance.item.id, instance.seed, instance.prompt))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Keyed):
            return NotImplemented
        mine, theirs = self.instance, other.instance
        return mine is theirs or (
            mine.item is theirs.item
            and mine.seed == theirs.seed
            and mine.values == theirs.values
            and mine.prompt == theirs.prompt
        )
