// Boots the learner page: dial, draw, keys. This file is the only one that touches the document
// outside the drawn tree.

import { connect } from "../client/index.js";
import { html, render } from "../vendor/htm-preact.js";
import { Card } from "./card.js";
import { Page } from "./page.js";
import { Progress } from "./progress.js";
import { Footer, KeyList, Strip, Top } from "./top.js";
import { Tutor } from "./tutor.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const session = connect({
  url: new URL("/v1/ws", location.href).href.replace(/^http/, "ws"),
  storage: storageOrNull(),
  name: "tutorstream-learner",
});
const page = new Page(session, schedule, say);

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
  const { course } = page.lesson;
  document.title = course ? `${course.title} · tutorstream` : "tutorstream";
  render(html`<${App} />`, root);
}

function App() {
  return html`
    <a class="skip" href="#answer">Skip to the exercise</a>
    <${Top} page=${page} />
    <nav class="tabs" aria-label="Sides of the lesson">
      <${Tab} name="lesson" label="Exercise" />
      <${Tab} name="tutor" label=${page.runningTurn ? "Tutor, writing" : "Tutor"} />
    </nav>
    <main class="sides" data-tab=${page.tab}>
      <div class="side lesson">
        <${Card} page=${page} />
        <${Progress} page=${page} />
      </div>
      <div class="side tutor"><${Tutor} page=${page} /></div>
    </main>
    ${page.strip && html`<${Strip} page=${page} />`}
    <${Footer} page=${page} />
    <${KeyList} />`;
}

/** @param {{name: "lesson"|"tutor", label: string}} props */
function Tab({ name, label }) {
  const on = page.tab === name;
  return html`<button type="button" aria-pressed=${on} onClick=${() => page.show(name)}>${label}</button>`;
}

/** @param {"tutor"|"lesson"} region @param {string} words */
function say(region, words) {
  const at = document.getElementById(`say-${region}`);
  if (at !== null) at.textContent = words;
}

function storageOrNull() {
  try {
    return globalThis.localStorage;
  } catch {
    return null; // storage is forbidden here: a reload begins anew
  }
}

/** Acts by key. Letters act with Alt, or outside text fields. @type {Record<string, () => void>} */
const ALT = {
  KeyH: () => page.hint(),
  KeyS: () => page.steps(),
  KeyN: () => page.next(),
  KeyT: () => go("tutor", "#transcript"),
  KeyP: () => go("lesson", "#progress"),
};

const REGIONS = ["#answer", "#transcript", "#question", "#progress"];

/** @param {"lesson"|"tutor"} tab @param {string} to */
function go(tab, to) {
  page.show(tab);
  setTimeout(() => /** @type {HTMLElement|null} */ (document.querySelector(to))?.focus());
}

document.addEventListener("keydown", (event) => {
  const act = event.altKey && !event.ctrlKey && !event.metaKey ? ALT[event.code] : undefined;
  if (act !== undefined) {
    event.preventDefault();
    act();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) page.stop();
  else if (event.key === "F6") {
    event.preventDefault();
    nextRegion(event.shiftKey ? -1 : 1);
  } else if (!inField(event.target)) outsideFields(event.key);
});

/** @param {string} key */
function outsideFields(key) {
  if (key === "~") page.toggleStrip();
  if (key === "?") {
    const list = /** @type {HTMLDialogElement|null} */ (document.getElementById("keys"));
    if (list !== null && !list.open) list.showModal();
  }
}

/** @param {number} by */
function nextRegion(by) {
  const here = REGIONS.findIndex((region) => document.activeElement?.closest(region) !== null);
  const to = REGIONS[(here + by + REGIONS.length) % REGIONS.length] ?? "#answer";
  go(to === "#answer" || to === "#progress" ? "lesson" : "tutor", to);
}

/** @param {EventTarget|null} target */
function inField(target) {
  return target instanceof HTMLInputElement
    ? !["radio", "checkbox"].includes(target.type)
    : target instanceof HTMLTextAreaElement;
}

root.replaceChildren();
draw();
