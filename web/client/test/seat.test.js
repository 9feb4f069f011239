// A seat in a room: what is told aloud and when, what becomes of a refused message.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { emptyRoom } from "../room.js";
import { Refusal } from "../wire.js";
import { roomRefusal, Seat } from "../../shared/seat.js";
import { settle } from "./model.js";

const RID = "r_1";

/** A session whose room and refusals the test sets; virtual time. */
function seated(t, { refuses = null } = {}) {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const said = [];
  const asked = [];
  let hear = () => {};
  const room = { ...emptyRoom(RID), you: { member: "m_me", role: "member", vote: null } };
  const answer = (...args) => {
    asked.push(args);
    return refuses ? Promise.reject(refuses) : Promise.resolve({});
  };
  const session = {
    on: (_, fn) => { hear = fn; return () => {}; },
    rooms: { get: () => session.room, skew_ms: 500, say: answer, vote: answer, ask: answer, thank: answer, hint: (...args) => asked.push(args) },
    room,
  };
  const seat = new Seat(session, RID, () => {}, (words) => said.push(words));
  t.after(() => seat.close());
  const event = (kind, data) => hear({ t: "room.event", s: RID, kind, data });
  const poll = (more) => {
    const base = { poll: "p1", phase: "voting", round: 1, prompt: "?", choices: [], closes_at: null, predict: false, n: 0, reveal: null };
    session.room = { ...session.room, poll: { ...base, ...more } };
    event("poll", session.room.poll);
  };
  const type = (from, v) => hear({ t: "eph", s: RID, k: "typing", v, from });
  return { seat, session, said, asked, event, poll, type };
}

/** Second by second, as a clock does: a long tick would be one moment. @param {number} n */
function seconds(n) {
  for (let k = 0; k < n; k += 1) mock.timers.tick(1_000);
}

test("a countdown is told twice, and not to who has voted", (t) => {
  const { seat, session, said, poll } = seated(t);
  poll({ closes_at: 1_000_000 - 500 + 60_000 });
  assert.equal(seat.left_ms, 60_000);
  seconds(61);
  assert.deepEqual(said, ["A vote is open, 60 seconds", "30 seconds left to vote", "10 seconds left to vote"]);
  assert.equal(seat.left_ms, 0);
  said.length = 0;
  poll({ poll: "p2", closes_at: Date.now() - 500 + 31_000 });
  session.room = { ...session.room, you: { ...session.room.you, vote: { poll: "p2", round: 1, choice: "a", confidence: null, predicted: null } } };
  seconds(32);
  assert.deepEqual(said, ["A vote is open, 31 seconds"]);
});

test("messages of others are told at most every three seconds, the own not at all", (t) => {
  const { said, event } = seated(t);
  const say = (member, name) => event("say", { member, name, text: "x" });
  say("m_b", "Bo");
  mock.timers.tick(1);
  for (let n = 0; n < 5; n += 1) say("m_c", "Cem");
  say("m_me", "Ana");
  mock.timers.tick(2_000);
  assert.deepEqual(said, ["Message from Bo"]);
  mock.timers.tick(1_000);
  assert.deepEqual(said, ["Message from Bo", "5 new messages"]);
});

test("who types is believed for four seconds; a message ends it", (t) => {
  const { seat, session, event, type } = seated(t);
  session.room = { ...session.room, names: { m_b: "Bo", m_c: "Cem" } };
  type("m_b", true);
  type("m_c", true);
  event("say", { member: "m_c", name: "Cem", text: "x" });
  assert.deepEqual(seat.typists, ["Bo"]);
  mock.timers.tick(5_000);
  assert.deepEqual([seat.typists, seat.typing.size], [[], 0]);
});

test("typing is told every two seconds while it lasts, and its end at once", (t) => {
  const { seat, asked } = seated(t);
  seat.type("a");
  seat.type("ab");
  mock.timers.tick(2_100);
  seat.type("abc");
  void seat.send();
  const told = asked.filter(([, k]) => k === "typing").map(([, , v]) => v);
  assert.deepEqual(told, [true, true, false]);
});

test("a refused message is still to be said, and the reason is shown where it stood", async (t) => {
  const { seat } = seated(t, { refuses: new Refusal(107, "busy", "turn g1 is running") });
  seat.type("hello");
  void seat.ask();
  assert.equal(seat.words, "");
  await settle();
  await settle();
  assert.equal(seat.words, "hello");
  assert.equal(seat.refusedAt("talk"), "The tutor is still writing. Ask again when it is done.");
  assert.equal(seat.refusedAt("poll"), "");
});

test("a vote without a choice is not sent; one that was given is not sent twice", async (t) => {
  const { seat, session, asked, poll } = seated(t);
  poll({});
  await seat.vote();
  assert.deepEqual([asked.length, seat.refusedAt("poll")], [0, "Choose an answer first."]);
  seat.fill({ choice: "b", confidence: 0.6 });
  await seat.vote();
  assert.deepEqual(asked, [[RID, { poll: "p1", choice: "b", confidence: 0.6 }]]);
  session.room = { ...session.room, you: { ...session.room.you, vote: { poll: "p1", round: 1, choice: "b", confidence: 0.6, predicted: null } } };
  assert.equal(seat.isVoted, true);
  await seat.vote();
  assert.equal(asked.length, 1);
  seat.fill({ confidence: 1 });
  assert.equal(seat.isVoted, false);
});

test("refusals in words, by where they are shown", () => {
  const words = (code, place, more = {}) => roomRefusal(new Refusal(code, "", "as it came", more), place);
  assert.match(words(106, "door"), /No room has this code/);
  assert.match(words(106, "lead"), /This address leads to no room/);
  assert.match(words(104, "lead"), /its token is not valid for it/);
  assert.equal(words(106, "people"), "as it came");
  assert.match(words(129, "door", { retry_ms: 900_000 }), /in 15 minutes/);
  assert.match(words(116, "poll"), /too late/);
  assert.equal(words(107, "poll"), "as it came");
});
