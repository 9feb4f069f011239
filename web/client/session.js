// What a client holds of its session and the rule by which events move it. This file is pure: it
// reads no clock and opens no socket, and is the twin of protocol/replica.py.

import { emptyLesson, fold, lessonOf } from "./lesson.js";

/** @typedef {import("./wire.js").Frame} Frame */

/**
 * Where one log stands here. `waiting`: a gap was seen and asked for; `head`: where the log stood
 * when this connection was welcomed, so that the end of the catch-up is known.
 * @typedef {{epoch: string, q: number, waiting: boolean, head: number, mode: string}} Position
 */

/**
 * What hearing a frame led to: events to hand on in order, a stored reply that came again (it
 * moves nothing, but its sender waits for it), frames to send.
 * @typedef {{events: Frame[], repeated?: Frame, send: Frame[]}} Heard
 */

const ME = "me";
/** A log of which nothing may be applied before its snapshot came. */
const NOTHING = -1;

export class Replica {
  constructor() {
    /** @type {string|null} */
    this.sid = null;
    /** @type {Map<string, Position>} */
    this.logs = new Map();
    this.lesson = emptyLesson();
    /** Highest number in `me` that the server knows we have. */
    this.acked = 0;
  }

  /** @returns {Position|undefined} */
  get me() {
    return this.logs.get(ME);
  }

  /** Whether everything the server had at the welcome has arrived. */
  get caughtUp() {
    const me = this.me;
    return me !== undefined && !me.waiting && me.q >= me.head;
  }

  /**
   * The first frame of a connection.
   * @param {string|null} token
   * @param {{name: string, version: string}} client
   * @returns {Frame}
   */
  hello(token, client) {
    const running = this.lesson.turns.find((turn) => turn.status === "running");
    const have = [...this.logs].filter(([, { q }]) => q >= 0).map(([s, { epoch, q }]) => ({
      s, epoch, q,
      ...(s === ME && running ? { gen: running.gen, i: running.i } : {}),
    }));
    return {
      t: "hello",
      ...(token ? { token } : {}),
      ...(this.sid && token ? { sid: this.sid } : {}),
      have: this.sid ? have : [],
      client,
    };
  }

  /**
   * Take one frame in. Nothing is applied twice and nothing out of order.
   * @param {Frame} frame
   * @returns {Heard}
   */
  hear(frame) {
    if (frame.t === "welcome") return this.#welcomed(frame);
    if (frame.t === "snapshot") return this.#restored(frame);
    if (frame.t === "ping") return this.#pinged(frame);
    if (typeof frame.q === "number") return this.#numbered(frame);
    return { events: [frame], send: [] };
  }

  /** The `ack` of all that was applied, or null where the server knows it already. */
  ack() {
    const q = this.me?.q ?? 0;
    if (q <= this.acked) return null;
    this.acked = q;
    return { t: "ack", pos: { [ME]: q } };
  }

  /** Events applied since the last `ack`. */
  get unacked() {
    return (this.me?.q ?? 0) - this.acked;
  }

  /** Forget the session: its identity is not accepted any more. */
  forget() {
    this.sid = null;
    this.logs.clear();
    this.lesson = emptyLesson();
    this.acked = 0;
  }

  /**
   * @param {Frame} frame
   * @returns {Heard}
   */
  #welcomed(frame) {
    if (this.sid !== null && frame.sid !== this.sid) this.forget();
    this.sid = frame.sid;
    for (const { s, epoch, head, mode } of frame.logs) {
      const had = this.logs.get(s);
      const kept = had !== undefined && had.epoch === epoch;
      const restores = mode === "snapshot" || mode === "reset";
      if (!kept && !restores && s === ME) this.lesson = emptyLesson();
      const q = kept ? had.q : restores ? NOTHING : 0;
      this.logs.set(s, { epoch, q, waiting: restores, head, mode });
      if (s === ME) this.acked = Math.max(0, q); // the server has read it in our hello
    }
    return { events: [frame], send: [] };
  }

  /**
   * @param {Frame} frame
   * @returns {Heard}
   */
  #restored(frame) {
    const { s, epoch, q } = frame;
    const had = this.logs.get(s);
    const stale = had !== undefined && had.epoch === epoch && q < had.q;
    if (stale) return { events: [], send: [] };
    const head = Math.max(q, had?.head ?? q);
    this.logs.set(s, {
      epoch, q, waiting: false, head: had?.epoch === epoch ? head : q, mode: had?.mode ?? "snapshot",
    });
    if (s === ME) this.lesson = lessonOf(frame.state, frame.gens ?? []);
    return { events: [frame], send: [] };
  }

  /**
   * @param {Frame} frame
   * @returns {Heard}
   */
  #pinged(frame) {
    /** @type {Frame[]} */
    const send = [{ t: "pong" }];
    for (const [s, head] of Object.entries(frame.heads ?? {})) {
      const log = this.logs.get(s);
      if (log !== undefined && head > log.q) send.push(this.#ask(s, log));
    }
    return { events: [frame], send };
  }

  /**
   * @param {Frame} frame
   * @returns {Heard}
   */
  #numbered(frame) {
    const log = this.logs.get(frame.s);
    if (log === undefined) return { events: [], send: [] };
    if (frame.q <= log.q) {
      return { events: [], send: [], ...(frame.dup === true ? { repeated: frame } : {}) };
    }
    if (frame.q - (frame.span ?? 1) !== log.q) {
      return { events: [], send: log.waiting ? [] : [this.#ask(frame.s, log)] };
    }
    if (frame.t === "delta" && !this.#continues(frame)) {
      return { events: [], send: log.waiting ? [] : [this.#ask(frame.s, log, 0)] };
    }
    log.q = frame.q;
    log.waiting = false;
    if (frame.s === ME) this.lesson = fold(this.lesson, frame);
    return { events: [frame], send: [] };
  }

  /**
   * Whether a delta begins at the next chunk of its generation.
   * @param {Frame} delta
   */
  #continues(delta) {
    const turn = this.lesson.turns.find((known) => known.gen === delta.gen);
    return turn === undefined || turn.i === delta.i[0];
  }

  /**
   * @param {string} s
   * @param {Position} log
   * @param {number} [from]
   * @returns {Frame}
   */
  #ask(s, log, from = log.q) {
    log.waiting = true;
    return { t: "sync", s, epoch: log.epoch, q: Math.max(0, from) };
  }
}
