"""Checkpoints: when a pass is asked for, what bounds the log. This file is their proof."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming import checkpoints_sqlite
from streaming.checkpoints_sqlite import Checkpoints

PAGE = 4_096


class Writing:
    """A file with a writer's connection and checkpoints beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path, timeout=0, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA wal_autocheckpoint = 0")
        self.db.execute("CREATE TABLE t (x BLOB)")
        self.checkpoints = Checkpoints(str(path), self.db)

    def commit(self) -> None:
        """One group of two pages or so."""
        self.db.execute("INSERT INTO t VALUES (randomblob(6000))")
        self.checkpoints.committed(True)

    def wal_bytes(self) -> int:
        return Path(f"{self.path}-wal").stat().st_size

    def close(self) -> None:
        self.checkpoints.close()
        self.db.close()


@pytest.fixture
def writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    monkeypatch.setattr(checkpoints_sqlite, "PASS_EVERY", 10)
    monkeypatch.setattr(checkpoints_sqlite, "MOST_PAGES", 100)
    one = Writing(tmp_path / "t.db")
    yield one
    one.close()


def test_a_pass_works_the_log_into_the_file(writing: Writing) -> None:
    for _ in range(9):
        writing.commit()
    before = writing.path.stat().st_size
    assert before <= 2 * PAGE, "no pass yet"
    writing.commit()
    writing.checkpoints.rest()
    assert writing.path.stat().st_size >= 10 * 6_000


def test_after_a_whole_pass_the_log_begins_anew(writing: Writing) -> None:
    for n in range(200):
        writing.commit()
        if n % 10 == 9:
            writing.checkpoints.rest()
    assert writing.wal_bytes() < 60 * PAGE, "ten commits of two or three pages, again and again"


def test_groups_that_changed_nothing_ask_for_nothing(writing: Writing) -> None:
    for _ in range(9):
        writing.commit()
    before = writing.path.stat().st_size
    for _ in range(100):
        writing.checkpoints.committed(False)
    writing.checkpoints.rest()
    assert writing.path.stat().st_size == before


def test_a_log_that_grew_is_ended_by_the_writer(writing: Writing) -> None:
    reader = sqlite3.connect(writing.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM t").fetchone()  # holds every pass back
    for _ in range(100):
        writing.commit()
        writing.checkpoints.rest()
    grown = writing.wal_bytes()
    assert grown > 150 * PAGE
    statements: list[str] = []
    writing.db.set_trace_callback(statements.append)
    reader.execute("COMMIT")
    reader.close()
    for _ in range(100):
        writing.commit()
        writing.checkpoints.rest()
    assert "PRAGMA wal_checkpoint(RESTART)" in statements
    assert writing.wal_bytes() < 1.2 * grown, "the file is used from its beginning again"


def test_a_pass_that_fails_is_told_and_tried_again(
    writing: Writing, caplog: pytest.LogCaptureFixture
) -> None:
    writing.checkpoints._db.close()
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            writing.commit()
        writing.checkpoints.rest()
    assert "could not be worked into the file" in caplog.text
    writing.checkpoints._db = sqlite3.connect(writing.path, check_same_thread=False)
    for _ in range(10):
        writing.commit()
    writing.checkpoints.rest()
    assert writing.path.stat().st_size >= 20 * 6_000
