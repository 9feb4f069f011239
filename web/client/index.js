// The client of tutorstream.v1: `connect(...)` gives a Session. This file joins the line, the
// picture and the queue of commands; it needs no DOM and no dependency.

import { Connection } from "./connection.js";
import { AnswerBox, browserShelf, memoryShelf, OutQueue } from "./outqueue.js";
import { Rooms } from "./rooms.js";
import { Replica } from "./session.js";
import { CODES, LIMITS, newId, Refusal, RoundTrips, SYSTEM_CLOCK } from "./wire.js";

export { Refusal } from "./wire.js";

/** @typedef {import("./wire.js").Frame} Frame */
/** @typedef {import("./lesson.js").Lesson} Lesson */
/**
 * Where the session's identity outlives the page; localStorage has this form.
 * @typedef {{getItem: (key: string) => string|null, setItem: (key: string, value: string) => void,
 *   removeItem: (key: string) => void}} Storage
 */
/**
 * @typedef {object} Options
 * @property {string} url of the WebSocket route, `ws://.../v1/ws`
 * @property {string} [token] of a known learner; without it a guest's own is used
 * @property {Storage|null} [storage] keeps `sid` and token; without it a reload begins anew
 * @property {string} [identity] the key they are kept under; another page's has another
 * @property {string} [name] of this client, for the operator's statistics
 * @property {import("./outqueue.js").Shelf} [shelf] keeps unacknowledged commands
 * @property {import("./wire.js").Clock} [clock]
 * @property {(url: string, protocol: string) => import("./connection.js").Socket} [dial]
 * @property {EventTarget|null} [page] tells `online` and `visibilitychange`; a browser's window
 */
/** @typedef {import("./wire.js").State} State */

const IDENTITY = "tutorstream.session";
/** Refusals of a `hello` after which a guest comes as a new one. */
const UNKNOWN = new Set([CODES.unauthorized, CODES.token_expired, CODES.not_found]);

/** @param {string|undefined} at */
const inside = (at) => (at === undefined ? {} : { at });

/** @param {Options} options */
export function connect(options) {
  const session = new Session(options);
  session.open();
  return session;
}

