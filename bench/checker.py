"""Scenario `checker`: answers that people typed, read and judged. This file times it.

No server. Every answer is judged by the item that its source makes of it: once as typed, which has
to be right, and once by the item of another answer, so that a wrong one is timed as well. No text
is judged twice as it stands: spaces are set about it, others each time, so that none is remembered.
Times are the processor's for this thread: what others do on the machine does not count, though it
still empties caches.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from typing import Any, NamedTuple

from bench import machine
from bench.options import Options, Typed, tell
from bench.record import gate
from bench.stats import middle, quantile, spread
from engines.exercises.grading import graded, reading
from engines.exercises.notation import formula
from engines.exercises.template import instance
from engines.words import Instance

OURS = "tutorstream"
UNREAD_SHARE = 0.01
"""At most this share of the formulas may be read by nothing."""
JUDGED_US, JUDGED_P99_US, WORST_US = 30.0, 1_000.0, 20_000.0
ROUNDS_MOST = 32
FIRST = 20
"""Answers listed by name of each cause."""
WARM = 3
"""Judgements of an item before those that count: keys are read once and kept."""


class Drawn(NamedTuple):
    """An answer with the instance that judges it."""

    typed: Typed
    instance: Instance


def defaults(options: Options) -> Options:
    """The options with this scenario's own defaults. Raises ValueError where they cannot hold."""
    if options.url:
        raise ValueError("the checker is timed in this process: it cannot take --url")
    if not options.answers:
        raise ValueError("checker needs --data FILE or FOLDER with answers that were typed")
    if options.rounds > ROUNDS_MOST:
        raise ValueError(f"checker takes at most {ROUNDS_MOST} rounds, came {options.rounds}")
    return options._replace(rounds=options.rounds or 5, peers=False)


async def measured(options: Options) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's figures and gates."""
    drawn = [Drawn(each, instance(each.item, "", 0)) for each in options.answers if each.item]
    unread = [each for each in options.answers if each.formula and not is_read(each)]
    refused = [each.typed for each in drawn if verdict(each, "") != "correct"]
    formulas = sum(each.formula for each in options.answers)
    rounds: list[list[float]] = []
    shares: list[float] = []
    for number in range(options.rounds):
        tell(f"round {number + 1} of {options.rounds}")
        use = machine.Window(None)
        rounds.append(timed_us(drawn, number))
        used = use.end()
        shares.append(used.load_cpu_s / used.window_s)
    best = [min(us) for us in zip(*rounds, strict=True)]
    rounds = [sorted(us) for us in rounds]
    summary: dict[str, Any] = {
        "answers": len(options.answers),
        "formulas": formulas,
        "unread": len(unread),
        "read_share": round(1 - len(unread) / formulas, 5) if formulas else None,
        "keys": len(drawn),
        "keys_refused": len(refused),
        "judged_us": middle([quantile(us, 0.5) for us in rounds], 2),
        "judged_p99_us": middle([quantile(us, 0.99) for us in rounds], 2),
        "judged_worst_us": middle([us[-1] for us in rounds], 1),
        "core_share": middle(shares),
        "rounds": options.rounds,
    }
    body = {
        "summary": {OURS: summary},
        "flagged": sum(share < 1 - machine.FLAGGED_SHARE for share in shares),
        "judged_us": spread(best, 2),
        "files": dict(Counter(each.source for each in options.answers)),
        "kinds": dict(Counter(str(each.instance.item.answer.kind) for each in drawn).most_common()),
        "unread": [f"{each.name}: {each.text}" for each in unread][:FIRST],
        "refused": [f"{each.name}: {each.text}" for each in refused][:FIRST],
    }
    return body, gates(summary, best)


def gates(summary: dict[str, Any], best: list[float]) -> list[dict[str, Any]]:
    """The bounds; times are each judgement's least of the rounds, for noise only ever adds."""
    ascending = sorted(best)
    share = summary["read_share"]
    return [
        gate("formulas not read", None if share is None else round(1 - share, 5), UNREAD_SHARE),
        gate("keys not accepted as typed", summary["keys_refused"], 0.0),
        gate("read and judged p50", round(quantile(ascending, 0.5), 2), JUDGED_US, "us"),
        gate("read and judged p99", round(quantile(ascending, 0.99), 2), JUDGED_P99_US, "us"),
        gate("worst", round(ascending[-1], 1) if ascending else None, WORST_US, "us"),
    ]


def is_read(typed: Typed) -> bool:
    """Whether a formula is read as one: by its kind, or as notation where it is kept as a text."""
    if typed.item is None:
        return False
    if typed.item.answer.kind == "text":
        return formula(typed.text) is not None
    return reading(instance(typed.item, "", 0), typed.text, locale=typed.locale)[1] is None


def verdict(drawn: Drawn, text: str) -> str:
    """How an answer judges a text, its own where none is given."""
    typed = drawn.typed
    return graded(drawn.instance, text or typed.text, locale=typed.locale).verdict


def timed_us(drawn: list[Drawn], number: int) -> list[float]:
    """Microseconds of each judgement: of every answer as typed, and of every other one's text."""
    took: list[float] = []
    times: Counter[str] = Counter()
    gc.disable()
    try:
        for at, each in enumerate(drawn):
            for _ in range(WARM):
                verdict(each, "0")
            other = drawn[(at + len(drawn) // 2) % len(drawn)]
            for text in (each.typed.text, other.typed.text):
                times[text] += 1
                spaced = spread_out(text, times[text] * ROUNDS_MOST + number)
                began = time.thread_time_ns()
                graded(each.instance, spaced, locale=each.typed.locale)
                took.append((time.thread_time_ns() - began) / 1000)
    finally:
        gc.enable()
    return took


def spread_out(text: str, n: int) -> str:
    """The text with its own number of spaces before and after it for each n.

    >>> len({spread_out("1/2", n) for n in range(1000)})
    1000
    """
    before, after = divmod(n, ROUNDS_MOST)
    return " " * before + text + " " * after
