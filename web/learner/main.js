// Boots the learner page: dial, draw, keys. This file is the only one that touches the document
// outside the drawn tree.

import { connect } from "../client/index.js";
import { html, render, useEffect } from "../vendor/htm-preact.js";
import { reviewList } from "../shared/skills.js";
import { Card } from "./card.js";
import { Page } from "./page.js";
import { Here } from "./progress.js";
import { Footer, KeyList, Strip, Top } from "./top.js";
import { Tutor } from "./tutor.js";

const COURSES_WITHIN_MS = 3000;

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const session = connect({
  url: new URL("/v1/ws", location.href).href.replace(/^http/, "ws"),
  storage: storageOrNull(),
  name: "tutorstream-learner",
});
const asked = new URLSearchParams(location.search);
const code = asked.get("c") ?? "";
const page = new Page(session, schedule, say, asked.get("course") ?? "", (wished) => coursesOffered(wished));

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

/** What is taught here; null where there is nothing to choose. @param {string} wished the course that the address names */
async function coursesOffered(wished) {
  const answer = await fetch(new URL("/v1/courses", location.href), { signal: AbortSignal.timeout(COURSES_WITHIN_MS) });
  const { courses } = await answer.json();
  if (courses.length < 2 && wished === "") return null;
  const { Courses } = await import("./courses.js");
  return new Courses(page, courses, wished);
}

function draw() {
  const { course } = page.lesson;
  document.title = course ? `${course.title} · tutorstream` : "tutorstream";
  render(html`<${App} />`, root);
}

function App() {
  const tabs = tabsOf(page);
  return html`
    <a class="skip" href="#answer">Skip to the exercise</a>
    <${Top} page=${page} />
    ${page.courses && html`<${page.courses.views.Elsewhere} page=${page} />`}
    <nav class="tabs" aria-label="Parts of the lesson">
      <${Tab} name="lesson" label="Exercise" />
      ${tabs.map(({ name, label, note }) => html`<${Tab} key=${name} name=${name} label=${label} note=${note} />`)}
    </nav>
    <main class="sides" data-tab=${page.tab === "lesson" ? "lesson" : "beside"}>
      <div class="side lesson">
        <${Card} page=${page} />
        <${Here} page=${page} />
      </div>
      <div class="side beside"><${Beside} tabs=${tabs} /></div>
    </main>
    ${page.strip && html`<${Strip} page=${page} />`}
    <${Footer} page=${page} />
    ${page.courses && page.lesson.course && html`<${page.courses.views.Dialog} page=${page} />`}
    <${KeyList} />`;
}

/** @typedef {import("./page.js").Panel} Panel */
/** @typedef {{name: Panel, label: string, note?: string, spoken: string}[]} Tabs a note is a mark that takes no place */

/** @param {Page} page @returns {Tabs} */
function tabsOf({ lesson, runningTurn, visit }) {
  const due = reviewList(lesson.skills, Date.now()).due.length;
  return [
    { name: "tutor", label: "Tutor", note: runningTurn ? "writing" : "", spoken: "Tutor" },
    { name: "map", label: "Map", spoken: "Map of skills" },
    { name: "progress", label: "Progress", spoken: "Progress" },
    { name: "room", label: "Room", note: visit?.note ?? "", spoken: "Room" },
    { name: "review", label: due > 0 ? `Review, ${due} due` : "Review", spoken: "Review" },
  ];
}

/** What is drawn of each panel, as far as it is here. @type {Partial<Record<Panel, any>>} */
const PANELS = { tutor: Tutor };

/** Parts that are fetched when they are first opened, so that the first page is small. @type {Partial<Record<Panel, () => Promise<any>>>} */
const FETCHED = {
  map: async () => (await import("./map.js")).SkillMap,
  progress: async () => (await import("./difficulty.js")).Progress,
  review: async () => (await import("./review.js")).Review,
  room: async () => {
    const [{ Room, Visit }] = await Promise.all([import("./room.js"), styled("../shared/room.css")]);
    page.visit ??= new Visit(session, schedule, (words) => say("room", words), code);
    return Room;
  },
};
/** @type {Map<Panel, Promise<void>>} */
const fetching = new Map();
/** @type {Set<Panel>} parts that could not be fetched */
const missed = new Set();

