// The live difficulty's line as shapes and as a sentence.

import assert from "node:assert/strict";
import { test } from "node:test";

import { drawn, inWords, skillsOf } from "../../shared/line.js";
import { VirtualClock } from "./model.js";

const FRAME = { width: 400, height: 240, left: 40, right: 10, top: 20, bottom: 30 };
const point = (more = {}) => ({ theta: 0, sd: 0.5, items: [-1.4, -0.8], b: -1, right: true, skill: "a", ...more });
const numbers = (path) => path.match(/-?[\d.]+/g).map(Number);

test("harder is higher, the newest answer is at the right", () => {
  const { dots } = drawn([point({ b: -1 }), point({ b: 1, right: false }), point({ b: 0 })], FRAME);
  assert.equal(dots[1].y < dots[2].y && dots[2].y < dots[0].y, true);
  assert.equal(dots[0].x < dots[1].x && dots[1].x < dots[2].x, true);
  assert.deepEqual(dots.map(({ right }) => right), [true, false, true]);
});

test("nothing is joined across two skills; a single answer has its band", () => {
  const { runs, joins } = drawn([point(), point(), point({ skill: "b", theta: 1 }), point()], FRAME);
  assert.deepEqual(runs.map(({ skill, from, to }) => [skill, from, to]), [["a", 0, 1], ["b", 2, 2], ["a", 3, 3]]);
  assert.equal(runs[0].x2, runs[1].x1);
  assert.equal(joins.match(/M/g).length, 2);
  const [x1, , x2] = numbers(runs[1].theta.replace(/L.*L/, "L"));
  assert.deepEqual([x1, x2], [runs[1].x1, runs[1].x2]);
  assert.match(runs[1].ability, /^M.*Z$/);
});

test("the bands are theta's sd and the items aimed at, on the ticks' scale", () => {
  const { runs, ticks, y } = drawn([point({ theta: 0.5, sd: 0.25, items: [-1, -0.5] })], FRAME);
  const ys = (path) => [...new Set(numbers(path).filter((_, n) => n % 2))].sort((a, b) => a - b);
  assert.deepEqual(ys(runs[0].ability), [y(0.75), y(0.25)]);
  assert.deepEqual(ys(runs[0].aimed), [y(-0.5), y(-1)]);
  for (const { y: at, label } of ticks) assert.equal(at, y(Number(label.replace("−", "-"))));
  assert.equal(ticks.length >= 2 && ticks.length <= 7, true);
});

test("a point without aimed items draws the rest", () => {
  const { runs, dots } = drawn([point(), point({ items: null })], FRAME);
  assert.deepEqual([runs[0].aimed, runs[0].edges, dots.length], ["", "", 2]);
  assert.notEqual(runs[0].ability, "");
});

test("whatever the figures, everything stays inside the frame", () => {
  for (let seed = 1; seed <= 80; seed += 1) {
    const { random } = new VirtualClock(seed * 31);
    const wide = 10 ** (random() * 3 - 1);
    const points = Array.from({ length: 1 + Math.floor(random() * 40) }, () => {
      const theta = (random() - 0.5) * wide;
      return point({ theta, sd: random() * wide, items: [theta - wide, theta - wide / 2], b: (random() - 0.5) * wide, skill: random() < 0.5 ? "a" : "b" });
    });
    const { runs, dots, ticks } = drawn(points, FRAME);
    for (const { x, y } of dots) {
      assert.equal(x > FRAME.left && x < FRAME.width - FRAME.right, true);
      assert.equal(y >= FRAME.top && y <= FRAME.height - FRAME.bottom, true);
    }
    for (const n of runs.flatMap(({ ability, aimed, theta }) => numbers(ability + aimed + theta))) {
      assert.equal(n >= FRAME.top && n <= FRAME.width - FRAME.right + 0.11, true, `${n}, seed ${seed}`);
    }
    for (const { y } of ticks) assert.equal(y >= FRAME.top - 0.1 && y <= FRAME.height - FRAME.bottom + 0.1, true);
  }
});

test("no answer draws nothing and says so", () => {
  const { runs, dots, joins } = drawn([], FRAME);
  assert.deepEqual([runs, dots, joins], [[], [], ""]);
  assert.match(inWords([], String), /^No scored answer yet/);
});

test("the sentence says what the drawing shows", () => {
  const line = [point(), point({ right: false, theta: -0.25, skill: "b", items: [-1.5, -0.9] })];
  assert.equal(
    inWords(line, (id) => `skill ${id}`),
    "The last 2 scored answers: 1 right. Your level on skill b is −0.25, give or take 0.50. Exercises from −1.50 to −0.90 fit there now.",
  );
  assert.equal(inWords([point({ skill: null, items: null })], String), "1 scored answer: 1 right. Your level is 0.00, give or take 0.50.");
  assert.deepEqual(skillsOf([...line, point(), point({ skill: null })]), ["a", "b"]);
});
