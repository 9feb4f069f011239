// What the learner page knows beyond the lesson itself, and what its buttons do. This file draws
// nothing; it calls `changed` when something to be drawn has moved.

import { ofVote } from "../client/lesson.js";
import { spoken } from "../shared/markup.js";
import { isDue } from "../shared/skills.js";
import { given, verdictWord } from "../shared/verdict.js";
import { Asking } from "./asking.js";

/** @typedef {import("../client/index.js").Session} Session */
/** @typedef {import("../client/wire.js").Frame} Frame */
/** @typedef {"tutor"|"map"|"progress"|"room"|"review"} Panel what stands beside the exercise */
/**
 * What the exercise side shows: the open item, or the one just solved until the learner moves on.
 * @typedef {object} Shown
 * @property {Frame} item
 * @property {import("../client/lesson.js").Hint[]} hints
 * @property {import("../client/lesson.js").Step[]|null} steps
 * @property {Record<string, import("../client/lesson.js").Sub>} subs
 * @property {Frame|null} feedback
 * @property {boolean} solved
 */

const RESUMED_MS = 7000;
const AWAY_MS = 2000;
const SETTLED_MS = 2000;
const LATENCIES_KEPT = 500;
/** The review list is asked for again when it is opened after so long. */
const REVIEW_FRESH_MS = 60_000;

export class Page {
  /**
   * @param {Session} session
   * @param {() => void} changed
   * @param {(region: "tutor"|"lesson", words: string) => void} say
   * @param {string} wished the course that the address names; "" for none
   * @param {(wished: string) => Promise<import("./courses.js").Courses|null>} offered
   */
  constructor(session, changed, say, wished, offered) {
    this.session = session;
    this.changed = changed;
    this.say = say;
    /** @type {Shown|null} the item just closed, kept in sight until Next */
    this.held = null;
    /** @type {any} text, a choice's id, or what a widget gives; "" for none */
    this.answer = "";
    /** @type {Frame|null} */
    this.reading = null;
    /** @type {{item: string, response: any}|null} an answer whose verdict is not here yet */
    this.pending = null;
    this.problem = "";
    this.strip = false;
    /** @type {Panel} */
    this.panel = "tutor";
    /** @type {"lesson"|Panel} what is in sight on narrow screens */
    this.tab = "lesson";
    /** @type {Set<Panel>} shown as a table instead of a drawing */
    this.tables = new Set();
    /** The one skill whose answers the line shows; "" for all. */
    this.lineSkill = "";
    /** Whether what stands behind the choice of an exercise is unfolded. */
    this.whyOpen = false;
    /** @type {string|null} the skill asked for whose exercise is not here yet */
    this.wanted = null;
    /** @type {"unasked"|"asked"|"known"|"refused"} */
    this.reviewing = "unasked";
    this.reviewAt_ms = -Infinity;
    this.resumedUntil_ms = 0;
    /** @type {{server_ms: number, wire_ms: number, paint_ms: number, all_ms: number}|null} */
    this.latency = null;
    /** @type {number[]} */
    this.latencies = [];
    /** @type {import("./room.js").Visit|null} made when the room's part was fetched */
    this.visit = null;
    /** @type {typeof import("./asides.js")|null} what widgets and small questions need, once it is fetched */
    this.more = null;
    this.moreMissed = false;
    /** @type {import("./asides.js").Asides|null} */
    this.asides = null;
    this.shownItem = "";
    this.shownAt_ms = performance.now();
    this.starting = false;
    /** @type {import("./courses.js").Courses|null} where there is a choice of them */
    this.courses = null;
    /** The course that a first lesson is on; "" for the server's first. */
    this.wished = wished;
    /** Resolves when it is known what there is to choose. */
    this.offered = offered(wished).then((courses) => void (this.courses = courses), () => undefined).then(() => this.changed());
    /** The course of the lesson as it was seen last. */
    this.courseSeen = "";
    /** @type {any} */
    this.phaseTimer = null;
    this.saidPhase = "live";
    const open = () => (this.held ?? this.lesson)?.item?.item;
    this.talk = new Asking(session, open, changed, (words) => say("tutor", words));
    this.#listen();
  }

  get lesson() {
    return this.session.lesson;
  }

