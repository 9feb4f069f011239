"""Frames made from a session's state: the item, a hint, a turn's end, the snapshot.

This file is the one place that translates the engines' words into the wire's.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from engines.beliefs import Beliefs
from engines.exercises.hints import hint, ladder_length
from engines.exercises.subquestions import (
    Place,
    place_of,
    scaffold_hints,
    scaffold_place,
    steps_shown,
    subquestion,
)
from engines.exercises.template import rendered
from engines.learner.cards import Cards, Due, due_of, why_due
from engines.words import Instance, LiveDifficulty, Moved, Syllabus
from protocol import events as ev
from streaming.deeds import TurnEnded
from streaming.state import LINE_KEPT, Gen, Point, SessionState, Sub


def item_frame(state: SessionState, seq: int, at_ms: int, re: str | None = None) -> ev.ItemShown:
    """The open item as a learner sees it; the key is no part of it."""
    shown, drawn = state.plain.open, state.instance
    assert shown is not None
    assert drawn is not None
    item = drawn.item
    return ev.ItemShown(
        s="me",
        q=seq,
        ts=at_ms,
        item=item.id,
        kind=item.answer.kind,
        prompt=drawn.prompt,
        skills=list(item.skills),
        p_success=shown.p_success,
        why=shown.why,
        choices=_choices(drawn),
        widget=widget_shown(drawn),
        hints=ladder_length(item),
        title=item.title or None,
        source=item.source.title or None if item.source else None,
        re=re,
        media=_pictures(drawn),
    )


def _pictures(drawn: Instance) -> list[ev.Picture] | None:
    """The item's pictures; None where it has none."""
    values, locale = drawn.values, drawn.locale
    return [
        ev.Picture(f"/v1/media/{each.sha256}", rendered(each.alt, values, locale))
        for each in drawn.item.media
    ] or None


def hint_frame(state: SessionState, level: int, seq: int, at_ms: int, re: str | None) -> ev.Hint:
    """One level of the open item's ladder, counted from 1."""
    assert state.instance is not None
    item = state.instance.item
    text, step = hint(state.instance, level)
    scaffold = _scaffold(state.instance, level, text) if step.level == "scaffold" else None
    return ev.Hint(
        s="me",
        q=seq,
        ts=at_ms,
        item=item.id,
        level=level,
        of=ladder_length(item),
        text=text,
        scaffold=scaffold,
        re=re,
        told=step.level == "bottom-out",
    )


def _scaffold(made: Instance, level: int, text: str) -> ev.Scaffold:
    """The small question of one level; without an answer of its own it only asks."""
    place = scaffold_place(made, level)
    if place is None:
        return ev.Scaffold(text)
    asked = subquestion(made, place)
    assert asked is not None
    return ev.Scaffold(
        asked.prompt,
        place.at,
        asked.item.answer.kind,
        _choices(asked),
        len(scaffold_hints(made, place)),
    )


def _choices(made: Instance) -> list[ev.Choice] | None:
    return [ev.Choice(c.id, c.text) for c in made.choices] or None


def widget_shown(made: Instance) -> dict[str, Any] | None:
    """The widget of an instance as it goes out: its several questions, where it has them."""
    if made.parts:
        parts = zip(made.item.parts, made.parts, strict=True)
        return {"kind": "parts", "parts": [_part(part.id, each) for part, each in parts]}
    return None if made.widget is None else dict(made.widget.wire)


def _part(id_: str, made: Instance) -> dict[str, Any]:
    told: dict[str, Any] = {"id": id_, "prompt": made.prompt, "kind": made.item.answer.kind}
    if made.choices:
        told["choices"] = [{"id": c.id, "text": c.text} for c in made.choices]
    widget = widget_shown(made)
    return told if widget is None else {**told, "widget": widget}


def sub_hint_frame(
    state: SessionState, at: str, level: int, seq: int, at_ms: int, re: str | None
) -> ev.Hint:
    """One hint of a scaffold, counted from 1."""
    assert state.instance is not None
    texts = scaffold_hints(state.instance, place_of(at))
    return ev.Hint(
        s="me",
        q=seq,
        ts=at_ms,
        item=state.instance.item.id,
        level=level,
        of=len(texts),
        text=texts[level - 1],
        re=re,
        at=at,
    )


