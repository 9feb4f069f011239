// The frame around the lesson: top bar with the connection's state, status strip, footer, key
// list. This file draws them.

import { html, useState } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/index.js").State} State */

const SLOW_MS = 1000;

/** @param {{page: Page}} props */
export function Top({ page }) {
  const { course } = page.lesson;
  const live = page.session.state.phase === "live";
  return html`
    <header class="top">
      <svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><path d="M5 20c4.5-9 7-9 11-3.4s6.5 5.6 11-3.4" /></svg>
      <h1><bdi>${course?.title ?? "tutorstream"}</bdi></h1>
      ${course && page.courses !== null && page.courses.list.length > 1 && html`<button type="button" class="small" data-act="courses" aria-haspopup="dialog" onClick=${openCourses}>Courses</button>`}
      <${Pill} page=${page} />
      <div class="top-acts">
        <button type="button" class="small" data-act="cut" disabled=${!live} onClick=${() => page.cut()}>Cut my connection</button>
        <${ThemeButton} />
        <button type="button" class="small icon" aria-label="Keys" title="Keys (?)" onClick=${openKeys}>?</button>
      </div>
    </header>`;
}

const opens = (/** @type {string} */ id) => () => /** @type {HTMLDialogElement|null} */ (document.getElementById(id))?.showModal();
const openKeys = opens("keys");
const openCourses = opens("courses");

/**
 * The connection in a word and a shape.
 * @param {Page} page
 * @returns {{shape: "full"|"half"|"ring"|"tick"|"square", tone: string, words: string}}
 */
export function pillOf(page) {
  const { state } = page.session;
  const typed = typeof page.answer === "string" && page.answer !== "" && page.held === null;
  const { phase } = state;
  if (phase === "connecting") return { shape: "ring", tone: "away", words: "connecting" };
  if (phase === "catching-up") return { shape: "ring", tone: "away", words: "catching up" };
  if (phase === "reconnecting") {
    return { shape: "ring", tone: "away", words: `reconnecting, ${kept(state, typed)}` };
  }
  if (phase === "restarting") {
    const s = Math.max(1, Math.round((state.retryAt_ms - Date.now()) / 1000));
    return { shape: "ring", tone: "away", words: `server restarting, back in ~${s} s` };
  }
  if (phase === "ended") return { shape: "square", tone: "ended", words: ended(state) };
  if (Date.now() < page.resumedUntil_ms && state.resumed) {
    return { shape: "tick", tone: "back", words: resumed(state.resumed) };
  }
  if (state.rtt_ms > SLOW_MS) {
    return { shape: "half", tone: "away", words: `slow ${(state.rtt_ms / 1000).toFixed(1)} s` };
  }
  const ms = state.rtt_ms === 0 ? "" : ` ${Math.max(1, Math.round(state.rtt_ms))} ms`;
  return { shape: "full", tone: "live", words: `live${ms}` };
}

/** @param {State} state @param {boolean} typed */
function kept(state, typed) {
  if (state.answers > 0) return `${state.answers} ${state.answers === 1 ? "answer" : "answers"} kept`;
  if (state.kept > 0) return `${state.kept} ${state.kept === 1 ? "request" : "requests"} kept`;
  return typed ? "your draft is kept" : "your place is kept";
}

/** @param {NonNullable<State["resumed"]>} back */
function resumed({ from, to, mode }) {
  if (mode === "snapshot" || mode === "reset") return `resynchronised at seq ${to}`;
  if (to < from) return "resumed, nothing lost";
  return `resumed, nothing lost, caught up seq ${from === to ? to : `${from}-${to}`}`;
}

/** @param {State} state */
function ended({ closeCode }) {
  if (closeCode === 4409) return "open in too many places";
  if (closeCode === 4401 || closeCode === 4403) return "signed out";
  return `ended (${closeCode})`;
}

const SHAPES = {
  full: html`<circle cx="8" cy="8" r="5" fill="currentColor" />`,
  half: html`<circle cx="8" cy="8" r="4.5" fill="none" stroke="currentColor" stroke-width="2" /><path d="M8 3.500a4.5 4.5 0 0 1 0 9z" fill="currentColor" />`,
  ring: html`<circle class="turning" cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2.2" stroke-dasharray="7 3.47" />`,
  tick: html`<path d="M3 8.500l3.5 3.500L13 5" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />`,
  square: html`<rect x="3.5" y="3.5" width="9" height="9" fill="currentColor" />`,
};

