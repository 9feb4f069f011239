// The lesson as a learner sees it, folded from events. This file is pure: the server's snapshot
// has the same form, so a lesson folded from the stream and one restored from a snapshot agree.

/** @typedef {import("./wire.js").Frame} Frame */

/**
 * One tutor turn. `i` is the number of its next chunk; `restarts` counts answers begun anew of
 * which something had been shown; `safety`: the fixed message to words of distress.
 * @typedef {{gen: string, cmd: string, input: string|null, text: string, i: number,
 *   status: string, reason?: string|null, provider: string, model: string, source: string,
 *   restarts: number, safety: boolean}} Turn
 */

/**
 * One skill as the server told it. Only `id`, `title` and `mastery` are always there: `low` and
 * `high` bound the mastery believed, `requires` are the skills before it; where it is kept for
 * review, `due_at` is in ms since 1970. The newest review list adds the chance of recall, why it
 * is due, and the days until it comes back, by how its review goes.
 * @typedef {{id: string, title: string, mastery: number, low?: number, high?: number,
 *   mastered?: boolean, requires?: string[], due_at?: number|null, retrievability?: number|null,
 *   reason?: string, next_interval?: Record<"wrong"|"assisted"|"right"|"easy", number>|null}} Skill
 */

/**
 * The live difficulty after one scored answer, in logits: ability `theta` on `skill` and its `sd`,
 * the item difficulties aimed at, and the difficulty `b` of the item answered.
 * @typedef {{theta: number, sd: number, items: [number, number]|null, b: number,
 *   right: boolean|null, skill: string|null}} Point
 */

/**
 * One level of the ladder. `scaffold` is its small question, which is answered where it has an
 * `at`; `told`: the level says the answer.
 * @typedef {{level: number, of: number, text: string, told?: boolean, scaffold?: {ask: string, at?: string|null,
 *   kind?: string|null, choices?: {id: string, text: string}[]|null, hints?: number}|null}} Hint
 */

/**
 * A worked step; `ask` is the blank in it, whose `show` is empty until it is filled or given up.
 * @typedef {{show: string, why: string, ask?: {at: string, kind: string,
 *   choices?: {id: string, text: string}[]|null}|null}} Step
 */

/**
 * What was done on one small question inside the open item; `over`: it is answered, or given up.
 * @typedef {{attempts: number, hints: string[], verdict: string|null, message: string, response: any, over: boolean}} Sub
 */

/**
 * What is left of each budget; `reset_ms` counts from `at_ms`, which is in ms since 1970. No part
 * of the lesson: it is told beside the log, and again on every connection.
 * @typedef {{limits: {name: string, limit: number, left: number, reset_ms: number}[],
 *   at_ms: number}} Rates
 */

/**
 * @typedef {object} Lesson
 * @property {{id: string, title: string, version?: string, license?: string,
 *   attribution?: string[]|string}|null} course
 * @property {string} mode
 * @property {Frame|null} item the open item, as its `item` event said it
 * @property {number} attempts answers given to it so far
 * @property {Hint[]} hints
 * @property {Step[]|null} steps
 * @property {Record<string, Sub>} subs the small questions inside the item that something was done on
 * @property {any} draft what stood in the answer box
 * @property {Record<string, any>} sub_drafts what stood in the boxes of small questions
 * @property {Frame|null} last_feedback
 * @property {Skill[]} skills
 * @property {number|null} theta
 * @property {number|null} sd
 * @property {[number, number]|null} target
 * @property {Point[]} line the scored answers, newest last
 * @property {Turn[]} turns
 * @property {Frame|null} signal what was last seen in the work, and what is offered
 * @property {Record<string, any>} prefs
 */

const TURNS_KEPT = 60;
/** As many points as the server keeps, so that a fold and a snapshot agree. */
const LINE_KEPT = 40;

/** @type {(keyof Lesson)[]} */
const DECLARED = ["course", "mode", "skills", "theta", "sd", "target", "line", "prefs"];

/** @returns {Lesson} */
export function emptyLesson() {
  return {
    course: null, mode: "practice", item: null, attempts: 0, hints: [], steps: null, subs: {},
    draft: null, sub_drafts: {}, last_feedback: null, skills: [], theta: null, sd: null, target: null, line: [],
    turns: [], signal: null, prefs: {},
  };
}

/**
 * The lesson of a snapshot; `gens` say the newest about running generations.
 * @param {any} state
 * @param {{gen: string, text: string, next_i: number, status: string}[]} gens
 * @returns {Lesson}
 */
export function lessonOf(state, gens) {
  return { ...emptyLesson(), ...known(state ?? {}), turns: turnsOf(state?.turns ?? [], gens) };
}

/**
 * The turns of a snapshot, of a session or of a room.
 * @param {any[]} told
 * @param {{gen: string, text: string, next_i: number, status: string}[]} gens
 * @returns {Turn[]}
 */
