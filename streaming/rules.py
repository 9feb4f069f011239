"""What an operator decided about the tutor. This file is that word; settings fill it in."""

from __future__ import annotations

from typing import Literal

import msgspec

from engines.words import Mode

KeyInPrompt = Literal["never", "after_hints", "always"]


class TutorRules(msgspec.Struct, frozen=True):
    """How the tutor speaks, for whom, and what leaves the machine.

    `strict` holds back every number that is neither given nor in a step shown. `providers` are the
    names that may be called, all where empty; without `external_llm` only what runs on this machine
    may. `names` are covered before a model reads a text; `help_lines` stand in the message for a
    learner in distress. `refuse_spent`: a spent budget refuses turns instead of leaving them to the
    built-in tutor.
    """

    mode: Mode = "practice"
    """Mode of a session's first lesson that names none."""
    strict: bool = False
    key_in_prompt: KeyInPrompt = "after_hints"
    max_tokens: int = 220
    keep_turns: int = 8
    external_llm: bool = True
    providers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    help_lines: tuple[str, ...] = ()
    adult_told: bool = False
    """Whether an alert reaches an adult, so that the learner may be told so."""
    refuse_spent: bool = False
    tenant: str = "default"

    def may_call(self, provider: str, *, local: bool) -> bool:
        """Whether a provider may be given a learner's words.

        >>> TutorRules(external_llm=False).may_call("groq", local=False)
        False
        >>> TutorRules(providers=("groq",)).may_call("openai", local=False)
        False
        """
        if local or provider == "builtin":
            return True
        return self.external_llm and (not self.providers or provider in self.providers)
