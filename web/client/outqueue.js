// What the client has to say: commands that the server has not acknowledged yet, and what stands in
// the answer box before it is given. This file keeps the first, in order and under their first id,
// until their reply comes, across reloads where IndexedDB is present; it paces the second, drafts
// and readings, of which the newest wins and none is ever queued.

import { CODES, LIMITS, Refusal } from "./wire.js";

/** @typedef {import("./wire.js").Frame} Frame */
/** @typedef {{id: string, sid: string, n: number, at_ms: number, frame: Frame}} Entry */
/**
 * @typedef {object} Shelf where entries outlive the page
 * @property {() => Promise<Entry[]>} all
 * @property {(entry: Entry) => Promise<void>} put
 * @property {(id: string) => Promise<void>} remove
 */

export const MOST_ENTRIES = 200;
export const OLDEST_MS = 7 * 24 * 3600 * 1000;
const SHELF = "tutorstream";
const STORE = "commands";

/** Commands that go out at once after a pause, and how fast they follow; under the server's own limit. */
const BURST = LIMITS.commands_burst / 2;
const RATE_A_S = LIMITS.commands_a_s * 0.75;

/** Too many of these in a while, or too many turns on the server. @type {Set<number>} */
const NO_ROOM = new Set([CODES.rate_limited, CODES.overloaded]);
/** Commands that are not kept when there is no room for them: a question, a code that is tried. */
const NOT_KEPT = new Set(["turn.start", "room.ask", "room.join"]);

export class OutQueue {
  /**
   * @param {Shelf} shelf
   * @param {import("./wire.js").Clock} clock
   */
  constructor(shelf, clock) {
    this.shelf = shelf;
    this.clock = clock;
    /** @type {Map<string, Entry & {sent: boolean}>} */
    this.entries = new Map();
    /** @type {Map<string, {resolve: (frame: Frame) => void, reject: (why: Error) => void}>} */
    this.waiting = new Map();
    this.n = 0;
    this.heldUntil_ms = 0;
    this.tokens = BURST;
    this.refilledAt_ms = clock.now();
  }

  get size() {
    return this.entries.size;
  }

  /** How many answers wait for their verdict. */
  get answers() {
    let count = 0;
    for (const { frame } of this.entries.values()) if (frame.t === "answer.submit") count += 1;
    return count;
  }

  /**
   * Take up what an earlier page of this session left, in its old order, before anything newer.
   * @param {string} sid
   */
  async restore(sid) {
    const now = this.clock.now();
    const found = await this.shelf.all();
    /** @type {Entry[]} */
    const ours = [];
    for (const entry of found.sort((a, b) => a.at_ms - b.at_ms || a.n - b.n)) {
      if (now - entry.at_ms > OLDEST_MS) void this.shelf.remove(entry.id);
      else if (entry.sid === sid && !this.entries.has(entry.id)) ours.push(entry);
    }
    const newer = [...this.entries];
    this.entries.clear();
    for (const entry of ours) this.entries.set(entry.id, { ...entry, sent: false });
    for (const [id, entry] of newer) this.entries.set(id, entry);
  }

  /**
   * Keep a command; the promise settles with its reply.
   * @param {Frame} frame
   * @param {string|null} sid
   * @returns {Promise<Frame>}
   */
  push(frame, sid) {
    if (this.entries.size >= MOST_ENTRIES) {
      return Promise.reject(
        new Refusal(107, "busy", `${MOST_ENTRIES} commands wait for the server already`),
      );
    }
    this.n += 1;
    const entry = { id: frame.id, sid: sid ?? "", n: this.n, at_ms: this.clock.now(), frame };
    this.entries.set(entry.id, { ...entry, sent: false });
    if (entry.sid) void this.shelf.put(entry);
    return new Promise((resolve, reject) => this.waiting.set(entry.id, { resolve, reject }));
  }

  /**
   * Entries made before the session had an id belong to this one.
   * @param {string} sid
   */
  adopt(sid) {
    for (const entry of this.entries.values()) {
      if (entry.sid) continue;
      entry.sid = sid;
      const { sent: _, ...kept } = entry;
      void this.shelf.put(kept);
    }
  }

  /** The line is gone: whatever was sent may not have arrived. */
  unsend() {
    for (const entry of this.entries.values()) entry.sent = false;
  }

