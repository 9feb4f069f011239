"""OATutor's tutoring pathways as hint ladders (Pardos et al. 2023). This file orders the rungs."""

from __future__ import annotations

from typing import Any

from server.authoring.oatutor_answers import Answer, Asked, accepts_itself
from server.authoring.oatutor_texts import has_figure, text_of, without_figures
from server.authoring.oatutor_varied import Variation
from server.transfer.tally import NotImported


def ladder(
    step: dict[str, Any], answer: Answer, lists: Variation, notes: list[str], locale: str = "en"
) -> list[dict[str, Any]]:
    """The hints in the order of their dependencies, ended by a bottom-out.

    What was changed on the way is added to `notes`.
    """
    rungs: list[dict[str, Any]] = []
    for hint in in_order(pathway_of(step), notes):
        rungs.append(_rung(hint, lists, notes, locale))
        for sub in in_order(hint.get("subHints") or [], notes):
            notes.append("sub-hints-in-line")
            rungs.append(_rung(sub, lists, notes, locale))
    rungs = [rung for rung in rungs if rung.get("say") or rung.get("ask")]
    if not rungs:
        notes.append("no-hints")
    if rungs and "ask" not in rungs[-1] and lists.states(rungs[-1]["say"], answer):
        last = rungs.pop()["say"]
    else:
        if rungs:
            notes.append("bottom-out-made")
        last = f"{_ANSWER_IS.get(locale, _ANSWER_IS['en'])} {answer.shown}."
    for at, rung in enumerate(rungs):
        asked = any("ask" in before for before in rungs[: at + 1])
        rung["level"] = "scaffold" if asked else "point" if at else "nudge"
    return [*rungs, {"level": "bottom-out", "say": last}]


_ANSWER_IS = {"en": "The answer is", "sv": "Svaret är"}


def pathway_of(step: dict[str, Any]) -> list[dict[str, Any]]:
    """The step's hints: those of the default pathway, the only one that the content has."""
    return list((step.get("tutoring") or {}).get("DefaultPathway") or [])


def _rung(hint: dict[str, Any], lists: Variation, notes: list[str], locale: str) -> dict[str, Any]:
    title, body = str(hint.get("title") or ""), str(hint.get("text") or "")
    if has_figure(title, body):
        notes.append("figure-in-hint")
        title, body = without_figures(title), without_figures(body)
    title, body = text_of(title), text_of(body)
    said = f"**{title}**\n\n{body}" if title and body and title != body else body or title
    if hint.get("type") != "scaffold" or not said:
        return {"level": "point", "say": said}
    try:
        keys = list(hint.get("hintAnswer") or [])
        asked = lists.answer(hint, keys, Asked(said, locale=locale))
    except NotImported:
        notes.append("scaffold-as-text")
        return {"level": "point", "say": said}
    probe = lists.marked({"params": lists.params, "prompt": said, **asked.fields})
    if asked.proven or accepts_itself(probe, locale=locale):
        return {"level": "scaffold", "ask": said, **asked.fields}
    notes.append("scaffold-as-text")
    return {"level": "point", "say": said}


def in_order(hints: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Hints after those they depend on, else in the source's order (Kahn 1962)."""
    known = {hint["id"] for hint in hints}
    waiting: dict[str, set[str]] = {}
    for hint in hints:
        needs = set(hint.get("dependencies") or [])
        if needs - known:
            notes.append("dangling-dependency")
        waiting[hint["id"]] = needs & known
    order: list[dict[str, Any]] = []
    left = list(hints)
    done: set[str] = set()
    while left:
        ready = next((hint for hint in left if waiting[hint["id"]] <= done), None)
        if ready is None:
            notes.append("circular-dependency")
            ready = left[0]
        left.remove(ready)
        done.add(ready["id"])
        order.append(ready)
    return order
