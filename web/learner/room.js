// The Room tab: join by code, then vote, talk, write on the board. This file draws it and keeps
// the way in; what is done in a room is shared/seat.js.

import { learnersOf } from "../client/room.js";
import { useKeptFocus } from "../shared/focus.js";
import { PollCard } from "../shared/poll.js";
import { roomRefusal, Seat } from "../shared/seat.js";
import { Board, Pairing, People, Say, Talk } from "../shared/together.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @typedef {import("../client/index.js").Session} Session */
/** @typedef {import("./page.js").Page} Page */

const NAME = "tutorstream.name";
const NAME_CHARS = 40;
const CODE_CHARS = 4;

/** The way into a room and the seat there, one room at a time. */
export class Visit {
  /**
   * @param {Session} session
   * @param {() => void} changed
   * @param {(words: string) => void} say
   * @param {string} code of the room this page was opened for, or ""
   */
  constructor(session, changed, say, code) {
    this.session = session;
    this.changed = changed;
    this.say = say;
    this.code = codeOf(code);
    this.name = kept(NAME);
    this.refusal = "";
    this.joining = false;
    /** @type {Seat|null} */
    this.seat = null;
    session.on("*", () => this.#follow());
    this.#follow();
    const here = this.session.rooms.rids.some((rid) => this.session.rooms.get(rid)?.code === this.code);
    if (this.code !== "" && !here && this.name !== "") void this.join();
  }

  async join() {
    const code = codeOf(this.code);
    if (this.joining) return;
    if (code.length !== CODE_CHARS) {
      this.refusal = `A code has ${CODE_CHARS} signs.`;
      this.changed();
      return;
    }
    const name = this.name.trim();
    keep(NAME, name);
    this.joining = true;
    this.refusal = "";
    this.changed();
    try {
      const { changed } = await this.session.rooms.join(code, name === "" ? {} : { name });
      this.#sit(changed.rid);
      this.say(`You are in the room ${changed.title || code}`);
    } catch (refusal) {
      this.refusal = roomRefusal(refusal, "door");
    }
    this.joining = false;
    this.changed();
  }

  /** What a tab's mark says: something waits for an act here. */
  get note() {
    const room = this.seat?.room;
    if (room === undefined) return "";
    if (room.pairs.some(({ state, members }) => state === "invited" && members.includes(room.you.member))) return "invitation";
    return room.poll?.phase === "voting" && !this.seat?.isVoted ? "vote open" : "";
  }

  /** A seat of an earlier page is taken up; one whose room is gone is given up. */
  #follow() {
    const { rooms } = this.session;
    if (this.seat !== null && this.seat.room === undefined) {
      this.seat.close();
      this.seat = null;
      this.changed();
    }
    const rid = rooms.rids.at(-1);
    if (this.seat === null && rid !== undefined) this.#sit(rid);
  }

  /** @param {string} rid */
  #sit(rid) {
    if (this.seat?.rid === rid) return;
    this.seat?.close();
    this.seat = new Seat(this.session, rid, this.changed, this.say);
  }
}

/** Codes are read as they are spoken: spaces and small letters do not matter. @param {string} text */
function codeOf(text) {
  return text.replace(/[^0-9A-Za-z]/g, "").toUpperCase();
}

/** @param {string} key */
function kept(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return ""; // storage is forbidden here: the name is asked for again
  }
}

/** @param {string} key @param {string} value */
function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is forbidden here: the name lasts as long as the page
  }
}

/** @param {{page: Page}} props */
export function Room({ page }) {
  const visit = /** @type {Visit} */ (page.visit);
  useKeptFocus("#room");
  return visit.seat === null ? html`<${Door} page=${page} visit=${visit} />` : html`<${Inside} seat=${visit.seat} />`;
}

