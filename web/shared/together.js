// What members of a room do together: people, talk, a board of notes, pairs and groups. This file
// draws them, for a learner and for a facilitator.

import { leadersOf, learnersOf, nameOf } from "../client/room.js";
import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Markup } from "./markup.js";
import { Exchange } from "./turn.js";

/** @typedef {import("./seat.js").Seat} Seat */
/** @typedef {import("../client/room.js").Room} Room */

const NEAR_END_PX = 48;
/** More than the server takes, so that it refuses aloud what is too long. */
const SAY_CHARS = 4000;
const NOTE_CHARS = 1000;
/** So many names of those who type are told; the rest is a count. */
const TYPISTS = 2;

/**
 * What was said, by members and by the room's tutor, in the order it was said.
 * @param {{seat: Seat}} props
 */
export function Talk({ seat }) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  const follows = useRef(true);
  const room = seat.room;
  useLayoutEffect(() => {
    if (follows.current && at.current) at.current.scrollTop = at.current.scrollHeight;
  });
  if (room === undefined) return null;
  const onScroll = () => {
    const log = at.current;
    if (log) follows.current = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
  };
  const last = room.turns.at(-1);
  return html`
    <div class="transcript room-talk" id="room-talk" role="log" aria-live="off" aria-label="Talk of the room" tabindex="0" ref=${at} onScroll=${onScroll}>
      ${room.says.length === 0 && room.turns.length === 0 && html`<p class="quiet none">Nothing was said yet.</p>`}
      ${inOrder(room).map((one) => "gen" in one
        ? html`<${Exchange} key=${one.gen} page=${seat} turn=${one} n=${room.turns.indexOf(one) + 1} last=${one === last} who=${asker(room, one.by)} />`
        : html`<${Message} key=${one.q} say=${one} own=${one.member === room.you.member} />`)}
    </div>`;
}

/** Messages and turns as they came. @param {Room} room */
function inOrder({ says, turns }) {
  return [...says, ...turns].sort((a, b) => a.ts - b.ts);
}

/** @param {Room} room @param {string} by */
function asker(room, by) {
  return by === "" ? "Somebody" : by === room.you.member ? "You" : nameOf(room, by);
}

/** @param {{say: import("../client/room.js").Say, own: boolean}} props */
function Message({ say, own }) {
  return html`<article class=${own ? "say own" : "say"}>
    <p class="voice">${own ? "You" : html`<bdi>${say.name}</bdi>`} <time>${timeOf(say.ts)}</time></p>
    <div class="said" dir="auto"><${Markup} text=${say.text} /></div>
  </article>`;
}

/** @param {number} ts */
function timeOf(ts) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(ts);
}

/** The field to speak in: to the room, or to the tutor before everyone. @param {{seat: Seat, tutor?: boolean}} props */
export function Say({ seat, tutor = true }) {
  const { typists } = seat;
  const shown = typists.slice(0, TYPISTS).join(" and ");
  const more = typists.length - TYPISTS;
  return html`<form class="ask say-form" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void seat.send(); }}>
    ${seat.refusedAt("talk") && html`<p class="problem" role="alert">${seat.refusedAt("talk")}</p>`}
    <p class="typing quiet">${shown && `${shown}${more > 0 ? ` and ${more} more` : ""} ${typists.length === 1 ? "is" : "are"} writing`}</p>
    <div class="box">
      <label for="say" class="unseen">Message to the room</label>
      <input id="say" type="text" dir="auto" autocomplete="off" maxlength=${SAY_CHARS} placeholder="Write to the room" value=${seat.words}
        onInput=${(/** @type {any} */ event) => seat.type(event.target.value)} />
      <button data-act="say">Send</button>
      ${tutor && html`<button type="button" data-act="ask-room" onClick=${() => seat.ask()}>Ask tutor</button>`}
    </div>
  </form>`;
}

/**
 * Who is here. With `thank` each of the others can be thanked; `voted` marks who has voted.
 * @param {{seat: Seat, thank?: boolean, voted?: string[]|null}} props
 */
