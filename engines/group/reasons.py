"""The reasons that the family gives, in English. This file is their wording.

Every text is made here from a code and its arguments, so that a page may say it in another
language; long names are cut, whole words of ours never.
"""

from __future__ import annotations

from collections.abc import Sequence

from engines.reason_words import Reason

NAME_CHARS = 18
"""Longest name or title in a text."""
_NUMBERS = (
    "None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
    "Eleven", "Twelve",
)  # fmt: skip


def cut(name: str) -> str:
    """The name in at most `NAME_CHARS` characters.

    >>> cut("Multiplication of fractions")
    'Multiplication of…'
    """
    return name if len(name) <= NAME_CHARS else name[: NAME_CHARS - 1].rstrip() + "…"


def counted(n: int) -> str:
    """The number as a word at a sentence's beginning, up to twelve.

    >>> counted(2), counted(40)
    ('Two', '40')
    """
    return _NUMBERS[n] if 0 <= n < len(_NUMBERS) else str(n)


def grouped(brings: Sequence[tuple[str, str]], met: int, sittings: int) -> Reason:
    """Why a group: up to two members with what each brings, and pairs that met lately.

    >>> grouped([("Ana", "fractions"), ("Bo", "signs")], 0, 3).text
    'Ana has fractions, Bo has signs; not together in the last 3'
    """
    brings = brings[:2]
    had = ", ".join(f"{cut(name)} has {cut(skill)}" for name, skill in brings)
    if not sittings:
        again = ""
    elif met:
        again = f"; {met} {'pair' if met == 1 else 'pairs'} met in the last {sittings}"
    else:
        again = f"; not together in the last {sittings}"
    args = {"brings": [list(pair) for pair in brings], "met": met, "sittings": sittings}
    return Reason(
        "group_brings" if brings else "group_none_ahead",
        args,
        (had or "Nobody is ahead in a skill that the others lack") + again,
    )


def locked() -> Reason:
    """Why a group stayed as it was.

    >>> locked().text
    'Kept as it was locked'
    """
    return Reason("group_locked", {}, "Kept as it was locked")


def paired(tutor: str, learner: str, skill: str, learnt: float, helped: int) -> Reason:
    """Why a tutor for a learner, for the teacher alone; `helped` counts this week's.

    >>> paired("Ana", "Bo", "signs", 0.94, 1).text
    'Ana has signs (94 %) and helped once this week; Bo is stuck on it'
    """
    often = (
        "not yet helped" if not helped else "helped once" if helped == 1 else f"helped {helped}x"
    )
    return Reason(
        "pair_tutor",
        {"tutor": tutor, "learner": learner, "skill": skill, "learnt": learnt, "helped": helped},
        f"{cut(tutor)} has {cut(skill)} ({learnt:.0%}".replace("%", " %")
        + f") and {often} this week; {cut(learner)} is stuck on it",
    )


def invited(skill: str) -> Reason:
    """What a tutor is asked; it names nobody, for nobody has agreed to be named.

    >>> invited("signs").text
    'You have signs. Would you explain it to somebody?'
    """
    text = f"You have {cut(skill)}. Would you explain it to somebody?"
    return Reason("pair_invited", {"skill": skill}, text)


def offered(skill: str) -> Reason:
    """What a learner who is stuck is offered.

    >>> offered("signs").text
    'Somebody here has signs. Would you like it explained?'
    """
    text = f"Somebody here has {cut(skill)}. Would you like it explained?"
    return Reason("pair_offered", {"skill": skill}, text)


def unhelped(isolates: int, days: int) -> Reason:
    """How many neither gave nor got help.

    >>> unhelped(3, 28).text
    '3 learners neither gave nor got help in 28 days'
    """
    who = "1 learner" if isolates == 1 else f"{isolates} learners"
    args = {"isolates": isolates, "days": days}
    return Reason("help_isolates", args, f"{who} neither gave nor got help in {days} days")


def uneven(spoken: int, members: int, gini: float) -> Reason:
    """That few have most of the talk.

    >>> uneven(2, 4, 0.65).text
    'Two of four have spoken'
    >>> uneven(4, 4, 0.65).text
    'A few have most of the talk'
    """
    text = "A few have most of the talk"
    if spoken < members:
        have = "has" if spoken == 1 else "have"
        text = f"{counted(spoken)} of {counted(members).lower()} {have} spoken"
    args = {"spoken": spoken, "members": members, "gini": round(gini, 2)}
    return Reason("talk_uneven", args, text)


def silence(silent: int, members: int, minutes: int) -> Reason:
    """That some have not spoken for a while.

    >>> silence(1, 4, 4).text
    'One of four has not spoken for 4 minutes'
    """
    have = "has" if silent == 1 else "have"
    text = (
        f"{counted(silent)} of {counted(members).lower()} {have} not spoken for {minutes} minutes"
    )
    return Reason("talk_silent", {"silent": silent, "members": members, "minutes": minutes}, text)
