"""The breaker's states by a hand-moved clock."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streaming.breaker import OPEN_CAP_S, Breaker


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def made() -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(clock), clock


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.failed(breaker.permit())


def test_three_failures_in_a_row_open_it_for_five_seconds() -> None:
    breaker, clock = made()
    fail(breaker, 2)
    assert breaker.allows()
    fail(breaker)
    assert breaker.open
    assert not breaker.allows()
    clock.now_s += 4.99
    assert not breaker.allows()
    clock.now_s += 0.02
    assert breaker.allows()


def test_a_success_in_between_starts_the_row_anew() -> None:
    breaker, _ = made()
    for _ in range(4):
        fail(breaker, 2)
        breaker.succeeded(breaker.permit())
        breaker.succeeded(breaker.permit())
    assert breaker.allows()


def test_more_than_half_of_ten_calls_open_it_without_a_row() -> None:
    breaker, _ = made()
    for n in range(9):
        fail(breaker) if n % 3 != 2 else breaker.succeeded(breaker.permit())
        assert breaker.allows()
    fail(breaker)
    assert not breaker.allows()


def test_half_of_ten_calls_is_not_more_than_half() -> None:
    breaker, _ = made()
    for n in range(10):
        fail(breaker) if n % 2 else breaker.succeeded(breaker.permit())
    assert breaker.allows()


def test_calls_older_than_the_window_are_forgotten() -> None:
    breaker, clock = made()
    for n in range(9):
        fail(breaker) if n % 3 != 2 else breaker.succeeded(breaker.permit())
    clock.now_s += 31
    fail(breaker)
    assert breaker.allows()


def test_half_open_lets_one_through_and_its_success_closes() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    clock.now_s += 5
    permit = breaker.permit()
    assert not breaker.allows()
    breaker.succeeded(permit)
    assert breaker.allows()
    fail(breaker, 2)
    assert breaker.allows()


def test_each_failed_try_doubles_the_wait_up_to_the_cap() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    waits = []
    for _ in range(6):
        began_s = clock.now_s
        while not breaker.allows():
            clock.now_s += 0.5
        waits.append(clock.now_s - began_s)
        fail(breaker)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_cancelled_try_frees_its_place() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    clock.now_s += 5
    breaker.gave_up(breaker.permit())
    assert breaker.allows()


def test_shut_keeps_it_open_for_as_long_as_asked() -> None:
    breaker, clock = made()
    breaker.shut(breaker.permit(), 600)
    clock.now_s += 599
    assert not breaker.allows()
    clock.now_s += 1
    assert breaker.allows()


def test_outcomes_of_calls_begun_before_it_opened_count_for_nothing() -> None:
    breaker, _ = made()
    early = breaker.permit()
    fail(breaker, 3)
    breaker.succeeded(early)
    assert breaker.open
    breaker.shut(early, 600)
    breaker.failed(early)
    assert breaker.open


def test_doubts_count_half() -> None:
    breaker, _ = made()
    for _ in range(5):
        breaker.failed(breaker.permit(), 0.5)
    assert breaker.allows()
    breaker.failed(breaker.permit(), 0.5)
    assert breaker.open


def test_a_doubt_decides_nothing_half_open_and_frees_the_place() -> None:
    breaker, clock = made()
    fail(breaker, 3)
    clock.now_s += 5
    breaker.failed(breaker.permit(), 0.5)
    assert breaker.state == "half_open"
    assert breaker.allows()


def test_its_state_has_a_name_and_its_wait_a_length() -> None:
    breaker, clock = made()
    seen = [(breaker.state, breaker.opens_in_s, breaker.openings)]
    fail(breaker, 3)
    seen.append((breaker.state, breaker.opens_in_s, breaker.openings))
    clock.now_s += 6
    seen.append((breaker.state, breaker.opens_in_s, breaker.openings))
    breaker.succeeded(breaker.permit())
    seen.append((breaker.state, breaker.opens_in_s, breaker.openings))
    assert seen == [("closed", 0, 0), ("open", 5, 1), ("half_open", 0, 1), ("closed", 0, 0)]


def test_only_what_its_own_calls_change_is_told() -> None:
    breaker, clock = made()
    told: list[str] = []
    breaker.on_change = lambda: told.append(breaker.state)
    fail(breaker, 3)
    clock.now_s += 6
    breaker.succeeded(breaker.permit())
    breaker.succeeded(breaker.permit())
    breaker.opened_elsewhere(9.0, 2)
    clock.now_s += 10
    breaker.closed_elsewhere()
    assert told == ["open", "closed"]


def test_what_others_saw_opens_for_longer_and_closes_only_what_waits_no_more() -> None:
    breaker, clock = made()
    breaker.opened_elsewhere(9.0, 3)
    assert (breaker.opens_in_s, breaker.openings) == (9.0, 3)
    breaker.opened_elsewhere(4.0, 1)
    assert (breaker.opens_in_s, breaker.openings) == (9.0, 3)
    breaker.closed_elsewhere()
    assert breaker.open
    clock.now_s += 9
    breaker.closed_elsewhere()
    assert breaker.state == "closed"


class BreakerMachine(RuleBasedStateMachine):
    """Whatever is told in whatever order: never shut for ever, at most one try half open."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.clock = made()
        self.permits: list[int] = []
        self.half_open_tries = 0

    @precondition(lambda self: self.breaker.allows())
    @rule()
    def begin(self) -> None:
        self.permits.append(self.breaker.permit())

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), how=st.sampled_from(["succeeded", "failed", "doubted", "gave_up"]))
    def tell(self, data: st.DataObject, how: str) -> None:
        permit = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        if how == "doubted":
            self.breaker.failed(permit, 0.5)
        else:
            getattr(self.breaker, how)(permit)

    @rule(s=st.floats(0.1, 60), openings=st.integers(0, 20))
    def opens_elsewhere(self, s: float, openings: int) -> None:
        self.breaker.opened_elsewhere(s, openings)

    @rule()
    def closes_elsewhere(self) -> None:
        self.breaker.closed_elsewhere()

    @rule(s=st.floats(0, 70))
    def wait(self, s: float) -> None:
        self.clock.now_s += s

    @invariant()
    def opens_no_longer_than_the_cap(self) -> None:
        now_s = self.clock.now_s
        self.clock.now_s += OPEN_CAP_S
        still_open = self.breaker.open
        self.clock.now_s = now_s
        assert not still_open

    @invariant()
    def nothing_running_means_nothing_is_held(self) -> None:
        assert self.permits or self.breaker.allows() or self.breaker.open


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
