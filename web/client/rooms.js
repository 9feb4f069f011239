// What a member, or a facilitator, says in a study room, and what of rooms outlives the page. This
// file makes commands; session.js holds the rooms themselves.

/** @typedef {import("./wire.js").Frame} Frame */
/** @typedef {import("./session.js").Replica} Replica */
/** @typedef {Promise<Frame> & {id: string}} Reply resolves with `ok`, however long the line is away */

export class Rooms {
  /**
   * @param {Replica} replica
   * @param {(t: string, fields: Record<string, any>) => Reply} say kept until it is answered
   * @param {(frames: Frame[]) => boolean} send now or never; false where there is no line
   */
  constructor(replica, say, send) {
    this.replica = replica;
    this.kept = say;
    this.send = send;
    /** How far this machine's clock is before the server's, in ms; as far as was heard. */
    this.skew_ms = 0;
    this.skewKnown = false;
  }

  /** @param {string} rid @returns {import("./room.js").Room|undefined} */
  get(rid) {
    return this.replica.rooms.get(rid);
  }

  /** Rids of the rooms this session is a member of. */
  get rids() {
    return [...this.replica.rooms.keys()];
  }

  /** Whether all of a room's state that this connection was promised is here. @param {string} rid */
  isHere(rid) {
    const log = this.replica.logs.get(rid);
    return log !== undefined && !log.waiting && log.q >= log.head;
  }

  /**
   * Join by rid or by the code on the wall. Resolves with `ok`, whose `changed` names the rid.
   * @param {string} room
   * @param {{name?: string, token?: string}} [who] `token` is a facilitator's
   */
  join(room, who = {}) {
    return this.kept("room.join", { rid: room, ...who });
  }

  /** Leave with all connections. @param {string} rid */
  leave(rid) {
    return this.kept("room.leave", { rid });
  }

  /** @param {string} rid @param {string} text */
  say(rid, text) {
    return this.kept("room.say", { rid, text });
  }

  /** Write one place of the shared board; null clears it. @param {string} rid @param {string} key @param {any} v */
  write(rid, key, v) {
    return this.kept("room.board", { rid, key, v });
  }

  /** That another's help was of use. @param {string} rid @param {string} member */
  thank(rid, member) {
    return this.kept("room.thank", { rid, member });
  }

  /** Answer an invitation to work as a pair. @param {string} rid @param {string} pair @param {boolean} yes */
  accept(rid, pair, yes) {
    return this.kept("room.accept", { rid, pair, yes });
  }

  /**
   * Vote; until the round closes a later vote takes the place of an earlier one.
   * @param {string} rid
   * @param {{poll: string, choice: string, confidence?: number|null, predicted?: number|null}} vote
   */
  vote(rid, vote) {
    return this.kept("room.vote", { rid, ...vote });
  }

  /** One turn of the tutor that all members see. @param {string} rid @param {string} input */
  ask(rid, input) {
    return this.kept("room.ask", { rid, input });
  }

  /**
   * Open a poll, or with `poll` its second round (facilitator).
   * @param {string} rid
   * @param {{prompt?: string, choices?: string[], seconds?: number|null, right?: number|null,
   *   predict?: boolean, poll?: string, item?: string}} poll `right` is the place of the right
   *   choice, from 0; `item` is one of a course, whose prompt and choices are then the poll's
   */
  open(rid, poll) {
    return this.kept("room.poll.open", { rid, ...poll });
  }

  /**
   * Close the open round, or reveal a poll under discussion (facilitator).
   * @param {string} rid @param {string} poll @param {"discuss"|"reveal"} then
   */
  close(rid, poll, then) {
    return this.kept("room.poll.close", { rid, poll, then });
  }

  /** Hear what only a facilitator is told. @param {string} rid */
  watch(rid) {
    return this.kept("board.watch", { class: rid });
  }

  /**
   * @param {string} rid
   * @param {"pair"|"group"|"apply"} act
   * @param {Record<string, any>} [args]
   */
  act(rid, act, args = {}) {
    return this.kept("board.act", { class: rid, act, args });
  }

  /** Typing and the like: newest wins, any may be lost. @param {string} rid @param {string} k @param {any} v */
  hint(rid, k, v) {
    return this.send([{ t: "eph", s: rid, k, v }]);
  }

  /**
   * A command had its effect.
   * @param {Frame} command
   */
  did(command) {
    if (command.t === "room.vote") this.replica.voted(command.rid, /** @type {any} */ (command));
    if (command.t === "room.leave") this.replica.left(command.rid);
  }

  /**
   * A fresh frame tells the server's time; the least difference is the clocks' own, the rest its way.
   * @param {number} ts
   * @param {number} now_ms
   */
  heardAt(ts, now_ms) {
    const skew_ms = now_ms - ts;
    if (!this.skewKnown || skew_ms < this.skew_ms) this.skew_ms = skew_ms;
    this.skewKnown = true;
  }
}
