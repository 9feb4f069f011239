// What a client holds of its session and its rooms, and the rule by which events move them. This
// file is pure: it reads no clock and opens no socket, and is the twin of protocol/replica.py.

import { emptyLesson, fold, lessonOf } from "./lesson.js";
import { emptyRoom, folded, replaced, roomOf, withVote } from "./room.js";

/** @typedef {import("./wire.js").Frame} Frame */
/** @typedef {import("./room.js").Room} Room */

/**
 * Where one log stands here. `waiting`: a gap was seen and asked for; `head`: where the log stood
 * when this connection was welcomed, so that the end of the catch-up is known; `acked`: the highest
 * number the server knows we have.
 * @typedef {{epoch: string, q: number, waiting: boolean, head: number, mode: string, acked: number}} Position
 */

/** What of a room outlives the page. @typedef {{rid: string, title: string, code: string, member: string, role: string}} Seat */

/**
 * What hearing a frame led to: events to hand on in order, a stored reply that came again (it
 * moves nothing, but its sender waits for it), frames to send.
 * @typedef {{events: Frame[], repeated?: Frame, send: Frame[]}} Heard
 */

const ME = "me";
/** A log of which nothing may be applied before its snapshot came. */
const NOTHING = -1;
/** No log's epoch: what is held of such a log is nothing, so its whole state is wanted. */
const NO_EPOCH = "";

export class Replica {
  constructor() {
    /** @type {string|null} */
    this.sid = null;
    /** @type {Map<string, Position>} */
    this.logs = new Map();
    this.lesson = emptyLesson();
    /** The rooms this session is a member of, by rid. @type {Map<string, Room>} */
    this.rooms = new Map();
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
    const have = [...this.logs].filter(([s, { q }]) => q >= 0 || s !== ME).map(([s, { epoch, q }]) => {
      const running = this.#turns(s).find((turn) => turn.status === "running");
      if (q < 0) return { s, epoch: NO_EPOCH, q: 0 };
      return { s, epoch, q, ...(running ? { gen: running.gen, i: running.i } : {}) };
    });
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
    if (frame.q === 0) return this.#unplaced(frame);
    if (typeof frame.q === "number") return this.#numbered(frame);
    return { events: [frame], send: [] };
  }

  /** The `ack` of all that was applied, or null where the server knows it already. */
  ack() {
    /** @type {Record<string, number>} */
    const pos = {};
    for (const [s, log] of this.logs) {
      if (log.q <= log.acked) continue;
      log.acked = log.q;
      pos[s] = log.q;
    }
    return Object.keys(pos).length === 0 ? null : { t: "ack", pos };
  }

  /**
   * Whether events of this log were applied since the last `ack`.
   * @param {string} s
   */
  owes(s) {
    const log = this.logs.get(s);
    return log !== undefined && log.q > log.acked;
  }

  /** Events applied since the last `ack`, of all logs. */
  get unacked() {
    let sum = 0;
    for (const { q, acked } of this.logs.values()) sum += Math.max(0, q - acked);
    return sum;
  }

  /** Forget the session: its identity is not accepted any more. */
  forget() {
    this.sid = null;
    this.logs.clear();
    this.lesson = emptyLesson();
    this.rooms.clear();
  }

  // --- rooms -----------------------------------------------------------------------------------

  /** What outlives the page: a reload names these in its `hello`. @returns {Seat[]} */
  get seats() {
    return [...this.rooms.values()].map(({ rid, title, code, you }) => (
      { rid, title, code, member: you.member, role: you.role }
    ));
  }

  /** Take a seat up that an earlier page had; the room's state comes with the welcome. @param {Seat} seat */
  takeUp({ rid, title, code, member, role }) {
    this.#await(rid);
    const room = emptyRoom(rid);
    this.rooms.set(rid, { ...room, title, code, you: { ...room.you, member, role } });
  }

  /**
   * The own vote was taken; its round is the one that was open.
   * @param {string} rid
   * @param {{poll: string, choice: string, confidence?: number|null, predicted?: number|null}} vote
   */
  voted(rid, vote) {
    const room = this.rooms.get(rid);
    if (room?.poll?.poll === vote.poll) this.rooms.set(rid, withVote(room, { ...vote, round: room.poll.round }));
  }

  /** @param {string} rid */
  left(rid) {
    this.logs.delete(rid);
    this.rooms.delete(rid);
  }

  /** Hold a log's place open until its snapshot comes. @param {string} rid */
  #await(rid) {
    if (this.logs.has(rid)) return;
    this.logs.set(rid, { epoch: NO_EPOCH, q: NOTHING, waiting: true, head: 0, mode: "snapshot", acked: 0 });
  }

  /** @param {string} s */
  #turns(s) {
    return s === ME ? this.lesson.turns : (this.rooms.get(s)?.turns ?? []);
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
      if (s !== ME && !this.rooms.has(s)) this.rooms.set(s, emptyRoom(s));
      const q = kept ? had.q : restores ? NOTHING : 0;
      const acked = Math.max(0, q); // the server has read it in our hello
      this.logs.set(s, { epoch, q, waiting: restores, head, mode, acked });
    }
    const told = new Set(frame.logs.map((/** @type {any} */ log) => log.s));
    for (const s of [...this.logs.keys()]) if (s !== ME && !told.has(s)) this.left(s);
    return { events: [frame], send: [] };
  }

  /**
   * An event without a place moves no log. A room that was joined begins to be heard.
   * @param {Frame} frame
   * @returns {Heard}
   */
  #unplaced(frame) {
    const rid = frame.t === "ok" ? frame.changed?.rid : undefined;
    if (rid !== undefined && !this.rooms.has(rid)) {
      this.#await(rid);
      this.rooms.set(rid, emptyRoom(rid));
    }
    const room = this.rooms.get(rid ?? frame.s);
    if (room !== undefined) this.rooms.set(room.rid, replaced(room, frame));
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
    if (s !== ME && !this.rooms.has(s)) return { events: [], send: [] }; // left in the meantime
    const kept = had?.epoch === epoch;
    this.logs.set(s, {
      epoch, q, waiting: false, head: kept ? head : q, mode: had?.mode ?? "snapshot",
      acked: kept ? (had?.acked ?? 0) : 0,
    });
    if (s === ME) this.lesson = lessonOf(frame.state, frame.gens ?? []);
    else this.#changeRoom(s, (room) => roomOf(room, frame.state, frame.gens ?? []));
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
    else this.#changeRoom(frame.s, (room) => folded(room, frame));
    return { events: [frame], send: [] };
  }

  /** @param {string} rid @param {(room: Room) => Room} change */
  #changeRoom(rid, change) {
    const room = this.rooms.get(rid);
    if (room !== undefined) this.rooms.set(rid, change(room));
  }

  /**
   * Whether a delta begins at the next chunk of its generation.
   * @param {Frame} delta
   */
  #continues(delta) {
    const turn = this.#turns(delta.s).find((known) => known.gen === delta.gen);
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
