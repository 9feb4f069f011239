"""Distress in a learner's words: found by a list of wordings, answered by fixed texts.

This file is that check. It runs before anything else reads the text and asks no model, neither to
find nor to answer. It reads words, not people: it does not say that somebody is in danger, only
that somebody should look. The cost of a mistake is uneven, so the explicit wordings would rather
find a joke than miss a child.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase, digits
from typing import NamedTuple

from engines.feeling.matching import Index
from engines.feeling.phrases import ENGLISH, RUNS, Kind, Level, Wording

WORDINGS: Mapping[str, tuple[Wording, ...]] = {"en": ENGLISH}
"""The wordings of each language that has a list."""
_INDEXED = {
    language: Index([wording.patterns for wording in wordings])
    for language, wordings in WORDINGS.items()
}

__all__ = [
    "WORDINGS",
    "Concern",
    "Kind",
    "Level",
    "check_in_text",
    "distress",
    "plain",
    "safety_text",
]


class Concern(NamedTuple):
    """What was found: `explicit` tells an adult, `ambiguous` only asks the learner back."""

    level: Level
    kind: Kind


def distress(text: str, language: str = "en") -> Concern | None:
    """What a text says of self-harm, abuse or violence; None for the many that say nothing of it.

    A language without a list of its own is read by the English one.

    >>> distress("i dont want to be alive any more")
    Concern(level='explicit', kind='self-harm')
    >>> distress("this sum is killing me, I could kill for a hint")
    """
    language = language if language in WORDINGS else "en"
    found = _concern(text, language)
    if "\n" in text and (found is None or found.level != "explicit"):
        # A line may end a sentence, and may as well be broken in the middle of one.
        found = _concern(" ".join(text.split("\n")), language) or found
    return found


def _concern(text: str, language: str) -> Concern | None:
    words = plain(text).split()
    number = _INDEXED[language].first(words)
    wording = None if number is None else WORDINGS[language][number]
    if (wording is None or wording.level != "explicit") and any(map(_hides, words)):
        return Concern("explicit", "self-harm")
    return None if wording is None else Concern(wording.level, wording.kind)


@lru_cache(maxsize=4096)
def _hides(word: str) -> bool:
    """Whether a long word is several, written without a blank."""
    return len(word) > _LONGEST_PLAIN and RUNS.search(word) is not None


# --- the plain words of a text --------------------------------------------------------------------

_LONGEST_PLAIN = 7
"""Longer words are looked into for words written as one."""
_LOOKALIKES = str.maketrans("аеіорсухктнαειοκνυ", "aeiopcyxktnaeioknu")
"""Cyrillic and Greek letters that look like Latin ones."""
_DISGUISED = str.maketrans("01345780@$!|", "oieastboasii")
_ELEVEN = re.compile(r"11(?<=[^\W\d_]{2}11)(?!\d)")
_STANDS_FOR_LETTER = re.compile(
    r"[01345780@$!|](?:(?<![\d.,].)(?=[^\W\d_])|(?<=[^\W\d_].)(?![\d.,=\s!]|$))"
)
_SENTENCE = re.compile(r"[.!?;:]+(?=\s|$)|\n+")
_END = "\x1f"
_LETTERS = ascii_lowercase + digits
_ASCII = str.maketrans(
    {**dict.fromkeys(map(chr, range(128)), " "), **{c: c for c in _LETTERS}, _END: "."}
)
_BEYOND = re.compile(r"[^\w. ]")
_THRICE = re.compile(r"([^\W\d_])\1{2,}")

_WORDS = {
    "wanna": "want to", "wana": "want to", "wnat": "want", "wan": "want", "wantto": "want to",
    "gonna": "going to", "gona": "going to", "gunna": "going to", "gotta": "have to",
    "im": "i am", "ive": "i have", "id": "i would", "dont": "do not",
    "dnt": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not",
    "cannot": "can not", "wont": "will not", "isnt": "is not", "wasnt": "was not",
    "werent": "were not", "arent": "are not", "havent": "have not", "wouldnt": "would not",
    "couldnt": "could not",
    "hes": "he is", "shes": "she is", "theyre": "they are", "theres": "there is",
    "whats": "what is", "ur": "your", "u": "you", "youre": "you are", "anymore": "any more",
    "mom": "mum", "moms": "mum", "mother": "mum", "mommy": "mum", "mummy": "mum", "mama": "mum",
    "mums": "mum", "stepmom": "mum", "stepmum": "mum", "stepmother": "mum", "father": "dad",
    "daddy": "dad", "papa": "dad", "stepdad": "dad", "stepfather": "dad", "dads": "dad",
    "stepbrother": "uncle", "grandfather": "grandpa", "grandad": "grandpa",
    "grandmother": "grandma", "kil": "kill", "kll": "kill", "kiil": "kill", "kiill": "kill",
    "killin": "killing", "mysef": "myself", "myslef": "myself", "mysel": "myself",
    "mysefl": "myself", "meself": "myself", "miself": "myself", "mself": "myself",
    "hert": "hurt", "hrut": "hurt", "cuting": "cutting", "sucide": "suicide",
    "suicde": "suicide", "suiside": "suicide", "suicid": "suicide", "suecide": "suicide",
    "sewerslide": "suicide", "sucidal": "suicidal", "suicidle": "suicidal",
    "suicidel": "suicidal", "suisidal": "suicidal", "comit": "commit", "comitting": "committing",
    "commiting": "committing", "comiting": "committing", "unaliving": "unalive",
    "exsist": "exist", "becuz": "because", "cuz": "because", "bc": "because",
}  # fmt: skip
"""What a word is read as: misspellings met often, contractions, family words."""
_TO_BEFORE = frozenset({"want", "going", "need", "have"})
"""After these words a figure two is read as `to`."""


def plain(text: str) -> str:
    """The words of a text without disguise: one blank between, a full stop between sentences.

    NFKC, case, marks and zero-width signs, look-alike letters, digits for letters, spaced letters
    and letters typed three times and more are undone; contractions are spelled out.

    >>> plain("I'm gonna k i l l  my s3lf!! Noooo")
    'i am going to kill my self . no'
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = text.replace("’", "'")
        text = "".join(
            c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) not in _SIGNS
        ).translate(_LOOKALIKES)
    text = _SENTENCE.sub(f" {_END} ", text.replace("'", ""))
    text = _ELEVEN.sub("ll", text)
    text = _STANDS_FOR_LETTER.sub(lambda found: found.group().translate(_DISGUISED), text)
    text = text.translate(_ASCII)
    if not text.isascii():
        text = _BEYOND.sub(" ", text)
    words = _joined(text.split())
    read = [_word(word) for word in words]
    for at, word in enumerate(words):
        if word == "2" and at and words[at - 1] in _TO_BEFORE:
            read[at] = "to"
    return " ".join(read)


