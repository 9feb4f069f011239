"""Why a question was not imported or what was changed on the way. This file is those words."""

from __future__ import annotations

from server.authoring.checking import CODES
from server.authoring.folder import MOST_ITEMS

MOST_CHOICES = 12
"""Choices, tokens or pairs of one item, as the author's form takes them."""

REASONS = {
    "bad-archive": "the package cannot be opened safely",
    "bad-braces": "an answer's brace is not closed, or has no partner",
    "bad-number": "the answer is no number",
    "bad-row": "the row has more cells than the header",
    "bad-xml": "the XML is not well-formed, or of a kind that is not opened",
    "broken-text": "a text holds half a character",
    "calculated-choice": "a calculated question whose choices are formulas",
    "cloze": "gaps with answers of their own inside the text: nested questions are not read",
    "description": "it asks nothing",
    "empty-choice": "a choice has no text",
    "essay": "an essay or an upload: no kind judges it",
    "figure": "a text shows a picture that cannot be carried",
    "formula": "a calculated answer uses what an exact expression does not have",
    "html": "a text needs more than the whitelist has: a table, a form, a player, a script",
    "key-not-accepted": "the answer would not be judged right as it is",
    "key-not-among-choices": "the right answer is none of the choices",
    "kind": "no kind of this name",
    "mathml": "a formula uses MathML that is not read here",
    "match-many": "an entry of a match has no partner, or several",
    "missing-file": "a file that the package names is not in it",
    "no-answer": "there is no right answer",
    "no-full-answer": "no answer is worth the whole credit",
    "no-question": "it asks nothing",
    "over-limit": f"a course holds at most {MOST_ITEMS} items",
    "pattern": "an answer is a pattern with *, which no kind matches",
    "plug-in": "a question type of a plug-in",
    "portable-custom-interaction": "an interaction with a program of its own",
    "qti-interaction": "an interaction that is not read here",
    "qti-template": "numbers or answers drawn by a template program of its own",
    "qti-version": "not QTI 3.0",
    "random": "a placeholder for a random question",
    "response-processing": "judged by a program of its own, not by a standard template",
    "several-interactions": "more than one interaction in one item",
    "too-few-choices": "fewer than two choices, tokens or pairs",
    "too-many-choices": f"more than {MOST_CHOICES} choices, tokens or pairs",
    "too-long": "a text of more than 20,000 signs",
    "wildcard": "a wildcard that is not drawn evenly from whole or decimal numbers",
    **{
        f"check-{code}": f"`content check`: {means}"
        for code, (severity, means) in CODES.items()
        if severity == "E"
    },
}
"""Why a question is not imported."""

NOTES = {
    "alt-made": "a picture is not described in the source; the question stands for that",
    "any-other": "what is said to any other wrong answer has no place; it was left out",
    "attributes": "points, penalties and looks of the source have no place",
    "bottom-out-made": "the answer was put at the end of the hints; the source has no such text",
    "case-ignored": "capital letters matter in the source; here they do not",
    "cell-left-out": "a cell says what this kind of question has no place for",
    "feedback-left-out": "a feedback that is not tied to one answer was left out",
    "metadata": "files or parts of a package that are no items were left out",
    "misconception-of-many": "what is said to a choice of several stands for that choice alone",
    "more-than-fifty": "only the first fifty answers or wrong answers were kept",
    "more-than-four-skills": "only the first four skills were kept",
    "number-of-tries": "a limit of tries or time of the source has no place",
    "order-fixed": "choices are in a fixed order in the source; here they are shuffled",
    "own-id-left": "an id was changed to one of a-z, 0-9, dot and hyphen",
    "partial-answer": "an answer worth part of the credit counts as wrong",
    "pattern-left-out": "an answer with * that no kind matches was left out",
    "repeated-id": "an id or a name stands twice; a number was put behind it",
    "second-tolerance": "a further right number has no tolerance of its own",
    "template-kept": "numbers are drawn anew by this course's own dice",
    "tolerance-of-wrong": "a wrong number's tolerance has no place; it is compared exactly",
    "unit-left-out": "units of the source were left out; the number alone is judged",
    "unknown-column": "a column of this name is not read",
    "weights": "choices are worth different shares in the source; here they count alike",
}
"""What was changed on the way, the item being imported."""
