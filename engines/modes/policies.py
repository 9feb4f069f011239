"""The six learning modes by name. This file is that table."""

from __future__ import annotations

from collections.abc import Mapping

from engines.modes.adaptive import Practice
from engines.modes.exam import Exam
from engines.modes.mode import Policy
from engines.modes.peer import Peer
from engines.modes.review import Review
from engines.modes.socratic import Socratic
from engines.modes.worked import Worked
from engines.words import Mode

POLICIES: Mapping[Mode, Policy] = {
    "practice": Practice(),
    "socratic": Socratic(),
    "worked": Worked(),
    "review": Review(),
    "exam": Exam(),
    "peer": Peer(),
}


def policy_of(mode: Mode) -> Policy:
    """The policy of a mode. Raises ValueError for a mode that is none of the six.

    >>> policy_of("exam").model_allowed, policy_of("review").hint_rule
    (False, 'attempt_first')
    """
    policy = POLICIES.get(mode)
    if policy is None:
        raise ValueError(f"expected one of {', '.join(POLICIES)}, got {mode!r}")
    return policy
