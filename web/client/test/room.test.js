// Rooms: the fold of their events, the rule of events without a place, and several logs on one line.

import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../index.js";
import { emptyRoom, folded, leadersOf, learnersOf, nameOf, replaced, roomOf, withVote } from "../room.js";
import { Replica } from "../session.js";
import { ModelServer, VirtualClock } from "./model.js";

const RID = "r_1";
const at = (q, t, more) => ({ t, s: RID, q, ts: 1000 + q, ...more });
const told = (q, kind, data) => at(q, "room.event", { kind, data });
const CHOICES = [{ id: "a", text: "3" }, { id: "b", text: "4" }];
const poll = (phase, round, more = {}) => ({ poll: "p1", phase, round, prompt: "2 + 2?", choices: CHOICES, predict: false, ...more });

/** A lesson in a room: people, a vote in two rounds, talk, a board, a turn of the tutor. */
function story() {
  const events = [
    ["presence", { joins: { m_a: ["c1"], m_b: ["c2", "c3"] }, leaves: {}, names: { m_a: "Ana", m_b: { name: "Bo", role: "member" } } }],
    ["room.event", { kind: "say", data: { member: "m_b", name: "Bo", text: "hello" } }],
    ["room.event", { kind: "poll", data: poll("voting", 1, { closes_at: 99_000 }) }],
    ["room.event", { kind: "vote_count", data: { poll: "p1", round: 1, n: 1, voters: ["m_b"] } }],
    ["room.event", { kind: "board", data: { key: "k", v: "note", by: "m_b" } }],
    ["room.event", { kind: "vote_count", data: { poll: "p1", round: 1, n: 2, voters: ["m_a"] } }],
    ["room.event", { kind: "poll", data: poll("discuss", 1) }],
    ["turn.started", { gen: "g1", cmd: "x", by: "m_b", provider: "builtin", model: "b", source: "builtin", input: "why" }],
    ["delta", { gen: "g1", i: [0, 1], text: "Be" }],
    ["presence", { joins: {}, leaves: { m_b: ["c2"] } }],
    ["delta", { gen: "g1", i: [2, 2], text: "cause" }],
    ["turn.done", { gen: "g1", status: "completed", n: 3, text_sha256: "", ttft_ms: 1 }],
    ["room.event", { kind: "poll", data: poll("voting", 2) }],
    ["room.event", { kind: "group", data: { pairs: [{ id: "pair1", members: ["m_a", "m_b"], state: "invited" }] } }],
    ["room.event", { kind: "group", data: { pairs: [{ id: "pair1", members: ["m_a", "m_b"], state: "together" }] } }],
    ["room.event", { kind: "board", data: { key: "k", v: null, by: "m_a" } }],
    ["room.event", { kind: "reveal", data: { poll: "p1", right: "b", rounds: [null, { round: 2, n: 5, totals: { a: 1, b: 4 }, weighted: null }], gain: 0.5, suppressed: false } }],
    ["presence", { joins: {}, leaves: { m_b: ["c3"] } }],
  ];
  return events.map(([t, more], n) => at(n + 1, t, more));
}

const storyOf = (events) => events.reduce(folded, emptyRoom(RID));

test("a room folds to what its members see", () => {
  const room = storyOf(story());
  assert.deepEqual(Object.keys(room.members), ["m_a"]);
  assert.equal(nameOf(room, "m_b"), "Bo");
  assert.deepEqual(room.says.map(({ q, name, text }) => [q, name, text]), [[2, "Bo", "hello"]]);
  assert.deepEqual([room.poll.phase, room.poll.round, room.poll.reveal.right, room.poll.reveal.gain], ["revealed", 2, "b", 0.5]);
  assert.deepEqual(room.board, {});
  assert.deepEqual(room.pairs.map(({ state }) => state), ["together"]);
  assert.deepEqual([room.turns[0].text, room.turns[0].by, room.turns[0].ts, room.turns[0].status], ["Because", "m_b", 1008, "completed"]);
});

