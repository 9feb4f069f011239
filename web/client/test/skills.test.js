// Layers, arrows, states and words of the map of skills.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bandInTwenty, dueWords, edgesOf, inTen, layersOf, logits, nextWords, percent, range, recall, reviewList, spokenRange, standings,
} from "../../shared/skills.js";
import { VirtualClock } from "./model.js";

const skill = (id, requires = [], more = {}) => ({ id, title: id.toUpperCase(), mastery: 0.4, requires, ...more });
const ids = (layers) => layers.map((layer) => layer.map(({ id }) => id));
const HOUR = 3_600_000;

test("a skill stands one layer below the lowest of what it needs", () => {
  const skills = [skill("a"), skill("b", ["a"]), skill("c", ["a", "b"]), skill("d"), skill("e", ["d"])];
  assert.deepEqual(ids(layersOf(skills)), [["a", "d"], ["b", "e"], ["c"]]);
  assert.deepEqual(edgesOf(skills), [["a", "b"], ["b", "c"], ["d", "e"]]);
});

test("inside a layer a skill stands near what it needs", () => {
  const skills = [skill("left"), skill("right"), skill("x", ["right"]), skill("y", ["left"])];
  assert.deepEqual(ids(layersOf(skills)), [["left", "right"], ["y", "x"]]);
});

test("unknown prerequisites, itself, no prerequisites told and a circle all draw", () => {
  const odd = [skill("a", ["gone", "a"]), { id: "b", title: "B", mastery: 0.1 }, skill("c", ["d"]), skill("d", ["c"])];
  assert.equal(layersOf(odd).flat().length, 4);
  assert.deepEqual(standings(odd, 0).get("a").needs, []);
  assert.deepEqual(layersOf([]), []);
});

test("on random courses every arrow points down, none is lost, and nothing depends on chance", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const { random } = new VirtualClock(seed * 977);
    const skills = Array.from({ length: 60 }, (_, n) => {
      const above = Array.from({ length: n }, (_, k) => `s${k}`);
      return skill(`s${n}`, above.filter(() => random() < 2 / (n + 1)));
    });
    const layers = layersOf(skills);
    const depth = new Map(layers.flatMap((layer, n) => layer.map(({ id }) => [id, n])));
    assert.equal(depth.size, 60);
    for (const { id, requires } of skills) {
      assert.equal(depth.get(id), Math.max(-1, ...requires.map((need) => depth.get(need))) + 1);
    }
    assert.deepEqual(ids(layersOf(structuredClone(skills))), ids(layers));
    assert.deepEqual(reach(edgesOf(skills), skills), reach(skills.flatMap(({ id, requires }) => requires.map((need) => [need, id])), skills));
  }
});

/** Every pair (before, after), however long the way between. */
function reach(edges, skills) {
  const before = new Map(skills.map(({ id }) => [id, new Set()]));
  for (const { id } of skills) {
    for (const [from, to] of edges) {
      if (to === id) for (const far of [from, ...before.get(from)]) before.get(id).add(far);
    }
  }
  return [...before].map(([id, far]) => [id, [...far].sort()]);
}

test("due before mastered, mastered before locked, locked until what it needs is mastered", () => {
  const done = { mastered: true, mastery: 0.9 };
  const skills = [
    skill("due", [], { ...done, due_at: 10 }), skill("done", [], { ...done, due_at: 1000 }), skill("open", ["due", "done"]),
    skill("locked", ["open"]), skill("far", ["locked"], done),
  ];
  const found = standings(skills, 500);
  assert.deepEqual([...found.values()].map(({ state }) => state), ["due", "mastered", "open", "locked", "mastered"]);
  assert.deepEqual(found.get("locked").missing.map(({ id }) => id), ["open"]);
  assert.deepEqual(found.get("done").leads.map(({ id }) => id), ["open"]);
});

test("facts without `mastered` count a skill as mastered from .95", () => {
  const [low, high] = [{ id: "a", title: "A", mastery: 0.94 }, { id: "b", title: "B", mastery: 0.95 }];
  assert.deepEqual([...standings([low, high], 0).values()].map(({ state }) => state), ["open", "mastered"]);
});

test("figures in words", () => {
  assert.deepEqual([percent(0.615), percent(0), percent(1)], ["62\u00a0%", "0\u00a0%", "100\u00a0%"]);
  assert.deepEqual([range({ low: 0.48, high: 0.74 }), range({})], ["48–74\u00a0%", ""]);
  assert.equal(spokenRange({ low: 0, high: 0.3 }), "likely between 0 and 30\u00a0%");
  assert.deepEqual([0.01, 0.1, 0.71, 0.96].map(inTen), ["hardly ever", "about once in 10", "about 7 times in 10", "nearly every time"]);
  assert.deepEqual([bandInTwenty([0.7, 0.8]), bandInTwenty([0.85, 0.92])], ["14 to 16 in 20", "17 to 18 in 20"]);
  assert.deepEqual([logits(-0.5), logits(-0.001), logits(2, 0)], ["−0.50", "0.00", "2"]);
  assert.equal(nextWords({ wrong: 0, assisted: 1, right: 12, easy: 30 }), "Back in 12 days if right, in 1 day with help, the same day if not");
  assert.equal(nextWords(null), "");
  assert.deepEqual([recall(0.876), recall(null), recall(undefined)], ["chance of recall 88\u00a0%", "", ""]);
});

test("when a skill is due, in words", () => {
  const words = (ms) => dueWords(1e12 + ms, 1e12);
  assert.deepEqual(
    [0, -59_000, -60_000, -20 * 60_000, 3 * HOUR, -30 * HOUR, 5 * 24 * HOUR - 400, -72 * HOUR].map(words),
    ["due now", "due now", "due 1 minute ago", "due 20 minutes ago", "due in 3 hours", "due 30 hours ago", "due in 5 days", "due 3 days ago"],
  );
});

test("the review list: likeliest forgotten, longest overdue first; then what comes soonest", () => {
  const skills = [skill("a", [], { due_at: 90 }), skill("b", [], { due_at: 200 }), skill("c"), skill("d", [], { due_at: 10 }), skill("e", [], { due_at: 150 })];
  const { due, coming } = reviewList(skills, 100);
  assert.deepEqual([ids([due])[0], ids([coming])[0]], [["d", "a"], ["e", "b"]]);
  const [a, , , d] = [{ ...skills[0], retrievability: 0.5 }, ...skills.slice(1)];
  assert.deepEqual(ids([reviewList([d, a], 100).due])[0], ["a", "d"]);
});
