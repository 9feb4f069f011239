// One person's place in a study room: what stands in its fields, what its buttons do, what a screen
// reader is told of the others. This file draws nothing; it calls `changed` when something moved.

import { nameOf } from "../client/room.js";
import { CODES } from "../client/wire.js";

/** @typedef {import("../client/index.js").Session} Session */
/** @typedef {import("../client/room.js").Room} Room */
/** @typedef {"poll"|"talk"|"board"|"people"|"pair"} Place where in the room a refusal is shown */
/** @typedef {{poll: string, round: number, choice: string, confidence: number|null, predicted: number|null}} Draft */

/** News of other members' messages are told aloud at most this often. */
const NEWS_MS = 3000;
/** Of a countdown only these are told aloud, in seconds before the end. */
const TOLD_S = [30, 10];
/** While somebody types they say so this often; it is believed a little longer. */
const TYPING_MS = 2000;
const TYPING_KEPT_MS = 4000;
const TICK_MS = 1000;

export class Seat {
  /**
   * @param {Session} session
   * @param {string} rid
   * @param {() => void} changed
   * @param {(words: string) => void} say aloud, by a screen reader
   */
  constructor(session, rid, changed, say) {
    this.session = session;
    this.rid = rid;
    this.changed = changed;
    this.say = say;
    /** What stands in the message field. */
    this.words = "";
    /** @type {Draft|null} a vote that is not given yet */
    this.draft = null;
    /** Whether a vote is on its way. */
    this.voting = false;
    /** @type {{place: Place, words: string}|null} */
    this.refusal = null;
    /** @type {Set<string>} members thanked from here */
    this.thanked = new Set();
    /** @type {Map<string, boolean>} what was said to invitations to work as a pair */
    this.answered = new Map();
    /** @type {Map<string, number>} until when a member is believed to type, in ms since 1970 */
    this.typing = new Map();
    this.typedAt_ms = -Infinity;
    /** What the drawing of a tutor's turn asks for. */
    this.talk = { alarmed: new Set(), ask: (/** @type {string} */ words) => this.ask(words) };
    /** @type {string[]} */
    this.news = [];
    this.newsAt_ms = -Infinity;
    /** @type {any} */
    this.newsTimer = null;
    this.toldUpTo_s = Infinity;
    this.ticker = setInterval(() => this.#tick(), TICK_MS);
    this.stops = this.#listen();
  }

  /** The room; an empty one once it was left. @returns {Room|undefined} */
  get room() {
    return this.session.rooms.get(this.rid);
  }

  /** Hear nothing more. */
  close() {
    clearInterval(this.ticker);
    clearTimeout(this.newsTimer);
    for (const stop of this.stops) stop();
  }

  // --- the vote --------------------------------------------------------------------------------

  /** What stands in the poll's fields: the draft, or the vote of this round. @returns {Draft|null} */
  get ballot() {
    const room = this.room;
    if (room === undefined || room.poll === null) return null;
    const { poll, round } = room.poll;
    if (this.draft?.poll === poll && this.draft.round === round) return this.draft;
    if (room.you.vote?.round === round) return room.you.vote;
    return { poll, round, choice: "", confidence: null, predicted: null };
  }

  /** Whether the fields say what was voted. */
  get isVoted() {
    const { ballot, room } = this;
    const vote = room?.you.vote;
    return ballot !== null && vote !== null && vote !== undefined && vote.round === ballot.round
      && (["choice", "confidence", "predicted"]).every((key) => /** @type {any} */ (vote)[key] === /** @type {any} */ (ballot)[key]);
  }

  /** @param {Partial<Draft>} part */
  fill(part) {
    const { ballot } = this;
    if (ballot === null) return;
    this.draft = { ...ballot, ...part };
    this.refusal = null;
    this.changed();
  }

  async vote() {
    const { ballot } = this;
    if (ballot === null || this.voting || this.isVoted) return;
    if (ballot.choice === "") {
      this.#refuse("poll", "Choose an answer first.");
      return;
    }
    this.voting = true;
    const { poll, choice, confidence, predicted } = ballot;
    const done = await this.#did("poll", this.session.rooms.vote(this.rid, {
      poll, choice,
      ...(confidence === null ? {} : { confidence }),
      ...(predicted === null ? {} : { predicted }),
    }));
    this.voting = false;
    if (done) {
      if (this.draft === ballot) this.draft = null;
      this.say("Your vote is in");
    }
    this.changed();
  }

  /** Milliseconds until the open round closes by itself, null where it does not. */
  get left_ms() {
    const poll = this.room?.poll;
    if (!poll || poll.phase !== "voting" || poll.closes_at === null) return null;
    return Math.max(0, poll.closes_at - this.now_ms);
  }

  /** The server's clock, as far as it is known. */
  get now_ms() {
    return Date.now() - this.session.rooms.skew_ms;
  }

  // --- talk, board, people ---------------------------------------------------------------------

  /** @param {string} words */
  type(words) {
    this.words = words;
    const now = Date.now();
    if (words !== "" && now - this.typedAt_ms >= TYPING_MS && this.session.rooms.hint(this.rid, "typing", true)) {
      this.typedAt_ms = now;
    }
    this.changed();
  }

  /** Say what stands in the field to the room. */
  send() {
    return this.#spoke((words) => this.session.rooms.say(this.rid, words));
  }

  /** Ask the tutor, before everyone. @param {string} [words] those in the field, where none are given */
  ask(words) {
    if (words === undefined) return this.#spoke((text) => this.session.rooms.ask(this.rid, text));
    return this.#did("talk", this.session.rooms.ask(this.rid, words));
  }

  /** @param {(words: string) => Promise<any>} command */
  async #spoke(command) {
    const words = this.words.trim();
    if (words === "") return;
    this.words = "";
    this.typedAt_ms = -Infinity;
    this.session.rooms.hint(this.rid, "typing", false);
    const done = await this.#did("talk", command(words));
    if (!done && this.words === "") this.words = words; // refused: it is still to be said
    this.changed();
  }

  /** Names of the others who type just now. */
  get typists() {
    const room = this.room;
    const now = Date.now();
    if (room === undefined) return [];
    return [...this.typing].filter(([, until]) => until > now).map(([member]) => nameOf(room, member));
  }

  /** Write a note of the board, or take it off (null). @param {string} key @param {string|null} text */
  note(key, text) {
    return this.#did("board", this.session.rooms.write(this.rid, key, text));
  }

  /** @param {string} member */
  async thank(member) {
    if (this.thanked.has(member)) return;
    this.thanked.add(member);
    const done = await this.#did("people", this.session.rooms.thank(this.rid, member));
    const room = this.room;
    if (!done) this.thanked.delete(member);
    else if (room !== undefined) this.say(`${nameOf(room, member)} helped: noted`);
    this.changed();
  }

  /** @param {string} pair @param {boolean} yes */
  async accept(pair, yes) {
    this.answered.set(pair, yes);
    if (!(await this.#did("pair", this.session.rooms.accept(this.rid, pair, yes)))) this.answered.delete(pair);
    this.changed();
  }

  leave() {
    return this.#did("people", this.session.rooms.leave(this.rid));
  }

  /** @param {Place} place */
  refusedAt(place) {
    return this.refusal?.place === place ? this.refusal.words : "";
  }

  /**
   * @param {Place} place
   * @param {Promise<any>} command
   * @returns {Promise<boolean>} whether it had its effect
   */
  async #did(place, command) {
    if (this.refusal?.place === place) this.refusal = null;
    this.changed();
    try {
      await command;
      return true;
    } catch (refusal) {
      this.#refuse(place, roomRefusal(refusal, place));
      return false;
    }
  }

  /** @param {Place} place @param {string} words */
  #refuse(place, words) {
    this.refusal = { place, words };
    this.changed();
  }

  // --- events ----------------------------------------------------------------------------------

  #listen() {
    return [this.session.on("room", (event) => event.s === this.rid && this.#hear(event))];
  }

  /** @param {import("../client/wire.js").Frame} event */
  #hear({ t, kind, data, k, v, from, status }) {
    if (t === "room.event") this.#happened(kind, data ?? {});
    if (t === "eph" && k === "typing") this.#types(from, v === true);
    if (t === "turn.started") this.say("Tutor is writing");
    if (t === "turn.done") this.say(status === "completed" ? "Answer complete" : "Answer interrupted");
  }

  /** @param {string} kind @param {any} data */
  #happened(kind, data) {
    if (kind === "say" && data.member !== this.room?.you.member) this.#heard(data.member, data.name);
    if (kind === "poll") this.#pollMoved(data);
    if (kind === "reveal") this.say("The vote is revealed");
    const me = this.room?.you.member ?? "";
    const invited = (data.pairs ?? []).some((/** @type {any} */ pair) => pair.state === "invited" && pair.members.includes(me));
    if (kind === "group" && invited) this.say("You are invited to work as a pair");
  }

  /** @param {any} poll */
  #pollMoved({ phase, round, closes_at }) {
    this.toldUpTo_s = Infinity;
    if (phase === "discuss") this.say("The vote is closed. Talk it over");
    if (phase !== "voting") return;
    const s = closes_at ? Math.round((closes_at - this.now_ms) / 1000) : 0;
    this.say(`${round > 1 ? "Vote again" : "A vote is open"}${s > 0 ? `, ${s} seconds` : ""}`);
  }

  /** @param {string} member @param {string} name */
  #heard(member, name) {
    this.typing.delete(member);
    this.news.push(name);
    clearTimeout(this.newsTimer);
    const wait = this.newsAt_ms + NEWS_MS - Date.now();
    this.newsTimer = setTimeout(() => this.#tellNews(), Math.max(0, wait));
  }

  #tellNews() {
    const { news } = this;
    this.news = [];
    this.newsAt_ms = Date.now();
    this.say(news.length === 1 ? `Message from ${news[0]}` : `${news.length} new messages`);
  }

  /** @param {string} member @param {boolean} on */
  #types(member, on) {
    if (on) this.typing.set(member, Date.now() + TYPING_KEPT_MS);
    else this.typing.delete(member);
    this.changed();
  }

  /** Once a second: the countdown, and who has stopped typing. */
  #tick() {
    const now = Date.now();
    const left_ms = this.left_ms;
    let moved = left_ms !== null;
    for (const [member, until] of this.typing) {
      if (until <= now) moved = this.typing.delete(member) || moved;
    }
    if (left_ms !== null) this.#count(Math.ceil(left_ms / 1000));
    if (moved) this.changed();
  }

  /** @param {number} left_s */
  #count(left_s) {
    const due = TOLD_S.find((s) => left_s <= s && left_s > s - 3 && s < this.toldUpTo_s);
    if (due === undefined) return;
    this.toldUpTo_s = due;
    if (!this.isVoted) this.say(`${left_s} seconds left to vote`);
  }
}

