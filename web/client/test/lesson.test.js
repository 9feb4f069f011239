// What single events do to a lesson: masteries with intervals, the line, the review list.

import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyLesson, fold, lessonOf } from "../lesson.js";

const A = { id: "a", title: "A", mastery: 0.5, low: 0.3, high: 0.7, mastered: false, requires: [] };
const B = { id: "b", title: "B", mastery: 0.2, low: 0.1, high: 0.4, mastered: false, requires: ["a"] };
const begun = (skills = [A, B]) => ({ ...emptyLesson(), skills });
const feedback = (skills) => ({ t: "feedback", item: "i", verdict: "correct", skills });
const live = (more = {}) => ({ t: "difficulty", theta: 0.4, sd: 0.3, target: [0.7, 0.8], step: 0.1, reason: "r", ...more });
const POINT = { theta: 0.4, sd: 0.3, items: [-1, -0.4], b: -0.6, right: true, skill: "a" };

test("a move carries its interval; what the wire leaves out holds its default", () => {
  const moves = [{ id: "a", before: 0.5, after: 0.9, low: 0.8, mastered: true }, { id: "b", before: 0.2, after: 0.1, high: 0.3 }];
  const { skills } = fold(begun(), feedback(moves));
  assert.deepEqual(skills, [
    { ...A, mastery: 0.9, low: 0.8, high: 1, mastered: true },
    { ...B, mastery: 0.1, low: 0, high: 0.3, mastered: false },
  ]);
});

test("a skill that is mastered no longer says so, though the wire leaves the word out", () => {
  const { skills } = fold(begun([{ ...A, mastered: true }]), feedback([{ id: "a", before: 0.96, after: 0.8, low: 0.6, high: 0.9 }]));
  assert.equal(skills[0].mastered, false);
});

test("a move that says when its skill is due again takes it from the review list", () => {
  const listed = { ...A, due_at: 50, retrievability: 0.7, reason: "why" };
  const { skills } = fold(begun([listed]), feedback([{ id: "a", before: 0.5, after: 0.6, low: 0.4, high: 0.8, due_at: 900 }]));
  assert.deepEqual(skills, [{ ...A, mastery: 0.6, low: 0.4, high: 0.8, due_at: 900 }]);
});

test("the verdict on a vote in a room moves the skills and leaves the open item as it is", () => {
  const before = { ...begun(), item: { item: "i" }, attempts: 2 };
  const vote = { ...feedback([{ id: "a", before: 0.5, after: 0.6 }]), re: "r_abc-_9:k3_Z:17", attempt: 1 };
  const after = fold(before, vote);
  assert.deepEqual([after.skills[0].mastery, after.attempts, after.last_feedback], [0.6, 2, null]);
  assert.equal(fold(after, { ...vote, re: "c1" }).attempts, 1);
});

test("a server that tells no intervals gets none invented", () => {
  const { skills } = fold(begun([{ id: "a", title: "A", mastery: 0.5 }]), feedback([{ id: "a", before: 0.5, after: 0.6 }]));
  assert.deepEqual(skills, [{ id: "a", title: "A", mastery: 0.6 }]);
});

test("an answered item's difficulty is one more point, 40 are kept, the newest last", () => {
  let lesson = begun();
  for (let n = 0; n < 45; n += 1) lesson = fold(lesson, live({ ...POINT, b: n }));
  assert.equal(lesson.line.length, 40);
  assert.deepEqual(lesson.line.at(0), { ...POINT, b: 5 });
  assert.deepEqual(lesson.line.at(-1), { ...POINT, b: 44 });
});

test("without an item's difficulty the level moves and the line does not", () => {
  const lesson = fold({ ...begun(), line: [POINT] }, live({ theta: 1 }));
  assert.deepEqual([lesson.theta, lesson.line], [1, [POINT]]);
  assert.equal(fold(begun(), live({ b: null })).line.length, 0);
});

test("a difficulty of zero and a wrong answer are a point like any other", () => {
  assert.deepEqual(fold(begun(), live({ ...POINT, b: 0, right: false })).line, [{ ...POINT, b: 0, right: false }]);
});

test("a new lesson tells the line anew; a snapshot without one has none", () => {
  const lesson = fold({ ...begun(), line: [POINT] }, { t: "ok", changed: { skills: [A], line: [], target: null } });
  assert.deepEqual([lesson.line, lesson.skills], [[], [A]]);
  assert.deepEqual(lessonOf({ skills: [A] }, []).line, []);
});

test("the review list says what is due; what was due and is gone from it was reviewed", () => {
  const [was, later] = [{ ...A, due_at: 50, retrievability: 0.7 }, { ...B, due_at: 900, retrievability: 0.9 }];
  const review = (due) => ({ t: "review", ts: 100, due });
  assert.deepEqual(fold(begun([was, later]), review([])).skills, [A, later]);
  const more = { retrievability: 0.6, reason: "why", next_interval: { wrong: 0, assisted: 2, right: 9, easy: 20 } };
  const told = fold(begun([A, later]), review([{ skill: "a", at: 80, ...more }, { skill: "gone", at: 1, retrievability: 0 }]));
  assert.deepEqual(told.skills, [{ ...A, due_at: 80, ...more }, later]);
  assert.deepEqual(fold(told, review([])).skills, [A, later]);
});

const asking = (gen) => ({ t: "turn.started", gen, cmd: gen, provider: "p", model: "m", source: "llm", input: "why" });
const anew = { t: "turn.restarted", gen: "g1", from_i: 0, provider: "builtin", model: "b", reason: "first_token" };

test("a restart is one that is told only where something had been shown", () => {
  const [turn] = [asking("g1"), anew].reduce(fold, emptyLesson()).turns;
  assert.deepEqual([turn.restarts, turn.source, turn.model, turn.i], [0, "builtin", "b", 0]);
  const shown = [asking("g1"), { t: "delta", gen: "g1", i: [0, 1], text: "a" }, { ...anew, from_i: 2 }].reduce(fold, emptyLesson()).turns[0];
  assert.deepEqual([shown.restarts, shown.text, shown.i], [1, "", 2]);
});

test("words of distress mark the turn that answers them, also in a snapshot; no other signal does", () => {
  const signal = { t: "signal", kind: "safety", level: 2, reasons: ["what you wrote"] };
  const { turns } = [asking("g1"), asking("g2"), signal, { ...signal, kind: "break" }].reduce(fold, emptyLesson());
  assert.deepEqual(turns.map(({ safety }) => safety), [false, true]);
  assert.equal(fold(emptyLesson(), signal).turns.length, 0);
  const told = lessonOf({ turns: [{ gen: "g1" }, { gen: "g2", safety: true }] }, []);
  assert.deepEqual(told.turns.map(({ safety }) => safety), [false, true]);
});
