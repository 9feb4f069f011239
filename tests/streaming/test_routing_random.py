"""Whatever providers do: one end, one voice on screen, each call paid once, no leak shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.providers.base import End, FailureKind, ProviderFailed, Spent, Text
from streaming.providers.builtin import Builtin
from streaming.routing import Restarted, Routing
from tests.streaming.script import (
    REQUEST,
    CatchingScreen,
    NotedPurse,
    Scripted,
    Step,
    Timed,
    failing,
    first_text_s,
    heard,
    played,
    reasons,
    shown,
)
from tests.virtual import run, settled

KINDS = get_args(FailureKind)
NAMES = ("a", "b", "c")
BUILTIN_TEXT = REQUEST.builtin_text


@st.composite
def scripts(draw: st.DrawFn, name: str) -> list[Step]:
    """Texts that name their voice, waits, counts, perhaps a leak; then some ending."""
    steps: list[Step] = []
    for _ in range(draw(st.integers(0, 5))):
        what = draw(st.sampled_from(["text", "text", "wait", "spent", "leak"]))
        if what == "text":
            steps.append(Text(f"<{name}>" * draw(st.integers(1, 3))))
        elif what == "wait":
            steps.append(draw(st.sampled_from([0.05, 0.4, 1.2, 3.0, 9.0])))
        elif what == "spent":
            steps.append(Spent(draw(st.integers(1, 90)), draw(st.integers(0, 90))))
        elif draw(st.integers(0, 4)) == 0:
            steps.extend([Text("SEC"), Text("RET")])
    ending = draw(st.sampled_from(["end", "end", "length", "fail", "stop", "hang"]))
    if ending == "fail":
        steps.append(ProviderFailed(draw(st.sampled_from(KINDS)), "scripted"))
    elif ending == "hang":
        steps.append(999.0)
    elif ending != "stop":
        steps.append(End("length" if ending == "length" else "stop"))
    return steps


def providers_of(drawn: list[list[list[Step]]], events: list[str]) -> list[Scripted]:
    return [
        Scripted(*each, name=name, events=events) for name, each in zip(NAMES, drawn, strict=True)
    ]


drawn_scripts = st.tuples(*[st.lists(scripts(name), min_size=3, max_size=3) for name in NAMES])


def well_told(timed: Timed) -> None:
    """One end, at the end; what is on screen is one voice's; what was caught was never shown."""
    pieces = [piece for _, piece in timed]
    assert [isinstance(p, End) for p in pieces] == [False] * (len(pieces) - 1) + [True]
    voice = ""
    for piece in pieces:
        if isinstance(piece, Restarted):
            voice = ""
        elif isinstance(piece, Text):
            voice += piece.text
    voices = {name for name in NAMES if f"<{name}" in voice or f"{name}>" in voice}
    assert len(voices) <= 1
    assert voice in (BUILTIN_TEXT, REQUEST.safe_text) or not any(
        w in voice for w in BUILTIN_TEXT.split()
    )
    assert "SECRET" not in voice
    restarts = [p for p in pieces if isinstance(p, Restarted)]
    assert len(restarts) <= 3
    caught = [n for n, p in enumerate(restarts) if p.reason.startswith("guard.")]
    assert all(restarts[n].provider == "builtin" for n in caught)
    assert len(caught) <= 1


def well_paid(events: list[str], purse: NotedPurse, providers: list[Scripted]) -> None:
    """Each call reserved before and settled once; never more calls than were paid for."""
    assert purse.settled_once()
    for provider in providers:
        assert provider.running == 0
        own = [e.split()[0] for e in events if e.endswith(f" {provider.name}")]
        assert own.count("call") <= own.count("reserve")
        assert own.count("settle") == own.count("reserve")
        before = 0
        for event in own:
            before += {"reserve": 1, "call": -1}.get(event, 0)
            assert before >= 0


@pytest.mark.parametrize("hedge", [False, True])
@settings(max_examples=250, deadline=None)
@given(drawn=drawn_scripts, tiered=st.booleans(), grants=st.integers(0, 12))
def test_any_scripts(
    hedge: bool, drawn: tuple[list[list[Step]], ...], tiered: bool, grants: int
) -> None:
    events: list[str] = []
    providers = providers_of(list(drawn), events)
    purse = NotedPurse(events=events, grants=grants, wait_s=0.001)

    async def scenario() -> None:
        tiers: list[Any] = [providers] if tiered else list(providers)
        router = Routing([*tiers, Builtin(pace_words_a_s=0)], dice=lambda: 0.5, hedge=hedge)
        for _ in range(10):
            await heard(router, allowed=lambda _: False)
        for _ in range(2):
            calls = len([e for e in events if e.startswith("call")])
            timed = await heard(
                router, announced=router.first(), purse=purse, screens=CatchingScreen, session="s"
            )
            await settled()
            well_told(timed)
            made = [e for e in events if e.startswith("call")][calls:]
            retries = [e for e in made if made.count(e) > 1]
            assert all(made.count(e) == 2 for e in retries)  # a connection refused, once more
            assert len(set(made)) <= 3
        assert router.running == 0
        await router.aclose()

    run(scenario())
    well_paid(events, purse, providers)