/** Resolves when a panel can be drawn, or is missed. @param {"lesson"|Panel} name */
function fetched(name) {
  const part = name === "lesson" || PANELS[name] !== undefined ? undefined : FETCHED[name];
  if (part === undefined || name === "lesson") return Promise.resolve();
  const known = fetching.get(name);
  if (known !== undefined) return known;
  missed.delete(name);
  const found = part()
    .then((drawn) => void (PANELS[name] = drawn), () => void missed.add(name))
    .then(() => {
      fetching.delete(name);
      schedule();
    });
  fetching.set(name, found);
  return found;
}

/** @param {string} path */
function styled(path) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, import.meta.url).href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", reject);
    document.head.append(link);
  });
}

/** A panel, or that it is on its way. @param {{name: Panel}} props */
function Panel({ name }) {
  useEffect(() => void fetched(name), [name]);
  const drawn = PANELS[name];
  if (drawn !== undefined) return html`<${drawn} page=${page} />`;
  if (!missed.has(name)) return html`<p class="quiet note-box">Opening</p>`;
  return html`<p class="note-box">This part is not to be had right now. <button type="button" class="small" onClick=${() => fetched(name)}>Try again</button></p>`;
}

/** What stands beside the exercise: one of five. @param {{tabs: Tabs}} props */
function Beside({ tabs }) {
  const { panel } = page;
  const on = tabs.findIndex(({ name }) => name === panel);
  /** @param {KeyboardEvent} event */
  const turn = (event) => {
    const to = { ArrowRight: on + 1, ArrowLeft: on - 1, Home: 0, End: -1 }[event.key];
    const tab = to === undefined ? undefined : tabs.at(to % tabs.length);
    if (tab === undefined) return;
    event.preventDefault();
    page.show(tab.name);
    document.getElementById(`tab-${tab.name}`)?.focus();
  };
  return html`
    <div class="card panels">
      <div class="tablist" role="tablist" aria-label="Beside the exercise" onKeyDown=${turn}>
        ${tabs.map(({ name, label, note }) => html`
          <button key=${name} type="button" role="tab" class=${note ? "noted" : ""} id=${`tab-${name}`} aria-controls=${`panel-${name}`}
            aria-selected=${name === panel} tabindex=${name === panel ? 0 : -1}
            onClick=${() => page.show(name)}>${label}${note && html`<span class="unseen"> ${note}</span>`}</button>`)}
      </div>
      ${tabs.map(({ name, spoken }) => html`
        <div key=${name} class="panel" role="tabpanel" id=${`panel-${name}`} aria-label=${spoken} hidden=${name !== panel}>
          ${(name === panel || name === "tutor") && html`<${Panel} name=${name} />`}
        </div>`)}
    </div>`;
}

/** @param {{name: "lesson"|Panel, label: string, note?: string}} props */
function Tab({ name, label, note }) {
  const on = page.tab === name;
  return html`<button type="button" class=${note ? "noted" : ""} aria-pressed=${on}
    onClick=${() => page.show(name)}>${label}${note && html`<span class="unseen"> ${note}</span>`}</button>`;
}

/** @param {"tutor"|"lesson"|"room"} region @param {string} words */
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
  KeyM: () => go("map", "#map"),
  KeyP: () => go("progress", "#progress"),
  KeyR: () => go("room", "#room"),
  KeyV: () => go("review", "#review"),
};

/** Where F6 goes: the answer, then what stands beside it. @returns {["lesson"|Panel, string][]} */
function regions() {
  const { panel } = page;
  if (panel === "room") return [["lesson", "#answer"], ["room", "#room"], ["room", "#room-talk"], ["room", "#say"], ["lesson", "#here"]];
  if (panel !== "tutor") return [["lesson", "#answer"], [panel, `#${panel}`], ["lesson", "#here"]];
  return [["lesson", "#answer"], ["tutor", "#transcript"], ["tutor", "#question"], ["lesson", "#here"]];
}

/** @param {"lesson"|Panel} tab @param {string} to */
function go(tab, to) {
  page.show(tab);
  void fetched(tab).then(() => setTimeout(() => /** @type {HTMLElement|null} */ (document.querySelector(to))?.focus()));
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
  const all = regions().filter(([, region]) => document.querySelector(region) !== null);
  const here = all.findIndex(([, region]) => document.activeElement?.closest(region) !== null);
  const to = all[(here + by + all.length) % all.length];
  if (to !== undefined) go(...to);
}

/** @param {EventTarget|null} target */
function inField(target) {
  return target instanceof HTMLInputElement
    ? !["radio", "checkbox"].includes(target.type)
    : target instanceof HTMLTextAreaElement;
}

root.replaceChildren();
if (code !== "") page.show("room");
if (code !== "" || session.rooms.rids.length > 0) void fetched("room");
draw();
