"""Rows appended at the end of one table, linked backwards per strand. This file is that chain.

The cost of a small write in SQLite is the number of pages it touches: each touched page is
written to the write-ahead log and later once more into the file. A table clustered by
`(log, seq)` touches a page or two per log in a group commit; over 2,000 logs, groups of 20 took
101-125 us CPU per answer so, and 25-32 us with all rows at the end of one table
(docs/decisions/004-rows-in-the-order-they-came.md). So rows live in the order in which they
came, numbered by `place`, and each names the `prev` row of its own strand (a log, or a learner's
attempts). Reading a strand follows the links back from its tail.

The tails are saved into the table of strands every `SAVE_EVERY` rows, by one statement that needs
no list of what is dirty: it looks at the rows beyond the `mark`, the place up to which saved tails
are true. A strand that is met for the first time looks at them too, so after a crash or a
rollback nothing must be repaired. Places are never used twice, even where rows were deleted.
"""

from __future__ import annotations

import sqlite3
from typing import Any

SAVE_EVERY = 256
"""Rows between two savings of the tails; also how many rows a first look at a strand may scan."""
ROWS_A_STATEMENT = 64
"""Most rows of one INSERT; each statement costs a hand-over of the interpreter's lock."""


class Strand:
    """The newest row of one chain: its number in the strand, its time and its place."""

    __slots__ = ("at_ms", "head", "id", "tail")

    def __init__(self, key: int, head: int, at_ms: int, tail: int) -> None:
        self.id = key
        self.head = head
        self.at_ms = at_ms
        self.tail = tail


class Chain:
    """The chained table `rows` and its table of `strands`.

    `strands` has the columns id, head, at_ms, tail; `rows` has place, strand, prev, head, at_ms
    and then `columns`. Rows are gathered in memory until `flush`.
    """

    def __init__(
        self, db: sqlite3.Connection, strands: str, rows: str, columns: tuple[str, ...]
    ) -> None:
        # Table and column names below are constants of the callers, never a user's words.
        self._db = db
        self._rows = rows
        self._width = 5 + len(columns)
        self._insert = f"INSERT INTO {rows} VALUES "  # noqa: S608 - constants
        self._one = "(" + ",".join("?" * self._width) + ")"
        self._newer = (
            f"SELECT head, at_ms, place FROM {rows} WHERE place > "  # noqa: S608 - constants
            "(SELECT upto FROM marks WHERE rows = ?1) AND strand = ?2 ORDER BY place DESC LIMIT 1"
        )
        # With max() the bare columns come from the row that has the maximum (SQLite's promise).
        self._save = (
            f"UPDATE {strands} SET head = n.head, at_ms = n.at_ms, tail = n.place FROM "  # noqa: S608 - constants
            f"(SELECT strand, max(place) AS place, head, at_ms FROM {rows} WHERE place > "
            f"(SELECT upto FROM marks WHERE rows = ?1) GROUP BY strand) AS n "
            f"WHERE {strands}.id = n.strand"
        )
        self._newest = f"SELECT max(place) FROM {rows}"  # noqa: S608 - constants
        self.walk = (
            f"WITH RECURSIVE chain(place, prev) AS (SELECT place, prev FROM {rows} "  # noqa: S608 - constants
            "WHERE place = :tail AND strand = :strand AND head > :after "
            f"UNION ALL SELECT r.place, r.prev FROM chain JOIN {rows} AS r ON r.place = chain.prev "
            "WHERE r.strand = :strand AND r.head > :after) "
        )
        """Begins a query over `chain`: the places of a strand's rows with `head` > :after."""
        self._gathered: list[Any] = []
        self._mark = self._next = 0
        self.forget()

    def newest(self, strand: Strand) -> None:
        """Bring a strand as read from its table up to the rows that came after its last saving."""
        row = self._db.execute(self._newer, (self._rows, strand.id)).fetchone()
        if row is not None:
            strand.head, strand.at_ms, strand.tail = row

    def add(self, strand: Strand, head: int, at_ms: int, *values: Any) -> None:
        """Gather one row at the strand's end; `head` is the number of the newest thing in it."""
        self._next += 1
        self._gathered += (self._next, strand.id, strand.tail, head, at_ms, *values)
        strand.head, strand.at_ms, strand.tail = head, at_ms, self._next

    def flush(self) -> None:
        """Insert what was gathered, in few statements; save the tails when it is time."""
        values = self._gathered
        if not values:
            return
        self._gathered = []
        width, begin, left = self._width, 0, len(values) // self._width
        while left:
            # Powers of two: few distinct statements, so each is compiled once.
            count = min(1 << (left.bit_length() - 1), ROWS_A_STATEMENT)
            end = begin + count * width
            sql = self._insert + ",".join((self._one,) * count)
            self._db.execute(sql, values[begin:end])
            begin, left = end, left - count
        if self._next - self._mark >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Save all tails now; must come before rows are deleted, so that no place comes again."""
        self.flush()
        if self._next == self._mark:
            return
        self._db.execute(self._save, (self._rows,))
        self._db.execute("UPDATE marks SET upto = ? WHERE rows = ?", (self._next, self._rows))
        self._mark = self._next

    def forget(self) -> None:
        """Drop what was gathered and read the numbers again: at the start, after a rollback."""
        self._gathered = []
        query = "SELECT upto FROM marks WHERE rows = ?"
        self._mark = self._db.execute(query, (self._rows,)).fetchone()[0]
        self._next = max(self._mark, self._db.execute(self._newest).fetchone()[0] or 0)
