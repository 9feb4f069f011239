// Boots the facilitator's page: make a room, or come into it by the address. This file is the only
// one here that touches the document outside the drawn tree.

import { useKeptFocus } from "../shared/focus.js";
import { QrCode } from "../shared/qr.js";
import { Board, People, Say, Talk } from "../shared/together.js";
import { html, render, useLayoutEffect, useRef } from "../vendor/htm-preact.js";
import { addressed, addressOf, Desk, Entrance, joinAddress, lineOf } from "./desk.js";
import { Groups, Help } from "./groups.js";
import { Vote } from "./vote.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @type {Entrance|null} */
let entrance = null;
/** @type {Desk|null} */
let desk = null;
const making = { title: "", problem: "", busy: false };

let scheduled = false;

/** Draw once for all that changes in one task. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    draw();
  });
}

function draw() {
  const seat = entrance?.seat ?? null;
  if (seat === null) desk = null;
  else if (desk?.seat !== seat) desk = new Desk(seat, () => entrance?.offered ?? [], schedule);
  const room = desk?.room;
  document.title = `${room?.title || (room ? `Room ${room.code}` : "Lead a room")} · tutorstream`;
  render(html`<${App} />`, root);
}

/** @param {string} words */
function say(words) {
  const at = document.getElementById("say-room");
  if (at !== null) at.textContent = words;
}

/** Come into the room of the page's address. */
function enter() {
  const room = addressed();
  if (room.rid === "") return;
  entrance = new Entrance(lineOf("tutorstream.teacher"), room, "Teacher", schedule, say);
}

async function make() {
  if (making.busy) return;
  Object.assign(making, { busy: true, problem: "" });
  schedule();
  try {
    const title = making.title.trim();
    const answer = await fetch("/v1/rooms", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(title === "" ? {} : { title }),
    });
    const made = await answer.json();
    if (!answer.ok) throw new Error(made.error ?? made.msg ?? `the server answered ${answer.status}`);
    history.replaceState(null, "", `#${addressOf(made)}`);
    enter();
  } catch (problem) {
    making.problem = `No room was made: ${problem instanceof Error ? problem.message : problem}`;
  }
  making.busy = false;
  schedule();
}

function App() {
  const room = desk?.room;
  useKeptFocus("#desk");
  return html`
    <header class="top">
      <svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><path d="M5 20c4.500-9 7-9 11-3.400s6.500 5.600 11-3.400" /></svg>
      <h1 dir="auto">${room?.title || (room ? `Room ${room.code}` : "Lead a room")}</h1>
      ${entrance !== null && html`<${Line} entrance=${entrance} />`}
      ${room !== undefined && html`<div class="top-acts"><a class="as-button" href=${`/teach/project#${addressOf(addressed())}`} target="_blank" rel="noopener">Open the projector</a></div>`}
    </header>
    <main class="desk" id="desk" tabindex="-1">${desk !== null && room !== undefined ? html`<${Inside} desk=${desk} />` : entrance !== null ? html`<${Outside} entrance=${entrance} />` : html`<${Make} />`}</main>
    ${desk !== null && html`<${AskBack} desk=${desk} />`}`;
}

/** @type {Record<string, string>} */
const PHASES = {
  connecting: "connecting", "catching-up": "catching up", live: "live", reconnecting: "reconnecting",
  restarting: "server restarting", ended: "ended",
};

/** The connection in words. @param {{entrance: Entrance}} props */
function Line({ entrance: { session } }) {
  const { phase, kept } = session.state;
  return html`<p class=${`pill ${phase === "live" ? "live" : "away"}`} id="pill" data-phase=${phase}>
    <span>${PHASES[phase]}${phase !== "live" && kept > 0 ? `, ${kept} kept` : ""}</span></p>`;
}

function Make() {
  return html`<form class="card part door" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void make(); }}>
    <h2>Make a room</h2>
    <p class="quiet">Learners join with a code of four signs. Nobody needs an account.</p>
    <label for="title">What is it about?</label>
    <input id="title" type="text" dir="auto" autocomplete="off" maxlength="80" value=${making.title} onInput=${(/** @type {any} */ event) => { making.title = event.target.value; schedule(); }} />
    ${making.problem && html`<p class="problem" role="alert">${making.problem}</p>`}
    <button class="primary" data-act="make" aria-busy=${making.busy}>Make the room</button>
  </form>`;
}