  /**
   * What may go out now, oldest first, and when to ask again (ms, or null).
   * @returns {{frames: Frame[], again_ms: number|null}}
   */
  due() {
    const now = this.clock.now();
    if (now < this.heldUntil_ms) return { frames: [], again_ms: this.heldUntil_ms - now };
    this.#refill(now);
    /** @type {Frame[]} */
    const frames = [];
    for (const entry of this.entries.values()) {
      if (entry.sent) continue;
      if (this.tokens < 1) return { frames, again_ms: Math.ceil(1000 / RATE_A_S) };
      this.tokens -= 1;
      entry.sent = true;
      frames.push(entry.frame);
    }
    return { frames, again_ms: null };
  }

  /** @param {number} now */
  #refill(now) {
    this.tokens = Math.min(BURST, this.tokens + ((now - this.refilledAt_ms) / 1000) * RATE_A_S);
    this.refilledAt_ms = now;
  }

  /**
   * A reply came (`re`, or `cmd` of a turn). Returns the command it answers, where that is kept here.
   * @param {string} id
   * @param {Frame} reply
   * @returns {Frame|null}
   */
  settle(id, reply) {
    const known = this.entries.get(id)?.frame ?? null;
    this.#drop(id);
    this.waiting.get(id)?.resolve(reply);
    this.waiting.delete(id);
    return known;
  }

  /**
   * A refusal came. A temporary one keeps the command, and holds all that follow it, so that
   * nothing overtakes. A question for which the tutor has no room is not kept, nor is a code when
   * too many were tried: answers that wait for their verdict would stand behind it.
   * @param {string} id
   * @param {Refusal} refusal
   */
  refuse(id, refusal) {
    const entry = this.entries.get(id);
    const noRoom = NOT_KEPT.has(entry?.frame.t ?? "") && NO_ROOM.has(refusal.code);
    if (refusal.temporary && entry !== undefined && !noRoom) {
      this.heldUntil_ms = this.clock.now() + (refusal.retry_ms ?? 500);
      this.#unsendFrom(id);
      return;
    }
    this.#drop(id);
    this.waiting.get(id)?.reject(refusal);
    this.waiting.delete(id);
  }

  /** @param {string} id */
  #unsendFrom(id) {
    let after = false;
    for (const entry of this.entries.values()) {
      after ||= entry.id === id;
      if (after) entry.sent = false;
    }
  }

  /**
   * Refuse answers older than the server's memory of ids where the log shows they are settled.
   * @param {(frame: Frame) => boolean} settled
   */
  dropSettled(settled) {
    const oldest = this.clock.now() - LIMITS.ids_kept_s * 1000;
    for (const { id, at_ms, frame } of [...this.entries.values()]) {
      if (frame.t !== "answer.submit" || at_ms > oldest || !settled(frame)) continue;
      this.refuse(id, new Refusal(108, "gone", "this item has its verdict already"));
    }
  }

  /**
   * The session is gone: nothing kept for it can be delivered.
   * @param {Refusal} why
   */
  rejectAll(why) {
    for (const id of [...this.entries.keys()]) this.refuse(id, why);
  }

  /** @param {string} id */
  #drop(id) {
    const known = this.entries.delete(id);
    if (known) void this.shelf.remove(id);
    return known;
  }
}

/**
 * A shelf that ends with the page.
 * @returns {Shelf}
 */
export function memoryShelf() {
  /** @type {Map<string, Entry>} */
  const kept = new Map();
  return {
    all: async () => [...kept.values()],
    put: async (entry) => void kept.set(entry.id, entry),
    remove: async (id) => void kept.delete(id),
  };
}

/**
 * A shelf in IndexedDB, or in memory where the browser refuses one (private windows).
 * @returns {Shelf}
 */
export function browserShelf() {
  if (typeof indexedDB === "undefined") return memoryShelf();
  const fallback = memoryShelf();
  const opened = openStore().catch(() => null);
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} act
   * @param {() => Promise<T>} otherwise
   * @returns {Promise<T>}
   */
  const run = async (mode, act, otherwise) => {
    const store = await opened;
    if (store === null) return otherwise();
    return settled(act(store.transaction(STORE, mode).objectStore(STORE))).catch(otherwise);
  };
  return {
    all: () => run("readonly", (store) => store.getAll(), () => fallback.all()),
    put: async (entry) => {
      await run("readwrite", (store) => store.put(entry), async () => {
        await fallback.put(entry);
        return entry.id;
      });
    },
    remove: (id) =>
      run("readwrite", (store) => store.delete(id), async () => void fallback.remove(id)),
  };
}

/** @returns {Promise<IDBDatabase>} */
function openStore() {
  const request = indexedDB.open(SHELF, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(request);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// --- what stands in the answer box -----------------------------------------------------------------

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
