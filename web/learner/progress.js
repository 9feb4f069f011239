// Progress: bars of mastery with their intervals, and what an answer moved. This file draws them.

import { Inline } from "../shared/markup.js";
import { isMastered, percent, range, spokenRange } from "../shared/skills.js";
import { html } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/wire.js").Frame} Frame */
/** @typedef {{id: string, before: number, after: number, low?: number, high?: number, mastered?: boolean}} Move */

/** Other skills that an answer moved and that are shown at once. */
const OTHERS_SHOWN = 2;

/**
 * Mastery as a bar, its interval as a whisker over it; `before` lets it grow from there.
 * @param {{mastery: number, low?: number, high?: number, before?: number}} props
 */
export function Bar({ mastery, low, high, before }) {
  const known = low !== undefined && high !== undefined;
  const interval = known ? `;--low:${low};--high:${high}` : "";
  const grows = before !== undefined;
  const kind = grows ? (mastery >= before ? "bar grows" : "bar grows down") : "bar";
  return html`<span class=${kind} style=${`--after:${mastery}${grows ? `;--before:${before}` : ""}${interval}`} aria-hidden="true">
    <span class="track"><b></b>${grows && html`<i></i>`}</span>${known && html`<span class="whisker"></span>`}
  </span>`;
}

/**
 * What one answer moved: the skills of its exercise with a bar, others in a line each.
 * @param {{page: Page, feedback: Frame, own: string[]}} props
 */
export function Moves({ page, feedback, own }) {
  /** @type {Move[]} */
  const moves = feedback.skills ?? [];
  const mine = moves.filter(({ id }) => own.includes(id));
  const others = moves
    .filter((move) => !own.includes(move.id) && percent(move.before) !== percent(move.after))
    .sort((a, b) => size(b) - size(a));
  const [shown, folded] = [others.slice(0, OTHERS_SHOWN), others.slice(OTHERS_SHOWN)];
  const line = (/** @type {Move} */ move) => html`<${Moved} key=${move.id} page=${page} move=${move} bar=${false} />`;
  return html`
    ${mine.length + shown.length > 0 && html`<ul class="moves" aria-label="What this answer moved">
      ${mine.map((move) => html`<${Moved} key=${move.id} page=${page} move=${move} bar=${true} />`)}
      ${shown.map(line)}
    </ul>`}
    ${folded.length > 0 && html`<details class="more"><summary>${folded.length} more ${folded.length === 1 ? "skill" : "skills"} moved</summary>
      <ul class="moves">${folded.map(line)}</ul></details>`}
    ${feedback.reasons?.length > 0 && html`<ul class="reasons" aria-label="Why other skills moved">
      ${feedback.reasons.map((/** @type {string} */ reason) => html`<li key=${reason}><${Inline} text=${reason} /></li>`)}
    </ul>`}`;
}

/** @param {Move} move */
const size = ({ before, after }) => Math.abs(after - before);

/** @param {{page: Page, move: Move, bar: boolean}} props */
function Moved({ page, move, bar }) {
  const { id, before, after, mastered } = move;
  // The wire leaves out an interval's end that is 0 or 1; the skill's own fact says if any is told.
  const fact = page.lesson.skills.find((skill) => skill.id === id);
  const told = [move.low, move.high, fact?.low].some((end) => end !== undefined);
  const interval = told ? { low: move.low ?? 0, high: move.high ?? 1 } : {};
  const stays = percent(before) === percent(after);
  return html`<li>
    <span class="name">${page.skillTitle(id)}${mastered && html` <span class="tag">mastered</span>`}</span>
    <span class="figures">${stays ? html`${percent(after)} <span class="stays">unchanged</span>` : html`${percent(before)} <span aria-hidden="true">→</span><span class="unseen">to</span> ${percent(after)}`}</span>
    <${Range} interval=${interval} />
    ${bar && html`<${Bar} mastery=${after} before=${stays ? undefined : before} ...${interval} />`}
  </li>`;
}

/** @param {{interval: {low?: number, high?: number}}} props */
export function Range({ interval }) {
  const text = range(interval);
  if (text === "") return null;
  return html`<span class="range"><span aria-hidden="true">${text}</span><span class="unseen">, ${spokenRange(interval)}</span></span>`;
}

/** The skills worked on now, under the exercise. @param {{page: Page}} props */
export function Here({ page }) {
  const { skills } = page.lesson;
  const current = page.shown?.item.skills ?? [];
  const here = skills.filter(({ id }) => current.includes(id));
  const mastered = skills.filter(isMastered).length;
  return html`
    <section class="card here" id="here" tabindex="-1" aria-label="Where you stand">
      <ul>${here.map((skill) => html`
        <li key=${skill.id}>
          <span class="name">${skill.title}</span>
          <span class="figures">${percent(skill.mastery)} <${Range} interval=${skill} /></span>
          <${Bar} mastery=${skill.mastery} low=${skill.low} high=${skill.high} />
        </li>`)}
      </ul>
      ${skills.length > 0 && html`<p class="quiet"><b>${mastered}</b> of ${skills.length} skills mastered</p>`}
    </section>`;
}
