"""The verdict on an answer in words, or in a formula kept as text. This file judges text."""

from __future__ import annotations

from engines.exercises.limits import LIMITS, ExpressionError, TooLarge
from engines.exercises.notation import formula, latex
from engines.exercises.several import says_none
from engines.exercises.verdicts import NOT_YET, RIGHT, misconceived
from engines.exercises.wording import match, printed_in
from engines.words import Instance, Verdict


def _text(response: object) -> str:
    """The response as text. Raises ExpressionError for nothing, for lists and for too much."""
    if isinstance(response, int | float) and not isinstance(response, bool):
        response = str(response)
    if not isinstance(response, str):
        raise ExpressionError(1, "a text", type(response).__name__)
    if len(response) > LIMITS.code_points:
        raise TooLarge(LIMITS.code_points + 1, f"at most {LIMITS.code_points} characters")
    if not response.strip():
        raise ExpressionError(1, "a text", "nothing")
    return response.strip()


def graded_text(instance: Instance, response: object, locale: str) -> Verdict:
    """The verdict on words. Raises ExpressionError for what is no text.

    A known wrong way in its own spelling goes before a right word with a slip in it.
    """
    text = _text(response)
    spec = instance.item.answer
    read_as = _text_read_as(text)
    found = {
        match(text, key, typos=spec.typos, locale=locale)
        for key in (str(instance.key), *instance.accept)
    }
    if "same" in found or _says_none_too(text, instance, locale):
        return Verdict("correct", read_as, RIGHT)
    if "reordered" in found:
        if not printed_in(text, instance.prompt):
            return Verdict("correct", read_as, RIGHT)
        say = "That is how the question puts it. Now carry out what it asks."
        return Verdict("wrong_form", read_as, say, note="restated")
    for name, wrong in instance.wrong:
        if match(text, str(wrong), typos=False, locale=locale):
            return misconceived(instance, name, read_as)
    if "slip" in found:
        return Verdict("correct", read_as, f"{RIGHT} {SLIP}", note="typo")
    return Verdict("incorrect", read_as, NOT_YET)


def _says_none_too(text: str, instance: Instance, locale: str) -> bool:
    """Whether the key says that there is no solution, in several words, and the response does."""
    if not says_none(text, locale):
        return False
    keys = (key for key in (str(instance.key), *instance.accept) if " " in key.strip())
    return any(says_none(key, instance.locale) for key in keys)


SLIP = "Mind the spelling."


def _text_read_as(text: str) -> str:
    code = formula(text)
    return text if code is None else latex(code)


def text_reading(_instance: Instance, response: object, _locale: str) -> str:
    """The words, or LaTeX of a formula, as understood. Raises ExpressionError for what is none."""
    return _text_read_as(_text(response))
