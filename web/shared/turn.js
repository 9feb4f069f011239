// One turn of a tutor: who speaks, the words as they come, how it ended. This file draws it, and has
// the words for it; a session's tutor and a room's are shown alike.

import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";
import { edged, Markup } from "./markup.js";

/** @typedef {import("../client/lesson.js").Turn} Turn */
/** Where a turn stands: `alarmed` are the safety turns that came while it was looked at. @typedef {{talk: {alarmed: Set<string>, ask: (words: string) => any}}} Asked */

/**
 * A question and the tutor's answer to it; `who` asked it.
 * @param {{page: Asked, turn: Turn, n: number, last: boolean, who?: string}} props
 */
export function Exchange({ page, turn, n, last, who = "" }) {
  const { ai, words } = voiceOf(turn);
  const label = `Tutor, turn ${n}: ${ai ? "AI, " : ""}${words}`;
  return html`
    ${turn.input && html`<p class="question" dir="auto">${who === "" ? html`<span class="unseen">You asked: </span>` : html`<b class="who"><bdi>${who}</bdi> asked</b> `}${asked(turn.input)}</p>`}
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

/** @param {{page: Asked, turn: Turn, last: boolean}} props */
function TurnNote({ page, turn, last }) {
  const end = endOf(turn);
  if (end === "") return null;
  const goOn = (/** @type {any} */ { currentTarget }) => {
    currentTarget.closest("[role=log]").focus({ preventScroll: true }); // the button goes away
    void page.talk.ask("Please go on.");
  };
  return html`<p class="turn-note">
    ${end}${end === BROKEN && last && html` <button type="button" class="small" data-act="continue" onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${goOn}>Continue</button>`}
  </p>`;
}

/** Nothing is here yet; seen only where that lasts. */
export function Dots() {
  return html`<p class="waiting" aria-hidden="true"><i></i><i></i><i></i></p>`;
}

/**
 * How a turn ended, where not by itself.
 * @param {{status: string, reason?: string|null}} turn or its `turn.done`
 */
export function endOf({ status, reason }) {
  if (status === "superseded") return "stopped for your newer question";
  if (status === "cancelled") return reason === "abandoned" || reason === "drained" ? BROKEN : "stopped by you";
  return status === "incomplete" || status === "failed" || status === "lost" ? BROKEN : "";
}

export const BROKEN = "interrupted";

/** The provider's name of a model that the server itself runs. */
const LOCAL = "local";

/**
 * Who speaks. `ai`: a model does, which every turn of it says; `caution`: its name says that it
 * makes mistakes.
 * @param {Turn} turn
 * @returns {{ai: boolean, caution: boolean, words: string}}
 */
export function voiceOf({ source, model, provider }) {
  if (source === "builtin") return { ai: false, caution: false, words: "built-in tutor" };
  const where = provider === LOCAL ? "on this machine" : `by ${provider}`;
  const words = model === "" || model === provider ? provider : `${model} ${where}`;
  return { ai: true, caution: /makes mistakes/i.test(model), words };
}

/** @type {Record<string, string>} */
const ACTIONS = {
  simpler: "Say it more simply",
  example: "Show me an example",
  why: "Why?",
  next_step: "What is the next step?",
};

/** What the learner said, in words. @param {string|{action: string}|null} input */
export function asked(input) {
  if (input === null) return "";
  const key = typeof input === "string" ? input : input.action;
  return ACTIONS[key] ?? key;
}
