// Mastery as bars: what an answer moved, and how all skills stand. This file draws both.

import { html } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {number} share */
const two = (share) => share.toFixed(2);

/**
 * What one answer moved, each bar growing from before to after.
 * @param {{page: Page, moves: {id: string, before: number, after: number}[]}} props
 */
export function Moves({ page, moves }) {
  if (moves.length === 0) return null;
  return html`<ul class="moves" aria-label="What this answer moved">
    ${moves.map(({ id, before, after }) => html`
      <li key=${id} style=${`--before:${before};--after:${after}`}>
        <span class="name">${page.skillTitle(id)}</span>
        <span class="figures">${two(before)} <span aria-hidden="true">→</span><span class="unseen">to</span> ${two(after)}</span>
        <span class=${after >= before ? "bar" : "bar down"} aria-hidden="true"><i></i><b></b></span>
      </li>`)}
  </ul>`;
}

/** @param {{page: Page}} props */
export function Progress({ page }) {
  const { skills, item } = page.lesson;
  const current = new Set(page.shown?.item.skills ?? item?.skills ?? []);
  if (skills.length === 0) return html`<section class="card progress" id="progress" tabindex="-1" aria-label="Progress"></section>`;
  return html`
    <section class="card progress" id="progress" tabindex="-1" aria-label="Progress">
      <h2>Progress <span class="quiet">chance that you have each skill</span></h2>
      <ul>
        ${skills.map(({ id, title, mastery }) => html`
          <li key=${id} class=${current.has(id) ? "current" : ""} style=${`--after:${mastery}`}>
            <span class="name" title=${title}>${title}${current.has(id) && html`<span class="unseen">, worked on now</span>`}</span>
            <span class="figures">${two(mastery)}</span>
            <span class="bar still" aria-hidden="true"><b></b></span>
          </li>`)}
      </ul>
    </section>`;
}
