// The review list: skills that are due and those that come next. This file draws it.

import { dueWords, nextWords, recall, reviewList } from "../shared/skills.js";
import { html, useEffect } from "../vendor/htm-preact.js";
import { keepFocus } from "./card.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../client/lesson.js").Skill} Skill */

const TICK_MS = 30_000;

/** Draws again while the words for times are in sight. @param {Page} page */
export function useClock(page) {
  useEffect(() => {
    const timer = setInterval(() => page.changed(), TICK_MS);
    return () => clearInterval(timer);
  }, [page]);
}

/** @param {{page: Page}} props */
export function Review({ page }) {
  useClock(page);
  const now_ms = Date.now();
  const { due, coming } = reviewList(page.lesson.skills, now_ms);
  return html`
    <section class="view review" id="review" tabindex="-1" aria-labelledby="review-title">
      <header class="view-head"><h2 id="review-title">Review</h2></header>
      <div class="view-body">
        <p class="quiet">A skill comes back here a little before you would forget it.</p>
        <${Asked} page=${page} empty=${due.length === 0} coming=${coming.length > 0} />
        ${due.length > 0 && html`<${Cards} page=${page} cards=${due} now_ms=${now_ms} label="Due" />`}
        ${coming.length > 0 && html`<h3>Coming up</h3><${Cards} page=${page} cards=${coming} now_ms=${now_ms} label="Coming up" />`}
      </div>
    </section>`;
}

/** How the list stands where it is empty. @param {{page: Page, empty: boolean, coming: boolean}} props */
function Asked({ page, empty, coming }) {
  const { reviewing } = page;
  if (reviewing === "refused") {
    return html`<p class="note-box">The review list is not to be had right now.
      <button type="button" class="small" onClick=${() => page.askReview()}>Ask again</button></p>`;
  }
  if (!empty) return null;
  if (reviewing !== "known") {
    const away = page.session.state.phase !== "live";
    return html`<p class="note-box">${away ? "The list comes as soon as the line is back." : "Looking up what is due."}</p>`;
  }
  return html`<p class="note-box"><b>Nothing is due.</b> ${coming ? "What comes next stands below." : "A skill comes here some time after you have mastered it."}</p>`;
}

/** @param {{page: Page, cards: Skill[], now_ms: number, label: string}} props */
function Cards({ page, cards, now_ms, label }) {
  return html`<ul class="cards" aria-label=${label}>
    ${cards.map((skill) => html`<${Card} key=${skill.id} page=${page} skill=${skill} now_ms=${now_ms} />`)}
  </ul>`;
}

/** @param {{page: Page, skill: Skill, now_ms: number}} props */
function Card({ page, skill, now_ms }) {
  const { id, title, due_at, retrievability, reason, next_interval } = skill;
  const wanted = page.wanted === id;
  const facts = [reason || recall(retrievability), nextWords(next_interval)].filter(Boolean);
  return html`<li>
    <p><b class="name">${title}</b> <span class="quiet">${dueWords(due_at ?? now_ms, now_ms)}</span></p>
    ${facts.length > 0 && html`<p class="facts quiet">${facts.map((fact) => html`<span key=${fact}>${fact}. </span>`)}</p>`}
    <button type="button" class="small" aria-label=${`Practise ${title}`} aria-busy=${wanted} onPointerDown=${keepFocus}
      onClick=${() => page.practise(id)}>${wanted ? "Coming" : "Practise"}</button>
  </li>`;
}
