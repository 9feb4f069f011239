"""The wheel: one timer, everybody called in time and nobody early."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from server.wheel import Wheel
from tests.virtual import run

STEPS = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0, 20), st.booleans()), min_size=1, max_size=30
)


@given(steps=STEPS, slots=st.integers(1, 64))
@settings(max_examples=80, deadline=None)
def test_calls_come_at_most_two_ticks_late_and_never_early(steps, slots: int) -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        wheel = Wheel(loop, tick_s=0.25, slots=slots)
        late: list[float] = []

        def note(due_s: float) -> None:
            late.append(loop.time() - due_s)

        expected = 0
        for delay_s, pause_s, cancelled in steps:
            due_s = loop.time() + delay_s
            timer = wheel.after(delay_s, partial(note, due_s))
            if cancelled:
                timer.cancel()
                timer.cancel()
            else:
                expected += 1
            await asyncio.sleep(pause_s)
        await asyncio.sleep(100)
        assert len(late) == expected
        assert all(-1e-9 <= seconds <= 0.5 + 1e-6 for seconds in late), late
        assert wheel._next is None, "an empty wheel does not turn"

    run(go())


def test_a_call_may_add_and_cancel_others() -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        wheel = Wheel(loop, tick_s=1.0, slots=4)
        called: list[str] = []

        def first() -> None:
            called.append("first")
            for timer in others:
                timer.cancel()
            wheel.after(3.0, lambda: called.append("later"))

        others = [wheel.after(1.0, first), wheel.after(1.0, first)]
        await asyncio.sleep(20)
        assert called == ["first", "later"]
        wheel.after(1.0, lambda: called.append("never"))
        wheel.stop()
        wheel.stop()
        await asyncio.sleep(20)
        assert called == ["first", "later"]

    run(go())
