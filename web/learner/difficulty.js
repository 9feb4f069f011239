// The live difficulty as a line: level, difficulty aimed at, and each exercise answered. This file
// draws it; it is fetched when it is first opened.

import { drawn, inWords, skillsOf } from "../shared/line.js";
import { logits } from "../shared/skills.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/lesson.js").Skill} Skill */
/** @typedef {import("../client/lesson.js").Point} Point */

/** @param {{page: Page}} props */
export function Progress({ page }) {
  const { line: all, skills } = page.lesson;
  const among = skillsOf(all);
  const one = among.includes(page.lineSkill) ? page.lineSkill : "";
  const line = useMemo(() => one === "" ? all : all.filter(({ skill }) => skill === one), [all, one]);
  const table = page.tables.has("progress");
  const title = (/** @type {string} */ id) => page.skillTitle(id);
  return html`
    <section class="view progress" id="progress" tabindex="-1" aria-labelledby="progress-title">
      <header class="view-head">
        <h2 id="progress-title">Live difficulty</h2>
        ${line.length > 0 && html`<button type="button" class="small" aria-pressed=${table} onClick=${() => page.turnTable("progress")}>As a table</button>`}
      </header>
      <div class="view-body" role="region" aria-label="Line of the live difficulty" tabindex="0">
        <p class="lead">${inWords(line, title)}</p>
        ${line.length === 0 && html`<p class="note-box">Each one adds a dot here: how hard the exercise was, beside your level and the difficulty aimed at next.</p>`}
        ${among.length > 1 && html`<p class="choose"><label for="line-skill">Answers on</label>
          <select id="line-skill" value=${one} onChange=${(/** @type {any} */ event) => { page.lineSkill = event.target.value; page.changed(); }}>
            <option value="">all skills</option>
            ${among.map((id) => html`<option key=${id} value=${id}>${title(id)}</option>`)}
          </select></p>`}
        ${line.length > 0 && (table
          ? html`<${LineTable} line=${line} title=${title} />`
          : html`<${Chart} line=${line} skills=${skills} />`)}
      </div>
    </section>`;
}

/**
 * How wide an element is, as long as it is drawn.
 * @param {number} guess before it is measured
 * @returns {[{current: HTMLElement|null}, number]}
 */
function useWidth(guess) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  const [width, setWidth] = useState(guess);
  useLayoutEffect(() => {
    const element = at.current;
    if (element === null) return undefined;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return [at, width];
}

/** Around the drawing: room for figures and words of the axis, and for the skills' names. */
const ROOM = { left: 42, right: 8, top: 24, bottom: 40 };
const LETTER_PX = 6;
/** More turns of skill than this are not marked with lines of their own. */
const MOST_TURNS = 12;

/** @param {{line: Point[], skills: Skill[]}} props */
function Chart({ line, skills }) {
  const [at, width] = useWidth(440);
  const shapes = useMemo(() => {
    const height = Math.round(Math.min(400, Math.max(230, width * 0.66)));
    return chart(line, skills, { ...ROOM, width, height });
  }, [line, skills, width]);
  return html`<div class="chart" ref=${at}>${shapes}</div><${Legend} />`;
}

/**
 * @param {Point[]} line
 * @param {Skill[]} skills
 * @param {import("../shared/line.js").Frame} frame
 */
function chart(line, skills, frame) {
  const { runs, joins, dots, ticks } = drawn(line, frame);
  const { width, height, left, right, top, bottom } = frame;
  const title = (/** @type {string|null} */ id) => skills.find((skill) => skill.id === id)?.title ?? id ?? "";
  const floor = height - bottom;
  return html`<svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="img"
    aria-label="Your level after each answer, the difficulty aimed at and the difficulty of each exercise. The sentence above says the same; the table holds every figure.">
    ${ticks.map(({ y, label }) => html`<path class="grid" d=${`M${left} ${y}H${width - right}`} /><text class="tick" x=${left - 6} y=${y + 4}>${label}</text>`)}
    <text class="end" x="0" y="13">harder</text>
    <text class="end" x="0" y=${floor + 15}>easier</text>
    ${runs.length <= MOST_TURNS && runs.slice(1).map(({ x1 }) => html`<path class="turn-of-skill" d=${`M${x1} ${top}V${floor + 8}`} />`)}
    ${runs.map(({ ability }) => html`<path class="ability" d=${ability} />`)}
    ${runs.map(({ aimed, edges }) => aimed && html`<path class="aimed" d=${aimed} /><path class="edge" d=${edges} />`)}
    <path class="join" d=${joins} />
    ${runs.map(({ theta }) => html`<path class="theta" d=${theta} />`)}
    ${dots.map(({ x, y, right: ok }) => html`<${Dot} x=${x} y=${y} right=${ok} />`)}
    ${runs.map(({ skill, x1, x2 }) => html`<text class="skill-name" x=${x1 + 3} y=${height - 8}>${fitted(title(skill), x2 - x1 - 4)}</text>`)}
  </svg>`;
}

/** A name as far as there is room for it. @param {string} name @param {number} px */
function fitted(name, px) {
  const letters = Math.floor(px / LETTER_PX);
  if (name.length <= letters) return name;
  return letters < 4 ? "" : `${name.slice(0, letters - 1).trimEnd()}…`;
}

/** Right or wrong by shape as well as by colour. @param {{x: number, y: number, right: boolean|null}} props */
function Dot({ x, y, right }) {
  if (right) return html`<circle class="dot right" cx=${x} cy=${y} r="5" />`;
  return html`<path class="dot wrong" d=${`M${x - 4.5} ${y - 4.5}l9 9m0 -9l-9 9`} />`;
}

function Legend() {
  return html`<ul class="legend">
    <li><svg viewBox="0 0 28 16" aria-hidden="true"><path class="ability" d="M0 1H28V15H0Z" /><path class="theta" d="M0 8H28" /></svg>your level, give or take</li>
    <li><svg viewBox="0 0 28 16" aria-hidden="true"><path class="aimed" d="M0 2H28V14H0Z" /><path class="edge" d="M0 2H28M0 14H28" /></svg>difficulty aimed at</li>
    <li><svg viewBox="0 0 16 16" aria-hidden="true"><${Dot} x=${8} y=${8} right=${true} /></svg>right</li>
    <li><svg viewBox="0 0 16 16" aria-hidden="true"><${Dot} x=${8} y=${8} right=${false} /></svg>not yet</li>
  </ul>
  <p class="quiet">Level and difficulty share one scale; its small figures are logits. The newest answer is at the right. A level belongs to a skill, so the line steps where the skill turns.</p>`;
}

/** @param {{line: Point[], title: (id: string) => string}} props */
function LineTable({ line, title }) {
  const rows = line.map((point, n) => ({ ...point, n: n + 1 })).reverse();
  return html`<table>
    <caption class="unseen">Scored answers, the newest first; figures in logits</caption>
    <thead><tr><th scope="col">Answer</th><th scope="col">Difficulty</th><th scope="col">Level</th><th scope="col">Aimed at</th></tr></thead>
    <tbody>${rows.map(({ n, skill, b, right, theta, sd, items }) => html`<tr key=${n}>
      <th scope="row">${n}, ${right ? "right" : "not yet"}<span class="under">${skill === null ? "" : title(skill)}</span></th>
      <td>${logits(b)}</td>
      <td>${logits(theta)} <span class="range">± ${logits(sd)}</span></td>
      <td>${items === null ? "" : `${logits(items[0])} to ${logits(items[1])}`}</td>
    </tr>`)}</tbody>
  </table>`;
}
