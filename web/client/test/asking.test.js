// Asking the tutor, stopping it, and the words for what becomes of a question.

import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Etc/GMT-1"; // one hour before Greenwich, all the year

const { Asking, leftWords } = await import("../../learner/asking.js");
const { endOf, voiceOf } = await import("../../shared/turn.js");
const { Refusal } = await import("../wire.js");
const { settle } = await import("./model.js");

/** A session whose commands the test answers. */
function talking({ item = "i1" } = {}) {
  const heard = new Map();
  const session = {
    lesson: { turns: [] }, asked: [], cancelled: [],
    on: (type, fn) => heard.set(type, fn),
    ask(input, more) {
      let answer;
      const reply = new Promise((resolve, reject) => { answer = { resolve, reject }; });
      session.asked.push({ input, more, ...answer });
      return Object.assign(reply, { id: `c${session.asked.length}` });
    },
    cancel(turn) {
      return new Promise((resolve, reject) => session.cancelled.push({ turn, resolve, reject }));
    },
  };
  const said = [];
  const talk = new Asking(session, () => item, () => {}, (words) => said.push(words));
  const hear = (event) => heard.get(event.t)(event);
  return { session, said, talk, hear };
}

const turn = (more = {}) => ({ gen: "g1", cmd: "c1", status: "running", text: "", restarts: 0, ...more });

test("a question is about the open item and takes the place of the running one", async () => {
  const { session, talk } = talking();
  talk.question = " why? ";
  const done = talk.ask(talk.question);
  assert.deepEqual([talk.waiting, talk.question], [{ text: "why?", id: "c1" }, ""]);
  assert.deepEqual(session.asked[0].more, { item: "i1", on_busy: "replace" });
  session.asked[0].resolve({});
  await done;
  assert.equal(talk.waiting, null);
  await talk.ask("  ");
  assert.equal(session.asked.length, 1);
  const { session: other, talk: solved } = talking({ item: null });
  void solved.ask({ action: "next_step" });
  assert.deepEqual([other.asked[0].input, other.asked[0].more], [{ action: "next_step" }, { on_busy: "replace" }]);
});

