"""How far a learner has come on the course of their session. This file reads it from the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streaming.state import SessionState

WORKED_ON = 0.01
"""Mastery that moved by less was not worked on."""
STUCK_TRIES = 2
"""Wrong tries on the open item after which a learner counts as stuck on its skill."""


class Progress(msgspec.Struct, frozen=True):
    """Mastery by skill on one course; `learnt` is P(L), `titles` are the skills' names.

    `stuck_on` is the skill of an open item that was tried without success.
    """

    course: str
    learnt: dict[str, float]
    titles: dict[str, str]
    stuck_on: str | None = None

    def gain_since(self, before: Progress) -> float:
        """Mean gain of P(L) on the skills that moved, in [-1, 1]; 0 where none did."""
        moved = [
            now - before.learnt.get(skill, now)
            for skill, now in self.learnt.items()
            if abs(now - before.learnt.get(skill, now)) >= WORKED_ON
        ]
        return sum(moved) / len(moved) if moved else 0.0


def progress_of(state: SessionState) -> Progress:
    """The progress of a session; without a lesson there is none."""
    syllabus, beliefs = state.syllabus, state.beliefs
    if syllabus is None or beliefs is None:
        return Progress("", {}, {})
    shown, stuck_on = state.plain.open, None
    if shown is not None and shown.verdict != "correct" and shown.attempts >= STUCK_TRIES:
        stuck_on = state.item(shown.item).skills[0]
    return Progress(
        syllabus.course.id,
        beliefs.learnt(syllabus),
        {skill.id: skill.title for skill in syllabus.course.skills},
        stuck_on,
    )