export function People({ seat, thank = false, voted = null }) {
  const room = seat.room;
  if (room === undefined) return null;
  return html`
    ${seat.refusedAt("people") && html`<p class="problem" role="alert">${seat.refusedAt("people")}</p>`}
    <ul class="people" aria-label="People in the room">
      ${leadersOf(room).map(({ id, name }) => html`<li key=${id}><${Dot} /><bdi class="name">${name || "Guide"}</bdi><span class="tag">leads</span></li>`)}
      ${learnersOf(room).map(({ id, name }) => html`<li key=${id} data-member=${id}>
        <${Dot} /><bdi class="name">${name || nameOf(room, id)}</bdi>${id === room.you.member && html`<span class="tag">you</span>`}
        ${voted !== null && html`<span class=${voted.includes(id) ? "voted yes" : "voted"}>${voted.includes(id) ? "voted" : "not yet"}</span>`}
        ${thank && id !== room.you.member && html`<button type="button" class="small" data-act="thank" aria-disabled=${seat.thanked.has(id)}
          aria-label=${`${name || nameOf(room, id)}: that helped`} onClick=${() => seat.thank(id)}>${seat.thanked.has(id) ? "Thanked" : "That helped"}</button>`}
      </li>`)}
    </ul>`;
}

/** Here now; a shape, as colour alone says nothing. */
function Dot() {
  return html`<svg class="here-dot" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="4" /></svg>`;
}

/** The shared board: notes by key, each written over by whoever comes last. @param {{seat: Seat}} props */
export function Board({ seat }) {
  const [editing, setEditing] = useState("");
  const [text, setText] = useState("");
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  const room = seat.room;
  if (room === undefined) return null;
  const begin = (/** @type {string} */ key, /** @type {string} */ words) => {
    setEditing(key);
    setText(words);
    field.current?.focus();
  };
  const end = () => begin("", "");
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    void seat.note(editing || newKey(), text.trim());
    end();
  };
  return html`
    ${seat.refusedAt("board") && html`<p class="problem" role="alert">${seat.refusedAt("board")}</p>`}
    <ul class="notes" aria-label="Notes on the board">
      ${notesOf(room).map(({ key, words, by }) => html`<li key=${key} class=${key === editing ? "edited" : ""}>
        <div class="said" dir="auto"><${Markup} text=${words} /></div>
        <p class="quiet"><bdi>${by}</bdi></p>
        <button type="button" class="small" data-act="edit" aria-label=${`Edit note: ${words}`} onClick=${() => begin(key, words)}>Edit</button>
        <button type="button" class="small" data-act="remove" aria-label=${`Remove note: ${words}`} onClick=${() => { field.current?.focus(); void seat.note(key, null); }}>Remove</button>
      </li>`)}
    </ul>
    <form class="box note-form" onSubmit=${save}>
      <label for="note" class="unseen">${editing ? "Edit the note" : "New note"}</label>
      <input id="note" type="text" dir="auto" autocomplete="off" maxlength=${NOTE_CHARS} placeholder=${editing ? "Edit the note" : "Add a note"} value=${text} ref=${field}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape" && editing) { event.stopPropagation(); end(); } }} />
      <button data-act="note">${editing ? "Save" : "Add"}</button>
    </form>`;
}

/** Notes in the order of their keys, which is the order they were made in. @param {Room} room */
export function notesOf(room) {
  return Object.entries(room.board)
    .map(([key, { v, by }]) => ({ key, words: typeof v === "string" ? v : JSON.stringify(v), by: nameOf(room, by) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function newKey() {
  const dice = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return `n${Date.now().toString(36)}${dice.toString(36)}`;
}

/** An invitation to the one it is for; who works with whom once both agreed. @param {{seat: Seat}} props */
export function Pairing({ seat }) {
  const room = seat.room;
  if (room === undefined) return null;
  const me = room.you.member;
  const mine = room.pairs.filter(({ members }) => members.includes(me));
  const others = (/** @type {string[]} */ members) => members.filter((id) => id !== me).map((id) => nameOf(room, id)).join(" and ");
  const groups = room.groups.filter(({ members }) => members.includes(me));
  return html`
    ${seat.refusedAt("pair") && html`<p class="problem" role="alert">${seat.refusedAt("pair")}</p>`}
    ${groups.map(({ id, members }) => html`<p key=${id} class="note-box">You work in a group with <b>${others(members)}</b>.</p>`)}
    ${mine.filter(({ state }) => state === "invited").map(({ id, members }) => html`
      <div key=${id} class="note-box invitation" role="group" aria-label="Invitation">
        <p>Talk it over with <b>${others(members)}</b>?</p>
        ${seat.answered.has(id) ? html`<p class="quiet">${seat.answered.get(id) ? "You said yes. It begins when everyone has." : "You said not now."}</p>` : html`
        <div class="act-row"><button type="button" class="primary" data-act="accept" onClick=${() => seat.accept(id, true)}>Yes, together</button>
          <button type="button" data-act="decline" onClick=${() => seat.accept(id, false)}>Not now</button></div>`}
      </div>`)}
    ${mine.filter(({ state }) => state === "together").map(({ id, members }) => html`<p key=${id} class="note-box">You and <b>${others(members)}</b> work together.</p>`)}`;
}
