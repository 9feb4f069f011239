"""All checks of a course folder, each at its file and line. This file is profile and severity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engines.exercises.course import canonical, course_from, findings, locales
from engines.words import Course, Finding
from server.authoring.compiled import opened
from server.authoring.findings import Located, Report, Severity
from server.authoring.folder import Sources, read
from server.authoring.texts import text_findings

IMPORTED_WARNS = frozenset(
    {"C213", "C303", "C304", "C306", "C308", "C401", "C402", "C403", "C404", "C405", "C601"}
)
"""Faults of form and teaching that an import may bring along: warnings under `imported`."""

IMPORTED_SKIPS = frozenset({"C212"})
"""Not asked of an import: its items have fixed numbers by nature."""

CODES: dict[str, tuple[Severity, str]] = {
    "C101": ("E", "YAML syntax, encoding, limits"),
    "C102": ("E", "form: unknown or missing key, wrong type"),
    "C103": ("E", "an id is given twice"),
    "C104": ("W", "an id of the published version is gone (--since)"),
    "C105": ("E", "a reference outside the folder, a link, or a file that is not carried"),
    "C201": ("E", "a template or expression does not parse or names an unknown param"),
    "C202": ("E", "params need one another in a circle"),
    "C211": ("E", "the conditions accept none of 200 draws"),
    "C212": ("W", "fewer than 8 distinct instances"),
    "C213": ("E", "a division by zero, or 0x, 1x, x^1, two signs in a row printed"),
    "C301": ("E", "the key does not accept itself"),
    "C302": ("E", "an example is not judged as it says"),
    "C303": ("E", "two choices read the same"),
    "C304": ("E", "a misconception equals the key or another one, or names no choice"),
    "C305": ("E", "the key is not in the form asked for"),
    "C306": ("W", "one choice is more than three times as long as another"),
    "C307": ("E", "the key cannot be read or is too large"),
    "C308": ("W", "two choices have one value"),
    "C309": ("E", "a widget cannot give the key, or its numbers do not hold together"),
    "C310": ("W", "an equation is to be solved, and no form is asked for"),
    "C401": ("E", "the hint ladder lacks a bottom-out or a second level"),
    "C402": ("E", "hint levels out of order"),
    "C403": ("E", "a text before the bottom-out names the key (W from 20 % of the seeds)"),
    "C404": ("E", "a scaffold's own key does not accept itself"),
    "C405": ("W", "the last worked step does not show the answer"),
    "C501": ("E", "prerequisites in a circle"),
    "C502": ("E", "unknown skill"),
    "C503": ("W", "a skill without items"),
    "C504": ("W", "a skill with fewer than 3 items, or out of reach"),
    "C505": ("E", "mastery parameters out of range or out of reach"),
    "C601": ("E", "a formula that the page's renderer refuses"),
    "C602": ("E", "a picture without alt"),
    "C603": ("E", "a drawing, an address or raw HTML that could run or load something"),
    "C604": ("W", "a locale is incomplete"),
    "C605": ("W", "an item is harder to read than the course's reading_grade"),
    "C606": ("W", "the answer needs signs that a phone's keyboard lacks"),
    "C701": ("E", "licence or attribution missing"),
    "C702": ("W", "an item's source has a licence that does not let it in here"),
}
"""The codes this version finds, with their meaning."""


@dataclass(frozen=True)
class Checked:
    """A course folder after its checks; `course` is None where its head could not be read."""

    sources: Sources
    report: Report
    canonical: bytes | None
    course: Course | None


def checked(
    folder: Path,
    *,
    profile: str | None = None,
    strict: bool = False,
    since: Path | None = None,
    progressed: Callable[[int, int], None] | None = None,
) -> Checked:
    """The folder read and checked; `profile` overrides the one its course.yaml names.

    `progressed` hears how many items are checked, and of how many. `since` is an earlier compiled
    course whose ids must live on. Raises FileNotFoundError where there is no course, `BadCourse`
    where `since` is none.
    """
    report = Report(strict=strict)
    sources = read(folder, report)
    profile = profile or sources.profile
    if sources.document is None:
        return Checked(sources, report, None, None)
    written = canonical(sources.document)
    course = course_from(written)
    found = findings(course, progressed)
    if since is not None:
        found += _gone(course, since, sources)
    found += _untranslated(sources)
    for finding in found:
        _locate(finding, sources, report, profile)
    for located in text_findings(sources):
        told = IMPORTED_WARNS if profile == "imported" else frozenset[str]()
        report.add(replace(located, severity="W") if located.code in told else located)
    return Checked(sources, report, written, course)


def _locate(finding: Finding, sources: Sources, report: Report, profile: str) -> None:
    severity = finding.severity
    if profile == "imported":
        if finding.code in IMPORTED_SKIPS:
            return
        severity = "W" if finding.code in IMPORTED_WARNS else severity
    if finding.code in {"C503", "C504"} and _unread(finding, sources):
        return
    place = sources.place(finding.path)
    report.add(Located(*place, finding.code, finding.message, severity, finding.fix))


def _unread(finding: Finding, sources: Sources) -> bool:
    """Whether items of that skill may exist that could not be read: then the count says nothing."""
    assert sources.document is not None
    skill = sources.document["skills"][int(finding.path[1])]
    return sources.may_hold(skill["id"])


def _gone(course: Course, since: Path, sources: Sources) -> list[Finding]:
    before = opened(since)
    gone = [("items", i.id) for i in before.items if i.id not in {each.id for each in course.items}]
    kept = {each.id for each in course.skills}
    gone += [("skills", s.id) for s in before.skills if s.id not in kept]
    fix = "learners' records keep the old id: keep it, or retire it knowingly"
    return [
        Finding("C104", "W", (part,), f"{part[:-1]} {name} of the earlier version is gone", fix)
        for part, name in gone
        if not sources.may_hold(name)
    ]


def _about(document: dict[str, Any], skills: set[str]) -> dict[str, Any]:
    """The part of a document that is about these skills."""
    items = [item for item in document["items"] if skills.issuperset(item["skills"])]
    goals = {goal for item in items for goal in item.get("goals", ())}
    wrong = {each["id"] for item in items for each in item.get("misconceptions", ())}
    return {
        **document,
        "items": items,
        "skills": [skill for skill in document["skills"] if skill["id"] in skills],
        "goals": [goal for goal in document.get("goals", ()) if goal["id"] in goals],
        "misconceptions": [m for m in document.get("misconceptions", ()) if m["id"] in wrong],
    }


def _untranslated(sources: Sources) -> list[Finding]:
    assert sources.document is not None
    counts = locales(sources.document)
    for tag, skills in sources.covers.items():
        if tag in counts:
            counts[tag] = locales(_about(sources.document, skills))[tag]
    return [
        Finding(
            "C604",
            "W",
            ("locale",),
            f"locale {tag} has {held} of {total} texts ({held / total:.0%})",
            "missing texts fall back to the course's own locale",
        )
        for tag, (held, total) in counts.items()
        if held < total
    ]
