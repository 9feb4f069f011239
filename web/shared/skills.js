// How skills stand: layers by prerequisite, the state of each, and the words for figures. This
// file is pure: what it needs of the clock is handed in.

/** @typedef {import("../client/lesson.js").Skill} Skill */
/** @typedef {"locked"|"open"|"due"|"mastered"} State */
/**
 * One skill with what follows from the others.
 * @typedef {object} Standing
 * @property {Skill} skill
 * @property {State} state
 * @property {Skill[]} needs the skills asked for before it
 * @property {Skill[]} missing those of them that are not mastered yet
 * @property {Skill[]} leads the skills that ask for it
 */

/** Where a course says nothing else, the server counts a skill as mastered from here on. */
const MASTERED = 0.95;

export const STATES = /** @type {const} */ (["mastered", "due", "open", "locked"]);

/** @param {Skill} skill */
export function isMastered({ mastered, mastery }) {
  return mastered ?? mastery >= MASTERED;
}

/** @param {Skill} skill @param {number} now_ms */
export function isDue({ due_at }, now_ms) {
  return due_at !== undefined && due_at !== null && due_at <= now_ms;
}

/**
 * Every skill with its state: due before mastered, mastered before locked.
 * @param {Skill[]} skills
 * @param {number} now_ms
 * @returns {Map<string, Standing>}
 */
export function standings(skills, now_ms) {
  const byId = new Map(skills.map((skill) => [skill.id, skill]));
  const needsOf = (/** @type {Skill} */ skill) => known(skill, byId);
  return new Map(skills.map((skill) => {
    const needs = needsOf(skill);
    const missing = needs.filter((need) => !isMastered(need));
    const leads = skills.filter((other) => needsOf(other).includes(skill));
    /** @type {State} */
    let state = missing.length > 0 ? "locked" : "open";
    if (isMastered(skill)) state = "mastered";
    if (isDue(skill, now_ms)) state = "due";
    return [skill.id, { skill, state, needs, missing, leads }];
  }));
}

/**
 * The prerequisites that are skills of this course.
 * @param {Skill} skill
 * @param {Map<string, Skill>} byId
 * @returns {Skill[]}
 */
function known({ id, requires }, byId) {
  const ids = [...new Set(requires ?? [])].filter((other) => other !== id && byId.has(other));
  return ids.map((other) => /** @type {Skill} */ (byId.get(other)));
}

/**
 * Skills in layers: each stands one below the lowest of its prerequisites (the longest path).
 * Inside a layer a skill stands near what it needs, then in the course's order. A circle of
 * prerequisites, which no checked course has, is cut where it closes.
 * @param {Skill[]} skills
 * @returns {Skill[][]}
 */
export function layersOf(skills) {
  const byId = new Map(skills.map((skill) => [skill.id, skill]));
  /** @type {Map<string, number>} */
  const depths = new Map();
  const walked = new Set();
  /** @type {(skill: Skill) => number} */
  const depth = (skill) => {
    const { id } = skill;
    const found = depths.get(id);
    if (found !== undefined) return found;
    if (walked.has(id)) return -1;
    walked.add(id);
    const made = Math.max(-1, ...known(skill, byId).map(depth)) + 1;
    depths.set(id, made);
    return made;
  };
  /** @type {Skill[][]} */
  const layers = [];
  for (const skill of skills) {
    const at = depth(skill);
    while (layers.length <= at) layers.push([]);
    layers[at]?.push(skill);
  }
  return ordered(layers, byId);
}

/**
 * @param {Skill[][]} layers
 * @param {Map<string, Skill>} byId
 */
function ordered(layers, byId) {
  /** Where a placed skill stands across its layer, from 0 to 1. @type {Map<string, number>} */
  const across = new Map();
  return layers.map((layer) => {
    const wish = new Map(layer.map((skill, n) => {
      const above = known(skill, byId).flatMap(({ id }) => across.get(id) ?? []);
      const mean = above.reduce((sum, x) => sum + x, 0) / above.length;
      return [skill, above.length > 0 ? mean : (n + 0.5) / layer.length];
    }));
    const row = [...layer].sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
    row.forEach(({ id }, n) => across.set(id, (n + 0.5) / row.length));
    return row;
  });
}

/**
 * The arrows to draw, from prerequisite to skill: one that a longer way says already is left out.
 * @param {Skill[]} skills
 * @returns {[string, string][]}
 */
