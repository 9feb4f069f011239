// What a facilitator's page knows beyond the room itself, and what its buttons do. This file draws
// nothing. Whatever reaches everyone is asked back for first.

import { connect } from "../client/index.js";
import { roomRefusal, Seat } from "../shared/seat.js";

/** @typedef {import("../client/index.js").Session} Session */
/** @typedef {{words: string, label: string, act: () => void}} Question asked back before an act on all */
/** @typedef {{item: string, prompt: string, choices: string[], right: number|null, seconds: number, predict: boolean}} Form `item`: one of a course's, or "" */
/** @typedef {{course: string, item: string, title: string}} Offered an item of a course that can be voted on */

const CHOICES_MOST = 12;
const CHOICES_LEAST = 2;

/** Which room a page's address is for, and by what right. */
export function addressed() {
  const at = new URLSearchParams(location.hash.slice(1));
  return { rid: at.get("r") ?? "", token: at.get("t") ?? "" };
}

/** @param {{rid: string, token: string}} room */
export function addressOf({ rid, token }) {
  return `r=${encodeURIComponent(rid)}&t=${encodeURIComponent(token)}`;
}

/** Where learners join. @param {string} code */
export function joinAddress(code) {
  return new URL(`/?c=${encodeURIComponent(code)}`, location.href).href;
}

/** A line of its own: a learner's page in the same browser is somebody else. @param {string} identity */
export function lineOf(identity) {
  return connect({
    url: new URL("/v1/ws", location.href).href.replace(/^http/, "ws"),
    storage: storageOrNull(),
    identity,
    name: identity,
  });
}

function storageOrNull() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return null; // storage is forbidden here: a reload joins anew
  }
}

/** Comes into a room by its token and stays in it. */
export class Entrance {
  /**
   * @param {Session} session
   * @param {{rid: string, token: string}} room
   * @param {string} name
   * @param {() => void} changed
   * @param {(words: string) => void} say
   */
  constructor(session, room, name, changed, say) {
    this.session = session;
    this.address = room;
    this.name = name;
    this.changed = changed;
    this.say = say;
    this.refusal = "";
    this.joining = false;
    /** The line that was entered by last. */
    this.line = "";
    /** @type {Offered[]} */
    this.offered = [];
    /** @type {Seat|null} */
    this.seat = null;
    session.on("state", ({ phase }) => phase === "live" && void this.enter());
    session.on("forgotten", () => {
      this.line = "";
    });
    session.on("*", () => {
      if (this.seat !== null && this.seat.room === undefined) {
        this.seat.close();
        this.seat = null;
      }
      changed();
    });
  }

  /** Once for each line: take the seat up, or ask for one; then hear what only facilitators are told. */
  async enter() {
    const { rid, token } = this.address;
    const { rooms, sid, resumes } = this.session;
    const line = `${sid} ${resumes}`;
    if (rid === "" || this.joining || this.line === line) return;
    this.line = line;
    this.joining = true;
    try {
      if (!rooms.rids.includes(rid)) await rooms.join(rid, { name: this.name, token });
      this.seat ??= new Seat(this.session, rid, this.changed, this.say);
      this.offered = (await rooms.watch(rid)).changed?.polls ?? [];
      this.refusal = "";
    } catch (refusal) {
      this.refusal = this.seat === null ? roomRefusal(refusal, "lead") : "";
    }
    this.joining = false;
    this.changed();
  }
}

export class Desk {
  /**
   * @param {Seat} seat
   * @param {() => Offered[]} offered
   * @param {() => void} changed
   */
  constructor(seat, offered, changed) {
    this.seat = seat;
    this.offered = offered;
    this.changed = changed;
    /** @type {Question|null} */
    this.question = null;
    /** @type {Form} */
    this.form = blankForm();
    this.problem = "";
    /** @type {"talk"|"groups"|"help"} */
    this.tab = "talk";
    this.size = 3;
    /** Suggestions that everyone has been told of: they are shown no more. @type {WeakSet<object>} */
    this.applied = new WeakSet();
    /** @type {Map<string, string[]>} suggested groups that the next suggestion must keep */
    this.locks = new Map();
    this.seconds = 60;
  }

  get room() {
    return this.seat.room;
  }

  /** @param {Partial<Form>} part */
  fill(part) {
    this.form = { ...this.form, ...part };
    this.problem = "";
    this.changed();
  }

  /** @param {number} n @param {string} text */
  fillChoice(n, text) {
    this.fill({ choices: this.form.choices.map((old, at) => (at === n ? text : old)) });
  }

