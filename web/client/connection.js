// One line to the server at a time, dialled again whenever it is lost. This file knows sockets,
// delays and heartbeats; it knows nothing of what the frames mean, except that they were heard.

import { SseSocket } from "./sse.js";
import { backoffMs, LIMITS, reconnects, SUBPROTOCOL } from "./wire.js";

/** @typedef {import("./wire.js").Clock} Clock */
/** @typedef {import("./wire.js").Frame} Frame */
/**
 * What a dial gives: the part of a browser's WebSocket that is used here.
 * @typedef {object} Socket
 * @property {(() => void)|null} onopen
 * @property {((message: {data: any}) => void)|null} onmessage
 * @property {((closing: {code: number, reason?: string}) => void)|null} onclose
 * @property {(() => void)|null} onerror
 * @property {number} [readyState]
 * @property {(data: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 */
/** @typedef {"connecting"|"open"|"waiting"|"closed"} Phase */
/**
 * @typedef {object} Wishes
 * @property {string} url of the WebSocket route
 * @property {Clock} clock
 * @property {() => Frame} hello the first frame, made anew for each dial
 * @property {(frame: Frame) => void} hear
 * @property {() => void} changed called when the phase changes
 * @property {((url: string, protocol: string) => Socket)|null} [dial]
 * @property {EventTarget|null} [page] where `online` and `visibilitychange` are told
 */

/** A WebSocket's `readyState` while it can be spoken on. */
const OPEN = 1;
/** Upgrades that may fail, before any succeeded, until the fallback is tried. */
const FAILED_UPGRADES = 2;

export class Connection {
  /** @param {Wishes} wishes */
  constructor(wishes) {
    this.wishes = wishes;
    this.clock = wishes.clock;
    /** @type {Phase} */
    this.phase = "closed";
    /** @type {Socket|null} */
    this.socket = null;
    this.attempt = 0;
    this.failedUpgrades = 0;
    this.everOpen = false;
    this.usesSse = false;
    /** The server's own delay for the next dial. @type {number|null} */
    this.told_ms = null;
    /** Close code of the last line that ended. */
    this.closeCode = 0;
    this.closeReason = "";
    this.retryAt_ms = 0;
    /** When anything was heard last, in ms since 1970; 0: never. */
    this.heardAt_ms = 0;
    /** @type {any} */
    this.redial = null;
    /** @type {any} */
    this.deadline = null;
    this.wake = () => this.#wake();
    wishes.page?.addEventListener("online", this.wake);
    wishes.page?.addEventListener("visibilitychange", this.wake);
  }

  /** Dial now. */
  open() {
    this.#forgetTimers();
    this.usesSse = this.#wantsSse();
    this.#become("connecting");
    const socket = this.#dialled();
    this.socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#heard(socket, data);
    socket.onclose = ({ code, reason }) => this.#lost(socket, code, reason ?? "");
    socket.onerror = () => {};
    this.#watch();
  }

  /**
   * Send frames as one message. False where there is no line.
   * @param {Frame[]} frames
   */
  send(frames) {
    if (this.phase !== "open" || this.socket === null || frames.length === 0) return false;
    if ((this.socket.readyState ?? OPEN) !== OPEN) return false; // closing: the loss is told next
    for (let i = 0; i < frames.length; i += LIMITS.frames_a_message) {
      const part = frames.slice(i, i + LIMITS.frames_a_message);
      this.socket.send(part.map((frame) => JSON.stringify(frame)).join("\n"));
    }
    return true;
  }

  /**
   * Lose the line as a network failure would: nothing more is heard from it, nothing is said.
   * @param {number} [away_ms] how long to stay away; otherwise the usual back-off
   */
  cut(away_ms) {
    const socket = this.socket;
    if (socket === null) return;
    this.told_ms = away_ms ?? null;
    this.#lost(socket, 1006, "cut");
    quiet(socket);
    socket.close();
  }

  /** Leave for good. */
  close() {
    this.send([{ t: "bye" }]);
    this.#forgetTimers();
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      quiet(socket);
      socket.close(1000);
    }
    this.wishes.page?.removeEventListener("online", this.wake);
    this.wishes.page?.removeEventListener("visibilitychange", this.wake);
    this.#become("closed");
  }

  /** The server accepted us: the next loss starts from the shortest delay. */
  welcomed() {
    this.attempt = 0;
  }

  /**
   * The server will close soon and says when to come back.
   * @param {number} after_ms
   */
  drainTold(after_ms) {
    this.told_ms = after_ms;
  }

  #wantsSse() {
    if (!this.wishes.dial && typeof WebSocket === "undefined") return true;
    if (this.everOpen || this.failedUpgrades < FAILED_UPGRADES) return false;
    return !this.usesSse; // the fallback failed too: try the socket again, turn by turn
  }

  /** @returns {Socket} */
  #dialled() {
    const { url, dial } = this.wishes;
    if (this.usesSse) return new SseSocket(url);
    if (dial) return dial(url, SUBPROTOCOL);
    return /** @type {Socket} */ (/** @type {unknown} */ (new WebSocket(url, SUBPROTOCOL)));
  }

  /** @param {Socket} socket */
  #opened(socket) {
    if (socket !== this.socket) return;
    if (!this.usesSse) this.everOpen = true;
    this.failedUpgrades = 0;
    this.#become("open");
    this.send([this.wishes.hello()]);
  }

  /**
   * @param {Socket} socket
   * @param {any} data
   */
  #heard(socket, data) {
    this.heardAt_ms = this.clock.now();
    this.#watch();
    for (const line of String(data).split("\n")) {
      if (socket !== this.socket) return; // cut in the middle of a message
      if (line !== "") this.wishes.hear(JSON.parse(line));
    }
  }

  /**
   * @param {Socket} socket
   * @param {number} code
   * @param {string} reason
   */
  #lost(socket, code, reason) {
    if (socket !== this.socket) return;
    this.#forgetTimers();
    this.socket = null;
    if (this.phase === "connecting") this.failedUpgrades += 1;
    this.closeCode = code;
    this.closeReason = reason;
    if (!reconnects(code)) {
      this.#become("closed");
      return;
    }
    const delay = this.told_ms ?? backoffMs(this.attempt, this.clock.random());
    this.told_ms = null;
    this.attempt += 1;
    this.retryAt_ms = this.clock.now() + delay;
    this.redial = this.clock.setTimeout(() => this.open(), delay);
    this.#become("waiting");
  }

  /** Nothing heard for too long: the line is dead, whatever the socket believes. */
  #watch() {
    this.clock.clearTimeout(this.deadline);
    this.deadline = this.clock.setTimeout(() => {
      const socket = this.socket;
      if (socket === null) return;
      this.#lost(socket, 4009, "nothing heard");
      quiet(socket);
      socket.close();
    }, LIMITS.dead_s * 1000);
  }

  #wake() {
    const page = /** @type {any} */ (this.wishes.page);
    const hidden = page?.document?.visibilityState === "hidden";
    if (this.phase === "waiting" && !hidden && this.attempt > 1) this.open();
  }

  #forgetTimers() {
    this.clock.clearTimeout(this.redial);
    this.clock.clearTimeout(this.deadline);
  }

  /** @param {Phase} phase */
  #become(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.wishes.changed();
  }
}

/** @param {Socket} socket */
function quiet(socket) {
  socket.onopen = socket.onmessage = socket.onclose = null;
}
