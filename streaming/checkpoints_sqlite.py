"""The write-ahead log is worked into the file beside the writer. This file is that second thread.

A checkpoint waits for the disk: done by the writer's own commits (`wal_autocheckpoint`) it held
up one group in a hundred for 11 ms and more. Here a thread with a connection of its own does it
(PASSIVE: it waits for nobody), and one in a hundred took 1.2 ms and more.

While the writer goes on, a pass leaves the frames that came meanwhile, so under a load without
any pause the log would grow: beyond `MOST_PAGES` the writer works in the small rest by itself
(RESTART), after which the log begins anew.

SQLite before 3.51.3 has a race between a checkpoint that starts and a commit that resets the log
(sqlite.org/wal.html, "the WAL-reset bug"). It cannot occur here: a pass is asked for only by the
writer, directly after a commit, when the newest frames are not worked in yet; the log can only be
reset once all are, that is after the pass. The writer's own RESTART comes when no pass runs.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from queue import SimpleQueue

_LOG = logging.getLogger(__name__)

PASS_EVERY = 256
"""Group commits that changed something between two passes."""
MOST_PAGES = 16_384
"""Length of the write-ahead log (64 MB) at which the writer ends a pass itself."""


class Checkpoints:
    """A thread that works the write-ahead log in when asked. `writer_db` is the writer's own."""

    def __init__(self, path: str, writer_db: sqlite3.Connection) -> None:
        self._writer_db = writer_db
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._groups = 0
        self._idle = threading.Event()
        self._idle.set()
        self._pages = 0
        self._thread = threading.Thread(target=self._run, name="store-checkpoints", daemon=True)
        self._thread.start()

    def committed(self, changed: bool) -> None:
        """Count a group commit; ask for a pass when it is time. Called by the writer's thread."""
        self._groups += changed
        if not changed or self._groups < PASS_EVERY or not self._idle.is_set():
            return
        if self._pages > MOST_PAGES:
            self._pages = 0
            self._restart()
        else:
            self._groups = 0
            self._idle.clear()
            self._asked.put(True)

    def rest(self) -> None:
        """Wait until no pass runs."""
        self._idle.wait()

    def close(self) -> None:
        """End the thread; waits for a pass that runs."""
        self._asked.put(False)
        self._thread.join()
        self._db.close()

    def _run(self) -> None:
        while self._asked.get():
            try:
                row = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._pages = row[1]
            except sqlite3.Error as error:  # the log keeps everything; the next pass tries again
                _LOG.warning("the write-ahead log could not be worked into the file: %s", error)
            self._idle.set()

    def _restart(self) -> None:
        try:
            self._writer_db.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.Error as error:
            _LOG.warning("the write-ahead log could not be begun anew: %s", error)
