"""A session's state from what is stored: snapshot, log, attempts. This file is how one comes back.

Usually the snapshot's tail is folded. Where the log was lost (another epoch) or rewound (it ends
before the snapshot), the learner's state is kept all the same: the snapshot, then the attempts
that Records has beyond it; the new epoch's first entry carries that state, so that the log alone
tells the whole again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engines.beliefs import scoring_of
from engines.quantum.final.stage import Final
from engines.quantum.scoring import Scoring
from streaming import deeds
from streaming.attempts import carried
from streaming.fold import Fold
from streaming.log import Claim, Entry, StoreUnavailable, Ticket, stored
from streaming.records import Attempt
from streaming.state import Open, SessionState, snapshot_parts

if TYPE_CHECKING:
    from streaming.surroundings import Surroundings

_LOG = logging.getLogger(__name__)


class Revived(NamedTuple):
    """A session's state at the head of its log; `lost`: the log does not lead there by itself."""

    state: SessionState
    version: int
    """Version of the stored snapshot, 0 where there is none."""
    saved_seq: int
    lost: bool = False


class Seen(NamedTuple):
    """A session's state as the log stands, read without owning it."""

    state: SessionState
    epoch: str
    head: int


class _Kept(NamedTuple):
    state: SessionState | None
    epoch: str
    version: int
    draft_item: str | None = None
    draft: Any = None
    sub_drafts: dict[str, Any] | None = None

    def drafted(self, state: SessionState) -> None:
        """Put the drafts that stood beside the state back into it."""
        plain = state.plain
        plain.draft_item, plain.draft = self.draft_item, self.draft
        plain.sub_drafts = dict(self.sub_drafts or {})


async def revived(ground: Surroundings, sid: str, claim: Claim) -> Revived:
    """The state at the head of a log that was just claimed."""
    kept = await _kept(ground, sid)
    state, after = SessionState(), 0
    if kept.state is not None:
        at = kept.state.plain.seq
        same = kept.epoch in ("", claim.epoch)
        if same and at <= claim.head:
            state, after = kept.state, at
            kept.drafted(state)
        elif same or not claim.head:
            await _with_attempts(ground, sid, kept.state, kept.epoch or claim.epoch)
            return Revived(kept.state, kept.version, 0, lost=True)
    tail = await ground.log.read(sid, after)
    await _folded(ground, sid, state, tail, claim.epoch, repair=True)
    return Revived(state, kept.version, after)


async def looked_at(ground: Surroundings, sid: str) -> Seen:
    """The state as the log stands now, for a node that does not own it."""
    head = await ground.log.head(sid)
    if head is None:
        raise StoreUnavailable(f"session {sid} has no log")
    kept = await _kept(ground, sid)
    state, after = SessionState(), 0
    if kept.state is not None and kept.epoch in ("", head[0]) and kept.state.plain.seq <= head[1]:
        state, after = kept.state, kept.state.plain.seq
        kept.drafted(state)
    tail = await ground.log.read(sid, after)
    await _folded(ground, sid, state, tail, head[0], repair=False)
    return Seen(state, head[0], tail[-1].seq if tail else after)


async def _folded(
    ground: Surroundings,
    sid: str,
    state: SessionState,
    tail: list[Entry],
    epoch: str,
    *,
    repair: bool,
) -> None:
    await ground.catalogue.load_named(tail)
    fold = Fold(epoch, ground.catalogue.at_hand)
    repaired: list[Ticket] = []
    for entry in tail:
        if not entry.sealed:
            continue
        deed = deeds.unsealed(entry.sealed)
        fold.fold(state, deed, entry.seq, entry.at_ms)
        if repair and isinstance(deed, deeds.AnswerGiven | deeds.PollAnswered):
            # A crash between an answer's entries and its attempt keeps the entries only.
            learner = state.plain.learner
            repaired.append(
                ground.records.add_attempt(
                    Attempt(sid, epoch, entry.seq, learner, entry.at_ms, entry.sealed)
                )
            )
    for ticket in repaired:  # whoever joins now is told of these answers
        await stored(ticket)


async def _with_attempts(ground: Surroundings, sid: str, state: SessionState, epoch: str) -> None:
    """Work in what was answered after the snapshot: attempts are durable where the log is not."""
    if state.syllabus is None:
        return
    fold = Fold(epoch, ground.catalogue.at_hand)
    at = state.plain.seq
    for attempt in await ground.records.attempts(state.plain.learner):
        if (attempt.log, attempt.epoch) != (sid, epoch) or attempt.seq <= at:
            continue
        deed = deeds.unsealed(attempt.sealed)
        if not isinstance(deed, deeds.AnswerGiven | deeds.PollAnswered):
            continue
        if deed.item not in state.syllabus.item_index:
            continue
        shown = state.plain.open
        here = shown is not None and (shown.item, shown.seed) == (deed.item, deed.seed)
        if isinstance(deed, deeds.AnswerGiven) and not here:
            state.plain.open = Open(deed.item, deed.seed, 0.5, "", attempt.at_ms - deed.taken_ms)
            state.redraw()
        fold.fold(state, deed, attempt.seq, attempt.at_ms)


async def _kept(ground: Surroundings, sid: str) -> _Kept:
    """The stored snapshot; no state where another build wrote it in another form."""
    document = await ground.records.get("session", sid)
    if document is None:
        return _Kept(None, "", 0)
    saved = snapshot_parts(document.body)
    try:
        named = SessionState.pinned(saved.state)
        pinned = await ground.catalogue.load(*named) if named.course else None
        state = SessionState.from_bytes(saved.state, pinned)
    except (ValueError, msgspec.MsgspecError) as error:
        _LOG.warning("a snapshot cannot be read, its log is folded from the start: %s", error)
        return _Kept(None, saved.epoch, document.version)
    drafts = saved.draft_item, saved.draft, saved.sub_drafts
    return _Kept(state, saved.epoch, document.version, *drafts)


# --- other versions of a course -------------------------------------------------------------------


def _physics_of(scoring: Scoring, final: Final | None) -> tuple[int, int]:
    """What a learner's scoring state belongs to."""
    return scoring.parameters.crc, 0 if final is None else final.crc


async def carried_over(
    ground: Surroundings, sid: str, state: SessionState
) -> dict[tuple[str, str], bytes]:
    """The learner's scoring state under the newest versions of the course whose physics is new.

    A state means nothing under other parameters, so the stored answers are filtered again, here
    and not in the fold, which has no access to them.
    """
    found: dict[tuple[str, str], bytes] = {}
    catalogue = ground.catalogue
    for course in catalogue.offered:
        await catalogue.refresh(course.sha256)
    if state.beliefs is None:
        return found
    mine = _physics_of(state.beliefs.scoring, state.beliefs.final)
    for course in catalogue.offered:
        if course.id != state.beliefs.course.id:
            continue
        newest = catalogue.pick(course.sha256)
        syllabus = catalogue.at_hand(*newest)
        if _physics_of(scoring_of(syllabus), syllabus.final) != mine:
            found[newest] = await carried(sid, ground.log, ground.records, catalogue, syllabus)
    return found