/** @param {{entrance: Entrance}} props */
function Outside({ entrance: { refusal } }) {
  return html`<section class="card part">${refusal
    ? html`<p class="problem" role="alert">${refusal}</p><p><a href="/teach">Make another room</a></p>`
    : html`<p class="quiet">Opening the room</p>`}</section>`;
}

/** @param {{desk: Desk}} props */
function Inside({ desk: at }) {
  const room = at.room;
  if (room === undefined) return null;
  if (room.you.role !== "facilitator") {
    return html`<section class="card part"><p class="problem" role="alert">This address does not let you lead the room: its token is not valid for it.</p></section>`;
  }
  return html`
    <div class="column"><${Vote} desk=${at} /></div>
    <div class="column">
      <section class="card part join-with" aria-labelledby="join-title">
        <h2 id="join-title">Join with</h2>
        <p class="big-code">${room.code}</p>
        <${QrCode} text=${joinAddress(room.code)} label=${`QR code of ${joinAddress(room.code)}`} />
        <p class="quiet address">${joinAddress(room.code)}</p>
      </section>
      <section class="card part" aria-labelledby="people-title">
        <h2 id="people-title">People</h2>
        <${People} seat=${at.seat} voted=${room.poll?.phase === "voting" ? room.voted : null} />
      </section>
    </div>
    <div class="column"><${Beside} desk=${at} /></div>`;
}

/** @type {["talk"|"groups"|"help", string][]} */
const TABS = [["talk", "Talk"], ["groups", "Groups"], ["help", "Help and board"]];

/** @param {{desk: Desk}} props */
function Beside({ desk: at }) {
  const on = TABS.findIndex(([name]) => name === at.tab);
  const show = (/** @type {typeof at.tab} */ tab) => {
    at.tab = tab;
    schedule();
  };
  /** @param {KeyboardEvent} event */
  const turn = (event) => {
    const to = { ArrowRight: on + 1, ArrowLeft: on - 1, Home: 0, End: -1 }[event.key];
    const tab = to === undefined ? undefined : TABS.at(to % TABS.length);
    if (tab === undefined) return;
    event.preventDefault();
    show(tab[0]);
    document.getElementById(`tab-${tab[0]}`)?.focus();
  };
  return html`<section class="card panels" aria-label="Talk, groups, help">
    <div class="tablist" role="tablist" aria-label="Beside the vote" onKeyDown=${turn}>
      ${TABS.map(([name, label]) => html`<button key=${name} type="button" role="tab" id=${`tab-${name}`} aria-controls=${`panel-${name}`}
        aria-selected=${name === at.tab} tabindex=${name === at.tab ? 0 : -1} onClick=${() => show(name)}>${label}</button>`)}
    </div>
    <div class="panel" role="tabpanel" id="panel-talk" aria-labelledby="tab-talk" hidden=${at.tab !== "talk"}>
      ${at.tab === "talk" && html`<${Talk} seat=${at.seat} /><${Say} seat=${at.seat} />`}</div>
    <div class="panel" role="tabpanel" id="panel-groups" aria-labelledby="tab-groups" hidden=${at.tab !== "groups"}>
      <div class="view-body" tabindex="0">${at.tab === "groups" && html`<${Groups} desk=${at} />`}</div></div>
    <div class="panel" role="tabpanel" id="panel-help" aria-labelledby="tab-help" hidden=${at.tab !== "help"}>
      <div class="view-body" tabindex="0">${at.tab === "help" && html`<${Help} desk=${at} /><h3>Board</h3><${Board} seat=${at.seat} />`}</div></div>
  </section>`;
}

/** Asks back before an act that everyone sees. @param {{desk: Desk}} props */
function AskBack({ desk: at }) {
  const dialog = useRef(/** @type {HTMLDialogElement|null} */ (null));
  const { question } = at;
  useLayoutEffect(() => { // closed at once it gives the focus back before what had it is gone
    if (question !== null && dialog.current?.open === false) dialog.current.showModal();
    if (question === null && dialog.current?.open) dialog.current.close();
  }, [question]);
  return html`<dialog id="ask-back" ref=${dialog} aria-labelledby="ask-words" onClose=${() => at.question !== null && at.cancel()}>
    <p id="ask-words" class="ask-words">${question?.words ?? ""}</p>
    <p class="act-row"><button type="button" class="primary" data-act="confirm" onClick=${() => at.confirm()}>${question?.label ?? ""}</button>
      <button type="button" data-act="cancel" onClick=${() => at.cancel()}>Cancel</button></p>
  </dialog>`;
}

enter();
root.replaceChildren();
draw();