def steps_frame(state: SessionState, seq: int, at_ms: int, re: str | None = None) -> ev.Steps:
    """The open item's worked steps as they stand before the learner."""
    shown, made = state.plain.open, state.instance
    assert shown is not None
    assert made is not None
    steps = [
        ev.Step(step.show, step.why, None if step.asks is None else _blank(made, step.asks))
        for step in steps_shown(made, shown.blanks, shown.filled)
    ]
    return ev.Steps(s="me", q=seq, ts=at_ms, item=shown.item, steps=steps, re=re)


def _blank(made: Instance, place: Place) -> ev.Blank:
    asked = subquestion(made, place)
    assert asked is not None
    return ev.Blank(place.at, asked.item.answer.kind, _choices(asked))


def moved_part(moved: Moved) -> ev.SkillMoved:
    """What an answer moved of one skill."""
    due_at = None if moved.due_s is None else round(moved.due_s * 1000)
    return ev.SkillMoved(
        moved.skill, moved.before, moved.after, moved.low, moved.high, moved.mastered, due_at
    )


def difficulty_frame(
    state: SessionState, live: LiveDifficulty, seq: int, at_ms: int
) -> ev.Difficulty:
    """The live difficulty after a scored answer; one more point of the session's line."""
    line = state.plain.line
    line.append(Point(live.theta, live.sd, live.items, live.b, live.right, live.skill))
    del line[:-LINE_KEPT]
    return ev.Difficulty(
        s="me",
        q=seq,
        ts=at_ms,
        theta=live.theta,
        sd=live.sd,
        target=list(live.target),
        step=live.step,
        reason=live.reason,
        items=list(live.items),
        skill=live.skill,
        b=live.b,
        right=live.right,
    )


def review_frame(state: SessionState, seq: int, at_ms: int, re: str | None = None) -> ev.Review:
    """The skills that are due for review; none before the first lesson."""
    due: list[ev.Due] = []
    beliefs, syllabus = state.beliefs, state.syllabus
    if beliefs is not None and syllabus is not None:
        now_s = at_ms / 1000
        due = [
            _due(beliefs.cards, syllabus, one, now_s)
            for one in due_of(beliefs.cards, syllabus, now_s)
        ]
    return ev.Review(s="me", q=seq, ts=at_ms, due=due, re=re)


def _due(cards: Cards, syllabus: Syllabus, due: Due, now_s: float) -> ev.Due:
    skill = syllabus.course.skills[due.skill]
    return ev.Due(
        skill=skill.id,
        at=round(due.due_s * 1000),
        retrievability=round(due.retrievability, 4),
        next_interval=ev.NextInterval(*cards.intervals(due.skill, now_s)),
        reason=why_due(skill.title, cards.last_s(due.skill), now_s, due.retrievability),
    )


def done_frame(gen: Gen, deed: TurnEnded, seq: int, at_ms: int) -> ev.TurnDone:
    """The one end of a generation."""
    usage = ev.Usage(*deed.tokens, deed.estimated) if deed.tokens else None
    return ev.TurnDone(
        s="me",
        q=seq,
        ts=at_ms,
        gen=gen.gen,
        status=deed.status,  # type: ignore[arg-type]  # written by the session itself
        n=gen.next_i,
        text_sha256=hashlib.sha256(gen.text.encode()).hexdigest(),
        ttft_ms=deed.ttft_ms,
        reason=deed.reason,
        usage=usage,
        cost_usd=None if deed.micro_usd is None else deed.micro_usd / 1_000_000,
    )


def safety_frame(read: str, seq: int, at_ms: int) -> ev.Signal:
    """That words of distress were read, `explicit self-harm` for one; the message is the turn's."""
    level = 2 if read.startswith("explicit") else 1
    return ev.Signal(
        s="me", q=seq, ts=at_ms, kind="safety", level=level, reasons=["what you wrote"]
    )


def lesson_facts(state: SessionState) -> dict[str, Any]:
    """The course a session works on, and how it stands skill by skill."""
    if state.syllabus is None or state.beliefs is None:
        return {"course": None, "skills": [], "theta": 0.0, "sd": 1.0, "target": None, "line": []}
    course = state.syllabus.course
    return {
        "course": {
            "id": course.id,
            "title": course.title,
            "version": course.sha256[:12],
            "license": course.license,
            "attribution": list(course.attribution),
        },
        "skills": _skill_facts(state.beliefs, state.syllabus),
        "theta": state.beliefs.theta,
        "sd": state.beliefs.sd,
        "target": list(state.beliefs.target),
        "line": msgspec.to_builtins(state.plain.line),
    }


