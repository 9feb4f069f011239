"""What verdicts of all kinds share: their sentences and the author's own words. This file is that.

A message never holds the key.
"""

from __future__ import annotations

from engines.exercises.notation import squeezed
from engines.exercises.template import rendered
from engines.words import Instance, Verdict

RIGHT = "Yes, that is right."
NOT_YET = "Not yet. Check it step by step, or ask for a hint."
SOME = "Partly right. Look at the options once more."
SHOWN = 80
"""Most signs of an unreadable response that are shown back."""


def shown(response: object) -> str:
    """A response as it is shown back where it could not be read.

    >>> shown(" 3/ ")
    '3/'
    """
    text = response.strip() if isinstance(response, str) else repr(response)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def accepted(instance: Instance, response: object) -> bool:
    """Whether the response is among the further right answers, as they are written."""
    if not instance.accept:
        return False
    given = squeezed(str(response))
    return any(given == squeezed(text) for text in instance.accept)


def misconceived(instance: Instance, name: str, read_as: str) -> Verdict:
    """The verdict on a known wrong way, in its author's words."""
    say = next((m.say for m in instance.item.misconceptions if m.id == name), "")
    text = rendered(say, instance.values, instance.locale) or NOT_YET
    return Verdict("incorrect", read_as, text, misconception=name)