def _joined(words: list[str]) -> list[str]:
    """The words with three and more single letters in a row as one word."""
    if sum(len(word) == 1 and word.isalpha() for word in words) < _SPACED_LEAST:
        return words
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha():
            run.append(word)
            continue
        joined += _spelled(run)
        run = []
        joined.append(word)
    return joined[:-1]


def _spelled(run: list[str]) -> list[str]:
    """Single letters as the word that they spell; an `i` before and after it is a word itself."""
    first = 1 if run[:1] == ["i"] else 0
    last = len(run) - 1 if run[first + 1 :] and run[-1] == "i" else len(run)
    if last - first < _SPACED_LEAST:
        return run
    return [*run[:first], "".join(run[first:last]), *run[last:]]


@lru_cache(maxsize=8192)
def _word(word: str) -> str:
    word = _THRICE.sub(r"\1", word)
    return _WORDS.get(word, word)


_SPACED_LEAST = 3
_SIGNS = frozenset({"Mn", "Me", "Cf"})
"""Unicode categories of what is drawn upon or between letters."""


# --- what is said ---------------------------------------------------------------------------------

_OPENING: Mapping[Kind, str] = {
    "self-harm": (
        "Thank you for writing this. It sounds as if things are very hard right now, and you matter"
        " more than any exercise."
    ),
    "abuse": (
        "Thank you for writing this. What you describe should not happen to anyone. If somebody is"
        " hurting you, it is not your fault, and you deserve to be safe."
    ),
    "violence": (
        "What you wrote is about somebody getting hurt, so I take it seriously. It is good that you"
        " said it before anything more happens."
    ),
}
_PERSON = (
    "I am a computer program and cannot help with this the way a person can. Please tell an adult"
    " you trust, as soon as you can: someone at home, a teacher, a school nurse or counsellor. If"
    " the first one does not listen, tell another."
)
_TOLD = "An adult who looks after this course has been told that you may need someone to talk to."
_DANGER = "If someone is in danger right now, call the emergency number where you are."
_WAITS = "The exercise can wait. Nothing of your work is lost."


def safety_text(kind: Kind, help_lines: Sequence[str] = (), *, adult_told: bool = False) -> str:
    """The fixed text for an explicit wording. It judges nobody and promises nothing.

    `help_lines` are those configured for the place, ready to read; `adult_told` says that the alert
    is on its way to a person, and may only be true where it is.

    >>> print(safety_text("abuse", ["Helpline 116 111"]).splitlines()[-3])
    You can also talk to: Helpline 116 111.
    """
    parts = [_OPENING[kind], _PERSON]
    if adult_told:
        parts.append(_TOLD)
    parts.append(_DANGER)
    parts += _lines(help_lines)
    return "\n\n".join([*parts, _WAITS])


def check_in_text(help_lines: Sequence[str] = ()) -> str:
    """The fixed text for an ambiguous wording: it asks, and leaves both ways open.

    >>> check_in_text().splitlines()[0]
    'I may have misread you, so I would rather ask: are you all right?'
    """
    return "\n\n".join(
        [
            "I may have misread you, so I would rather ask: are you all right?",
            "If something is troubling you, please talk to a person you trust: someone at home, a"
            " teacher, a school nurse or counsellor. I am only a computer program.",
            *_lines(help_lines),
            "If you only meant the exercise, just write on, and we continue with it.",
        ]
    )


def _lines(help_lines: Sequence[str]) -> list[str]:
    said = [line.strip().rstrip(".") for line in help_lines if line.strip()]
    return [f"You can also talk to: {'; '.join(said)}."] if said else []
