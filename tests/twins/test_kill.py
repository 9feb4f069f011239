"""kill -9 at any moment: what was confirmed is there, and each answer with its attempt."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

from streaming.store_sqlite import SqliteStore
from tests.virtual import VirtualLoop

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
CHILD = """
import asyncio, os, sys
from streaming.log import CommandId, Entry
from streaming.store_sqlite import SqliteStore

async def main():
    store = SqliteStore.open(sys.argv[1], loop=asyncio.get_running_loop())
    claim = await store.log.claim("s", sys.argv[2], at_ms=0)
    seq = claim.head
    os.write(1, b"%s\\n" % claim.epoch.encode())
    while True:
        for _ in range(7):
            entries = [Entry(seq + n, seq + n, b"%d" % (seq + n), b"deed") for n in (1, 2, 3)]
            command = CommandId(f"c{seq + 1}", b"d")
            ticket = store.log.append("s", claim.term, command, entries, "ada")
            seq += 3
            ticket.hear(lambda t, seq=seq: t.stored and os.write(1, b"%d\\n" % seq))
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


def killed(path: Path, node: str, after_s: float) -> tuple[str, int]:
    """Run the child, kill it `after_s` seconds after it began: its epoch, what it confirmed."""
    command = [sys.executable, "-c", CHILD, str(path), node]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        epoch = child.stdout.readline().strip()
        first = int(child.stdout.readline())
        timer = threading.Timer(after_s, child.kill)
        timer.start()
        whole = [line for line in child.stdout if line.endswith("\n")]
        timer.join()
    return epoch, int(whole[-1]) if whole else first


async def test_every_confirmed_answer_survives_with_its_attempt(
    virtual: VirtualLoop, tmp_path: Path
) -> None:
    path, dice, epochs, confirmed = tmp_path / "store.db", random.Random(9), set(), 0
    for n in range(ROUNDS):
        epoch, newest = killed(path, f"start{n}", dice.uniform(0.0, 0.4))
        epochs.add(epoch)
        assert newest > confirmed, "each process goes on where the file stands"
        store = SqliteStore.open(str(path), loop=virtual, inline=True)
        entries = await store.log.read("s", 0)
        confirmed = len(entries)
        assert confirmed >= newest
        assert [e.seq for e in entries] == list(range(1, confirmed + 1))
        assert all(e.public == b"%d" % e.seq for e in entries)
        attempts = await store.records.attempts("ada")
        assert [a.seq for a in attempts] == list(range(1, confirmed + 1, 3))
        replies = await store.log.replies("s", newest=9, since_ms=10**15)
        assert [r.seq for r in replies] == list(range(1, confirmed + 1, 3))[-9:]
        await store.aclose()
    assert len(epochs) == 1
