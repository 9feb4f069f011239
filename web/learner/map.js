// The map of skills: one node a skill, in layers by prerequisite, or the same as a table. This
// file draws it and walks it by keyboard.

import {
  dueWords, edgesOf, layersOf, percent, range, recall, spokenRange, standings, STATES,
} from "../shared/skills.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { keepFocus } from "./card.js";
import { Bar, Range } from "./progress.js";
import { useClock } from "./review.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/lesson.js").Skill} Skill */
/** @typedef {import("../shared/skills.js").Standing} Standing */
/** @typedef {import("../shared/skills.js").State} State */

/** From so many skills on the nodes are drawn smaller. */
const DENSE = 25;

/** The state's shape, so that colour is never alone. @param {{state: State}} props */
function Shape({ state }) {
  return html`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[state]}</svg>`;
}

/** @type {Record<State, any>} */
const SHAPES = {
  mastered: html`<circle cx="8" cy="8" r="7" fill="currentColor" /><path class="inside" d="M4.800 8.200l2.300 2.300 4.200-4.700" />`,
  due: html`<path d="M8 .8L15.200 8 8 15.200.8 8z" fill="currentColor" /><path class="inside" d="M8 4.700v3.600M8 10.800v.2" />`,
  open: html`<circle cx="8" cy="8" r="5.800" fill="none" stroke="currentColor" stroke-width="2.2" />`,
  locked: html`<path d="M5 7V5.200a3 3 0 0 1 6 0V7" fill="none" stroke="currentColor" stroke-width="1.8" /><rect x="3" y="7" width="10" height="7.500" rx="1.500" fill="currentColor" />`,
};

/** @param {{page: Page}} props */
export function SkillMap({ page }) {
  useClock(page);
  const { skills } = page.lesson;
  const now_ms = Date.now();
  const standing = standings(skills, now_ms);
  const table = page.tables.has("map");
  return html`
    <section class="view map" id="map" tabindex="-1" aria-labelledby="map-title">
      <header class="view-head">
        <h2 id="map-title">Map of skills</h2>
        <button type="button" class="small" aria-pressed=${table} onClick=${() => page.turnTable("map")}>As a table</button>
      </header>
      <${Counts} standing=${standing} />
      ${skills.length === 0
        ? html`<div class="view-body"><p class="quiet">The map comes with the first exercise.</p></div>`
        : table
          ? html`<${SkillTable} page=${page} standing=${standing} now_ms=${now_ms} />`
          : html`<${Graph} page=${page} standing=${standing} now_ms=${now_ms} />`}
    </section>`;
}

/** How many skills are in each state; shows the shapes as well. @param {{standing: Map<string, Standing>}} props */
function Counts({ standing }) {
  const all = [...standing.values()];
  return html`<ul class="counts" aria-label="Skills by state">
    ${STATES.map((state) => {
      const n = all.filter((one) => one.state === state).length;
      return html`<li key=${state} class=${state}><${Shape} state=${state} /> <b>${n}</b> ${state}</li>`;
    })}
  </ul>`;
}

/** @param {Skill[]} skills */
const titles = (skills) => skills.map(({ title }) => title).join(", ");

/** What comes before a skill: what is missing where it is locked. @param {Standing} one */
function before({ state, needs, missing }) {
  if (state === "locked") return `first ${titles(missing)}`;
  return needs.length > 0 ? `builds on ${titles(needs)}` : "";
}

/** @param {{page: Page, standing: Map<string, Standing>, now_ms: number}} props */
function Graph({ page, standing, now_ms }) {
  const { skills } = page.lesson;
  const layers = useMemo(() => layersOf(skills), [skills]);
  const current = new Set(page.shown?.item.skills ?? []);
  const first = skills.find(({ id }) => current.has(id)) ?? layers[0]?.[0];
  const [walked, setWalked] = useState(/** @type {string|null} */ (null));
  const [over, setOver] = useState(/** @type {string|null} */ (null));
  const at = walked !== null && standing.has(walked) ? walked : (first?.id ?? "");
  const seen = over ?? at;
  const { needs = [], leads = [] } = standing.get(seen) ?? {};
  const kin = new Set([...needs, ...leads].map(({ id }) => id));
  const board = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => inSight(board.current), []);
  return html`
    <p class="unseen" id="map-keys">Arrow keys walk the map. Enter opens an exercise on the skill.</p>
    <div class=${skills.length >= DENSE ? "view-body board dense" : "view-body board"} ref=${board}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, board.current)}>
      <${Edges} skills=${skills} seen=${seen} />
      <ol class="layers" aria-describedby="map-keys">
        ${layers.map((layer, n) => html`
          <li key=${n} class="layer"><p class="layer-name">${n === 0 ? "Start here" : `Step ${n + 1}`}</p>
            <ul>${layer.map(({ id }) => html`
              <${Node} key=${id} page=${page} one=${standing.get(id)} now_ms=${now_ms} current=${current.has(id)}
                kin=${kin.has(id)} stop=${id === at} seen=${setOver} walked=${setWalked} />`)}</ul>
          </li>`)}
      </ol>
      <p class="quiet key">A figure is your chance on a typical exercise of the skill.${skills.some(({ low }) => low !== undefined) && " The thin line is how sure that is: it holds 8 times in 10."}</p>
    </div>
    <${Detail} one=${standing.get(seen)} now_ms=${now_ms} />`;
}