export function turnsOf(told, gens) {
  const newest = new Map(gens.map((gen) => [gen.gen, gen]));
  const turns = told.map((turn) => {
    const gen = newest.get(turn.gen);
    newest.delete(turn.gen);
    return { ...blankTurn(turn), ...(gen ? ofGen(gen) : {}) };
  });
  for (const gen of newest.values()) turns.push({ ...blankTurn(gen), ...ofGen(gen) });
  return turns;
}

/** @param {Record<string, any>} state */
function known(state) {
  const blank = emptyLesson();
  return Object.fromEntries(
    Object.entries(state).filter(([key, value]) => key in blank && value !== undefined),
  );
}

/** @param {{text: string, next_i: number, status: string}} gen */
function ofGen({ text, next_i, status }) {
  return { text, i: next_i, status };
}

/**
 * @param {any} from
 * @returns {Turn}
 */
function blankTurn(from) {
  return {
    gen: from.gen, cmd: from.cmd ?? "", input: from.input ?? null, text: from.text ?? "", i: 0,
    status: from.status ?? "running", reason: from.reason ?? null, provider: from.provider ?? "",
    model: from.model ?? "", source: from.source ?? "builtin", restarts: 0,
    safety: from.safety === true,
  };
}

/** @type {Record<string, (lesson: Lesson, event: Frame) => Partial<Lesson>>} */
const RULES = {
  ok: (lesson, { changed }) => declared(lesson, changed),
  item: (_, event) => ({ item: event, attempts: 0, hints: [], steps: null, subs: {}, draft: null, sub_drafts: {}, last_feedback: null }),
  feedback: (lesson, event) => event.at ? { subs: subJudged(lesson, event) } : ofVote(event) ? { skills: moved(lesson.skills, event.skills) } : ({
    last_feedback: event,
    attempts: event.item === lesson.item?.item ? attemptsAfter(lesson, event) : lesson.attempts,
    skills: moved(lesson.skills, event.skills),
  }),
  difficulty: ({ line }, event) => ({
    theta: event.theta, sd: event.sd, target: event.target, line: lengthened(line, event),
  }),
  review: ({ skills }, { due, ts }) => ({ skills: reviewed(skills, due, ts) }),
  hint: (lesson, event) => event.at ? { subs: subHinted(lesson, event) } : { hints: laddered(lesson.hints, event) },
  steps: (lesson, { steps: told }) => {
    const steps = told.map((/** @type {Step} */ { show, why, ask }) => ({ show: show ?? "", why: why ?? "", ...(ask ? { ask } : {}) }));
    return { steps, subs: subsGivenUp(lesson.subs, steps) };
  },
  signal: (lesson, event) => ({ signal: event, ...(event.kind === "safety" ? saved(lesson) : {}) }),
  "turn.started": (lesson, event) => ({
    turns: [...lesson.turns, blankTurn(event)].slice(-TURNS_KEPT),
  }),
  delta: (lesson, event) =>
    turned(lesson, event.gen, (turn) => ({ text: turn.text + event.text, i: event.i[1] + 1 })),
  "turn.restarted": (lesson, event) =>
    turned(lesson, event.gen, (turn) => ({
      text: "", i: event.from_i, restarts: turn.restarts + (turn.text === "" ? 0 : 1),
      provider: event.provider, model: event.model,
      source: event.provider === "builtin" ? "builtin" : "llm",
    })),
  "turn.done": (lesson, event) =>
    turned(lesson, event.gen, () => ({ status: event.status, reason: event.reason ?? null })),
};

/** Whether a verdict is on a vote in a room: it is on no open item, even where that is the same one. @param {Frame} event */
export function ofVote(event) {
  return /^r_[^:]+:[^:]+:\d+$/.test(event.re ?? "");
}

/**
 * The lesson after one durable event; the argument is left as it was.
 * @param {Lesson} lesson
 * @param {Frame} event
 * @returns {Lesson}
 */
export function fold(lesson, event) {
  const rule = RULES[event.t];
  return rule === undefined ? lesson : { ...lesson, ...rule(lesson, event) };
}

/**
 * Turns after one event of a turn, of a session or of a room.
 * @param {Turn[]} turns
 * @param {Frame} event
 * @returns {Turn[]}
 */
export function turnsAfter(turns, event) {
  return fold({ ...emptyLesson(), turns }, event).turns;
}

/**
 * @param {Lesson} lesson
 * @param {Record<string, any>|undefined|null} changed
 */
function declared(lesson, changed) {
  if (!changed) return {};
  /** @type {Record<string, any>} */
  const next = {};
  for (const key of DECLARED) if (changed[key] !== undefined) next[key] = changed[key];
  if (next.prefs) next.prefs = { ...lesson.prefs, ...next.prefs };
  if (typeof next.course === "string") delete next.course;
  return next;
}