test("who voted and how many is of one round; a new round begins at none", () => {
  const events = story();
  assert.deepEqual([storyOf(events.slice(0, 6)).voted, storyOf(events.slice(0, 6)).poll.n], [["m_b", "m_a"], 2]);
  assert.deepEqual([storyOf(events.slice(0, 7)).poll.phase, storyOf(events.slice(0, 7)).poll.n], ["discuss", 2]);
  assert.deepEqual([storyOf(events.slice(0, 13)).voted, storyOf(events.slice(0, 13)).poll.n], [[], 0]);
  const late = folded(storyOf(events.slice(0, 13)), told(20, "vote_count", { poll: "p1", round: 1, n: 9, voters: ["m_z"] }));
  assert.deepEqual([late.voted, late.poll.n], [[], 0]);
});

test("the own vote stays over its poll's rounds and ends with the poll", () => {
  const voted = withVote(storyOf(story().slice(0, 3)), { poll: "p1", round: 1, choice: "b", confidence: 0.5 });
  const second = story().slice(6, 13).reduce(folded, voted);
  assert.deepEqual(second.you.vote, { poll: "p1", round: 1, choice: "b", confidence: 0.5, predicted: null });
  const other = folded(second, told(30, "poll", { ...poll("voting", 1), poll: "p2" }));
  assert.equal(other.you.vote, null);
});

test("what is told beside the log replaces, and only of the running round", () => {
  const room = storyOf(story().slice(0, 4));
  const count = { poll: "p1", round: 1, n: 2, totals: { a: 1, b: 1 }, share_right: 0.5, confidence: {}, suggests: "discuss" };
  const seen = replaced(room, told(0, "vote_count", count));
  assert.deepEqual(seen.totals, count);
  assert.equal(replaced(seen, told(0, "vote_count", { ...count, round: 2 })).totals, seen.totals);
  assert.equal(folded(seen, told(9, "poll", poll("voting", 2))).totals, null);
  const talk = replaced(seen, at(0, "board", { kind: "talk", data: { gini: 0.7 } }));
  assert.deepEqual(talk.told, { talk: { gini: 0.7 } });
  assert.deepEqual(replaced(room, told(0, "leader", { rows: [{ name: "Ana", gain: 0.1, you: true }] })).leader.length, 1);
});

test("learners are those who are here and do not lead", () => {
  const room = roomOf(emptyRoom(RID), {
    rid: RID, title: "T", code: "K7P2", you: { member: "m_f", role: "facilitator" },
    members: {
      m_f: { name: "Fay", role: "facilitator", connections: ["c0"] },
      m_2: { name: "Guest 10", role: "member", connections: ["c2"] },
      m_1: { name: "Guest 9", role: "member", connections: ["c1"] },
    },
    says: [], poll: null, board: {}, groups: [], pairs: [], turns: [],
  }, []);
  assert.deepEqual(learnersOf(room).map(({ name }) => name), ["Guest 9", "Guest 10"]);
  assert.deepEqual(leadersOf(room).map(({ name }) => name), ["Fay"]);
  assert.deepEqual([room.title, room.code, room.you.role], ["T", "K7P2", "facilitator"]);
});

const WELCOME = { t: "welcome", cid: "c", sid: "s", token: "k", node: "n", heartbeat_s: 20, window: 64, logs: [{ s: "me", epoch: "e", head: 0, mode: "live" }] };
const JOINED = { t: "ok", s: RID, q: 0, ts: 1, re: "j", at: { s: RID, q: 1 }, changed: { rid: RID, member: "m_a", role: "member", code: "K7P2", title: "T" } };
const snapshot = (q, state = {}) => ({ t: "snapshot", s: RID, epoch: "re", q, state: { rid: RID, members: {}, ...state }, gens: [] });

function seated(q = 1) {
  const me = new Replica();
  for (const frame of [WELCOME, JOINED, snapshot(q)]) me.hear(frame);
  return me;
}