/** Bring the skill worked on into the map's own window; the page itself does not scroll. @param {HTMLElement|null} board */
function inSight(board) {
  const node = /** @type {HTMLElement|null} */ (board?.querySelector("[aria-current]"));
  if (!board || !node || node.offsetTop + node.offsetHeight <= board.clientHeight) return;
  board.scrollTop = node.offsetTop - (board.clientHeight - node.offsetHeight) / 2;
}

/**
 * @param {{page: Page, one: Standing, now_ms: number, current: boolean, kin: boolean, stop: boolean,
 *   seen: (id: string|null) => void, walked: (id: string) => void}} props
 */
function Node({ page, one, now_ms, current, kin, stop, seen, walked }) {
  const { skill, state } = one;
  const { id, title, mastery, low, high } = skill;
  const wanted = page.wanted === id;
  const review = reviewed(skill, now_ms);
  const more = [spokenRange(skill), before(one), review];
  return html`<li>
    <button type="button" class=${`node ${state}${kin ? " kin" : ""}`} data-skill=${id} tabindex=${stop ? 0 : -1} aria-current=${current ? "step" : undefined}
      aria-busy=${wanted} onPointerDown=${keepFocus} onPointerEnter=${() => seen(id)} onPointerLeave=${() => seen(null)}
      onFocus=${() => walked(id)} onClick=${() => page.practise(id)}>
      <span class="name">${title}${current && html` <span class="tag">now</span>`}</span>
      <span class="needs" aria-hidden="true">${state === "locked" ? before(one) : review}</span>
      <span class="row"><span class="state"><${Shape} state=${state} /> ${wanted ? "coming" : state}</span> <span class="figures">${percent(mastery)}</span></span>
      <${Bar} mastery=${mastery} low=${low} high=${high} />
      <span class="unseen">${more.filter(Boolean).map((words) => `, ${words}`).join("")}</span>
    </button>
  </li>`;
}

/**
 * All of the node under the pointer or the focus, in words.
 * @param {{one: Standing|undefined, now_ms: number}} props
 */
function Detail({ one, now_ms }) {
  if (one === undefined) return null;
  const { skill, state, leads } = one;
  const { title, mastery } = skill;
  const facts = [
    range(skill) && `likely ${range(skill)}`,
    reviewed(skill, now_ms),
    before(one),
    leads.length > 0 && `leads to ${titles(leads)}`,
  ];
  return html`<div class="detail" aria-hidden="true">
    <p><b>${title}</b> <span class=${`state ${state}`}><${Shape} state=${state} /> ${state}, ${percent(mastery)}</span></p>
    <p class="quiet">${facts.filter(Boolean).join(" · ")}</p>
  </div>`;
}

// --- arrows --------------------------------------------------------------------------------------

/**
 * The prerequisites as lines behind the nodes, measured where the nodes stand.
 * @param {{skills: Skill[], seen: string}} props
 */
function Edges({ skills, seen }) {
  const edges = useMemo(() => edgesOf(skills), [skills]);
  const at = useRef(/** @type {SVGSVGElement|null} */ (null));
  const [paths, setPaths] = useState(/** @type {string[]} */ ([]));
  useLayoutEffect(() => {
    const board = at.current?.parentElement;
    const layers = board?.querySelector(".layers");
    if (!board || !layers) return undefined;
    const measure = () => setPaths((old) => {
      const made = edges.map(([from, to]) => pathBetween(nodeOf(board, from), nodeOf(board, to)));
      return made.join() === old.join() ? old : made;
    });
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(layers);
    return () => watch.disconnect();
  }, [edges]);
  const near = (/** @type {number} */ n) => edges[n]?.includes(seen) ?? false;
  const order = paths.map((_, n) => n).sort((a, b) => Number(near(a)) - Number(near(b)));
  return html`<svg class="edges" ref=${at} aria-hidden="true">
    ${order.map((n) => html`<path key=${edges[n]?.join()} class=${near(n) ? "near" : ""} d=${paths[n]} />`)}
  </svg>`;
}

