"""One turn's text: chunks, restarts, its end."""

from __future__ import annotations

from hashlib import sha256

import pytest

from protocol.events import Delta, GenText, TurnDone, TurnRestarted
from protocol.generation import RUNNING, Fit, Generation


def delta(a: int, b: int, text: str) -> Delta:
    return Delta("me", 1, 0, "g1", (a, b), text)


def done(n: int, text: str) -> TurnDone:
    return TurnDone("me", 1, 0, "g1", "completed", n, sha256(text.encode()).hexdigest(), 1.0)


def restarted(from_i: int) -> TurnRestarted:
    return TurnRestarted("me", 1, 0, "g1", from_i, "p", "m", "it broke")


def half() -> Generation:
    turn = Generation("g1")
    assert turn.delta(delta(0, 0, "A ")) is Fit.NEXT
    assert turn.delta(delta(1, 2, "hälf")) is Fit.NEXT
    return turn


def test_the_next_chunks_are_appended():
    turn = half()
    assert (turn.text, turn.next_i, turn.status, turn.intact) == ("A hälf", 3, RUNNING, None)
    assert turn.text == "A hälf"  # reading joins the pieces and changes nothing
    assert Generation("g2").text == ""


@pytest.mark.parametrize(
    ("event", "fit"),
    [
        (delta(0, 0, "A "), Fit.OLD),
        (delta(1, 2, "hälf"), Fit.OLD),
        (delta(4, 4, "?"), Fit.HOLE),
        (delta(2, 3, "?"), Fit.HOLE),
        (delta(3, 2, "?"), Fit.OLD),
    ],
)
def test_other_chunks_change_nothing(event, fit):
    turn = half()
    assert turn.delta(event) is fit
    assert turn.text == "A hälf"


def test_a_restart_begins_the_text_anew_and_counts_on():
    turn = half()
    assert turn.restart(restarted(3)) is Fit.NEXT
    assert (turn.text, turn.next_i, turn.restarts) == ("", 3, 1)
    assert turn.delta(delta(3, 3, "Whole")) is Fit.NEXT
    assert turn.end(done(4, "Whole")) is Fit.NEXT
    assert (turn.text, turn.intact, turn.running) == ("Whole", True, False)


@pytest.mark.parametrize("from_i", [2, 4])
def test_a_restart_elsewhere_is_a_hole(from_i):
    assert half().restart(restarted(from_i)) is Fit.HOLE


@pytest.mark.parametrize(("n", "text"), [(3, "other"), (2, "A hälf"), (4, "A hälf")])
def test_an_end_that_tells_another_text_is_a_hole(n, text):
    turn = half()
    assert turn.end(done(n, text)) is Fit.HOLE
    assert turn.running
    turn.close(done(n, text))
    assert (turn.running, turn.intact) == (False, False)


def test_after_the_end_everything_is_a_hole():
    turn = half()
    assert turn.end(done(3, "A hälf")) is Fit.NEXT
    assert turn.delta(delta(3, 3, "!")) is Fit.HOLE
    assert turn.restart(restarted(3)) is Fit.HOLE
    assert turn.end(done(3, "A hälf")) is Fit.HOLE


def test_a_generation_from_a_snapshot_goes_on():
    turn = Generation.of(GenText("g1", "A ", 1, RUNNING))
    assert turn.running
    assert turn.delta(delta(1, 1, "B")) is Fit.NEXT
    assert turn.text == "A B"
    assert not Generation.of(GenText("g1", "A", 1, "lost")).running