test("a refused question comes back into an empty box, with its reason in words", async () => {
  const reasons = [
    [new Refusal(120, "budget_spent", "spent"), /^The tutor's budget is spent\. Exercises, hints/],
    [new Refusal(107, "busy", "turn g1 is running"), /^The tutor is still writing\./],
    [new Refusal(129, "rate_limited", "", { retry_ms: 12_001 }), /Ask again in 13 seconds\.$/],
    [new Refusal(129, "rate_limited", "", { retry_ms: 400 }), /Ask again in 1 second\.$/],
    [new Refusal(150, "overloaded", ""), /many learners\. Ask again in a moment\.$/],
    [new Refusal(109, "too_large", "expected at most 2048 bytes"), /^That is too long for one question\./],
    [new Error(""), /^That did not work\.$/],
  ];
  for (const [refusal, words] of reasons) {
    const { session, talk } = talking();
    talk.question = "why?";
    const done = talk.ask(talk.question);
    session.asked[0].reject(refusal);
    await done;
    assert.match(talk.refusal, words);
    assert.equal(talk.refuses, refusal.code === 120);
    assert.deepEqual([talk.question, talk.waiting], ["why?", null]);
    void talk.ask("again");
    assert.equal(talk.refusal, "");
  }
  const { session, talk } = talking();
  const done = talk.ask("why?");
  talk.question = "typed since";
  session.asked[0].reject(new Refusal(107, "busy", ""));
  await done;
  assert.equal(talk.question, "typed since");
});

test("what is asked is stopped before what is being said, and either only once", async () => {
  const { session, talk } = talking();
  void talk.stop();
  assert.equal(session.cancelled.length, 0);
  session.lesson.turns = [turn({ cmd: "old" })];
  void talk.ask("newer");
  void talk.stop();
  void talk.stop();
  assert.deepEqual(session.cancelled.map((one) => one.turn), [{ cmd: "c1" }]);
  session.cancelled[0].resolve({}); // known to the server, which has not begun the turn
  await settle();
  void talk.stop();
  assert.deepEqual([talk.stopping, session.cancelled.length], [true, 1]);
  session.asked[0].resolve({});
  await settle();
  assert.equal(talk.stopping, false);
  void talk.stop();
  assert.deepEqual(session.cancelled[1].turn, { cmd: "old" });
  session.cancelled[1].reject(new Refusal(108, "gone", "generation g1 ended"));
  await settle();
  assert.deepEqual([talk.stopping, talk.refusal], [true, ""]);
  session.lesson.turns = [turn({ cmd: "next" })];
  void talk.stop();
  session.cancelled[2].reject(new Refusal(104, "forbidden", "not yours"));
  await settle();
  assert.deepEqual([talk.stopping, talk.refusal], [false, "not yours"]);
});

test("two announcements a turn, a third for what is begun again", () => {
  const { session, said, talk, hear } = talking();
  session.lesson.turns = [turn()];
  hear({ t: "turn.started", gen: "g1" });
  hear({ t: "turn.restarted", gen: "g1" }); // nothing had been shown
  session.lesson.turns = [turn({ restarts: 1 })];
  hear({ t: "turn.restarted", gen: "g1" });
  session.lesson.turns = [turn({ restarts: 2 })];
  hear({ t: "turn.restarted", gen: "g1" });
  hear({ t: "turn.done", gen: "g1", status: "completed" });
  assert.deepEqual(said, ["Tutor is writing", "The tutor begins this answer again", "Answer complete"]);
  session.lesson.turns = [turn({ gen: "g2" })];
  hear({ t: "signal", kind: "frustration" });
  assert.equal(talk.alarmed.size, 0);
  hear({ t: "signal", kind: "safety" });
  hear({ t: "turn.done", gen: "g2", status: "completed" });
  assert.deepEqual([[...talk.alarmed], said.length], [["g2"], 3]);
  hear({ t: "turn.done", gen: "g2", status: "lost" });
  assert.equal(said.at(-1), "Answer interrupted");
});

test("every end has its words; a complete one needs none", () => {
  const ends = [
    ["completed", null, ""], ["running", null, ""],
    ["cancelled", "learner", "stopped by you"], ["cancelled", null, "stopped by you"],
    ["cancelled", "abandoned", "interrupted"], ["cancelled", "drained", "interrupted"],
    ["superseded", "replaced", "stopped for your newer question"],
    ["incomplete", "deadline", "interrupted"], ["failed", "internal", "interrupted"], ["lost", "owner_lost", "interrupted"],
  ];
  for (const [status, reason, words] of ends) assert.equal(endOf({ status, reason }), words, status);
});

test("a model is named with its provider and is an AI; the built-in tutor is none", () => {
  const voice = (source, provider, model) => voiceOf({ source, provider, model });
  assert.deepEqual(voice("builtin", "builtin", "builtin/1"), { ai: false, caution: false, words: "built-in tutor" });
  assert.deepEqual(voice("llm", "groq", "llama-4"), { ai: true, caution: false, words: "llama-4 by groq" });
  assert.deepEqual(voice("llm", "groq", ""), { ai: true, caution: false, words: "groq" });
  const demo = "SmolLM2-135M-Instruct (demonstration, makes mistakes)";
  assert.deepEqual(voice("llm", "local", demo), { ai: true, caution: true, words: `${demo} on this machine` });
});

test("the scarcest budget speaks; a period that is over says nothing of the next", () => {
  const at_ms = Date.UTC(2026, 2, 2, 22, 30);
  const day_ms = 90 * 60_000;
  const limit = (name, most, left, reset_ms = day_ms) => ({ name: `tutor.${name}`, limit: most, left, reset_ms });
  const words = (...limits) => leftWords({ limits, at_ms }, at_ms);
  assert.equal(leftWords(null, at_ms), "");
  assert.equal(words(), "");
  assert.equal(words(limit("turns.min", 10, 0)), "");
  assert.equal(words(limit("learner.day", 1000, 1000)), "Tutor with a model today: 100 % left");
  assert.equal(words(limit("learner.day", 1000, 829), limit("tenant.day", 10, 9)), "Tutor with a model today: 82 % left");
  assert.equal(words(limit("learner.day", 100, 29)), "Tutor with a model today: 29 % left");
  assert.equal(words(limit("tenant.usd.day", 5_000_000, 1)), "Tutor with a model today: 1 % left");
  assert.equal(words(limit("learner.day", 10, 9), limit("tenant.month", 10, 5)), "Tutor with a model this month: 50 % left");
  assert.equal(words(limit("learner.day", 10, 0), limit("tenant.day", 10, 0, 1000)), "The built-in tutor answers until 01:00");
  const month_ms = 29 * 86_400_000 + day_ms;
  assert.equal(words(limit("learner.day", 10, 0), limit("tenant.usd.month", 10, 0, month_ms)), "The built-in tutor answers until 1 April at 01:00");
  assert.equal(words(limit("learner.day", 0, 0)), "The built-in tutor answers here");
  assert.equal(leftWords({ limits: [limit("learner.day", 0, 0)], at_ms }, at_ms, true), "", "nobody answers");
  const refused = { limits: [limit("learner.day", 10, 0)], at_ms };
  assert.equal(leftWords(refused, at_ms, true), "The tutor answers again from 01:00");
  const spent = { limits: [limit("learner.day", 10, 0), limit("tenant.month", 10, 7, month_ms)], at_ms };
  assert.equal(leftWords(spent, at_ms + day_ms), "Tutor with a model this month: 70 % left");
});