  get mayAdd() {
    return this.form.choices.length < CHOICES_MOST;
  }

  get mayRemove() {
    return this.form.choices.length > CHOICES_LEAST;
  }

  addChoice() {
    if (this.mayAdd) this.fill({ choices: [...this.form.choices, ""] });
  }

  removeChoice() {
    const choices = this.form.choices.slice(0, -1);
    const { right } = this.form;
    if (this.mayRemove) this.fill({ choices, right: right !== null && right >= choices.length ? null : right });
  }

  open() {
    const { item, seconds, predict } = this.form;
    const asked = item === "" ? this.#written() : { item };
    if (asked === null) {
      this.problem = "Write the question and every choice first.";
      this.changed();
      return;
    }
    const poll = { ...asked, predict, ...(seconds > 0 ? { seconds } : {}) };
    this.#ask("Open this vote for everyone in the room?", "Open the vote", () => {
      void this.#did(this.#rooms.open(this.seat.rid, poll)).then((done) => done && this.fill(blankForm()));
    });
  }

  /** The question of the form, or null where something of it is not written yet. */
  #written() {
    const { prompt, choices, right } = this.form;
    const texts = choices.map((text) => text.trim());
    if (prompt.trim() === "" || texts.some((text) => text === "")) return null;
    return { prompt: prompt.trim(), choices: texts, ...(right === null ? {} : { right }) };
  }

  /** @param {"discuss"|"reveal"} then */
  close(then) {
    const poll = this.room?.poll;
    if (!poll) return;
    const open = poll.phase === "voting";
    const words = then === "discuss" ? "Close the vote and let everyone discuss? No numbers are shown."
      : `${open ? "Close the vote and show" : "Show"} everyone the result and the right answer?`;
    this.#ask(words, then === "discuss" ? "Close and discuss" : "Reveal", () => this.#did(this.#rooms.close(this.seat.rid, poll.poll, then)));
  }

  again() {
    const poll = this.room?.poll;
    if (!poll) return;
    const more = this.seconds > 0 ? { seconds: this.seconds } : {};
    this.#ask("Open the second vote on the same question?", "Vote again", () => this.#did(this.#rooms.open(this.seat.rid, { poll: poll.poll, ...more })));
  }

  /** Pairs, which nobody else is told of: who voted differently, or who can help whom. @param {"votes"|"tutors"} by */
  suggestPairs(by) {
    this.tab = "groups";
    void this.#did(this.#rooms.act(this.seat.rid, "pair", { by }));
  }

  /** Groups, which nobody else is told of; those that are locked stay together. */
  suggestGroups() {
    const here = this.room?.members ?? {};
    const locks = [...this.locks.values()].filter((members) => members.every((id) => here[id] !== undefined));
    void this.#did(this.#rooms.act(this.seat.rid, "group", { size: this.size, ...(locks.length > 0 ? { locks } : {}) }));
  }

  /** @param {string[]} members */
  turnLock(members) {
    const key = members.join();
    if (!this.locks.delete(key)) this.locks.set(key, members);
    this.changed();
  }

  /** @param {"pairs"|"groups"} kind @param {{members: string[], reason: string}[]} sets */
  apply(kind, sets) {
    const words = kind === "pairs" ? `Invite ${sets.length} pairs to talk it over?` : `Tell everyone their group? There are ${sets.length}.`;
    this.#ask(words, kind === "pairs" ? "Invite" : "Tell everyone", async () => {
      const suggestion = this.room?.told[kind];
      if (await this.#did(this.#rooms.act(this.seat.rid, "apply", { [kind]: sets }))) this.applied.add(suggestion);
      this.changed();
    });
  }

  confirm() {
    const { question } = this;
    this.question = null;
    this.changed();
    question?.act();
  }

  cancel() {
    this.question = null;
    this.changed();
  }

  get #rooms() {
    return this.seat.session.rooms;
  }

  /** @param {string} words @param {string} label @param {() => void} act */
  #ask(words, label, act) {
    this.question = { words, label, act };
    this.changed();
  }

  /** @param {Promise<any>} command @returns {Promise<boolean>} */
  async #did(command) {
    this.problem = "";
    this.changed();
    try {
      await command;
      return true;
    } catch (refusal) {
      this.problem = roomRefusal(refusal, "poll");
      this.changed();
      return false;
    }
  }
}

/** @returns {Form} */
function blankForm() {
  return { item: "", prompt: "", choices: ["", "", "", ""], right: null, seconds: 60, predict: false };
}
