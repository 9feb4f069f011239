"""The kernels once more, in plain Python for the eye. This file is the oracle of their tests."""

from __future__ import annotations

import numpy as np

from engines.learner import kernels as k
from engines.learner import telling
from engines.words import Syllabus


class Twin:
    """One learner's state as lists and dicts; `array` lays it out as the kernels do."""

    def __init__(self, state: np.ndarray, of: Syllabus) -> None:
        n = len(of.mastery)
        self.of = of
        self.head = state[: k.RING_NEXT].tolist()
        self.next = int(state[k.RING_NEXT])
        items, seeds = state[k.RING_ITEM : k.RING_SEED], state[k.RING_SEED : k.SKILLS]
        self.ring = [(int(i), int(s)) for i, s in zip(items, seeds, strict=True)]
        blocks = state[k.SKILLS :].reshape(k.BLOCKS, n).tolist()
        self.n_k, self.learnt, self.last, self.told, self.low, self.high, self.believed = blocks

    def array(self) -> np.ndarray:
        items, seeds = zip(*self.ring, strict=True)
        told = [*self.told, *self.low, *self.high]
        blocks = [*self.n_k, *self.learnt, *self.last, *told, *self.believed]
        return np.array([*self.head, self.next, *items, *seeds, *blocks], dtype=np.float64)

    def skills(self, item: int) -> list[int]:
        return [int(s) for s in self.of.item_skills[item] if s >= 0]

    def mastered(self) -> set[int]:
        return {
            s
            for s, threshold in enumerate(self.of.mastery)
            if self.learnt[s] >= threshold
            and self.n_k[s] >= 3
            and self.last[s] == 1.0
            and self.believed[s] >= 0.5
        }

    def answered(self, item: int, flags: int, p: float, at_s: float) -> None:
        right = bool(flags & k.RIGHT)
        if flags:
            self.head[k.AT_S] = at_s
        if flags & k.COUNTED:
            self.head[k.ANSWERS] += 1
            for s in self.skills(item):
                self.n_k[s] += 1
                self.last[s] = float(right)
            self._band(p, right)
        for s in self.skills(item):
            self._learn(s, item, flags)

    def tell_all(self, fresh: np.ndarray) -> None:
        for s, row in enumerate(fresh.tolist()):
            self.told[s], self.low[s], self.high[s] = (round(v * 100.0) / 100.0 for v in row)
            self.believed[s] = self.told[s]

    def believe(self, fresh: np.ndarray, item: int, flags: int) -> None:
        now = fresh[:, 0].tolist()
        if flags & k.HELPED:
            now = [max(pair) for pair in zip(now, self.believed, strict=True)]
        for s in self._turn([abs(a - b) for a, b in zip(now, self.believed, strict=True)], item):
            self.believed[s] = round(now[s] * 100.0) / 100.0

    def tell(self, fresh: np.ndarray, item: int, flags: int) -> dict[int, float]:
        """Mastery told before of the skills that are told anew."""
        rows = []
        for s, (p, low, high) in enumerate(fresh.tolist()):
            if flags & k.RIGHT:
                p = max(p, self.told[s])
            elif flags & k.HELPED:
                p, low, high = self.told[s], self.low[s], self.high[s]
            else:
                p = min(p, self.told[s])
            rows.append((p, min(low, p), max(high, p)))
        before = {}
        for s in self._turn([abs(r[0] - b) for r, b in zip(rows, self.told, strict=True)], item):
            new = [round(v * 100.0) / 100.0 for v in rows[s]]
            if new != [self.told[s], self.low[s], self.high[s]]:
                before[s] = self.told[s]
                self.told[s], self.low[s], self.high[s] = new
        return before

    def _turn(self, by: list[float], item: int) -> list[int]:
        own = self.skills(item)
        far = [s for s in range(len(by)) if by[s] >= telling.OTHERS_BY and s not in own]
        return own + sorted(far, key=lambda s: -by[s])[: telling.MOST_OTHERS]

    def _band(self, p: float, right: bool) -> None:
        h = self.head
        h[k.MISSES] = 0 if right else h[k.MISSES] + 1
        h[k.RIGHTS] = h[k.RIGHTS] + 1 if right else 0
        h[k.EASY_RIGHTS] = h[k.EASY_RIGHTS] + 1 if right and p >= 0.85 else 0
        h[k.SINCE_CHANGE] += 1
        band = h[k.BAND]
        if h[k.MISSES] >= 2:
            band = k.EASIER
        elif h[k.EASY_RIGHTS] >= 5:
            band = k.HARDER
        elif (band == k.EASIER and h[k.RIGHTS] >= 2) or (band == k.HARDER and h[k.MISSES] >= 1):
            band = k.NORMAL
        if band != h[k.BAND] and h[k.SINCE_CHANGE] >= 3:
            h[k.BAND], h[k.SINCE_CHANGE], h[k.EASY_RIGHTS] = band, 0, 0

    def _learn(self, s: int, item: int, flags: int) -> None:
        _, learn, slip, guess, forget = self.of.bkt[s].tolist()
        slip, guess = min(slip, 0.3), min(max(guess, self.of.guess_floor[item]), 0.5)
        known = self.learnt[s]
        if flags & k.COUNTED:
            yes, no = (1 - slip, guess) if flags & k.RIGHT else (slip, 1 - guess)
            known = known * yes / (known * yes + (1 - known) * no)
        if flags & k.LEARNING:
            after = known * (1 - forget) + (1 - known) * learn
            scored = flags & (k.COUNTED | k.RAPID)
            known = after if scored else max(after, known)
        self.learnt[s] = known

    def ages(self, leaving: int) -> list[int]:
        ages = [6] * len(self.of.d)
        newest_first = [self.ring[(self.next - 1 - back) % 64] for back in range(64)]
        for item, seed in newest_first[5:]:
            if item >= 0 and seed == 0:
                ages[item] = 5
        for back in reversed(range(5)):
            item = newest_first[back][0]
            if item >= 0:
                ages[item] = back
        if leaving >= 0:
            ages[leaving] = 0
        return ages

    def candidates(self, skill: int, leaving: int) -> tuple[list[int], int, int, int]:
        ages, mastered = self.ages(leaving), self.mastered()
        everything = set(range(len(self.of.mastery)))
        ready = {s for s in everything if set(np.flatnonzero(self.of.requires[s])) <= mastered}
        n_open = len(ready - mastered)
        if skill >= 0:
            found = self._oldest([i for i in range(len(ages)) if skill in self.skills(i)], ages)
            return found, skill, n_open, k.ASKED if found else k.NOTHING
        skill, found, cause = self._frontier(ages, ready, mastered)
        if not found:
            skill, found, cause = self._frontier(ages, everything, mastered)
            cause = k.WAIVED if found else k.NOTHING
        return found, skill, n_open, cause

    def _oldest(self, items: list[int], ages: list[int]) -> list[int]:
        """The fresh ones, else those unseen for five items, else those longest unseen."""
        if not items:
            return []
        oldest = max(ages[i] for i in items)
        return [i for i in items if ages[i] >= oldest]

    def _frontier(self, ages: list[int], ready: set[int], mastered: set[int]):
        by_skill = {
            s: [i for i in range(len(ages)) if s in (t := self.skills(i)) and set(t) <= ready]
            for s in sorted(ready)
        }
        open_ = sorted(ready - mastered, key=lambda s: (self.believed[s], s))
        ranked = sorted(
            (s for s in by_skill if by_skill[s]),
            key=lambda s: (
                -min(5, max(ages[i] for i in by_skill[s])),
                s in mastered,
                self.believed[s],
                s,
            ),
        )
        if not ranked:
            return -1, [], k.NOTHING
        skill = ranked[0]
        cause = k.OPEN if open_ and skill == open_[0] else k.OPEN_NEXT
        if skill in mastered:
            cause = k.ALTERNATE if open_ else k.MASTERED
        return skill, self._oldest(by_skill[skill], ages), cause

    def drawn(
        self,
        found: list[int],
        p: np.ndarray,
        information: np.ndarray,
        band: tuple[float, float],
        words: tuple[int, int],
    ) -> tuple[float, float, float]:
        word, seed_word = words
        turn = ((word & 0xFFFFFFFF) * len(found)) >> 32
        turned = [(turn + c) % len(found) for c in range(len(found))]
        low, high = band
        inside = [c for c in turned if low <= p[c] <= high]
        if inside:
            best = sorted(inside, key=lambda c: -information[c])[:3]
            at = best[((word >> 32) * len(best)) >> 32]
        else:
            at = min(turned, key=lambda c: max(low - p[c], p[c] - high))
        self.head[k.SHOWN] += 1
        return found[at], self._seed(found[at], seed_word), p[at]

    def _seed(self, item: int, word: int) -> int:
        seed = (word >> 11) or 1
        while (item, seed) in self.ring:
            seed = seed % (2**53 - 1) + 1
        self.ring[self.next] = (item, seed)
        self.next = (self.next + 1) % 64
        return seed