test("a joined room applies nothing before its snapshot; then its own numbers", () => {
  const me = new Replica();
  me.hear(WELCOME);
  assert.equal(me.hear(JOINED).events.length, 1);
  assert.deepEqual(me.hear(told(2, "say", { member: "m", name: "M", text: "early" })), { events: [], send: [] });
  me.hear(snapshot(2));
  assert.deepEqual([me.rooms.get(RID).code, me.rooms.get(RID).you.member], ["K7P2", "m_a"]);
  assert.equal(me.hear(told(3, "say", { member: "m", name: "M", text: "hi" })).events.length, 1);
  assert.deepEqual(me.hear(told(5, "say", {})).send, [{ t: "sync", s: RID, epoch: "re", q: 3 }]);
  assert.equal(me.me.q, 0);
});

test("an event without a place moves nothing and is handed on", () => {
  const me = seated(4);
  const ok = { t: "ok", s: RID, q: 0, ts: 1, re: "v", at: { s: RID, q: 9 } };
  assert.deepEqual(me.hear(ok), { events: [ok], send: [] });
  assert.equal(me.logs.get(RID).q, 4);
});

test("acks name every log that moved, once", () => {
  const me = seated(1);
  me.hear({ t: "ok", s: "me", q: 1, ts: 0, re: "a" });
  me.hear(told(2, "say", { member: "m", name: "M", text: "hi" }));
  assert.equal(me.unacked, 3);
  assert.deepEqual(me.ack(), { t: "ack", pos: { me: 1, [RID]: 2 } });
  assert.equal(me.ack(), null);
});

test("hello names the room's place and its running turn; a ping shows a hole in it", () => {
  const me = seated(1);
  me.hear(at(2, "turn.started", { gen: "g1", cmd: "x", provider: "p", model: "m", source: "llm" }));
  me.hear(at(3, "delta", { gen: "g1", i: [0, 2], text: "abc" }));
  assert.deepEqual(me.hello("k", {}).have[1], { s: RID, epoch: "re", q: 3, gen: "g1", i: 3 });
  const { send } = me.hear({ t: "ping", heads: { me: 0, [RID]: 5 }, ts: 0 });
  assert.deepEqual(send, [{ t: "pong" }, { t: "sync", s: RID, epoch: "re", q: 3 }]);
});

test("a room that the welcome does not list is left; one begun anew waits for its state", () => {
  const me = seated(1);
  me.hear({ ...WELCOME, logs: [...WELCOME.logs, { s: RID, epoch: "f", head: 7, mode: "reset" }] });
  assert.deepEqual(me.hello("k", {}).have[1], { s: RID, epoch: "", q: 0 });
  me.hear(WELCOME);
  assert.equal(me.rooms.size, 0);
  assert.deepEqual(me.hear(snapshot(3)), { events: [], send: [] });
});

/** A model server with one room beside the session's log. */
class RoomServer extends ModelServer {
  constructor(clock) {
    super(clock);
    this.events = [];
    this.member = false;
    this.before = (line, frame) => this.#room(line, frame);
  }

  tell(event) {
    this.events.push(event);
    for (const line of this.lines) if (line.attached) line.say(event);
  }

