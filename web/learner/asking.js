// What the learner asks of the tutor, and the words for what becomes of it: who speaks, how a turn
// ended, why a question was not taken, what is left for today. This file draws nothing.

import { CODES } from "../client/wire.js";
import { asked, endOf } from "../shared/turn.js";

/** @typedef {import("../client/index.js").Session} Session */
/** @typedef {import("../client/lesson.js").Turn} Turn */
/** @typedef {import("../client/lesson.js").Rates} Rates */
/** @typedef {"simpler"|"example"|"why"|"next_step"} Action */

export class Asking {
  /**
   * @param {Session} session
   * @param {() => string|undefined} item the one in sight, which a question is about
   * @param {() => void} changed
   * @param {(words: string) => void} say aloud, by a screen reader
   */
  constructor(session, item, changed, say) {
    this.session = session;
    this.item = item;
    this.changed = changed;
    this.say = say;
    /** What stands in the question box. */
    this.question = "";
    /** @type {{text: string, id: string}|null} a question whose turn has not begun */
    this.waiting = null;
    /** Why the newest question was not taken. */
    this.refusal = "";
    /** Whether the newest question was refused for its budget: then no tutor answers. */
    this.refuses = false;
    /** The command whose turn was stopped last: a second press asks for nothing more. */
    this.stopped = "";
    /** @type {Set<string>} turns of which "begins again" was said */
    this.begunAgain = new Set();
    /** @type {Set<string>} safety turns that came while this page looked on */
    this.alarmed = new Set();
    session.on("turn.started", () => {
      this.refuses = false;
      this.say("Tutor is writing");
    });
    session.on("turn.restarted", ({ gen }) => this.#restarted(gen));
    session.on("turn.done", (end) => this.#done(end));
    session.on("signal", ({ kind }) => {
      const turn = session.lesson.turns.at(-1);
      if (kind === "safety" && turn !== undefined) this.alarmed.add(turn.gen);
    });
  }

  /** @returns {Turn|undefined} */
  get running() {
    return this.session.lesson.turns.find(({ status }) => status === "running");
  }

  /** @param {string|{action: Action}} input */
  async ask(input) {
    const words = typeof input === "string" ? input.trim() : input;
    if (words === "") return;
    const item = this.item();
    const command = this.session.ask(words, { ...(item ? { item } : {}), on_busy: "replace" });
    const waiting = { text: asked(words), id: command.id };
    this.waiting = waiting;
    if (words === this.question.trim()) this.question = "";
    this.refusal = "";
    this.changed();
    try {
      await command;
    } catch (refusal) {
      this.refusal = refusalWords(refusal);
      this.refuses = /** @type {any} */ (refusal).code === CODES.budget_spent;
      if (typeof words === "string" && this.question === "") this.question = words;
    }
    if (this.waiting === waiting) this.waiting = null;
    this.changed();
  }

  /** The command that Stop is about: what is asked goes before what is being said. */
  get #spoken() {
    return this.waiting?.id ?? this.running?.cmd;
  }

  /** Whether Stop was pressed and the turn has not ended yet. */
  get stopping() {
    return this.stopped !== "" && this.stopped === this.#spoken;
  }

  /** Stop what is asked or being said. */
  async stop() {
    const cmd = this.#spoken;
    if (cmd === undefined || this.stopping) return;
    this.stopped = cmd;
    this.changed();
    try {
      await this.session.cancel({ cmd });
    } catch (refusal) {
      const { code } = /** @type {any} */ (refusal);
      if (code === CODES.gone) return; // it ended by itself
      this.refusal = refusalWords(refusal);
      if (this.stopped === cmd) this.stopped = "";
      this.changed();
    }
  }

  /** Told once a turn, and only where something was shown that is replaced. @param {string} gen */
  #restarted(gen) {
    const turn = this.session.lesson.turns.find((one) => one.gen === gen);
    if (turn === undefined || turn.restarts === 0 || this.begunAgain.has(gen)) return;
    this.begunAgain.add(gen);
    this.say("The tutor begins this answer again");
  }

  /** A safety turn's end is its text, as an alert. @param {any} end */
  #done(end) {
    const how = endOf(end);
    if (how === "" && this.alarmed.has(end.gen)) return;
    this.say(how === "" ? "Answer complete" : `Answer ${how}`);
  }
}

/** @param {any} refusal */
function refusalWords({ code, message, retry_ms }) {
  const s = Math.max(1, Math.ceil((retry_ms ?? 0) / 1000));
  const soon = retry_ms ? `in ${s} ${s === 1 ? "second" : "seconds"}` : "in a moment";
  if (code === CODES.budget_spent) {
    return "The tutor's budget is spent. Exercises, hints and steps go on as before.";
  }
  if (code === CODES.busy) return "The tutor is still writing. Stop it, or ask again when it is done.";
  if (code === CODES.rate_limited) return `That was many questions in a short time. Ask again ${soon}.`;
  if (code === CODES.too_large) return "That is too long for one question. Ask in fewer words.";
  if (code === CODES.overloaded) return `The tutor is talking to many learners. Ask again ${soon}.`;
  return message ? `${message}` : "That did not work.";
}

/** The budgets that decide whether a model may speak; the rest count something else. */
const BUDGET = /^tutor\.(learner|room|tenant)\./;
const DAY_MS = 86_400_000;

/**
 * What is left of the tutor with a model, by the scarcest budget; "" where none is told.
 * @param {Rates|null} rates
 * @param {number} now_ms since 1970
 * @param {boolean} refuses whether nobody answers once a budget is spent
 */
export function leftWords(rates, now_ms, refuses = false) {
  const told = (rates?.limits ?? [])
    .filter(({ name }) => BUDGET.test(name))
    .map(({ name, limit, left, reset_ms }) => ({
      period: name.endsWith(".month") ? "this month" : "today",
      share: limit > 0 ? Math.min(1, Math.max(0, left / limit)) : 0,
      none: limit <= 0,
      until_ms: (rates?.at_ms ?? 0) + reset_ms,
    }))
    .filter(({ until_ms }) => until_ms > now_ms); // a period that is over says nothing of the next
  if (told.some(({ none }) => none)) return refuses ? "" : "The built-in tutor answers here";
  const spent = told.filter(({ share }) => share === 0).map(({ until_ms }) => until_ms);
  if (spent.length > 0) {
    const again = clock(Math.max(...spent), now_ms);
    return refuses ? `The tutor answers again from ${again}` : `The built-in tutor answers until ${again}`;
  }
  const [least] = told.sort((a, b) => a.share - b.share);
  if (least === undefined) return "";
  const percent = Math.max(1, Math.floor(100 * least.share + 1e-9));
  return `Tutor with a model ${least.period}: ${percent} % left`;
}

/** The learner's own time; the day too, where it is not within a day. @param {number} at_ms @param {number} now_ms */
function clock(at_ms, now_ms) {
  /** @type {Intl.DateTimeFormatOptions} */
  const day = at_ms - now_ms > DAY_MS ? { day: "numeric", month: "long" } : {};
  const style = { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en-GB", /** @type {any} */ (style)).format(at_ms);
}
