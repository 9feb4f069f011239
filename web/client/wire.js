// The wire's numbers: limits, codes of refusal, close codes. This file is the twin of
// protocol/limits.py and protocol/errors.py; a test compares them.

/**
 * One frame, parsed. `t` is its type; a durable event also has `s`, `q` and `ts`.
 * @typedef {{t: string, [field: string]: any}} Frame
 */

/**
 * Time and dice, so that tests own both.
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(fn: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random in [0, 1)
 */

/**
 * How the line stands, in what a person needs to know.
 * @typedef {object} State
 * @property {"connecting"|"catching-up"|"live"|"reconnecting"|"restarting"|"ended"} phase
 * @property {number} kept commands not yet acknowledged
 * @property {number} answers how many of them are answers
 * @property {number} retryAt_ms when the next dial is due, in ms since 1970
 * @property {number} heardAt_ms when anything was heard last, in ms since 1970
 * @property {number} rtt_ms median of the newest round trips, 0 while unknown
 * @property {number} resumes how often this page came back
 * @property {{from: number, to: number, mode: string}|null} resumed the newest return: the
 *   numbers caught up (`from` > `to`: nothing was missed), and how
 * @property {number} seq
 * @property {number} closeCode
 * @property {string} closeReason
 */

export const SUBPROTOCOL = "tutorstream.v1.json";

export const LIMITS = Object.freeze({
  inbound_bytes: 65_536,
  frames_a_message: 64,
  dead_s: 30,
  ack_events: 16,
  ack_ms: 250,
  room_ack_ms: 2_000,
  commands_a_s: 20,
  commands_burst: 40,
  previews_a_s: 10,
  ids_kept_s: 600,
  backoff_first_s: 0.25,
  backoff_factor: 2,
  backoff_cap_s: 15,
});

/** Codes after which the same command may be sent again, under the same id. */
export const TEMPORARY = new Set([100, 114, 129, 150, 151, 152, 153]);

export const CODES = Object.freeze({
  unauthorized: 103,
  forbidden: 104,
  token_expired: 105,
  not_found: 106,
  busy: 107,
  gone: 108,
  too_large: 109,
  not_member: 111,
  room_full: 112,
  closed: 116,
  budget_spent: 120,
  rate_limited: 129,
  overloaded: 150,
});

/** Round trips that the median is of. */
const TRIPS = 5;

/** Close codes of the transport that are treated as 4001 (drain): reconnect and resume. */
const AS_DRAIN = new Set([1001, 1006, 1011, 1012, 1013]);

/**
 * Whether a client may come back by itself after this close code.
 * @param {number} code
 */
export function reconnects(code) {
  return AS_DRAIN.has(code) || (code >= 4000 && code < 4400);
}

/**
 * Milliseconds to wait before the n-th try (n from 0): full jitter under a doubling cap.
 * @param {number} attempt
 * @param {number} dice in [0, 1)
 */
export function backoffMs(attempt, dice) {
  const { backoff_first_s, backoff_factor, backoff_cap_s } = LIMITS;
  const cap = Math.min(backoff_cap_s, backoff_first_s * backoff_factor ** Math.min(attempt, 30));
  return dice * cap * 1000;
}

/** @type {Clock} */
export const SYSTEM_CLOCK = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

/** A refusal by the server (`err`), or by this client where the server was never asked. */
export class Refusal extends Error {
  /**
   * @param {number} code
   * @param {string} name
   * @param {string} message
   * @param {{temp?: boolean, retry_ms?: number}} [more]
   */
  constructor(code, name, message, more = {}) {
    super(message);
    this.code = code;
    this.name = name;
    this.temporary = more.temp ?? TEMPORARY.has(code);
    this.retry_ms = more.retry_ms;
  }
}

/** The newest round trips. */
export class RoundTrips {
  constructor() {
    /** @type {number[]} */
    this.newest_ms = [];
  }

  /** @param {number|null} ms null: nobody waited for that answer any more */
  add(ms) {
    if (ms === null) return;
    this.newest_ms = [...this.newest_ms, Math.max(0.1, ms)].slice(-TRIPS);
  }

  /** 0 while none is known. */
  get median_ms() {
    const sorted = [...this.newest_ms].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  }
}

/** A new id, unique in the session: 22 url-safe characters, 132 bits. */
export function newId() {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bytes = crypto.getRandomValues(new Uint8Array(22));
  return Array.from(bytes, (byte) => alphabet[byte & 63]).join("");
}