  /** @returns {Shown|null} */
  get shown() {
    if (this.held !== null) return this.held;
    const { item, hints, steps, subs, last_feedback } = this.lesson;
    if (item === null) return null;
    const feedback = last_feedback?.item === item.item ? last_feedback : null;
    return { item, hints, steps, subs, feedback, solved: false };
  }

  get runningTurn() {
    return this.talk.running;
  }

  /** @param {string} id */
  skillTitle(id) {
    return this.lesson.skills.find((skill) => skill.id === id)?.title ?? id;
  }

  // --- acts ------------------------------------------------------------------------------------

  /** @param {any} answer */
  type(answer) {
    const shown = this.shown;
    if (shown === null || shown.solved) {
      this.changed(); // a choice clicked after the verdict springs back
      return;
    }
    this.answer = answer;
    this.problem = "";
    this.session.draft(shown.item.item, answer);
    if (typeof answer === "string" && answer.trim() === "") this.reading = null;
    else if (isTyped(shown.item)) this.#askReading(shown.item.item, answer);
    this.changed();
  }

  /** @param {string} item @param {any} answer */
  async #askReading(item, answer) {
    const kind = this.shown?.item.kind ?? "";
    const reading = await this.session.preview(item, given(answer, kind));
    if (reading === null || this.answer !== answer || this.shown?.item.item !== item) return;
    this.reading = reading;
    this.changed();
  }

  /** Check the answer; after a solved item, go on. */
  check() {
    const shown = this.shown;
    if (shown === null) return;
    if (shown.solved) {
      this.next();
      return;
    }
    const { item } = shown;
    if (item.widget && this.more !== null) void this.#checkWidget(item);
    else this.#checkGiven(item, this.answer, item.widget ? "The question is still opening." : item.choices ? "Choose an answer first." : "Write an answer first.");
  }

  /** What a widget shows is an answer, also where nothing was moved. @param {Frame} item */
  async #checkWidget(item) {
    const { more, answer } = this;
    const whole = answer === "" ? ((await more?.untouched(item.widget)) ?? "") : answer;
    this.#checkGiven(item, whole, more?.missing(/** @type {any} */ (item), whole) ?? "");
  }

  /** @param {Frame} item @param {any} answer @param {string} problem what is missing, where something is */
  #checkGiven(item, answer, problem) {
    const response = given(answer, item.kind);
    const none = response === "" || response.length === 0;
    if (none || (item.widget && problem !== "")) {
      this.problem = problem;
      this.changed();
      return;
    }
    if (this.pending !== null && same(this.pending.response, response)) return;
    void this.#submit(item.item, response);
  }

  /** @param {string} item @param {any} response */
  async #submit(item, response) {
    const pressed_ms = performance.now();
    const pending = { item, response };
    this.pending = pending;
    this.problem = "";
    this.changed();
    try {
      const feedback = await this.session.submit(item, response, pressed_ms - this.shownAt_ms);
      this.#measure(feedback, pressed_ms);
      this.#reviewMoved(feedback);
    } catch (refusal) {
      this.problem = wordsOf(refusal);
    }
    if (this.pending === pending) this.pending = null;
    this.changed();
  }

  hint() {
    const shown = this.shown;
    if (shown === null || shown.solved || shown.hints.length >= shown.item.hints) return;
    void this.#did(this.session.hint(shown.item.item));
  }

  steps() {
    const shown = this.shown;
    if (shown === null || shown.solved || (shown.steps !== null && !this.hasBlanks)) return;
    void this.#did(this.session.steps(shown.item.item));
  }

  /** Whether a worked step waits to be filled in. */
  get hasBlanks() {
    return this.shown?.steps?.some(({ ask, show }) => ask && show === "") ?? false;
  }

  /** What widgets and small questions need, once. */
  async fetchMore() {
    if (this.more !== null) return;
    this.moreMissed = false;
    try {
      const more = await import("./asides.js");
      await more.Asides.ready();
      this.asides ??= new more.Asides(this);
      this.more = more;
    } catch {
      this.moreMissed = true;
    }
    this.changed();
  }

  next() {
    if (this.held !== null) {
      this.held = null;
      this.#itemTurned();
      this.changed();
    } else if (this.lesson.item !== null) void this.#did(this.session.next());
  }

  /**
   * An exercise on a skill of the learner's choice. What is in sight stays until it is here.
   * @param {string} skill
   */
  async practise(skill) {
    if (this.wanted === skill) return;
    this.wanted = skill;
    this.tab = "lesson";
    await this.#did(this.session.next(skill));
    if (this.wanted !== skill) return;
    this.wanted = null;
    if (this.problem === "") {
      this.held = null;
      this.#itemTurned();
      this.say("lesson", `An exercise on ${this.skillTitle(skill)} is open`);
    }
    this.changed();
  }

  /** Ask which skills are due, unless that is known well enough. */
  async askReview() {
    const fresh = performance.now() - this.reviewAt_ms < REVIEW_FRESH_MS;
    if (this.lesson.course === null || this.reviewing === "asked" || fresh) return;
    this.reviewing = "asked";
    this.reviewAt_ms = performance.now();
    try {
      await this.session.review();
      this.reviewing = "known";
    } catch {
      [this.reviewing, this.reviewAt_ms] = ["refused", -Infinity];
    }
    this.changed();
  }

  /** A skill that was due has been answered: its next time is another. @param {Frame} feedback */
  #reviewMoved({ item }) {
    const at = [this.held?.item, this.lesson.item].find((one) => one?.item === item);
    const due = this.lesson.skills.some((skill) => at?.skills.includes(skill.id) && isDue(skill, Date.now()));
    if (due) void this.askReview();
  }

  /** @param {Promise<Frame>} command */
  async #did(command) {
    this.problem = "";
    this.changed();
    try {
      await command;
    } catch (refusal) {
      this.problem = wordsOf(refusal);
      this.changed();
    }
  }

  stop() {
    void this.talk.stop();
  }

  cut() {
    this.session.cut(AWAY_MS);
  }

  toggleStrip() {
    this.strip = !this.strip;
    this.changed();
  }

  /** @param {"lesson"|Panel} tab */
  show(tab) {
    this.tab = tab;
    if (tab !== "lesson") this.panel = tab;
    if (tab === "map" || tab === "review") void this.askReview();
    this.changed();
  }

  /** A drawing or a table. @param {Panel} panel */
  turnTable(panel) {
    if (!this.tables.delete(panel)) this.tables.add(panel);
    this.changed();
  }

  turnWhy() {
    this.whyOpen = !this.whyOpen;
    this.changed();
  }

  // --- events ----------------------------------------------------------------------------------

  #listen() {
    const { session } = this;
    session.on("state", () => this.#lineChanged());
    session.on("resumed", () => {
      this.resumedUntil_ms = Date.now() + RESUMED_MS;
      setTimeout(() => this.changed(), RESUMED_MS + 20);
    });
    session.on("forgotten", () => {
      this.held = null;
      this.wanted = null;
      [this.reviewing, this.reviewAt_ms] = ["unasked", -Infinity];
    });
    session.on("ok", ({ changed }) => {
      if (changed?.course) this.#lessonBegan(changed.course);
    });
    session.on("item", () => {
      if (this.held === null) this.#itemTurned();
    });
    session.on("snapshot", () => this.#restored());
    session.on("review", () => {
      [this.reviewing, this.reviewAt_ms] = ["known", performance.now()];
    });
    session.on("feedback", (event) => this.#judged(event));
    session.on("hint", ({ level, of, at }) => this.say("lesson", `Hint ${level} of ${of}${at ? " for the question on the way" : ""}`));
    session.on("steps", ({ re }) => {
      if (re) this.say("lesson", this.hasBlanks ? "Worked steps are shown, with blanks to fill in" : "Worked steps are shown");
    });
    session.on("*", () => this.changed());
  }

  #lineChanged() {
    const { phase } = this.session.state;
    if (phase === "live") this.#begin();
    clearTimeout(this.phaseTimer);
    if (phase !== this.saidPhase) {
      this.phaseTimer = setTimeout(() => this.#sayPhase(), SETTLED_MS);
    }
    this.changed();
  }

  /** Connection changes are told once they have lasted; a short cut interrupts nobody. */
  #sayPhase() {
    const { phase } = this.session.state;
    if (phase === this.saidPhase) return;
    this.saidPhase = phase;
    this.say("lesson", PHASES[phase] ?? "");
    this.changed();
  }

  /** A session without a course is new: ask for the first lesson, or for a choice. */
  async #begin() {
    if (this.lesson.course !== null || this.starting) return;
    this.starting = true;
    await this.offered;
    const { courses, wished } = this;
    if (courses !== null && wished === "") courses.choosing = true;
    else if (this.lesson.course === null) await this.start(wished);
    this.starting = false;
    this.changed();
  }

  /** A new lesson. @param {string} course "" for the server's first */
  async start(course) {
    await this.#did(this.session.start(course === "" ? {} : { course }));
    if (this.courses !== null) this.courses.choosing = this.lesson.course === null;
    this.changed();
  }

  /** A lesson has begun, here or in another tab. @param {{id: string, title: string}} course */
  #lessonBegan({ id, title }) {
    if (this.courseSeen !== "") this.say("lesson", `A new lesson has begun: ${title}`);
    this.courseSeen = id;
    this.held = null;
    this.wanted = null;
    this.lineSkill = "";
    [this.reviewing, this.reviewAt_ms] = ["unasked", -Infinity];
    this.courses?.begun(id);
  }

  #itemTurned() {
    this.shownItem = this.lesson.item?.item ?? "";
    this.shownAt_ms = performance.now();
    this.answer = "";
    this.reading = null;
    this.problem = "";
  }

  /** The lesson was restored whole: what stands in the box is kept where its item is still open. */
  #restored() {
    this.courseSeen = this.lesson.course?.id ?? "";
    this.reviewAt_ms = -Infinity; // a snapshot knows when, the list also knows how well
    if (this.panel === "map" || this.panel === "review") void this.askReview();
    const open = this.lesson.item?.item ?? "";
    if (this.held !== null || open === this.shownItem) return;
    this.#itemTurned();
    if (this.lesson.draft !== null) {
      this.answer = this.lesson.draft;
      if (isTyped(this.lesson.item)) void this.#askReadingSoon(open, this.answer);
    }
  }

  /** @param {string} item @param {any} answer */
  async #askReadingSoon(item, answer) {
    const stop = this.session.on("state", ({ phase }) => {
      if (phase !== "live") return;
      stop();
      void this.#askReading(item, answer);
    });
  }

  /** @param {Frame} feedback */
  #judged(feedback) {
    const { item, hints, steps, subs } = this.lesson;
    if (feedback.at) return; // its verdict stands, and is said, beside its own box
    this.reviewAt_ms = -Infinity;
    if (ofVote(feedback)) return; // the room tells what was right; the map and the line have moved
    this.say("lesson", verdictWords(feedback, item?.kind ?? ""));
    const closes = feedback.done === true || feedback.verdict === "correct";
    if (!closes || item === null || item.item !== feedback.item || this.held !== null) return;
    this.held = { item, hints, steps, subs, feedback, solved: true };
    this.reading = null;
  }

  /**
   * From the key to the frame that shows the verdict.
   * @param {Frame} feedback
   * @param {number} pressed_ms
   */
  #measure(feedback, pressed_ms) {
    const heard_ms = performance.now();
    requestAnimationFrame(() => {
      const channel = new MessageChannel(); // the task after the frame's paint
      channel.port1.onmessage = () => {
        const all_ms = performance.now() - pressed_ms;
        const server_ms = (feedback.timing?.total_us ?? 0) / 1000;
        const wire_ms = Math.max(0, heard_ms - pressed_ms - server_ms);
        this.latency = { server_ms, wire_ms, paint_ms: all_ms - (heard_ms - pressed_ms), all_ms };
        this.latencies = [...this.latencies, all_ms].slice(-LATENCIES_KEPT);
        channel.port1.close();
        this.changed();
      };
      channel.port2.postMessage(0);
    });
  }
}

/** @type {Record<string, string>} */
const PHASES = {
  live: "Connection is back",
  reconnecting: "Connection lost; what you type is kept",
  restarting: "The server restarts; what you type is kept",
  ended: "Connection ended",
};

/** Whether an answer is typed, so that how it is read is of use. @param {Frame|null} item */
function isTyped(item) {
  return item !== null && !item.choices && (!item.widget || item.widget.kind === "board");
}

/** @param {Frame} feedback @param {string} kind of answer */
function verdictWords({ verdict, message }, kind) {
  const word = verdictWord(verdict, kind);
  const words = spoken(message ?? "");
  return words.toLowerCase().startsWith(word.toLowerCase()) ? words : `${word}. ${words}`.trim();
}

/** @param {any} a @param {any} b */
function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @param {any} refusal */
function wordsOf(refusal) {
  return refusal?.message ? `${refusal.message}` : "That did not work.";
}