/** @param {{page: Page}} props */
function Pill({ page }) {
  const { shape, tone, words } = pillOf(page);
  return html`<p class=${`pill ${tone}`} id="pill" data-phase=${page.session.state.phase}>
    <svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[shape]}</svg>
    <span>${words}</span>
    ${page.session.state.phase === "ended" && html`<button type="button" class="small" onClick=${() => page.session.open()}>Come back</button>`}
  </p>`;
}

const THEMES = /** @type {const} */ (["auto", "light", "dark"]);

function ThemeButton() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "auto");
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(/** @type {any} */ (theme)) + 1) % THEMES.length] ?? "auto";
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("tutorstream.theme", next);
    } catch {
      // storage is forbidden here: the choice lasts as long as the page
    }
    setTheme(next);
  };
  return html`<button type="button" class="small" data-act="theme" onClick=${turn}>Theme: ${theme}</button>`;
}

/** @param {{page: Page}} props */
export function Strip({ page }) {
  const { latency, latencies } = page;
  const { state } = page.session;
  const ms = (/** @type {number} */ value) => `${value.toFixed(value < 10 ? 1 : 0)}`;
  return html`<section class="strip" aria-label="Status strip">
    ${latency === null
      ? html`<span>no feedback yet</span>`
      : html`<span>last feedback: server <b>${ms(latency.server_ms)}</b> wire <b>${ms(latency.wire_ms)}</b> paint <b>${ms(latency.paint_ms)}</b> = <b>${ms(latency.all_ms)}</b> ms</span>
        <span>p50 <b>${ms(percentile(latencies, 0.5))}</b> p99 <b>${ms(percentile(latencies, 0.99))}</b> ms, n = ${latencies.length}</span>`}
    <span>seq <b>${state.seq}</b></span>
    <span>resumes <b>${state.resumes}</b></span>
    <span>kept <b>${state.kept}</b></span>
    ${page.lesson.theta !== null && html`<span>ability <b>${page.lesson.theta.toFixed(2)}</b> ± ${(page.lesson.sd ?? 0).toFixed(2)}</span>`}
  </section>`;
}

/** @param {number[]} values @param {number} share */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** @param {{page: Page}} props */
export function Footer({ page }) {
  const { course } = page.lesson;
  const source = page.shown?.item.source;
  const credit = [course?.attribution].flat().filter(Boolean).join("; ");
  const facts = [course?.title, course?.license, credit, source && source !== credit ? `this exercise: ${source}` : ""];
  return html`<footer class="foot">
    <p>${facts.filter(Boolean).join(" · ")}</p>
    <button type="button" class="link" aria-expanded=${page.strip} onClick=${() => page.toggleStrip()}>Status strip</button>
  </footer>`;
}

const KEYS = [
  ["Enter", "check the answer; after a right one, go on"],
  ["Alt + H", "next hint"],
  ["Alt + S", "show steps"],
  ["Alt + N", "next exercise"],
  ["Alt + T", "jump to the conversation"],
  ["Alt + M", "map of skills; arrow keys walk it, Enter practises a skill"],
  ["Alt + P", "progress"],
  ["Alt + R", "room"],
  ["Alt + V", "review list"],
  ["Arrows", "in an exercise that is moved about: walk, or set a value"],
  ["Ctrl + ↑ ↓", "there: move what has the focus; Space holds it"],
  ["Esc", "stop the tutor; let go of what is held, then to the Check button"],
  ["F6", "next region"],
  ["~", "status strip, outside text fields"],
  ["?", "this list, outside text fields"],
];

export function KeyList() {
  return html`<dialog id="keys" aria-labelledby="keys-title">
    <h2 id="keys-title">Keys</h2>
    <dl>${KEYS.map(([key, act]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${act}</dd></div>`)}</dl>
    <form method="dialog"><button class="primary">Close</button></form>
  </dialog>`;
}