def _skill_facts(beliefs: Beliefs, syllabus: Syllabus) -> list[dict[str, Any]]:
    told, mastered = beliefs.mastery(syllabus), beliefs.mastered(syllabus)
    facts = []
    for skill in syllabus.course.skills:
        mastery, low, high = told[skill.id]
        facts.append(
            {
                "id": skill.id,
                "title": skill.title,
                "mastery": mastery,
                "low": low,
                "high": high,
                "mastered": skill.id in mastered,
                "requires": list(skill.requires),
            }
        )
        due_s = beliefs.cards.due_s(syllabus.skill_index[skill.id])
        if due_s is not None:
            facts[-1]["due_at"] = round(due_s * 1000)
    return facts


def _open_facts(state: SessionState) -> dict[str, Any]:
    shown = state.plain.open
    if shown is None or state.instance is None:
        none: dict[str, Any] = {"item": None, "attempts": 0, "hints": [], "steps": None, "subs": {}}
        return {**none, "draft": None, "sub_drafts": {}, "last_feedback": None}
    frame = item_frame(state, 0, 0)
    hints = [hint_frame(state, n, 0, 0, None) for n in range(1, shown.hints + 1)]
    steps = steps_frame(state, 0, 0).steps if shown.steps_shown else None
    last = None
    if shown.verdict is not None:
        last = {
            "item": shown.item,
            "verdict": shown.verdict,
            "message": shown.message,
            "misconception": shown.misconception,
            "response": shown.response,
        }
        if shown.parts is not None:
            last["parts"] = shown.parts
    return {
        "item": {
            "item": frame.item,
            "kind": frame.kind,
            "prompt": frame.prompt,
            "choices": frame.choices,
            "widget": frame.widget,
            "skills": frame.skills,
            "p_success": frame.p_success,
            "why": frame.why,
            "hints": frame.hints,
            "title": frame.title,
            "source": frame.source,
            "media": msgspec.to_builtins(frame.media),
        },
        "attempts": shown.attempts,
        "hints": [_hint_facts(h) for h in hints],
        "steps": msgspec.to_builtins(steps),
        "subs": {at: _sub_facts(state.instance, at, sub) for at, sub in shown.subs.items()},
        "draft": state.plain.draft if state.plain.draft_item == shown.item else None,
        "sub_drafts": {
            at: response
            for at, response in state.plain.sub_drafts.items()
            if at not in shown.subs or not shown.subs[at].over
        },
        "last_feedback": last,
    }


def _hint_facts(shown: ev.Hint) -> dict[str, Any]:
    facts: dict[str, Any] = {"level": shown.level, "of": shown.of, "text": shown.text}
    if shown.scaffold is not None:
        facts["scaffold"] = msgspec.to_builtins(shown.scaffold)
    return {**facts, "told": True} if shown.told else facts


def _sub_facts(made: Instance, at: str, sub: Sub) -> dict[str, Any]:
    """What was done on one scaffold or blank."""
    return {
        "attempts": sub.attempts,
        "hints": list(scaffold_hints(made, place_of(at))[: sub.hints]),
        "verdict": sub.verdict,
        "message": sub.message,
        "response": sub.response,
        "over": sub.over,
    }


def snapshot_frame(state: SessionState, epoch: str) -> ev.Snapshot:
    """A session's whole state for a client that comes late."""
    plain = state.plain
    turns = [
        {
            "gen": g.gen,
            "cmd": g.cmd,
            "input": g.input or g.action,
            "text": g.text,
            "status": g.status,
            "provider": g.provider,
            "model": g.model,
            "source": g.source,
            **({"safety": True} if g.act == "safety" else {}),
        }
        for g in plain.gens
    ]
    facts = {
        "mode": plain.mode,
        **lesson_facts(state),
        **_open_facts(state),
        "turns": turns,
        "prefs": plain.prefs,
        "mood": plain.mood,
        "answers": plain.answers,
    }
    gens = [ev.GenText(g.gen, g.text, g.next_i, g.status) for g in plain.gens]
    return ev.Snapshot(s="me", epoch=epoch, q=plain.seq, state=facts, gens=gens)
