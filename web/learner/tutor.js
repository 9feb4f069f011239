// The tutor side: transcript, question box, Stop and the quick questions. This file draws them.

import { Markup } from "../shared/markup.js";
import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";
import { keepFocus } from "./card.js";
import { asked } from "./page.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/lesson.js").Turn} Turn */

const NEAR_END_PX = 48;

/** @param {{page: Page}} props */
export function Tutor({ page }) {
  const { turns } = page.lesson;
  return html`
    <section class="talk" aria-label="Tutor">
      <${TalkHead} turn=${turns.at(-1)} />
      <${Transcript} page=${page} turns=${turns} />
      <${Ask} page=${page} />
    </section>`;
}

/** @param {{turn: Turn|undefined}} props */
function TalkHead({ turn }) {
  return html`<header class="talk-head">
    <h2 class="unseen">Tutor</h2>
    <p class="source">${turn === undefined ? "software, not a person" : sourceOf(turn)}</p>
  </header>`;
}

/** @param {Turn} turn */
function sourceOf({ source, model, provider }) {
  return source === "builtin" ? "built-in" : model || provider;
}

/** @param {{page: Page, turns: Turn[]}} props */
function Transcript({ page, turns }) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (follows.current && at.current) at.current.scrollTop = at.current.scrollHeight;
  });
  const onScroll = () => {
    const log = at.current;
    if (log) follows.current = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
  };
  return html`
    <div class="transcript" id="transcript" role="log" aria-live="off" aria-label="Conversation with the tutor"
      tabindex="0" ref=${at} onScroll=${onScroll}>
      ${turns.length === 0 && page.asking === null && html`<${Welcome} />`}
      ${turns.map((turn, n) => html`<${Exchange} key=${turn.gen} page=${page} turn=${turn} n=${n + 1} last=${n === turns.length - 1} />`)}
      ${page.asking !== null && html`<${Asking} text=${page.asking.text} />`}
    </div>`;
}

function Welcome() {
  return html`<div class="welcome">
    <p>Stuck, or curious why something works? Ask.</p>
    <p class="quiet">The tutor leads you to the answer and does not hand it out. You can go on typing your own answer while it writes.</p>
  </div>`;
}

/** @param {{text: string}} props */
function Asking({ text }) {
  return html`<p class="question" dir="auto">${text}</p>
    <p class="waiting" aria-hidden="true"><i></i><i></i><i></i></p>`;
}

/** @param {{page: Page, turn: Turn, n: number, last: boolean}} props */
function Exchange({ page, turn, n, last }) {
  const running = turn.status === "running";
  return html`
    ${turn.input && html`<p class="question" dir="auto"><span class="unseen">You asked: </span>${asked(turn.input)}</p>`}
    <article class=${`turn ${turn.status}`} aria-label=${`Tutor, turn ${n}`} aria-busy=${running} data-gen=${turn.gen} dir="auto">
      <div class="said"><${Markup} text=${turn.text} />${running && turn.text === "" && html`<p class="waiting" aria-hidden="true"><i></i><i></i><i></i></p>`}</div>
      <${TurnNote} page=${page} turn=${turn} last=${last} />
    </article>`;
}

/** @type {Record<string, string>} */
const ENDS = {
  cancelled: "stopped by you",
  superseded: "stopped for your newer question",
  incomplete: "interrupted",
  failed: "interrupted",
  lost: "interrupted",
};

/** @param {{page: Page, turn: Turn, last: boolean}} props */
function TurnNote({ page, turn, last }) {
  const end = ENDS[turn.status];
  const restarted = turn.restarts > 0 ? `begun again by ${sourceOf(turn)}` : "";
  if (!end && !restarted) return null;
  const broken = end === "interrupted";
  return html`<p class="turn-note">
    ${[restarted, end].filter(Boolean).join(", ")}
    ${broken && last && html` <button type="button" class="small" onClick=${() => page.ask("Please go on.")}>Continue</button>`}
  </p>`;
}

/** @param {{page: Page}} props */
function Ask({ page }) {
  const busy = page.runningTurn !== undefined || page.asking !== null;
  return html`
    <form class="ask" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void page.ask(page.question); }}>
      <div class="quick">
        <button type="button" class="small" onPointerDown=${keepFocus} onClick=${() => page.ask({ action: "simpler" })}>Simpler</button>
        <button type="button" class="small" onPointerDown=${keepFocus} onClick=${() => page.ask({ action: "example" })}>Example</button>
        <button type="button" class="small" onPointerDown=${keepFocus} onClick=${() => page.ask({ action: "why" })}>Why</button>
      </div>
      <div class="box">
        <label for="question" class="unseen">Ask the tutor</label>
        <input id="question" type="text" dir="auto" autocomplete="off" maxlength="600" placeholder="Ask the tutor"
          value=${page.question} onInput=${(/** @type {any} */ event) => { page.question = event.target.value; page.changed(); }} />
        ${busy
          ? html`<button type="button" class="stop" data-act="stop" onPointerDown=${keepFocus} onClick=${() => page.stop()}>Stop</button>`
          : html`<button type="submit" class="send" data-act="ask">Ask</button>`}
      </div>
    </form>`;
}