  #state() {
    const { rid: _, you: __, names: ___, voted: ____, leader: _____, totals: ______, told: _______, ...state } = storyOf(this.events);
    return { ...snapshot(this.events.length), state: { ...state, rid: RID, title: "T", code: "K7P2", you: { member: "m_a", role: "member" } }, gens: state.turns.map(({ gen, text, i, status }) => ({ gen, text, next_i: i, status })) };
  }

  #room(line, frame) {
    const ok = (changed) => ({ t: "ok", s: RID, q: 0, ts: this.clock.now(), re: frame.id, at: { s: RID, q: 1 }, ...(changed ? { changed } : {}) });
    if (frame.t === "room.join") {
      this.effects.push(frame);
      this.member = true;
      line.say({ ...JOINED, re: frame.id });
      line.say(this.#state());
    } else if (frame.t === "room.vote" || frame.t === "room.leave") {
      this.effects.push(frame);
      line.say(ok());
    } else if (frame.t === "sync" && frame.s === RID) for (const event of this.events.slice(frame.q)) line.say(event);
    else if (frame.t === "hello") this.#welcome(line, frame);
    else return false;
    return true;
  }

  #welcome(line, { have }) {
    const mine = have.find(({ s }) => s === RID);
    const head = this.events.length;
    const logs = [{ s: "me", epoch: "e1", head: 0, mode: "live" }];
    const replay = mine?.epoch === "re";
    if (this.member && mine) logs.push({ s: RID, epoch: "re", head, mode: replay ? "replay" : "reset" });
    line.say({ ...WELCOME, sid: this.sid, logs });
    line.attached = true;
    if (!this.member || !mine) return;
    if (replay) for (const event of this.events.slice(mine.q)) line.say(event);
    else line.say(this.#state());
  }
}

test("a room cut at every frame ends as one that was never cut", async () => {
  const events = story();
  for (let cut = 1; cut <= events.length + 4; cut += 1) {
    const clock = new VirtualClock(cut);
    const server = new RoomServer(clock);
    server.fate = (frame, line) => {
      if (server.said === cut) queueMicrotask(() => line.drop());
      return [[0, frame]];
    };
    const session = connect({ url: "ws://model/v1/ws", dial: server.dial, clock, page: null });
    void session.rooms.join("k7p2", { name: "Ana" }).catch(() => assert.fail("refused"));
    for (const event of events) {
      server.tell(event);
      await clock.advance(20);
    }
    await clock.advance(20_000);
    const { you: _, title: __, code: ___, rid: ____, ...seen } = session.rooms.get(RID);
    const { you: _____, title: ______, code: _______, rid: ________, ...whole } = storyOf(events);
    assert.deepEqual(seen, { ...whole, names: seen.names, voted: seen.voted }, `cut at ${cut}`);
    session.close();
  }
});

test("a page that comes back names its room and is given it again; a vote is remembered when it is stored", async () => {
  const kept = new Map();
  const storage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => void kept.set(k, v), removeItem: (k) => void kept.delete(k) };
  const clock = new VirtualClock(3);
  const server = new RoomServer(clock);
  for (const event of story().slice(0, 4)) server.tell(event);
  const options = { url: "ws://model/v1/ws", dial: server.dial, clock, page: null, storage, identity: "here" };
  const first = connect(options);
  void first.rooms.join("K7P2");
  await clock.advance(50);
  void first.rooms.vote(RID, { poll: "p1", choice: "b", confidence: 1 });
  await clock.advance(50);
  assert.deepEqual(first.rooms.get(RID).you.vote, { poll: "p1", round: 1, choice: "b", confidence: 1, predicted: null });
  first.close();
  assert.deepEqual([...kept.keys()], ["here"]);
  const second = connect(options);
  assert.deepEqual([second.rooms.rids, second.rooms.isHere(RID), second.rooms.get(RID).title], [[RID], false, "T"]);
  await clock.advance(50);
  assert.deepEqual([second.rooms.isHere(RID), second.rooms.get(RID).says.length], [true, 1]);
  assert.deepEqual(server.heard.filter(({ t }) => t === "hello").at(-1).have, [{ s: RID, epoch: "", q: 0 }]);
  void second.rooms.leave(RID);
  await clock.advance(50);
  assert.deepEqual([second.rooms.rids, JSON.parse(kept.get("here")).seats], [[], undefined]);
  second.close();
});

test("the server's clock is read from fresh frames", async () => {
  const clock = new VirtualClock(5);
  const server = new RoomServer(clock);
  const session = connect({ url: "ws://model/v1/ws", dial: server.dial, clock, page: null });
  await clock.advance(20);
  server.append({ t: "ok", re: "z", ts: clock.now() - 5000 });
  await clock.advance(20);
  assert.equal(session.rooms.skew_ms, 5001);
  session.close();
});
