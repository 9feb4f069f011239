// Which course: the choice before a first lesson, another one in mid-lesson, and what the address
// says of it. This file keeps the choice and draws it; it is fetched where there is one to make.

import { html } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */
/**
 * A course as `GET /v1/courses` tells it.
 * @typedef {{id: string, title: string, locale: string, items: number, skills: {id: string, title: string}[]}} Offered
 */

export class Courses {
  /**
   * @param {Page} page
   * @param {Offered[]} list what is taught here, the server's first course first
   * @param {string} wished the course that the address names; "" for none
   */
  constructor(page, list, wished) {
    this.page = page;
    this.list = list;
    this.wished = wished;
    /** Whether a first lesson waits for a choice. */
    this.choosing = false;
    this.views = { Choice, Dialog, Elsewhere };
  }

  get here() {
    return this.page.lesson.course?.id ?? "";
  }

  /** The course that the address asks for, where the lesson is on another one; "" otherwise. */
  get elsewhere() {
    return this.here !== "" && this.wished !== this.here ? this.wished : "";
  }

  /** @param {string} id */
  titleOf(id) {
    return this.list.find((course) => course.id === id)?.title ?? id;
  }

  /** Begin a lesson on a course, unless it is the one that runs. @param {string} id */
  async take(id) {
    /** @type {HTMLDialogElement|null} */ (document.getElementById("courses"))?.close();
    if (id !== this.here) await this.page.start(id);
    else this.stay();
  }

  /** The address names the course that runs. */
  stay() {
    this.begun(this.here);
    this.page.changed();
  }

  /** A lesson on this course runs. @param {string} id */
  begun(id) {
    this.choosing = false;
    this.wished = id;
    const address = new URL(location.href);
    if (address.searchParams.get("course") === id) return;
    address.searchParams.set("course", id);
    history.replaceState(history.state, "", address);
  }
}

/** What it means to begin on another course. */
const ENDS = "Another course is a new lesson: the exercise that is open now is left. What you have reached in this course is kept, and goes on when you come back.";

/** How much there is in a course. @param {Offered} course */
function size({ items, skills }) {
  const of = (/** @type {number} */ n, /** @type {string} */ what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  return `${of(items, "exercise")}, ${of(skills.length, "skill")}`;
}

/** @param {{page: Page}} props */
function List({ page }) {
  const { courses } = page;
  if (courses === null) return null;
  return html`<ul class="courses">${courses.list.map((course) => html`
    <li key=${course.id}><button type="button" data-course=${course.id} aria-current=${course.id === courses.here ? "true" : undefined} onClick=${() => courses.take(course.id)}>
      <b lang=${course.locale} dir="auto">${course.title}</b>
      <span class="quiet">${size(course)}${course.id === courses.here && html` <span class="tag">this lesson</span>`}</span></button></li>`)}
  </ul>`;
}

/** Before a first lesson. @param {{page: Page}} props */
function Choice({ page }) {
  return html`<div class="work choose-course">
    <h2>Choose a course</h2>
    ${page.problem && html`<p class="problem" role="alert">${page.problem}</p>`}
    <${List} page=${page} />
  </div>`;
}

/** In mid-lesson. @param {{page: Page}} props */
function Dialog({ page }) {
  return html`<dialog id="courses" aria-labelledby="courses-title" aria-describedby="courses-note">
    <h2 id="courses-title">Courses</h2>
    <p class="quiet" id="courses-note">${ENDS}</p>
    <${List} page=${page} />
    <form method="dialog"><button class="primary">Stay here</button></form>
  </dialog>`;
}

/** The address names another course than the lesson's. @param {{page: Page}} props */
function Elsewhere({ page }) {
  const { courses } = page;
  if (courses === null || courses.elsewhere === "") return null;
  const { elsewhere } = courses;
  const known = courses.list.some(({ id }) => id === elsewhere);
  return html`<div class="elsewhere" role="status">
    <p>${known
      ? html`This address is of <bdi>${courses.titleOf(elsewhere)}</bdi>; your lesson is on <bdi>${page.lesson.course?.title}</bdi>. ${ENDS}`
      : html`No course <bdi>${elsewhere}</bdi> is taught here; your lesson is on <bdi>${page.lesson.course?.title}</bdi>.`}</p>
    ${known && html`<button type="button" class="small" data-act="take" onClick=${() => courses.take(elsewhere)}>Begin a new lesson there</button>`}
    <button type="button" class="small" data-act="stay" onClick=${() => courses.stay()}>Stay with this lesson</button>
  </div>`;
}