/** @param {Element} board @param {string} id */
function nodeOf(board, id) {
  return /** @type {HTMLElement|null} */ (board.querySelector(`[data-skill="${CSS.escape(id)}"]`));
}

/** @param {HTMLElement|null} from @param {HTMLElement|null} to */
function pathBetween(from, to) {
  if (from === null || to === null) return "";
  const [x1, y1] = [from.offsetLeft + from.offsetWidth / 2, from.offsetTop + from.offsetHeight];
  const [x2, y2] = [to.offsetLeft + to.offsetWidth / 2, to.offsetTop];
  const bend = Math.max(14, (y2 - y1) / 2);
  return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
}

// --- keyboard ------------------------------------------------------------------------------------

/**
 * Arrow keys, Home and End move the focus from node to node.
 * @param {KeyboardEvent} event
 * @param {HTMLElement|null} board
 */
function walk(event, board) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const nodes = /** @type {HTMLElement[]} */ ([...(board?.querySelectorAll(".node") ?? [])]);
  const here = nodes.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (here < 0) return;
  const to = {
    ArrowRight: () => nodes[here + 1], ArrowLeft: () => nodes[here - 1],
    ArrowDown: () => across(nodes, here, 1), ArrowUp: () => across(nodes, here, -1),
    Home: () => nodes[0], End: () => nodes.at(-1),
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  to()?.focus();
}

/**
 * The node of the next row, up or down, that stands nearest.
 * @param {HTMLElement[]} nodes
 * @param {number} here
 * @param {1|-1} by
 */
function across(nodes, here, by) {
  const from = nodes[here];
  if (from === undefined) return undefined;
  const beyond = nodes.filter((node) => (node.offsetTop - from.offsetTop) * by > from.offsetHeight / 2);
  const row = Math.min(...beyond.map((node) => Math.abs(node.offsetTop - from.offsetTop)));
  const centre = (/** @type {HTMLElement} */ node) => node.offsetLeft + node.offsetWidth / 2;
  const far = (/** @type {HTMLElement} */ node) => Math.abs(centre(node) - centre(from));
  return beyond
    .filter((node) => Math.abs(node.offsetTop - from.offsetTop) - row < from.offsetHeight / 2)
    .sort((a, b) => far(a) - far(b))[0];
}

// --- the same as a table -------------------------------------------------------------------------

/** @param {{page: Page, standing: Map<string, Standing>, now_ms: number}} props */
function SkillTable({ page, standing, now_ms }) {
  const current = new Set(page.shown?.item.skills ?? []);
  const rows = layersOf(page.lesson.skills).flat().flatMap(({ id }) => standing.get(id) ?? []);
  return html`<div class="view-body" role="region" aria-label="Table of skills" tabindex="0">
    <table>
      <caption class="unseen">Skills in the order of the map</caption>
      <thead><tr><th scope="col">Skill, press to practise</th><th scope="col">State, review</th><th scope="col">Mastery</th></tr></thead>
      <tbody>${rows.map(({ skill, state, needs }) => html`
        <tr key=${skill.id} class=${current.has(skill.id) ? "current" : ""}>
          <th scope="row"><button type="button" class="link" data-skill=${skill.id} aria-busy=${page.wanted === skill.id}
            onPointerDown=${keepFocus} onClick=${() => page.practise(skill.id)}>${skill.title}</button>${current.has(skill.id) && html` <span class="tag">now</span>`}${needs.length > 0 && html`<span class="under">needs ${titles(needs)}</span>`}</th>
          <td><span class=${`state ${state}`}><${Shape} state=${state} /> ${state}</span><span class="under">${reviewed(skill, now_ms)}</span></td>
          <td>${percent(skill.mastery)} <${Range} interval=${skill} /></td>
        </tr>`)}</tbody>
    </table>
  </div>`;
}

/** When it is due and how well it is kept, where that is known. @param {Skill} skill @param {number} now_ms */
function reviewed({ due_at, retrievability }, now_ms) {
  const when = due_at === undefined || due_at === null ? "" : dueWords(due_at, now_ms);
  return [when, recall(retrievability)].filter(Boolean).join(", ");
}
