"""The log against a plain list, with stale owners, repeated commands, trims and restarts.

This file is a state machine that hypothesis drives.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streaming import chain_sqlite
from streaming.log import CommandId, Duplicate, Entry, Fenced, OutOfOrder, Ticket
from streaming.records import Attempt
from streaming.store_sqlite import SqliteStore
from tests.virtual import VirtualLoop

T = TypeVar("T")

NAMES = st.sampled_from(["a", "b"])
NODES = st.sampled_from(["n1", "n2", "n3"])
BODIES = st.sampled_from([b"body one", b"body two"])


class Model:
    """What a log is: a list, an owner, a floor, the ids that were used."""

    def __init__(self, epoch: str, node: str) -> None:
        self.epoch = epoch
        self.node = node
        self.term = 1
        self.floor = 0
        self.entries: list[Entry] = []
        self.ids: dict[str, tuple[bytes, int, int]] = {}

    @property
    def at_ms(self) -> int:
        return self.entries[-1].at_ms if self.entries else 0


class LogMachine(RuleBasedStateMachine):
    """Every rule does the same to the store and to the model, then compares."""

    @initialize(file=st.booleans())
    def begin(self, file: bool) -> None:
        self.loop = VirtualLoop()
        self.folder = Path(tempfile.mkdtemp())
        self.path = str(self.folder / "store.db") if file else None
        # Tails are saved every few rows, so that both saved and unsaved ones are met.
        self.saving, chain_sqlite.SAVE_EVERY = chain_sqlite.SAVE_EVERY, 5
        self.models: dict[str, Model] = {}
        self.epochs: set[str] = set()
        self.attempts: dict[tuple[str, str, int], Attempt] = {}
        self.waiting: list[tuple[Ticket, type[Exception] | None]] = []
        self.open()

    def open(self) -> None:
        self.store = SqliteStore.open(self.path, loop=self.loop, inline=True)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(main)

    def teardown(self) -> None:
        self.settle()
        self.run(self.store.aclose())
        self.loop.close()
        shutil.rmtree(self.folder)
        chain_sqlite.SAVE_EVERY = self.saving

    # --- rules ----------------------------------------------------------------------------------

    @rule(name=NAMES, node=NODES)
    def claim(self, name: str, node: str) -> None:
        claim = self.run(self.store.log.claim(name, node, at_ms=0))
        model = self.models.get(name)
        if model is None:
            assert claim.epoch not in self.epochs
            self.epochs.add(claim.epoch)
            model = self.models[name] = Model(claim.epoch, node)
        elif model.node != node:
            model.term, model.node = model.term + 1, node
        assert (claim.term, claim.epoch) == (model.term, model.epoch)
        assert (claim.head, claim.floor) == (len(model.entries), model.floor)
        assert claim.at_ms == model.at_ms

    @rule(
        name=NAMES,
        count=st.integers(1, 4),
        step_ms=st.integers(-5, 5),
        term_off=st.sampled_from([0, 0, 0, 0, -1, 1]),
        seq_off=st.sampled_from([0, 0, 0, 0, -1, 1]),
        id=st.none() | st.integers(0, 12).map("c{}".format),
        body=BODIES,
    )
    def append(
        self,
        name: str,
        count: int,
        step_ms: int,
        term_off: int,
        seq_off: int,
        id: str | None,  # noqa: A002 - the field's name
        body: bytes,
    ) -> None:
        model = self.models.get(name)
        head, term, newest_ms = (
            (len(model.entries), model.term, model.at_ms) if model else (0, 1, 0)
        )
        came = [
            Entry(head + seq_off + n, newest_ms + step_ms * n, b"public %d" % n, b"s" * n)
            for n in range(1, count + 1)
        ]
        command = None if id is None else CommandId(id, body)
        ticket = self.store.log.append(name, term + term_off, command, came)
        expected: type[Exception] | None = None
        if model is None or term_off:
            expected = Fenced
        elif id in model.ids:
            expected = Duplicate
        elif seq_off:
            expected = OutOfOrder
        else:
            for entry in came:
                at_ms = max(model.at_ms, entry.at_ms)
                model.entries.append(Entry(entry.seq, at_ms, entry.public, entry.sealed))
            if id is not None:
                model.ids[id] = (body, head + 1, model.at_ms)
        self.waiting.append((ticket, expected))
        if expected is Duplicate:
            assert model is not None
            assert id is not None
            self.settle()
            error = ticket.error
            assert isinstance(error, Duplicate)
            digest, seq, at_ms = model.ids[id]
            assert error.same_body == (digest == body)
            assert (error.reply.digest, error.reply.seq, error.reply.at_ms) == (digest, seq, at_ms)

    @rule()
    def settle(self) -> None:
        """Commit what waits; each ticket went as the model said."""
        self.run(self.store.log.names())
        for ticket, expected in self.waiting:
            assert ticket.resolved
            assert type(ticket.error) is (expected or type(None)), ticket.error
        self.waiting.clear()

    @rule(name=NAMES, after=st.integers(0, 30), limit=st.none() | st.integers(0, 5))
    def read(self, name: str, after: int, limit: int | None) -> None:
        model = self.models.get(name)
        expected = [] if model is None else model.entries[max(after, model.floor) :][:limit]
        assert self.run(self.store.log.read(name, after, limit=limit)) == expected

    @rule(name=NAMES, newest=st.integers(0, 5), back_ms=st.integers(-2, 10))
    def replies(self, name: str, newest: int, back_ms: int) -> None:
        model = self.models.get(name)
        since_ms = (model.at_ms if model else 0) - back_ms
        found = self.run(self.store.log.replies(name, newest=newest, since_ms=since_ms))
        kept = [] if model is None else [(i, *known) for i, known in model.ids.items()]
        expected = [k for n, k in enumerate(kept) if n >= len(kept) - newest or k[3] >= since_ms]
        assert [(r.id, r.digest, r.seq, r.at_ms) for r in found] == expected

    @rule(name=NAMES, upto=st.integers(0, 40))
    def trim(self, name: str, upto: int) -> None:
        self.run(self.store.log.trim(name, upto))
        model = self.models.get(name)
        if model is not None:
            model.floor = max(model.floor, min(upto, len(model.entries)))

    @rule(name=NAMES)
    def drop(self, name: str) -> None:
        self.run(self.store.log.drop(name))
        self.models.pop(name, None)

    @rule(name=NAMES, seq=st.integers(1, 15), learner=st.sampled_from(["ada", "bob"]))
    def attempt(self, name: str, seq: int, learner: str) -> None:
        came = Attempt(name, "e", seq, learner, seq * 3 % 7, b"sealed %d" % seq)
        self.waiting.append((self.store.records.add_attempt(came), None))
        self.attempts.setdefault((name, "e", seq), came)

    @rule(learner=st.sampled_from(["ada", "bob"]), after_ms=st.integers(-1, 7))
    def attempts_of(self, learner: str, after_ms: int) -> None:
        found = self.run(self.store.records.attempts(learner, after_ms=after_ms))
        mine = [a for a in self.attempts.values() if a.learner == learner and a.at_ms > after_ms]
        assert found == sorted(mine, key=lambda a: (a.at_ms, a.log, a.epoch, a.seq))

    @precondition(lambda self: self.path is not None)
    @rule()
    def restart(self) -> None:
        self.run(self.store.aclose())
        self.open()

    @precondition(lambda self: self.path is not None)
    @rule()
    def crash(self) -> None:
        """What is not committed is gone; here it all is, for the model knows no other."""
        self.settle()
        self.store.db.close()
        assert self.store.lock is not None
        self.store.lock.close()
        self.open()

    @precondition(lambda self: self.waiting)
    @rule()
    def spoilt(self) -> None:
        """A job that no statement can take: its group is run again, one by one."""
        self.waiting.append(
            (self.store.records.put("lone \udc80", "k", b"", 0), UnicodeEncodeError)
        )

    @invariant()
    def names_are_those_of_the_model(self) -> None:
        if not hasattr(self, "waiting") or self.waiting:
            return  # looking would commit what waits; groups of several are wanted
        assert self.run(self.store.log.names()) == sorted(self.models)
        for name, model in self.models.items():
            assert self.run(self.store.log.head(name)) == (model.epoch, len(model.entries))


LogMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLog = LogMachine.TestCase
