// The live difficulty as a drawing: from the points of a lesson to shapes in pixels, and to a
// sentence. This file is pure and draws nothing itself.

import { logits } from "./skills.js";

/** @typedef {import("../client/lesson.js").Point} Point */
/** @typedef {{width: number, height: number, left: number, right: number, top: number, bottom: number}} Frame */
/**
 * Answers in a row on one skill: ability belongs to a skill, so nothing is joined across two.
 * `ability` and `aimed` are closed outlines, `theta` and the two `edges` of `aimed` open lines.
 * @typedef {{skill: string|null, from: number, to: number, x1: number, x2: number,
 *   ability: string, aimed: string, edges: string, theta: string}} Run
 */
/** @typedef {{n: number, x: number, y: number, right: boolean|null, point: Point}} Dot */
/**
 * @typedef {object} Drawing
 * @property {Run[]} runs
 * @property {string} joins the line between runs, to be drawn fainter
 * @property {Dot[]} dots
 * @property {{y: number, label: string}[]} ticks
 * @property {(value: number) => number} y
 */

/** A short line keeps its dots where they are while it grows. */
const FEWEST_SLOTS = 10;
const STEPS = [0.25, 0.5, 1, 2, 5];
const MOST_TICKS = 6;
const LEAST_SPAN = 2;

/**
 * @param {Point[]} points
 * @param {Frame} frame
 * @returns {Drawing}
 */
export function drawn(points, frame) {
  const { low, high } = span(points);
  const inner = frame.height - frame.top - frame.bottom;
  const y = (/** @type {number} */ value) => round(frame.top + (inner * (high - value)) / (high - low));
  const slots = Math.max(points.length, FEWEST_SLOTS);
  const step = (frame.width - frame.left - frame.right) / slots;
  const x = (/** @type {number} */ n) => round(frame.left + step * (n + 0.5));
  const runs = runsOf(points).map(([from, to]) => run(points, from, to, x, y, step));
  const joins = runs.slice(1).map(({ from, x1 }) => {
    const [a, b] = [points[from - 1], points[from]];
    return a && b ? `M${x1} ${y(a.theta)}V${y(b.theta)}` : "";
  });
  return {
    runs,
    joins: joins.join(""),
    dots: points.map((point, n) => ({ n, x: x(n), y: y(point.b), right: point.right, point })),
    ticks: ticksOf(low, high).map((value) => ({ y: y(value), label: logits(value, tickDigits(low, high)) })),
    y,
  };
}

/**
 * @param {Point[]} points
 * @param {number} from
 * @param {number} to
 * @param {(n: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} step
 * @returns {Run}
 */
function run(points, from, to, x, y, step) {
  const part = points.slice(from, to + 1);
  const items = part.flatMap((point) => point.items ? [point.items] : []);
  const whole = items.length === part.length;
  const [x1, x2] = [round(x(from) - step / 2), round(x(to) + step / 2)];
  const xs = part.map((_, n) => x(from + n));
  return {
    skill: part[0]?.skill ?? null,
    from, to, x1, x2,
    ability: outline(xs, part.map(({ theta, sd }) => [y(theta - sd), y(theta + sd)]), x1, x2),
    aimed: whole ? outline(xs, items.map(([low, high]) => [y(low), y(high)]), x1, x2) : "",
    edges: whole ? [0, 1].map((end) => level(xs, items.map((item) => y(item[end] ?? 0)), x1, x2)).join("") : "",
    theta: level(xs, part.map(({ theta }) => y(theta)), x1, x2),
  };
}

/**
 * A band that reaches half a step beyond its ends, so that one answer alone has one as well.
 * @param {number[]} xs
 * @param {[number, number][]} bounds
 * @param {number} x1
 * @param {number} x2
 */
function outline(xs, bounds, x1, x2) {
  const at = [x1, ...xs, x2];
  const all = [...bounds.slice(0, 1), ...bounds, ...bounds.slice(-1)];
  const lower = all.map(([low], n) => `${at[n]} ${low}`);
  const upper = all.map(([, high], n) => `${at[n]} ${high}`).reverse();
  return `M${[...lower, ...upper].join("L")}Z`;
}

/** @param {number[]} xs @param {number[]} ys @param {number} x1 @param {number} x2 */
function level(xs, ys, x1, x2) {
  const inner = xs.map((x, n) => `L${x} ${ys[n]}`).join("");
  return `M${x1} ${ys[0]}${inner}L${x2} ${ys.at(-1)}`;
}

/**
 * First and last number of each run.
 * @param {Point[]} points
 * @returns {[number, number][]}
 */
function runsOf(points) {
  /** @type {[number, number][]} */
  const found = [];
  points.forEach(({ skill }, n) => {
    const last = found.at(-1);
    if (last !== undefined && points[last[0]]?.skill === skill) last[1] = n;
    else found.push([n, n]);
  });
  return found;
}

/**
 * The skills a line is about, in the order they came.
 * @param {Point[]} points
 * @returns {string[]}
 */
export function skillsOf(points) {
  return [...new Set(points.flatMap(({ skill }) => skill ?? []))];
}

/** The range of logits in sight. @param {Point[]} points */
function span(points) {
  const values = points.flatMap(({ theta, sd, items, b }) => [theta - sd, theta + sd, b, ...(items ?? [])]);
  const finite = values.filter(Number.isFinite);
  let [low, high] = finite.length === 0 ? [-1, 1] : [Math.min(...finite), Math.max(...finite)];
  const short = LEAST_SPAN - (high - low);
  if (short > 0) [low, high] = [low - short / 2, high + short / 2];
  const room = (high - low) * 0.06;
  return { low: low - room, high: high + room };
}

/** @param {number} low @param {number} high */
function tickStep(low, high) {
  return STEPS.find((step) => (high - low) / step <= MOST_TICKS) ?? 10;
}

/** @param {number} low @param {number} high */
function tickDigits(low, high) {
  const step = tickStep(low, high);
  return step >= 1 ? 0 : step === 0.5 ? 1 : 2;
}

/** @param {number} low @param {number} high */
function ticksOf(low, high) {
  const step = tickStep(low, high);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, n) => (first + n) * step);
}

/** @param {number} px */
function round(px) {
  return Math.round(px * 10) / 10;
}

/**
 * The drawing in words.
 * @param {Point[]} points
 * @param {(id: string) => string} title
 */
export function inWords(points, title) {
  const last = points.at(-1);
  if (last === undefined) return "No scored answer yet. The first try at an exercise, without help, is scored.";
  const right = points.filter((point) => point.right).length;
  const answers = points.length === 1 ? "1 scored answer" : `The last ${points.length} scored answers`;
  const where = last.skill === null ? "Your level" : `Your level on ${title(last.skill)}`;
  const aimed = last.items === null
    ? ""
    : ` Exercises from ${logits(last.items[0])} to ${logits(last.items[1])} fit there now.`;
  return `${answers}: ${right} right. ${where} is ${logits(last.theta)}, give or take ${logits(last.sd)}.${aimed}`;
}
