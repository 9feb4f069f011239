// What widgets reckon with: exact numbers, scales, the expression of a plot, order and direction.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerBox } from "../outqueue.js";
import { emptyLesson, fold } from "../lesson.js";
import { given } from "../../shared/verdict.js";
import { directionOf, moved } from "../../shared/widgets/lists.js";
import { at, labelEvery, placeAt, placeOf, ratio, read, scaleOf, shown, text, within } from "../../shared/widgets/numbers.js";
import { curveOf, filled, valuesIn } from "../../shared/widgets/plot.js";

test("numbers are read as people write them, exactly", () => {
  const readings = [["3/4", "3/4"], ["6/8", "3/4"], ["-1 1/2", "-3/2"], ["0.25", "1/4"], ["−2,5", "-5/2"], [".5", "1/2"], ["2.", "2"], ["٣٫٥", "7/2"], ["+7", "7"], [3, "3"]];
  for (const [written, exact] of readings) assert.equal(text(read(written) ?? ratio(99n)), exact, `${written}`);
  for (const none of ["", "-", ".", "1/0", "3/", "x", "1e5", "1/2/3", "9".repeat(41)]) assert.equal(read(none), null, none);
});

test("a third of a step is no step: places of a scale are exact", () => {
  const scale = scaleOf({ low: "-1", high: "1", step: "1/3" });
  assert.equal(scale.count, 6);
  assert.deepEqual([0, 1, 4, 6].map((n) => text(at(scale, n))), ["-1", "-2/3", "1/3", "1"]);
  assert.equal(placeOf(scale, read("0.3")), 4);
  assert.deepEqual([-0.5, 0, 0.49, 2].map((along) => placeAt(scale, along)), [0, 0, 3, 6]);
  assert.equal(shown(at(scale, 1)), "−2/3");
  assert.ok(within(scale, read("1")) && !within(scale, read("1.01")));
});

test("the end of a line that no step meets is not passed", () => {
  const scale = scaleOf({ low: "0", high: "1", step: "3/10" });
  assert.deepEqual([scale.count, text(at(scale, scale.count))], [3, "9/10"]);
});

test("a scale that is none is refused with what came", () => {
  for (const spec of [{ low: "1", high: "1", step: "1" }, { low: "0", high: "1", step: "0" }, { low: "a", high: "1", step: "1" }]) {
    assert.throws(() => scaleOf(spec), /expected numbers low < high and step > 0, came/);
  }
});

test("labels stand at whole numbers where they must be few", () => {
  const quarters = scaleOf({ low: "-1", high: "2", step: "1/4" });
  assert.deepEqual([12, 6, 3, 1].map((most) => labelEvery(quarters, most)), [1, 2, 4, 20]);
  const whole = scaleOf({ low: "0", high: "100", step: "1" });
  assert.deepEqual([100, 25, 12, 6].map((most) => labelEvery(whole, most)), [1, 5, 10, 20]);
});

test("a curve is reckoned as mathematics has it", () => {
  const values = { x: 3, m: 2, b: -1 };
  const curves = [["m*x + b", 5], ["-x^2", -9], ["2^3^2", 512], ["mx + b", 5], ["2x/3", 2], ["(m + 1)(x - 1)", 6], ["sqrt(x + 1)", 2], ["abs(b) - x", -2], ["x**-1", 1 / 3], ["-(-x)", 3], ["2pi", 2 * Math.PI], ["m - x - b", 0], ["12/m/x", 2]];
  for (const [plot, value] of curves) assert.ok(Math.abs(curveOf(plot, ["x", "m", "b"])(values) - value) < 1e-12, plot);
});

test("a plot that is no expression is refused where it goes wrong", () => {
  for (const [plot, words] of [["m*", /came its end/], ["q + 1", /came q at sign 1/], ["(x", /came its end/], ["x $", /"\s?\$" at sign/], ["sqrt x", /came x at sign 6/], ["x)", /came \) at sign 2/], ["(".repeat(50) + "x", /at most 40 brackets/]]) {
    assert.throws(() => curveOf(plot, ["x", "m"]), words, plot);
  }
});

test("values are put into a plot in brackets and read back", () => {
  const [plot, names] = ["m*x^2 + b - sqrt(m)", ["x", "m", "b"]];
  const answer = filled(plot, { m: "(1/2)", b: "(-1)" }, names);
  assert.equal(answer, "(1/2)*x^2 + (-1) - sqrt((1/2))");
  assert.deepEqual(valuesIn(plot, answer, ["m", "b"], names), { m: "1/2", b: "-1" });
  assert.equal(valuesIn(plot, "something else", ["m", "b"], names), null);
  assert.equal(filled("mx + b", { m: "(2)", b: "(3)" }, names), "(2)x + (3)");
});