export class Session {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.replica = new Replica();
    const shelf = options.shelf ?? (options.storage ? browserShelf() : memoryShelf());
    this.queue = new OutQueue(shelf, this.clock);
    this.connection = new Connection({
      url: options.url,
      clock: this.clock,
      dial: options.dial ?? null,
      page: options.page === undefined ? defaultPage() : options.page,
      hello: () => this.#hello(),
      hear: (frame) => this.#hear(frame),
      changed: () => this.#lineChanged(),
    });
    /** @type {Map<string, Set<(event: any) => void>>} */
    this.listeners = new Map();
    this.token = options.token ?? null;
    this.resumes = 0;
    /** @type {State["resumed"]} */
    this.resumed = null;
    this.trips = new RoundTrips();
    this.welcomed = false;
    this.draining = false;
    this.ready = false;
    /** Highest number applied when the line was lost. */
    this.lostAt = -1;
    /** @type {import("./lesson.js").Rates|null} the newest budgets told; null: none, or none told yet */
    this.rates = null;
    /** @type {any} */
    this.ackTimer = null;
    /** When that ack is due, in ms of the clock. */
    this.ackDue = 0;
    /** @type {any} */
    this.flushTimer = null;
    this.box = new AnswerBox(
      this.clock,
      (frames) => this.ready && this.connection.send(frames),
      () => this.lesson.item?.item,
    );
    this.rooms = new Rooms(
      this.replica,
      (t, fields) => this.#command(t, fields),
      (frames) => this.ready && this.connection.send(frames),
    );
    /** @type {Map<string, number>} */
    this.sentAt_ms = new Map();
    this.#recall();
  }

  // --- what a page reads -----------------------------------------------------------------------

  /** The lesson as it stands, in the form of the server's snapshot. @returns {Lesson} */
  get lesson() {
    return this.replica.lesson;
  }

  get sid() {
    return this.replica.sid;
  }

  /** @returns {State} */
  get state() {
    return {
      phase: this.#phase(),
      kept: this.queue.size,
      answers: this.queue.answers,
      retryAt_ms: this.connection.retryAt_ms,
      heardAt_ms: this.connection.heardAt_ms,
      rtt_ms: this.trips.median_ms,
      resumes: this.resumes,
      resumed: this.resumed,
      seq: Math.max(0, this.replica.me?.q ?? 0),
      closeCode: this.connection.closeCode,
      closeReason: this.connection.closeReason,
    };
  }

  /**
   * Hear events: a frame's type (of the lesson), `room` for those of rooms, `state` for the line,
   * `*` for every event applied.
   * @param {string} type
   * @param {(event: any) => void} fn
   * @returns {() => void} stops hearing
   */
  on(type, fn) {
    const heard = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, heard.add(fn));
    return () => void heard.delete(fn);
  }

  /** Events from now on, in order. @returns {AsyncGenerator<Frame, void, void>} */
  async *[Symbol.asyncIterator]() {
    /** @type {Frame[]} */
    const kept = [];
    let wake = () => {};
    const stop = this.on("*", (event) => {
      kept.push(event);
      wake();
    });
    try {
      for (;;) {
        while (kept.length > 0) yield /** @type {Frame} */ (kept.shift());
        if (this.connection.phase === "closed") return;
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
      }
    } finally {
      stop();
    }
  }

  // --- what a page says ------------------------------------------------------------------------

  /**
   * Begin a lesson. Resolves with `ok`.
   * @param {{course?: string, mode?: string, seed?: number}} [wish]
   */
  start(wish = {}) {
    return this.#command("lesson.start", wish);
  }

  /**
   * Answer an item, or with `at` a small question inside it. Resolves with `feedback`, however long the line is away.
   * @param {string} item
   * @param {any} response
   * @param {number} [taken_ms]
   * @param {string} [at]
   */
  submit(item, response, taken_ms = 0, at) {
    const whole = Math.min(86_400_000, Math.max(0, Math.round(taken_ms)));
    return this.#command("answer.submit", { item, response, taken_ms: whole, ...inside(at) });
  }

  /** The next hint, or with `at` one of that small question. Resolves with `hint`. @param {string} item @param {string} [at] */
  hint(item, at) {
    return this.#command("hint.request", { item, ...inside(at) });
  }

  /** The worked steps; once they are shown, what stands in their blanks, or in the one `at`. Resolves with `steps`. @param {string} item @param {string} [at] */
  steps(item, at) {
    return this.#command("steps.request", { item, ...inside(at) });
  }

  /** Another item. Resolves with `item`. @param {string} [skill] */
  next(skill) {
    return this.#command("item.next", skill === undefined ? {} : { skill });
  }

  /**
   * Ask the tutor. Resolves with `turn.started` (or `ok` where it waits behind another turn); the
   * command's id is on the promise as `.id`, so that it can be cancelled before it starts.
   * @param {string|{action: "simpler"|"example"|"why"|"next_step"}} input
   * @param {{item?: string, on_busy?: "reject"|"queue"|"replace"}} [more]
   */
  ask(input, more = {}) {
    return this.#command("turn.start", { input, ...more });
  }

  /**
   * Stop a turn. Only what was seen is remembered: the last chunk applied here.
   * @param {string|{cmd: string}} turn its `gen`, or the id of its `ask`
   */
  cancel(turn) {
    const name = typeof turn === "string" ? { gen: turn } : { cmd: turn.cmd };
    const seen = this.lesson.turns.find(({ gen, cmd }) => gen === name.gen || cmd === name.cmd);
    const where = seen === undefined ? name : { gen: seen.gen, seen_i: seen.i - 1 };
    return this.#command("turn.cancel", where);
  }

  /** Which skills are due? Resolves with `review`. */
  review() {
    return this.#command("review.due", {});
  }

  /** @param {string} mode */
  setMode(mode) {
    return this.#command("mode.set", { mode });
  }

  /** @param {Record<string, string|number|boolean|null>} prefs null removes one */
  setPrefs(prefs) {
    return this.#command("prefs.set", { prefs });
  }

  /** Keep what stands in the answer box, or in that of the small question `at`; they go out once a second at most, the newest wins. @param {string} item @param {any} response @param {string} [at] */
  draft(item, response, at) {
    this.box.draft(item, response, at);
  }

  /**
   * How an answer would be read; never whether it is right. Null where a newer question
   * overtook this one or the line is away.
   * @param {string} item
   * @param {any} response
   * @param {string} [at] the small question inside the item
   * @returns {Promise<Frame|null>}
   */
  preview(item, response, at) {
    return this.box.preview(item, response, at);
  }

  /** Drop the line as a network failure would. @param {number} [away_ms] how long to stay away; otherwise the usual back-off */
  cut(away_ms) {
    this.connection.cut(away_ms);
  }

  /** Dial; `connect` has done so. */
  open() {
    this.connection.open();
  }

  /** Leave. A running turn of the tutor goes on. */
  close() {
    for (const timer of [this.ackTimer, this.flushTimer]) this.clock.clearTimeout(timer);
    this.box.lost();
    this.connection.close();
  }

  // --- the line --------------------------------------------------------------------------------

  #hello() {
    const client = { name: this.options.name ?? "tutorstream-web", version: "0.1.0" };
    return this.replica.hello(this.token, client);
  }

  #lineChanged() {
    if (this.connection.phase === "open") this.draining = false;
    else this.#lineLost();
    if (this.connection.phase === "closed" && this.#identityRefused()) return;
    this.#tell("state", this.state);
    if (this.connection.phase === "closed") this.#tell("*", { t: "closed" });
  }

  #lineLost() {
    if (this.welcomed) this.lostAt = Math.max(0, this.replica.me?.q ?? 0);
    this.welcomed = false;
    this.ready = false;
    this.queue.unsend();
    this.sentAt_ms.clear();
    this.box.lost();
    this.clock.clearTimeout(this.flushTimer);
  }

  /** A guest whose session the server does not know (any more) comes as a new one, once. */
  #identityRefused() {
    const { closeCode } = this.connection;
    if (this.options.token || this.token === null) return false;
    if (closeCode !== 4401 && closeCode !== 4410) return false;
    this.#forget();
    this.connection.open();
    return true;
  }

  #forget() {
    this.token = null;
    this.replica.forget();
    this.rates = null;
    this.lostAt = -1;
    this.options.storage?.removeItem(this.#identity);
    this.queue.rejectAll(new Refusal(CODES.gone, "gone", "the session this was said in has ended"));
    this.#tell("forgotten", { t: "forgotten" });
  }

  /** @returns {State["phase"]} */
  #phase() {
    const { phase } = this.connection;
    if (phase === "open") return this.ready ? "live" : this.lostAt < 0 ? "connecting" : "catching-up";
    if (phase === "waiting") return this.draining ? "restarting" : "reconnecting";
    if (phase === "connecting") return this.lostAt < 0 ? "connecting" : "reconnecting";
    return "ended";
  }

  #recall() {
    const kept = this.options.storage?.getItem(this.#identity);
    if (!kept || this.options.token) return;
    try {
      const { sid, token, seats = [] } = JSON.parse(kept);
      this.replica.sid = sid;
      this.token = token;
      for (const seat of seats) this.replica.takeUp(seat);
    } catch {
      this.options.storage?.removeItem(this.#identity); // not ours, or cut off in writing
    }
  }

  get #identity() {
    return this.options.identity ?? IDENTITY;
  }

  // --- hearing ---------------------------------------------------------------------------------

  /** @param {Frame} frame */
  #hear(frame) {
    if (frame.t === "welcome") this.#welcomed(frame);
    if (this.ready && frame.ts > 0 && frame.dup !== true) this.rooms.heardAt(frame.ts, this.clock.now());
    const { events, repeated, send } = this.replica.hear(frame);
    if (frame.t === "welcome") this.#remember();
    if (repeated !== undefined) this.#settle(repeated);
    for (const event of events) this.#applied(event);
    this.connection.send(send);
    if (!this.ready && this.welcomed && this.replica.caughtUp) this.#caughtUp();
    if (typeof frame.q === "number") this.#scheduleAck();
  }

  /** @param {Frame} event */
  #applied(event) {
    this.#settle(event);
    if (event.t === "preview") this.trips.add(this.box.heard(event));
    if (event.t === "err") this.#refused(event);
    if (event.t === "rate") this.rates = { limits: event.limits, at_ms: this.clock.now() };
    if (event.t === "drain") {
      this.draining = true;
      this.connection.drainTold(event.after_ms);
    }
    this.#tell(event.s === undefined || event.s === "me" ? event.t : "room", event);
    this.#tell("*", event);
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    this.connection.welcomed();
    this.welcomed = true;
    const first = this.replica.sid === null || this.lostAt < 0;
    if (frame.token && !this.options.token) this.token = frame.token;
    this.queue.adopt(frame.sid);
    if (first) void this.#restoreQueue(frame.sid);
    else this.resumes += 1;
  }

  /** @param {string} sid */
  async #restoreQueue(sid) {
    await this.queue.restore(sid).catch(() => undefined); // a shelf that fails keeps nothing
    this.#flush();
    this.#tell("state", this.state);
  }

  #caughtUp() {
    const to = this.replica.me?.q ?? 0;
    const mode = this.replica.me?.mode ?? "live";
    if (this.lostAt >= 0) this.resumed = { from: this.lostAt + 1, to, mode };
    this.ready = true;
    this.queue.dropSettled(({ item }) => this.lesson.item?.item !== item);
    this.#flush();
    this.box.sendDrafts();
    this.#tell("state", this.state);
    if (this.lostAt >= 0) this.#tell("resumed", this.resumed);
  }

  /** @param {Frame} reply */
  #settle(reply) {
    const id = reply.re ?? (reply.t === "turn.started" ? reply.cmd : undefined);
    if (id === undefined || reply.t === "err") return;
    const sent = this.sentAt_ms.get(id);
    if (sent !== undefined) {
      this.trips.add(this.clock.now() - sent - (reply.timing?.total_us ?? 0) / 1000);
      this.sentAt_ms.delete(id);
    }
    const command = this.queue.settle(id, reply);
    if (command === null) return;
    this.rooms.did(command);
    if (command.t.startsWith("room.")) this.#remember();
    this.#tell("state", this.state);
  }

  /** Who this is, and where it sits, for the page that comes after a reload. */
  #remember() {
    if (!this.token || this.sid === null) return;
    const { sid, token, replica: { seats } } = this;
    const kept = { sid, token, ...(seats.length > 0 ? { seats } : {}) };
    this.options.storage?.setItem(this.#identity, JSON.stringify(kept));
  }

  /** @param {Frame} err */
  #refused(err) {
    const refusal = new Refusal(err.code, err.name, err.msg, { temp: err.temp, retry_ms: err.retry_ms });
    if (!this.welcomed && this.token && !this.options.token && UNKNOWN.has(err.code)) {
      this.#forget();
      this.connection.cut(0);
      return;
    }
    if (err.re !== undefined && err.re !== null) {
      this.queue.refuse(err.re, refusal);
      this.sentAt_ms.delete(err.re);
      if (refusal.temporary) this.#flush();
      this.#tell("state", this.state);
    }
  }

  // --- saying ----------------------------------------------------------------------------------

  /**
   * @param {string} t
   * @param {Record<string, any>} fields
   * @returns {Promise<Frame> & {id: string}}
   */
  #command(t, fields) {
    const id = newId();
    const reply = this.queue.push({ t, id, ...fields }, this.sid);
    this.#flush();
    this.#tell("state", this.state);
    return Object.assign(reply, { id });
  }

  /** Send what waits, with the newest `ack` in the same message. */
  #flush() {
    this.clock.clearTimeout(this.flushTimer);
    if (!this.ready) return;
    const { frames, again_ms } = this.queue.due();
    if (again_ms !== null) this.flushTimer = this.clock.setTimeout(() => this.#flush(), again_ms);
    if (frames.length === 0) return;
    const now = this.clock.now();
    for (const { id } of frames) this.sentAt_ms.set(id, now);
    const ack = this.replica.ack();
    this.connection.send(ack === null ? frames : [...frames, ack]);
  }

  #scheduleAck() {
    if (this.replica.unacked >= LIMITS.ack_events) {
      this.#sendAck();
      return;
    }
    if (this.replica.unacked <= 0) return;
    const due = this.clock.now() + (this.replica.owes("me") ? LIMITS.ack_ms : LIMITS.room_ack_ms);
    if (this.ackTimer !== null && this.ackDue <= due) return;
    this.clock.clearTimeout(this.ackTimer);
    this.ackDue = due;
    this.ackTimer = this.clock.setTimeout(() => this.#sendAck(), due - this.clock.now());
  }

  #sendAck() {
    this.clock.clearTimeout(this.ackTimer);
    this.ackTimer = null;
    if (!this.welcomed) return;
    const ack = this.replica.ack();
    if (ack !== null) this.connection.send([ack]);
  }

  /** @param {string} type @param {any} event */
  #tell(type, event) {
    for (const fn of [...(this.listeners.get(type) ?? [])]) fn(event);
  }
}

/** @returns {EventTarget|null} */
function defaultPage() {
  return typeof window === "undefined" ? null : window;
}
