"""A study room as the wire has it, for the pages. This file plays what a test asks for.

It keeps one log of frames and folds no more of them than a snapshot needs. It counts votes, asks
nobody whether a command is allowed but where a page must show the refusal.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from tests.web.fake_server import FakeServer

RID = "r_fakefakefakefake"
CODE = "K7P2"
TOKEN = "facilitators"
EPOCH = "re1"
SUPPRESS_BELOW = 5
WORDS = "What would change if the **sign** were another? Try $x = 2$ first."


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class FakeRoom:
    """One room; `played` are members without a line, whom a test lets act."""

    def __init__(self, server: FakeServer, *, title: str = "Signs and sums") -> None:
        self.server = server
        self.title = title
        self.log: list[dict[str, Any]] = []
        self.members: dict[str, dict[str, Any]] = {}
        self.lines: dict[ServerConnection, str] = {}
        self.of_token: dict[str, str] = {}
        self.says: list[dict[str, Any]] = []
        self.poll: dict[str, Any] | None = None
        self.right: str | None = None
        self.votes: dict[str, dict[str, Any]] = {}
        self.first: dict[str, dict[str, Any]] = {}
        self.board: dict[str, dict[str, Any]] = {}
        self.groups: list[dict[str, Any]] = []
        self.pairs: list[dict[str, Any]] = []
        self.turns: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.words = WORDS
        self.speaking: asyncio.Task[None] | None = None
        self.silent = False
        """Whether the server has stopped telling anything."""

    # --- the log ------------------------------------------------------------------------------

    async def append(self, t: str, **fields: Any) -> dict[str, Any]:
        """Number a frame and tell it to everyone."""
        frame = {"t": t, "s": RID, "q": len(self.log) + 1, "ts": now_ms(), **fields}
        self.log.append(frame)
        await self._tell(frame, list(self.lines))
        return frame

    async def event(self, kind: str, data: dict[str, Any]) -> None:
        """One `room.event`."""
        await self.append("room.event", kind=kind, data=data)

    async def aside(self, t: str, kind: str, data: Any) -> None:
        """A frame without a place, to facilitators alone; rows of a board go to everyone."""
        leads = [
            line
            for line, mid in self.lines.items()
            if kind == "leader" or self.members[mid]["role"] != "member"
        ]
        frame = {"t": t, "s": RID, "q": 0, "ts": now_ms(), "kind": kind, "data": data}
        await self._tell(frame, leads)

    async def _tell(self, frame: dict[str, Any], lines: list[ServerConnection]) -> None:
        for line in lines:
            if self.silent:
                return
            try:
                await line.send(json.dumps(frame))
            except ConnectionClosed:
                self.lines.pop(line, None)

    def snapshot(self, mid: str) -> dict[str, Any]:
        """The whole room for one member."""
        you: dict[str, Any] = {"member": mid, "role": self.members[mid]["role"]}
        poll = None
        if self.poll is not None:
            poll = {**self.poll, "n": len(self.votes), "voters": list(self.votes)}
            if mid in self.votes:
                at = {"poll": poll["poll"], "round": poll["round"]}
                you["vote"] = {**at, **self.votes[mid]}
        here = {m: v for m, v in self.members.items() if v["connections"]}
        state = {"rid": RID, "title": self.title, "code": CODE, "you": you, "members": here,
                 "says": self.says, "poll": poll, "board": self.board, "groups": self.groups,
                 "pairs": self.pairs, "turns": self.turns}  # fmt: skip
        gens = [{k: t[k] for k in ("gen", "text", "next_i", "status")} for t in self.turns]
        at = {"s": RID, "epoch": EPOCH, "q": len(self.log)}
        return {"t": "snapshot", **at, "state": state, "gens": gens}

    # --- lines --------------------------------------------------------------------------------

    def head(self, token: str, have: dict[str, Any] | None) -> dict[str, Any] | None:
        """What `welcome` says of the room, where the session is a member."""
        if have is None or token not in self.of_token:
            return None
        mode = "replay" if have["epoch"] == EPOCH else "reset"
        return {"s": RID, "epoch": EPOCH, "head": len(self.log), "mode": mode}

    async def resume(self, line: ServerConnection, token: str, have: dict[str, Any]) -> None:
        """What a line that came back has missed; then it hears the rest."""
        mid = self.of_token[token]
        after = self.log[have["q"] :] if have["epoch"] == EPOCH else [self.snapshot(mid)]
        await self._tell_all(line, after)
        await self.come(mid, line)

    async def _tell_all(self, line: ServerConnection, frames: list[dict[str, Any]]) -> None:
        for frame in frames:
            await line.send(json.dumps(frame))

    async def come(self, mid: str, line: ServerConnection | None = None) -> None:
        """A connection of a member."""
        member = self.members[mid]
        cid = f"c{len(self.log)}"
        member["connections"] = [*member["connections"], cid]
        if line is not None:
            self.lines[line] = mid
        names = {mid: {"name": member["name"], "role": member["role"]}}
        await self.append("presence", joins={mid: [cid]}, leaves={}, names=names)

    async def gone(self, line: ServerConnection) -> None:
        """A line ended."""
        mid = self.lines.pop(line, None)
        if mid is not None and self.members[mid]["connections"]:
            cid = self.members[mid]["connections"].pop()
            await self.append("presence", joins={}, leaves={mid: [cid]})

    async def played(self, name: str) -> str:
        """A member that a test plays; its id."""
        mid = f"m_{name.lower()}"
        self.members[mid] = {"name": name, "role": "member", "connections": []}
        await self.come(mid)
        return mid

    async def hinted(self, mid: str, value: bool) -> None:
        """A member that a test plays types, or stops."""
        frame = {"t": "eph", "s": RID, "k": "typing", "v": value, "from": mid}
        await self._tell(frame, list(self.lines))

    # --- commands -----------------------------------------------------------------------------

    async def hear(self, line: ServerConnection, token: str, frame: dict[str, Any]) -> None:
        """Do one command of a member."""
        self.commands.append(frame)
        if frame["t"] == "eph":
            told = {
                "t": "eph",
                "s": RID,
                "k": frame["k"],
                "v": frame["v"],
                "from": self.lines[line],
            }
            await self._tell(told, [other for other in self.lines if other is not line])
            return
        if frame["t"] == "sync":
            mid = self.of_token[token]
            after = self.log[frame["q"] :] if frame["epoch"] == EPOCH else [self.snapshot(mid)]
            await self._tell_all(line, after)
            return
        if frame["t"] == "room.join":
            await self._join(line, token, frame)
            return
        mid = self.of_token.get(token, "")
        if mid == "":
            await self._refuse(line, frame, 111, "not_member", f"expected a member of {RID}")
            return
        act = getattr(self, "do_" + frame["t"].replace(".", "_"))
        refused = await act(mid, frame)
        if refused is not None:
            await self._refuse(line, frame, *refused)
            return
        await self._ok(line, frame)

    async def _ok(self, line: ServerConnection, frame: dict[str, Any], **more: Any) -> None:
        at = {"s": RID, "q": len(self.log)}
        ok = {"t": "ok", "s": RID, "q": 0, "ts": now_ms(), "re": frame["id"], "at": at, **more}
        await line.send(json.dumps(ok))

    async def _refuse(
        self, line: ServerConnection, frame: dict[str, Any], code: int, name: str, msg: str
    ) -> None:
        err = {"t": "err", "code": code, "name": name, "msg": msg, "temp": False}
        await line.send(json.dumps({**err, "re": frame["id"]}))

    async def _join(self, line: ServerConnection, token: str, frame: dict[str, Any]) -> None:
        if frame["rid"].upper() not in {CODE, RID.upper()}:
            await self._refuse(line, frame, 106, "not_found", "no room has this code")
            return
        role = "facilitator" if frame.get("token") == TOKEN else "member"
        mid = self.of_token.setdefault(token, f"m_{token}")
        name = frame.get("name") or f"Guest {len(self.members) + 1}"
        self.members[mid] = {"name": name, "role": role, "connections": []}
        changed = {"rid": RID, "member": mid, "role": role, "code": CODE, "title": self.title}
        await self._ok(line, frame, changed=changed)
        await line.send(json.dumps(self.snapshot(mid)))
        await self.come(mid, line)
        await self.count()

    async def do_room_leave(self, mid: str, _: dict[str, Any]) -> None:
        """Everything of a member goes."""
        gone = self.members[mid]["connections"]
        self.members[mid]["connections"] = []
        self.lines = {line: m for line, m in self.lines.items() if m != mid}
        self.of_token = {token: m for token, m in self.of_token.items() if m != mid}
        await self.append("presence", joins={}, leaves={mid: gone})

    async def do_room_say(self, mid: str, frame: dict[str, Any]) -> None:
        """One message."""
        said = {"member": mid, "name": self.members[mid]["name"], "text": frame["text"]}
        self.says.append({**said, "q": len(self.log) + 1, "ts": now_ms()})
        await self.event("say", said)

    async def do_room_board(self, mid: str, frame: dict[str, Any]) -> None:
        """One place of the board."""
        data = {"key": frame["key"], "v": frame.get("v"), "by": mid}
        if data["v"] is None:
            self.board.pop(frame["key"], None)
        else:
            self.board[frame["key"]] = {"v": data["v"], "by": mid}
        await self.event("board", data)

    async def do_room_thank(self, _: str, __: dict[str, Any]) -> None:
        """Nobody is told whom."""
        await self.append("presence", joins={}, leaves={})

    async def do_room_accept(self, mid: str, frame: dict[str, Any]) -> None:
        """A pair stands once all said yes."""
        pair = next(pair for pair in self.pairs if pair["id"] == frame["pair"])
        yes = [*pair.get("yes", []), mid]
        state = "declined" if not frame["yes"] else pair["state"]
        pair["yes"], pair["state"] = yes, "together" if len(yes) == 2 else state
        await self.event("group", {"pairs": [_told(pair)]})

    async def do_room_poll_open(self, _: str, frame: dict[str, Any]) -> tuple[int, str, str] | None:
        """A poll, or its second round."""
        s = frame.get("seconds")
        closes = None if s is None else now_ms() + s * 1000
        if frame.get("poll"):
            assert self.poll is not None
            self.first, self.votes = self.votes, {}
            self.poll |= {"phase": "voting", "round": 2, "closes_at": closes}
        elif self.poll is not None and self.poll["phase"] != "revealed":
            return 107, "busy", f"poll {self.poll['poll']} is open: expected its reveal first"
        else:
            choices = [{"id": "abcdef"[n], "text": text} for n, text in enumerate(frame["choices"])]
            right = frame.get("right")
            self.right = None if right is None else "abcdef"[right]
            self.first, self.votes = {}, {}
            n = 1 if self.poll is None else int(self.poll["poll"][1:]) + 1
            self.poll = {"poll": f"p{n}", "phase": "voting", "round": 1, "prompt": frame["prompt"],
                         "choices": choices, "closes_at": closes,
                         "predict": frame.get("predict", False)}  # fmt: skip
        await self._tell_poll()
        return None

    async def do_room_poll_close(self, _: str, frame: dict[str, Any]) -> None:
        """Discuss, or reveal."""
        assert self.poll is not None
        self.poll["closes_at"] = None
        if frame["then"] == "discuss":
            self.poll["phase"] = "discuss"
            await self._tell_poll()
            return
        self.poll["phase"] = "revealed"
        rounds = [r for r in (self.first, self.votes) if r is not self.first or r]
        told = [self._round(n, votes) for n, votes in enumerate(rounds, 1)]
        data: dict[str, Any] = {"poll": self.poll["poll"], "right": self.right, "rounds": told}
        data["suppressed"] = any(r["totals"] is None for r in told)
        if len(told) == 2 and not data["suppressed"]:
            q1, q2 = (self._share(votes) for votes in rounds)
            data["gain"] = round((q2 - q1) / (1 - q1), 3)
        self.poll["reveal"] = data
        await self.event("reveal", data)

    async def _tell_poll(self) -> None:
        assert self.poll is not None
        told = {k: v for k, v in self.poll.items() if v is not None and k != "reveal"}
        await self.event("poll", told)
        await self.count()

    def _round(self, n: int, votes: dict[str, dict[str, Any]]) -> dict[str, Any]:
        shown = len(votes) >= SUPPRESS_BELOW
        totals = self._totals(votes) if shown else None
        return {"round": n, "n": len(votes), "totals": totals, "weighted": None}

    def _totals(self, votes: dict[str, dict[str, Any]]) -> dict[str, int]:
        assert self.poll is not None
        counted = Counter(vote["choice"] for vote in votes.values())
        return {choice["id"]: counted[choice["id"]] for choice in self.poll["choices"]}

    def _share(self, votes: dict[str, dict[str, Any]]) -> float:
        rights = sum(vote["choice"] == self.right for vote in votes.values())
        return rights / len(votes) if votes else 0.0

    async def do_room_vote(self, mid: str, frame: dict[str, Any]) -> tuple[int, str, str] | None:
        """One vote; late ones are refused."""
        poll = self.poll
        if poll is None or poll["phase"] != "voting":
            return 116, "closed", "the round is closed"
        keys = ("choice", "confidence", "predicted")
        await self.voted({mid: {k: frame.get(k) for k in keys}})
        return None

    async def voted(self, votes: dict[str, dict[str, Any]]) -> None:
        """Votes of one moment."""
        assert self.poll is not None
        self.votes |= votes
        at = {"poll": self.poll["poll"], "round": self.poll["round"], "n": len(self.votes)}
        await self.event("vote_count", {**at, "voters": list(votes)})
        await self.count()

    async def count(self) -> None:
        """The totals, for facilitators."""
        if self.poll is None or self.poll["phase"] == "revealed":
            return
        share = self._share(self.votes)
        suggests = "discuss" if 0.3 <= share <= 0.7 else "reveal" if share > 0.7 else "explain"
        at = {"poll": self.poll["poll"], "round": self.poll["round"], "n": len(self.votes)}
        more = {"voters": list(self.votes), "totals": self._totals(self.votes), "confidence": {}}
        data = {**at, **more, "share_right": share, "suggests": suggests}
        await self.aside("room.event", "vote_count", data)

    async def do_room_ask(self, mid: str, frame: dict[str, Any]) -> tuple[int, str, str] | None:
        """One turn at a time, before everyone."""
        if self.turns and self.turns[-1]["status"] == "running":
            return 107, "busy", f"turn {self.turns[-1]['gen']} is running"
        self.speaking = asyncio.create_task(self._speak(mid, frame))
        return None

    async def _speak(self, mid: str, frame: dict[str, Any]) -> None:
        gen = f"g{len(self.turns) + 1}"
        names = {"gen": gen, "cmd": frame["id"], "by": mid, "input": frame["input"],
                 "provider": "builtin", "model": "builtin/1", "source": "builtin"}  # fmt: skip
        turn = {**names, "text": "", "next_i": 0, "status": "running", "ts": now_ms()}
        self.turns.append(turn)
        await self.append("turn.started", **names)
        for at in range(0, len(self.words), 3):
            await asyncio.sleep(self.server.pace_s)
            await self.server.gate.wait()
            self.server.pause(at + 3)
            i, text = turn["next_i"], self.words[at : at + 3]
            turn["next_i"], turn["text"] = i + 1, turn["text"] + text
            await self.append("delta", gen=gen, i=[i, i], text=text)
        turn["status"] = "completed"
        end = {"gen": gen, "status": "completed", "n": turn["next_i"], "text_sha256": ""}
        await self.append("turn.done", **end, ttft_ms=20.0)

    async def do_board_watch(self, _: str, __: dict[str, Any]) -> None:
        """What a facilitator is told of talk and help."""
        for kind, data in self.server.watched.items():
            await self.aside("board", kind, data)

    async def do_board_act(self, _: str, frame: dict[str, Any]) -> None:
        """A preview for the facilitator, or word to everyone."""
        if frame["act"] in ("pair", "group"):
            kind = "pairs" if frame["act"] == "pair" else "groups"
            await self.aside("board", kind, self.server.previews[kind])
            return
        args = frame["args"]
        if "groups" in args:
            self.groups = [
                {"id": f"t{n}", "reason": "", **one} for n, one in enumerate(args["groups"])
            ]
            await self.event("group", {"groups": self.groups})
        for n, one in enumerate(args.get("pairs", []), 1):
            self.pairs.append({"id": f"w{n}", "members": one["members"], "state": "invited"})
        if "pairs" in args:
            await self.event("group", {"pairs": [_told(pair) for pair in self.pairs]})


def _told(pair: dict[str, Any]) -> dict[str, Any]:
    return {key: pair[key] for key in ("id", "members", "state")}