# --- cancelled at any moment ----------------------------------------------------------------------

STAGES: dict[str, Callable[[list[str]], list[Scripted]]] = {
    "good": lambda e: [
        Scripted([0.1, Text("<a>"), 0.1, Spent(3, 4), Text("<a>"), End("stop")], name="a", events=e)
    ],
    "failing": lambda e: [
        Scripted([0.1, Text("<a>"), *failing("cut")], name="a", events=e),
        Scripted([0.1, Text("<b>"), 0.1, Text("<b>"), End("stop")], name="b", events=e),
    ],
    "retried": lambda e: [
        Scripted(failing("connect"), [0.1, Text("<a>"), End("stop")], name="a", events=e)
    ],
    "raced": lambda e: [
        Scripted([1.3, Text("<a>"), End("stop")], name="a", events=e),
        Scripted([0.2, Text("<b>"), 0.1, Text("<b>"), End("stop")], name="b", events=e),
    ],
    "caught": lambda e: [
        Scripted([0.1, Text("SECRET"), 0.1, End("stop")], name="a", events=e, close_s=0.1)
    ],
    "slow goodbye": lambda e: [
        Scripted([1.3, Text("<a>"), End("stop")], name="a", events=e, close_s=0.3),
        Scripted([0.2, Text("<b>"), End("stop")], name="b", events=e, close_s=0.3),
    ],
}


async def stopped_after(
    steps: int, providers: list[Scripted], purse: NotedPurse, *, close: bool
) -> bool:
    """Run a turn for so many rounds of the loop, then stop it; False if it had ended."""
    router = Routing([*providers, Builtin(pace_words_a_s=0)], dice=lambda: 0.5, hedge=True, slots=1)
    for _ in range(10):
        await heard(router, allowed=lambda _: False)
    for provider in router.breakers.values():  # half open, so that a place can be kept
        provider.shut(provider.permit(), 0.0)
    pieces = router.stream(REQUEST, purse=purse, screens=CatchingScreen)
    taken = 0

    async def reading() -> None:
        nonlocal taken
        async for _ in pieces:
            taken += 1
            if close and taken == steps:
                break
        await pieces.aclose()

    task = asyncio.create_task(reading())
    rounds = 0
    while not task.done() and (close or rounds < steps):
        await tick()
        rounds += 1
    ended = task.done() and not close
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(2)
    assert router.running == 0
    assert all(provider.running == 0 for provider in providers)
    assert all(b.allows() or b.open for b in router.breakers.values()), "a place is kept"
    timed = await heard(router)  # each slot is free again
    assert not [reason for _, reason in reasons(timed) if reason == "slots"]
    return not ended and (not close or taken == steps)


async def tick() -> None:
    """One round of the loop; time moves only if nothing else is ready."""
    loop: Any = asyncio.get_running_loop()
    done = loop.create_future()
    if loop._ready:
        loop.call_soon(done.set_result, None)
    else:
        loop.call_later(0.01, done.set_result, None)
    await done


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("close", [False, True], ids=["cancelled", "closed"])
def test_a_turn_stopped_at_any_step_leaves_nothing_behind(stage: str, close: bool) -> None:
    steps, more = 1, True
    while more:
        events: list[str] = []
        providers = STAGES[stage](events)
        purse = NotedPurse(events=events, wait_s=0.005)
        more = run(stopped_after(steps, providers, purse, close=close))
        assert purse.settled_once(), (steps, events)
        steps += 1
    assert steps > 3


# --- the promises in seconds ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded", "refused", "truncated", "empty"])
def test_failover_before_the_first_token_costs_no_time_of_its_own(kind: str) -> None:
    first = Scripted([0.2, *failing(kind)], name="a")
    timed = played(first, Scripted([Text("<b>"), End("stop")], name="b"), purse=NotedPurse())
    assert first_text_s(timed) == 0.2


def test_a_refused_connection_costs_its_jitter_twice_at_most() -> None:
    timed = played(
        Scripted(failing("connect"), name="a"), Scripted([Text("<b>"), End("stop")], name="b")
    )
    assert first_text_s(timed) == 0.075
    assert shown(timed) == "<b>"


@pytest.mark.parametrize("hedge", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_where_all_are_silent_the_first_text_comes_after_two_and_a_half_seconds(
    count: int, hedge: bool
) -> None:
    silent = [Scripted([60.0], name=name) for name in NAMES[:count]]
    timed = played(*silent, setting={"hedge": hedge}, purse=NotedPurse())
    assert first_text_s(timed) == 2.5
    assert shown(timed) == BUILTIN_TEXT