test("the lines of a matrix are its rows; what has brackets is left as it was typed", () => {
  const typed = [["1 0\n0 -1", "[[1, 0], [0, -1]]"], ["1, 0\n\n0, 1 ", "[[1, 0], [0, 1]]"], ["x + 1 2", "[[x + 1 2]]"], ["1,5; 2\n0; 1", "[[1,5; 2], [0; 1]]"], [" [1, 2; 3, 4]", "[1, 2; 3, 4]"], ["\\begin{bmatrix}1\\end{bmatrix}", "\\begin{bmatrix}1\\end{bmatrix}"], [" ", ""]];
  for (const [text, sent] of typed) assert.equal(given(text, "matrix"), sent);
  assert.equal(given(" 1 2 ", "number"), "1 2");
  assert.deepEqual(given(["a"], "order"), ["a"]);
});

test("an entry is moved, and none is lost", () => {
  assert.deepEqual(moved(["a", "b", "c"], 0, 2), ["b", "c", "a"]);
  assert.deepEqual(moved(["a", "b", "c"], 2, -4), ["c", "a", "b"]);
  assert.deepEqual(moved(["a"], 3, 0), ["a"]);
});

test("words give their list a direction, formulas do not", () => {
  assert.equal(directionOf(["$x$", "أولا"]), "rtl");
  assert.equal(directionOf(["12", "first أولا"]), "ltr");
  assert.equal(directionOf(["$\\frac{a}{b}$", "`code`", "42"]), undefined);
});

test("a reading belongs to what was asked, however late it comes", async () => {
  let now = 0;
  const clock = { now: () => now, random: () => 0, setTimeout: () => 0, clearTimeout: () => {} };
  const sent = [];
  const box = new AnswerBox(clock, (frames) => sent.push(...frames) > 0, () => "i");
  const first = box.preview("i", "1");
  now = 200;
  const second = box.preview("i", "12");
  now = 400;
  const small = box.preview("i", "7", "hint.2");
  assert.equal(await first, null);
  assert.deepEqual(sent.map(({ response, at }) => [response, at]), [["1", undefined], ["12", undefined], ["7", "hint.2"]]);
  box.heard({ t: "preview", item: "i", read_as: "1" });
  box.heard({ t: "preview", item: "i", at: "hint.2", read_as: "7" });
  assert.equal(await second, null);
  assert.equal((await small)?.read_as, "7");
  assert.equal(box.heard({ t: "preview", item: "i", read_as: "?" }), null);
});

const item = { t: "item", item: "i", skills: [], hints: 3 };
const scaffold = { ask: "Half of 4?", at: "hint.1", kind: "number" };
const verdict = (more) => ({ t: "feedback", item: "i", at: "hint.1", verdict: "incorrect", message: "No", attempt: 1, skills: [], ...more });

test("a small question has its own tries, hints and verdict; the exercise's stay", () => {
  const told = [item, { t: "hint", item: "i", level: 1, of: 3, text: "Half of 4?", scaffold }, verdict(), { t: "hint", item: "i", at: "hint.1", level: 1, of: 1, text: "2 and 2" }, verdict({ verdict: "correct", message: "Back", attempt: 2 })];
  const lesson = told.reduce(fold, emptyLesson());
  assert.deepEqual(lesson.hints, [{ level: 1, of: 3, text: "Half of 4?", scaffold }]);
  assert.deepEqual(lesson.subs, { "hint.1": { attempts: 2, hints: ["2 and 2"], verdict: "correct", message: "Back", response: null, over: true } });
  assert.deepEqual([lesson.attempts, lesson.last_feedback], [0, null]);
  assert.deepEqual(fold(lesson, { ...item, item: "j" }).subs, {});
});

test("a blank is over once its step is shown, by an answer or without one", () => {
  const ask = { at: "step.2", kind: "number" };
  const blank = fold(fold(emptyLesson(), item), { t: "steps", item: "i", steps: [{ show: "a", why: "w" }, { why: "v", ask }] });
  assert.deepEqual(blank.steps, [{ show: "a", why: "w" }, { show: "", why: "v", ask }]);
  assert.deepEqual(blank.subs, {});
  const shownAll = fold(blank, { t: "steps", item: "i", steps: [{ show: "a", why: "w" }, { show: "b", why: "v", ask }] });
  assert.equal(shownAll.subs["step.2"].over, true);
  assert.equal(shownAll.subs["step.2"].verdict, null);
});
