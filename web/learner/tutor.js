// The tutor side: transcript, question box, Stop and the quick questions. This file draws them.

import { edged, Markup } from "../shared/markup.js";
import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";
import { asked, BROKEN, endOf, leftWords, voiceOf } from "./asking.js";
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

/** Nothing is here yet; seen only where that lasts. */
function Dots() {
  return html`<p class="waiting" aria-hidden="true"><i></i><i></i><i></i></p>`;
}

/** @param {{page: Page, turn: Turn, n: number, last: boolean}} props */
function Exchange({ page, turn, n, last }) {
  const { ai, words } = voiceOf(turn);
  const label = `Tutor, turn ${n}: ${ai ? "AI, " : ""}${words}`;
  return html`
    ${turn.input && html`<p class="question" dir="auto"><span class="unseen">You asked: </span>${asked(turn.input)}</p>`}
    <article class=${`turn ${turn.status}${turn.safety ? " safety" : ""}`} aria-label=${label}
      aria-busy=${turn.status === "running"} data-gen=${turn.gen}>
      <${Voice} turn=${turn} />
      <${Said} turn=${turn} alarm=${page.talk.alarmed.has(turn.gen)} />
      <${TurnNote} page=${page} turn=${turn} last=${last} />
    </article>`;
}

/** Who speaks, on every turn; and that it is an AI, where it is one. @param {{turn: Turn}} props */
function Voice({ turn }) {
  const { ai, caution, words } = voiceOf(turn);
  return html`<p class=${caution ? "voice caution" : "voice"}>
    ${ai && html`<b class="ai">AI</b> `}<span>${words}</span>${turn.restarts > 0 && html`<span class="again">, begun again</span>`}
  </p>`;
}

/**
 * The words of a turn. Words that are begun again stay, dimmed, until the first new ones replace
 * them; their height stays until the turn is done, so that nothing around them moves.
 * @param {{turn: Turn, alarm: boolean}} props
 */
function Said({ turn, alarm }) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  const before = useRef("");
  const running = turn.status === "running";
  if (turn.text !== "") before.current = turn.text;
  const stale = running && turn.text === "" && before.current !== "";
  useLayoutEffect(() => {
    const said = at.current;
    if (said === null) return;
    if (stale) keepHeight(said);
    else if (!running) said.removeAttribute("style");
  }, [stale, running]);
  const text = stale ? before.current : turn.text;
  const alert = alarm && !running; // whole, and as a new element: it is read out once
  return html`<div key=${alert ? "alert" : "said"} class=${stale ? "said stale" : "said"} dir="auto"
    role=${alert ? "alert" : undefined} ref=${at}>
    <${Markup} text=${running ? edged(text) : text} />${running && text === "" && html`<${Dots} />`}
  </div>`;
}

/** Where the beginning is out of sight, the new words stand at the end of the height kept. @param {HTMLElement} said */
function keepHeight(said) {
  const top = said.closest(".transcript")?.getBoundingClientRect().top ?? 0;
  said.style.minBlockSize = `${said.offsetHeight}px`;
  if (said.getBoundingClientRect().top < top) said.style.alignContent = "end";
}

/** @param {{page: Page, turn: Turn, last: boolean}} props */
function TurnNote({ page, turn, last }) {
  const end = endOf(turn);
  if (end === "") return null;
  const goOn = (/** @type {any} */ { currentTarget }) => {
    currentTarget.closest("#transcript").focus({ preventScroll: true }); // the button goes away
    void page.talk.ask("Please go on.");
  };
  return html`<p class="turn-note">
    ${end}${end === BROKEN && last && html` <button type="button" class="small" data-act="continue" onPointerDown=${keepFocus} onClick=${goOn}>Continue</button>`}
  </p>`;
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