/** @param {{page: Page, visit: Visit}} props */
function Door({ page, visit }) {
  const set = (/** @type {"code"|"name"} */ key) => (/** @type {any} */ event) => {
    visit[key] = event.target.value;
    visit.refusal = "";
    page.changed();
  };
  return html`<section class="view room" id="room" tabindex="-1" aria-labelledby="room-title">
    <header class="view-head"><h2 id="room-title">Room</h2></header>
    <form class="view-body door" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void visit.join(); }}>
      <p class="quiet">Learn with others: vote, talk it over, vote again. The code is on the wall, or on the screen of who leads.</p>
      <label for="room-code">Code of the room</label>
      <input id="room-code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="12" value=${visit.code} onInput=${set("code")} />
      <label for="room-name">Your name there</label>
      <input id="room-name" type="text" dir="auto" autocomplete="nickname" maxlength=${NAME_CHARS} value=${visit.name} onInput=${set("name")} aria-describedby="name-note" />
      <p class="quiet" id="name-note">A nickname will do. Everyone in the room sees it.</p>
      ${visit.refusal && html`<p class="problem" role="alert">${visit.refusal}</p>`}
      <button class="primary" data-act="join" aria-busy=${visit.joining}>${visit.joining ? "Joining" : "Join"}</button>
    </form>
  </section>`;
}

/** @param {{seat: Seat}} props */
function Inside({ seat }) {
  const room = seat.room;
  const top = useRef(/** @type {HTMLElement|null} */ (null));
  const poll = room?.poll;
  useEffect(() => top.current?.scrollTo(0, 0), [poll?.poll, poll?.phase]); // what is asked of one now is in sight
  if (room === undefined) return null;
  const here = learnersOf(room).length;
  const notes = Object.keys(room.board).length;
  return html`<section class="view room" id="room" tabindex="-1" aria-labelledby="room-title">
    <header class="view-head"><h2 id="room-title" dir="auto">${room.title || `Room ${room.code}`}</h2>
      <p class="quiet code">${room.code}</p>
      <button type="button" class="small" data-act="leave-room" onClick=${() => seat.leave()}>Leave</button></header>
    <div class="room-top" ref=${top}>
      ${!seat.session.rooms.isHere(seat.rid) && html`<p class="note-box">Catching up with the room.</p>`}
      <${Pairing} seat=${seat} />
      <${PollCard} seat=${seat} />
      <${Folded} label=${`${here} ${here === 1 ? "learner" : "learners"} here`}><${People} seat=${seat} thank=${true} /><//>
      <${Folded} label=${`Board, ${notes} ${notes === 1 ? "note" : "notes"}`}><${Board} seat=${seat} /><//>
      <${Folded} label="Gains near yours"><${Leaders} seat=${seat} /><//>
    </div>
    <${Talk} seat=${seat} />
    <${Say} seat=${seat} />
  </section>`;
}

/** What is drawn only while it is unfolded: a room may have a thousand people. @param {{label: string, children?: any}} props */
function Folded({ label, children }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}><summary>${label}</summary>${open && children}</details>`;
}

/** Those near you by what they gained, for who opted in; no rank is told. @param {{seat: Seat}} props */
function Leaders({ seat }) {
  const [wanted, setWanted] = useState(/** @type {boolean|null} */ (null)); // until the answer is here
  const opted = wanted ?? seat.session.lesson.prefs.boards === true;
  const rows = opted ? (seat.room?.leader ?? []) : [];
  const opt = (/** @type {any} */ event) => {
    setWanted(event.target.checked);
    const answered = () => setWanted(null);
    void seat.session.setPrefs({ boards: event.target.checked }).then(answered, answered);
  };
  return html`<label class="opt"><input type="checkbox" checked=${opted} onChange=${opt} /> Show what I gained to others here who show theirs</label>
    ${opted && rows.length === 0 && html`<p class="quiet">Shown once enough of you take part.</p>`}
    <ul class="leaders">${rows.map(({ name, gain, you }) => html`
      <li class=${you ? "mine" : ""}><bdi class="name">${name}</bdi>${you && html`<span class="tag">you</span>`}<span class="figures">${gain > 0 ? "+" : ""}${gain} %</span></li>`)}
    </ul>`;
}
