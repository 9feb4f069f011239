"""A learning mode as a policy: acts, locks and help. This file is the contract and what all share.

A policy is a pure function of what was seen, so that a replayed log plans the same acts. It decides
what is done; how it is said is the built-in tutor's or a model's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, Protocol

from msgspec.structs import replace

from engines.words import Act, Mode, ModeState, Seen, VerdictName, Wish

HintRule = Literal["ladder", "goals", "faded", "attempt_first", "none", "after_reveal"]
Help = Literal["hint", "steps"]
SAME_TRIES = 2
"""Wrong tries with one misconception after which it is explained."""
LATELY = 2
"""Acts looked back on, so that what was just done is not done again."""

ALWAYS = frozenset[Act](("submit_prompt", "redirect", "clarify", "rest", "safety"))
"""Acts of every mode."""


class Policy(Protocol):
    """What one mode decides. All of it is data or a pure function.

    `prompt_block` names the block that tells a model of the mode; `hint_rule` is the rule behind
    `refusal` in one word.
    """

    @property
    def mode(self) -> Mode:
        """The mode's name."""

    @property
    def allowed_acts(self) -> frozenset[Act]:
        """The acts that may be played."""

    @property
    def hint_rule(self) -> HintRule:
        """How hints are given."""

    @property
    def model_allowed(self) -> bool:
        """Whether a model may speak."""

    @property
    def prompt_block(self) -> str:
        """The name of the mode's block."""

    def next_act(self, seen: Seen, wish: Wish) -> Act:
        """The act that answers a wish; always one of `allowed_acts`."""

    def after_turn(self, seen: Seen, act: Act, wish: Wish) -> ModeState:
        """What is remembered once the act was played in answer to the wish."""

    def locked(self, seen: Seen) -> bool:
        """Whether the open item's answer must not be said."""

    def locks(self, seen: Seen, item: str, others: frozenset[str] = ...) -> frozenset[str]:
        """The ids of the items whose answers must not appear.

        `item` is the open one; `others` are those that the mode holds together with it: all items
        of an exam or a vote, the pair of a worked example.
        """

    def refusal(self, what: Help, seen: Seen) -> str | None:
        """Why this help is refused now, in words for the learner; None where it is given."""


class Base(ABC):
    """What the modes share, in the form they mostly have it; each mode overrides its own."""

    mode: Mode = "practice"
    allowed_acts: frozenset[Act] = ALWAYS
    hint_rule: HintRule = "ladder"
    model_allowed: bool = True

    @property
    def prompt_block(self) -> str:
        """The name of the mode's block: the mode's own."""
        return self.mode

    def next_act(self, seen: Seen, wish: Wish) -> Act:
        """What all modes do first, else the mode's own move."""
        return in_all_modes(seen, wish, self.allowed_acts) or self._own(seen, wish)

    @abstractmethod
    def _own(self, seen: Seen, wish: Wish) -> Act:
        """The mode's own move."""

    def after_turn(self, seen: Seen, act: Act, wish: Wish) -> ModeState:  # noqa: ARG002 - contract
        """Most modes remember nothing of a turn."""
        return seen.state

    def locked(self, seen: Seen) -> bool:
        """Locked until answered right, or until steps or the last hint have shown the answer."""
        return not (seen.verdict == "correct" or seen.steps_shown or seen.told)

    def locks(self, seen: Seen, item: str, others: frozenset[str] = frozenset()) -> frozenset[str]:
        """The open item alone, while it is locked."""
        return (frozenset((item,)) if self.locked(seen) else frozenset()) | self._held(seen, others)

    def _held(self, seen: Seen, others: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - contract
        """Those of the other items that are locked with it."""
        return frozenset()

    def refusal(self, what: Help, seen: Seen) -> str | None:  # noqa: ARG002 - contract
        """Help is free to ask for."""
        return None


def in_all_modes(seen: Seen, wish: Wish, allowed: frozenset[Act]) -> Act | None:
    """The act that is the same in every mode (tutoring policy, section 7), or None.

    A candidate is neither confirmed nor denied; a mistake made twice is explained; who is tired,
    stuck or spinning wheels gets a smaller piece or a rest. An act the mode forbids is not played.

    >>> in_all_modes(Seen(), "candidate", ALWAYS), in_all_modes(Seen(), "help", ALWAYS)
    ('submit_prompt', None)
    """
    lately = seen.acts[-LATELY:]
    if wish == "candidate":
        return "submit_prompt"
    if wish == "off_topic":
        return "redirect"
    if wish == "rest" and "rest" not in lately:
        return "rest"
    if wish == "wording":
        return "clarify"
    if seen.verdict == "correct":
        return None
    repeated = seen.state.same_misconception >= SAME_TRIES and "explain" in allowed
    if repeated and "explain" not in lately:
        return "explain"
    return _relief(seen, wish, allowed)


def _relief(seen: Seen, wish: Wish, allowed: frozenset[Act]) -> Act | None:
    """A smaller piece or a rest for who shows frustration; once, then two turns of the usual."""
    signal = seen.wheel_spinning or seen.mood in ("tired", "stuck") or wish == "rest"
    lately = seen.acts[-LATELY:]
    if not signal or "scaffold" in lately or ("rest" in lately and "scaffold" not in allowed):
        return None
    if "rest" in lately:
        return "scaffold" if wish == "rest" else None
    return "scaffold" if "scaffold" in allowed and seen.mood != "tired" else "rest"


def after_answer(state: ModeState, verdict: VerdictName, misconception: str | None) -> ModeState:
    """What is remembered after an answer: how often running one misconception was found.

    A wrong answer without a known misconception leaves the count; a right one ends it.

    >>> once = after_answer(ModeState(), "incorrect", "sign-slip")
    >>> after_answer(once, "incorrect", "sign-slip").same_misconception
    2
    """
    if verdict == "correct":
        return replace(state, misconception=None, same_misconception=0)
    if misconception is None:
        return state
    count = state.same_misconception + 1 if misconception == state.misconception else 1
    return replace(state, misconception=misconception, same_misconception=count)
