// What stands in the answer box before it is given: drafts kept by the server, readings asked of
// it. This file paces both; neither has a command id, the newest wins and none is ever queued.

import { LIMITS } from "./wire.js";

/** @typedef {import("./wire.js").Frame} Frame */
/** What stands in one box. @typedef {{item: string, response: any, at: string|undefined, sent: boolean}} Draft */
/** @typedef {{item: string, response: any, at: string|undefined, at_ms: number, resolve: (preview: Frame|null) => void}} Asked */

const DRAFT_MS = 1000;
const PREVIEW_MS = 1000 / LIMITS.previews_a_s;

export class AnswerBox {
  /**
   * @param {import("./wire.js").Clock} clock
   * @param {(frames: Frame[]) => boolean} send false where there is no line
   * @param {() => string|undefined} openItem
   */
  constructor(clock, send, openItem) {
    this.clock = clock;
    this.send = send;
    this.openItem = openItem;
    /** @type {Map<string|undefined, Draft>} by the small question; undefined: the item's own box */
    this.newest = new Map();
    this.draftAt_ms = -Infinity;
    /** @type {any} */
    this.draftTimer = null;
    /** @type {Asked[]} those whose reading is not here yet, oldest first: readings come in their order */
    this.asked = [];
    /** @type {Asked|null} */
    this.next = null;
    this.previewAt_ms = -Infinity;
    /** @type {any} */
    this.previewTimer = null;
  }

  /**
   * @param {string} item
   * @param {any} response
   * @param {string} [at] the small question inside the item
   */
  draft(item, response, at) {
    this.newest.set(at, { item, response, at, sent: false });
    this.sendDrafts();
  }

  sendDrafts() {
    this.clock.clearTimeout(this.draftTimer);
    const open = this.openItem();
    if (open === undefined) return; // nothing is known of the lesson yet
    for (const { item, at } of [...this.newest.values()]) if (item !== open) this.newest.delete(at);
    const unsent = [...this.newest.values()].filter(({ sent }) => !sent);
    if (unsent.length === 0) return;
    const wait = this.draftAt_ms + DRAFT_MS - this.clock.now();
    if (wait > 0) {
      this.draftTimer = this.clock.setTimeout(() => this.sendDrafts(), wait);
      return;
    }
    if (!this.send(unsent.map(({ item, response, at }) => ({ t: "answer.draft", item, response, ...(at === undefined ? {} : { at }) })))) return;
    for (const draft of unsent) draft.sent = true;
    this.draftAt_ms = this.clock.now();
  }

  /**
   * @param {string} item
   * @param {any} response
   * @param {string} [at] the small question inside the item
   * @returns {Promise<Frame|null>}
   */
  preview(item, response, at) {
    return new Promise((resolve) => {
      this.next?.resolve(null);
      this.next = { item, response, at, at_ms: 0, resolve };
      this.#sendPreview();
    });
  }

  #sendPreview() {
    this.clock.clearTimeout(this.previewTimer);
    const next = this.next;
    if (next === null) return;
    const now = this.clock.now();
    const wait = this.previewAt_ms + PREVIEW_MS - now;
    if (wait > 0) {
      this.previewTimer = this.clock.setTimeout(() => this.#sendPreview(), wait);
      return;
    }
    this.next = null;
    for (const older of this.asked) older.resolve(null);
    const { item, response, at } = next;
    if (this.send([{ t: "answer.preview", item, response, ...(at === undefined ? {} : { at }) }])) {
      this.previewAt_ms = next.at_ms = now;
      this.asked.push(next);
    } else next.resolve(null);
  }

  /**
   * A reading came. Returns its round trip in ms, or null where nobody waits for it any more.
   * @param {Frame} preview
   */
  heard(preview) {
    const n = this.asked.findIndex(({ item, at }) => item === preview.item && at === (preview.at ?? undefined));
    const asked = this.asked[n];
    if (asked === undefined) return null;
    this.asked.splice(0, n + 1); // what was asked before it about another item is never answered
    asked.resolve(preview);
    return this.clock.now() - asked.at_ms;
  }

  /** The line is gone: nobody will answer, and the draft may not have arrived. */
  lost() {
    this.clock.clearTimeout(this.draftTimer);
    this.clock.clearTimeout(this.previewTimer);
    for (const asked of [...this.asked, this.next]) asked?.resolve(null);
    this.asked = [];
    this.next = null;
    for (const draft of this.newest.values()) draft.sent = false;
  }
}
