// The tutor side: transcript, question box, Stop and the quick questions. This file draws them.

import { Dots, Exchange } from "../shared/turn.js";
import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";
import { leftWords } from "./asking.js";
import { keepFocus } from "./card.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./asking.js").Action} Action */
/** @typedef {import("../client/lesson.js").Turn} Turn */

const NEAR_END_PX = 48;

/** More than the server takes, so that it refuses aloud what is too long; fewer than a frame holds. */
const QUESTION_CHARS = 8000;

/** @param {{page: Page}} props */
export function Tutor({ page }) {
  return html`
    <section class="talk" aria-label="Tutor">
      <${TalkHead} page=${page} />
      <${Transcript} page=${page} turns=${page.lesson.turns} />
      <${Ask} page=${page} />
    </section>`;
}

/** @param {{page: Page}} props */
function TalkHead({ page }) {
  const left = leftWords(page.session.rates, Date.now(), page.talk.refuses);
  return html`<header class="talk-head">
    <h2 class="unseen">Tutor</h2>
    <p>Software, not a person</p>
    ${left && html`<p class="left">${left}</p>`}
  </header>`;
}

/** @param {{page: Page, turns: Turn[]}} props */
function Transcript({ page, turns }) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  const follows = useRef(true);
  const { waiting } = page.talk;
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
      ${turns.length === 0 && waiting === null && html`<${Welcome} />`}
      ${turns.map((turn, n) => html`<${Exchange} key=${turn.gen} page=${page} turn=${turn} n=${n + 1} last=${n === turns.length - 1} />`)}
      ${waiting !== null && html`<p class="question" dir="auto">${waiting.text}</p><${Dots} />`}
    </div>`;
}

function Welcome() {
  return html`<div class="welcome">
    <p>Stuck, or curious why something works? Ask.</p>
    <p class="quiet">The tutor leads you to the answer and does not hand it out. You can go on typing your own answer while it writes.</p>
  </div>`;
}

/** @type {[Action, string][]} */
const QUICK = [["simpler", "Say simpler"], ["example", "Example"], ["why", "Why"], ["next_step", "Next step"]];

/** @param {{page: Page}} props */
function Ask({ page }) {
  const { talk } = page;
  const busy = talk.running !== undefined || talk.waiting !== null;
  return html`
    <form class="ask" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void talk.ask(talk.question); }}>
      ${talk.refusal && html`<p class="problem" role="alert">${talk.refusal}</p>`}
      <div class="quick">
        ${QUICK.map(([action, label]) => html`
          <button key=${action} type="button" class="small" data-ask=${action} onPointerDown=${keepFocus} onClick=${() => talk.ask({ action })}>${label}</button>`)}
      </div>
      <div class="box">
        <label for="question" class="unseen">Ask the tutor</label>
        <input id="question" type="text" dir="auto" autocomplete="off" maxlength=${QUESTION_CHARS} placeholder="Ask the tutor"
          value=${talk.question} onInput=${(/** @type {any} */ event) => { talk.question = event.target.value; page.changed(); }} />
        ${busy
          ? html`<button type="button" class="stop" data-act="stop" onPointerDown=${keepFocus} onClick=${() => page.stop()}>${talk.stopping ? "Stopping" : "Stop"}</button>`
          : html`<button type="submit" class="send" data-act="ask">Ask</button>`}
      </div>
    </form>`;
}
