// The projector: what a whole class may see on the wall. This file shows no name, and no number of
// any choice before the reveal; it says so when it has stopped hearing the server.

import { learnersOf } from "../client/room.js";
import { Inline, Markup } from "../shared/markup.js";
import { letter, phaseWords, PollHead, Revealed } from "../shared/poll.js";
import { QrCode } from "../shared/qr.js";
import { html, render } from "../vendor/htm-preact.js";
import { addressed, Entrance, joinAddress, lineOf } from "./desk.js";

/** @typedef {import("../client/room.js").Poll} Poll */
/** @typedef {import("../client/room.js").Room} Room */

/** The server speaks at least every 22 s, by its heartbeat; silence beyond that is a frozen wall. */
const SILENT_MS = 25_000;
const TICK_MS = 1000;

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const session = lineOf("tutorstream.projector");
let scheduled = false;
const entrance = new Entrance(session, addressed(), "Projector", schedule, () => {});

function schedule() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    render(html`<${Wall} />`, root);
  });
}

/** For how long the wall has been frozen, in seconds; null while it lives. */
function frozen_s() {
  const { phase, heardAt_ms } = session.state;
  if (heardAt_ms === 0) return null;
  const silent_ms = Date.now() - heardAt_ms;
  return phase === "live" && silent_ms < SILENT_MS ? null : Math.round(silent_ms / 1000);
}

function Wall() {
  const room = entrance.seat?.room;
  if (room === undefined) {
    const { rid } = addressed();
    return html`<main class="wall"><p class="wall-note">${entrance.refusal || (rid === "" ? "Open this page from the page you lead the room with." : "Opening the room")}</p></main>`;
  }
  const poll = room.poll;
  return html`<main class="wall">
    <header class="wall-top">
      <h1 dir="auto">${room.title || "Join the room"}</h1>
      <${Beat} />
    </header>
    ${poll === null ? html`<${Join} room=${room} />` : html`<${OnWall} room=${room} poll=${poll} />`}
  </main>`;
}

/** The time of the newest sign of life; it stands still when none comes. */
function Beat() {
  const s = frozen_s();
  const { heardAt_ms } = session.state;
  const at = s === null ? Date.now() : heardAt_ms;
  const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
  return html`<p class=${s === null ? "beat" : "beat frozen"} id="beat"><svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6" /></svg>
    <time>${time}</time>${s !== null && html` <b>frozen since ${s} s</b>`}</p>`;
}

/** @param {{room: Room}} props */
function Join({ room }) {
  const here = learnersOf(room).length;
  return html`<section class="wall-join">
    <div><p class="wall-note">Join with the code</p><p class="big-code">${room.code}</p><p class="address">${joinAddress(room.code)}</p>
      <p class="wall-note">${here} ${here === 1 ? "is" : "are"} here</p></div>
    <${QrCode} text=${joinAddress(room.code)} label=${`QR code of ${joinAddress(room.code)}`} />
  </section>`;
}

/** @param {{room: Room, poll: Poll}} props */
function OnWall({ room, poll }) {
  const here = learnersOf(room).length;
  const revealed = poll.phase === "revealed";
  return html`<section class=${`wall-poll ${poll.phase}`} aria-label=${phaseWords(poll)}>
      <${PollHead} poll=${poll} left_ms=${entrance.seat?.left_ms ?? null} heading="h2" />
      <div class="wall-prompt" dir="auto"><${Markup} text=${poll.prompt} /></div>
      ${revealed ? html`<${Revealed} poll=${poll} />` : html`<ul class="wall-choices">${poll.choices.map(({ id, text }) => html`
        <li key=${id}><b class="letter">${letter(id)}</b><span dir="auto"><${Inline} text=${text} /></span></li>`)}</ul>`}
      ${poll.phase === "voting" && html`<p class="wall-note">${poll.n} of ${here} have voted</p>`}
      ${poll.phase === "discuss" && html`<p class="wall-note">Find somebody who chose another answer. Convince each other.</p>`}
    </section>
    <footer class="wall-foot"><${QrCode} text=${joinAddress(room.code)} label=${`QR code of ${joinAddress(room.code)}`} /><p class="big-code">${room.code}</p></footer>`;
}

setInterval(schedule, TICK_MS);
root.replaceChildren();
schedule();