/**
 * Why the room did not take something, in words.
 * @param {any} refusal
 * @param {Place|"door"|"lead"} place where it was said; "lead" is the door of who leads the room
 */
export function roomRefusal({ code, message, retry_ms }, place) {
  if (code === CODES.rate_limited && (place === "door" || place === "lead")) return `Too many codes were tried from here. Try again in ${minutes(retry_ms)}.`;
  if (code === CODES.rate_limited) return `That was a lot in a short time. Try again in ${minutes(retry_ms)}.`;
  if (code === CODES.closed) return "That round is closed; what you chose came too late to count.";
  if (code === CODES.not_member) return "You are not in this room any more. Join it again.";
  if (code === CODES.room_full) return "This room is full.";
  if (code === CODES.forbidden && place === "lead") return "This address does not let you lead the room: its token is not valid for it.";
  if (code === CODES.not_found && place === "lead") return "This address leads to no room: it may have ended, or the address was cut.";
  if (code === CODES.not_found && place === "door") return "No room has this code. Check it, or ask who gave it to you.";
  if (code === CODES.busy && place === "talk") return "The tutor is still writing. Ask again when it is done.";
  if (code === CODES.budget_spent) return "The tutor's budget is spent. The room goes on without it.";
  return message ? `${message}` : "That did not work.";
}

/** @param {number|undefined} ms */
function minutes(ms) {
  if (ms !== undefined && ms < 45_000) return "a moment";
  const n = Math.max(1, Math.ceil((ms ?? 0) / 60_000));
  return n === 1 ? "a minute" : `${n} minutes`;
}