export function edgesOf(skills) {
  const byId = new Map(skills.map((skill) => [skill.id, skill]));
  /** @type {Map<string, Set<string>>} */
  const above = new Map();
  const ancestors = (/** @type {Skill} */ skill) => {
    const found = above.get(skill.id);
    if (found !== undefined) return found;
    /** @type {Set<string>} */
    const made = new Set();
    above.set(skill.id, made);
    for (const need of known(skill, byId)) {
      made.add(need.id);
      for (const id of ancestors(need)) made.add(id);
    }
    return made;
  };
  return skills.flatMap((skill) => {
    const needs = known(skill, byId);
    const direct = needs.filter(({ id }) => !needs.some((other) => other.id !== id && ancestors(other).has(id)));
    return direct.map(({ id }) => /** @type {[string, string]} */ ([id, skill.id]));
  });
}

// --- words ---------------------------------------------------------------------------------------

const NARROW = "\u00a0";

/** @param {number} share */
export function percent(share) {
  return `${Math.round(share * 100)}${NARROW}%`;
}

/**
 * The interval of a mastery, short for the eye.
 * @param {{low?: number, high?: number}} interval
 */
export function range({ low, high }) {
  if (low === undefined || high === undefined) return "";
  return `${Math.round(low * 100)}–${percent(high)}`;
}

/**
 * The same for the ear.
 * @param {{low?: number, high?: number}} interval
 */
export function spokenRange({ low, high }) {
  if (low === undefined || high === undefined) return "";
  return `likely between ${Math.round(low * 100)} and ${percent(high)}`;
}

/**
 * A chance as how often in ten.
 * @param {number} p
 */
export function inTen(p) {
  const n = Math.round(p * 10);
  if (n >= 10) return "nearly every time";
  if (n <= 0) return "hardly ever";
  return n === 1 ? "about once in 10" : `about ${n} times in 10`;
}

/**
 * A band of chances as how often in twenty, which tells .85 from .9.
 * @param {[number, number]|number[]} band
 */
export function bandInTwenty([low = 0, high = 1]) {
  const [from, to] = [Math.round(low * 20), Math.round(high * 20)];
  return from === to ? `${from} in 20` : `${from} to ${to} in 20`;
}

/** Logits with a real minus sign. @param {number} value @param {number} [digits] */
export function logits(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** @param {number|null|undefined} retrievability */
export function recall(retrievability) {
  if (retrievability === undefined || retrievability === null) return "";
  return `chance of recall ${percent(retrievability)}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * When a skill is due, in words: "due now", "due 3 days ago", "due in 2 hours".
 * @param {number} at_ms
 * @param {number} now_ms
 */
export function dueWords(at_ms, now_ms) {
  const away_ms = at_ms - now_ms;
  const size_ms = Math.abs(away_ms);
  if (size_ms < MINUTE_MS) return "due now";
  const [unit_ms, unit] = unitOf(size_ms);
  const n = Math.round(size_ms / unit_ms);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  return `due ${words.format(Math.sign(away_ms) * n, unit)}`;
}

/**
 * @param {number} size_ms
 * @returns {[number, "minute"|"hour"|"day"]}
 */
function unitOf(size_ms) {
  if (size_ms < HOUR_MS) return [MINUTE_MS, "minute"];
  return size_ms < 2 * DAY_MS ? [HOUR_MS, "hour"] : [DAY_MS, "day"];
}

/**
 * When a skill comes back, by how its review goes now.
 * @param {Skill["next_interval"]} days
 */
export function nextWords(days) {
  if (!days) return "";
  const back = (/** @type {number} */ n) => (n === 0 ? "the same day" : n === 1 ? "in 1 day" : `in ${n} days`);
  return `Back ${back(days.right)} if right, ${back(days.assisted)} with help, ${back(days.wrong)} if not`;
}

/**
 * What is due, the likeliest forgotten first; then what comes next, soonest first.
 * @param {Skill[]} skills
 * @param {number} now_ms
 */
export function reviewList(skills, now_ms) {
  const cards = skills
    .filter(({ due_at }) => due_at !== undefined && due_at !== null)
    .sort((a, b) => /** @type {number} */ (a.due_at) - /** @type {number} */ (b.due_at));
  const kept = (/** @type {Skill} */ { retrievability }) => retrievability ?? 1;
  return {
    due: cards.filter((skill) => isDue(skill, now_ms)).sort((a, b) => kept(a) - kept(b)),
    coming: cards.filter((skill) => !isDue(skill, now_ms)),
  };
}
