"""The router and the guards: what is caught is never shown, and the built-in tutor goes on."""

from __future__ import annotations

import logging

import pytest

from streaming.providers.base import End, LlmRequest, Spent, Text
from streaming.routing import Restarted, estimated
from tests.streaming.script import (
    GOOD,
    REQUEST,
    CatchingScreen,
    NotedPurse,
    Scripted,
    Step,
    failing,
    heard,
    played,
    reasons,
    routing,
    shown,
)
from tests.virtual import run

LEAK: list[Step] = [Text("It is the SEC"), Text("RET of"), 1.0, Text(" it"), End("stop")]


def test_what_is_held_back_is_shown_before_the_end() -> None:
    timed = played(Scripted(GOOD), screens=CatchingScreen)
    assert [p for _, p in timed] == [
        Text("Think "), Text("again."), Spent(10, 2), End("stop"),
    ]  # fmt: skip


def test_what_is_caught_is_not_shown_and_no_second_model_is_tried() -> None:
    leaking, second = Scripted(LEAK, name="a"), Scripted(GOOD, name="b")
    timed = played(leaking, second, screens=CatchingScreen)
    assert reasons(timed) == [("builtin", "guard.answer")]
    assert shown(timed) == REQUEST.builtin_text
    said = "".join(p.text for _, p in timed if isinstance(p, Text))
    assert "SEC" not in said
    assert second.requests == []


def test_the_upstream_call_is_stopped_at_once_and_settled() -> None:
    leaking, purse = Scripted(LEAK), NotedPurse()
    timed = played(leaking, screens=CatchingScreen, purse=purse)
    assert timed[-1][0] == 0.0  # the script had a second to go
    assert [h.settled for h in purse.holds] == [[estimated(REQUEST, "It is the SECRET of")]]


def test_a_catch_at_the_very_end_shows_nothing_of_it() -> None:
    class AtTheEnd(CatchingScreen):
        def push(self, text: str) -> str:
            self._text += text
            return ""

    timed = played(Scripted([Text("SECRET"), End("stop")]), screens=AtTheEnd)
    assert reasons(timed) == [("builtin", "guard.answer")]
    assert shown(timed) == REQUEST.builtin_text


def test_a_catch_does_not_count_at_the_breaker_but_is_counted_by_model() -> None:
    async def scenario() -> None:
        router = routing(Scripted(LEAK))
        for _ in range(5):
            await heard(router, screens=lambda: CatchingScreen(reason="guard.maths"))
        assert router.first().source == "llm"
        assert router.counts.guard_hits == {("guard.maths", "cloud-1"): 5}
        assert router.counts.restarts == {"guard.maths": 5}

    run(scenario())


def test_a_restart_drops_what_the_old_screen_held() -> None:
    first = Scripted([Text("Hold this"), *failing("cut")], name="a")
    timed = played(first, Scripted(GOOD, name="b"), screens=CatchingScreen)
    assert shown(timed) == "Think again."
    said = [p.text for _, p in timed if isinstance(p, Text)]
    assert said == ["Hol", "Think ", "again."]


def test_each_attempt_has_a_screen_of_its_own() -> None:
    made: list[CatchingScreen] = []

    def screens() -> CatchingScreen:
        made.append(CatchingScreen())
        return made[-1]

    played(Scripted(failing("cut"), name="a"), Scripted(failing("cut"), name="b"), screens=screens)
    assert len(made) == 3  # the built-in tutor's too


def test_held_text_does_not_count_as_a_stall() -> None:
    script: list[Step] = [step for _ in range(5) for step in (3.0, Text("w"))]
    timed = played(Scripted([Text("a"), *script, End("stop")]), screens=CatchingScreen)
    assert reasons(timed) == []
    assert shown(timed) == "awwwww"


@pytest.mark.parametrize(("safe", "left"), [("Which step?", "Which step?"), ("", "")])
def test_where_its_own_text_is_caught_the_built_in_tutor_says_the_safe_sentence(
    safe: str, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    request = LlmRequest((), 0, builtin_text="Take the SECRET", safe_text=safe)
    timed = played(request=request, screens=CatchingScreen)
    assert shown(timed) == left
    assert reasons(timed) == []
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_a_safe_sentence_starts_anew_where_some_of_the_text_was_shown() -> None:
    class Late(CatchingScreen):
        def finish(self) -> str:
            self.caught = "guard.answer"
            return "never"

    request = LlmRequest((), 0, builtin_text="Take a good look", safe_text="Which step?")
    timed = played(request=request, screens=Late)
    assert [p for _, p in timed] == [
        Text("Take a goo"),
        Restarted("builtin", "builtin/1", "guard.answer"),
        Text("Which step?"),
        End("stop"),
    ]


def test_a_broken_guard_shows_nothing_and_another_voice_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(CatchingScreen):
        def push(self, text: str) -> str:
            if "Think" in text:
                raise RuntimeError("a bug")
            return super().push(text)

    timed = played(Scripted(GOOD), screens=Broken)
    assert reasons(timed) == [("builtin", "internal")]
    assert shown(timed) == REQUEST.builtin_text
    assert caplog.records[0].exc_info is not None


def test_what_the_guards_hold_and_take_is_counted() -> None:
    async def scenario() -> None:
        router = routing(Scripted(GOOD))
        await heard(router, screens=CatchingScreen)
        screened = router.counts.screened
        assert screened.pieces == 2
        assert screened.held_chars == 5 + 6
        assert screened.held_most_chars == 6
        assert screened.seconds > 0

    run(scenario())