/**
 * @param {Lesson} lesson
 * @param {Frame} event
 */
function attemptsAfter(lesson, event) {
  return event.verdict === "unreadable" ? lesson.attempts : (event.attempt ?? lesson.attempts + 1);
}

/**
 * The wire leaves out what holds its default: an interval from 0 or up to 1, `mastered` false.
 * @param {Skill[]} skills
 * @param {{id: string, after: number, low?: number, high?: number, mastered?: boolean,
 *   due_at?: number|null}[]} moves
 */
function moved(skills, moves) {
  const moveOf = new Map((moves ?? []).map((move) => [move.id, move]));
  return skills.map((skill) => {
    const move = moveOf.get(skill.id);
    if (move === undefined) return skill;
    const { after: mastery, low, high, mastered, due_at } = move;
    const now = due_at === undefined || due_at === null ? skill : { ...unlisted(skill), due_at };
    const bounded = [skill.low, low, high].some((bound) => bound !== undefined);
    if (!bounded) return { ...now, mastery };
    return { ...now, mastery, low: low ?? 0, high: high ?? 1, mastered: mastered ?? false };
  });
}

/**
 * One more point where the event says which item was answered.
 * @param {Point[]} line
 * @param {Frame} event
 */
function lengthened(line, { theta, sd, items, b, right, skill }) {
  if (b === undefined || b === null) return line;
  const point = { theta, sd, items: items ?? null, b, right: right ?? null, skill: skill ?? null };
  return [...line, point].slice(-LINE_KEPT);
}

/**
 * What is due now stands in the list: a skill that was due before and is not in it was reviewed.
 * @param {Skill[]} skills
 * @param {(Pick<Skill, "reason"|"next_interval"> & {skill: string, at: number, retrievability: number})[]} due
 * @param {number} ts when the list was made, in ms since 1970
 */
function reviewed(skills, due, ts) {
  const told = new Map((due ?? []).map((one) => [one.skill, one]));
  return skills.map((skill) => {
    const one = told.get(skill.id);
    if (one !== undefined) {
      const { skill: _, at, ...more } = one;
      return { ...unlisted(skill), due_at: at, ...more };
    }
    const { due_at } = skill;
    return due_at === undefined || due_at === null || due_at > ts ? skill : unlisted(skill);
  });
}

/** A skill without what a review list said of it. @param {Skill} skill @returns {Skill} */
function unlisted({ due_at: _, retrievability: __, reason: ___, next_interval: ____, ...rest }) {
  return rest;
}

/**
 * @param {Lesson["hints"]} hints
 * @param {Frame} event
 */
function laddered(hints, { level, of, text, scaffold, told }) {
  const hint = { level, of, text, ...(scaffold ? { scaffold } : {}), ...(told ? { told } : {}) };
  return hints.some((one) => one.level === level) ? hints : [...hints, hint];
}

/** @type {Sub} */
const UNTRIED = { attempts: 0, hints: [], verdict: null, message: "", response: null, over: false };

/** @param {Lesson} lesson @param {Frame} event a verdict on a small question @returns {Record<string, Sub>} */
function subJudged({ item, subs }, { item: of, at, verdict, message, attempt }) {
  if (item?.item !== of) return subs;
  const before = subs[at] ?? UNTRIED;
  const attempts = verdict === "unreadable" ? before.attempts : (attempt ?? before.attempts + 1);
  return { ...subs, [at]: { ...before, attempts, verdict, message: message ?? "", over: verdict === "correct" } };
}

/** @param {Lesson} lesson @param {Frame} event a hint of a small question @returns {Record<string, Sub>} */
function subHinted({ item, subs }, { item: of, at, level, text }) {
  const before = subs[at] ?? UNTRIED;
  if (item?.item !== of || before.hints.length >= level) return subs;
  return { ...subs, [at]: { ...before, hints: [...before.hints, text] } };
}

/** A blank whose step is shown is over, also where nobody filled it. @param {Record<string, Sub>} subs @param {Step[]} steps */
function subsGivenUp(subs, steps) {
  const shown = steps.flatMap(({ show, ask }) => (ask && show !== "" && !subs[ask.at]?.over ? [ask.at] : []));
  return shown.reduce((all, at) => ({ ...all, [at]: { ...(all[at] ?? UNTRIED), over: true } }), subs);
}

/** What was read in the learner's words stands right behind the turn that answers them. @param {Lesson} lesson */
function saved(lesson) {
  return turned(lesson, lesson.turns.at(-1)?.gen ?? "", () => ({ safety: true }));
}

/**
 * @param {Lesson} lesson
 * @param {string} gen
 * @param {(turn: Turn) => Partial<Turn>} change
 */
function turned(lesson, gen, change) {
  const turns = lesson.turns.map((turn) =>
    turn.gen === gen ? { ...turn, ...change(turn) } : turn,
  );
  return { turns };
}
