// What all widgets share: an element that draws itself from its exercise's data and the answer so
// far, and says `response` when the learner has changed it. This file judges nothing: no widget does.

import { html, render } from "../../vendor/htm-preact.js";

/**
 * A custom element. Properties: `widget` (the data of the wire), `response` (the answer so far,
 * null for none), `settled` (it can no longer be changed) and `name` (what it is an answer to, aloud).
 * Event: `response`, whose `detail` is the new answer.
 */
export class WidgetElement extends HTMLElement {
  #drawing = false;
  /** @type {any} */
  #widget = null;
  /** @type {any} */
  #response = null;
  #settled = false;
  #name = "Your answer";

  get widget() { return this.#widget; }
  set widget(widget) {
    if (widget === this.#widget) return;
    this.#widget = widget;
    this.turned();
    this.changed();
  }

  get response() { return this.#response; }
  set response(given) {
    const response = given === "" || given === undefined ? null : given; // what draws this writes "" for none
    if (same(response, this.#response)) return;
    this.#response = response;
    this.restored();
    this.changed();
  }

  get settled() { return this.#settled; }
  set settled(settled) {
    this.#settled = settled === true;
    this.changed();
  }

  get name() { return this.#name; }
  set name(name) {
    this.#name = name;
    this.changed();
  }

  connectedCallback() {
    this.addEventListener("keydown", this.#key);
    this.draw();
  }

  disconnectedCallback() {
    this.removeEventListener("keydown", this.#key);
    render(/** @type {any} */ (null), this);
  }

  /** Its data is another exercise's: what was remembered of the old one goes. */
  turned() {}

  /** Its answer came from outside: from a draft, or another tab. */
  restored() {}

  /** Esc: let go of what is held; false where nothing is. */
  letGo() {
    return false;
  }

  /** The drawing. @returns {any} */
  view() {
    return null;
  }

  /** Draw once for all that changes in one task. */
  changed() {
    if (this.#drawing || !this.isConnected) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.isConnected) this.draw();
    });
  }

  draw() {
    if (this.#widget !== null) render(html`${this.view()}`, this);
  }

  /** The learner has answered, so far. @param {any} response */
  tell(response) {
    if (this.#settled) return;
    this.#response = response;
    this.draw();
    this.dispatchEvent(new CustomEvent("response", { detail: response }));
  }

  /** Said by a screen reader, beside what is seen. @param {string} words */
  say(words) {
    const at = this.querySelector(".widget-says");
    if (at !== null) at.textContent = words;
  }

  /** Enter checks; Esc lets go of what is held, or leaves the widget. @param {KeyboardEvent} event */
  #key = (event) => {
    if (event.key === "Enter" && !event.defaultPrevented && !isPressed(event.target)) {
      event.preventDefault();
      this.closest("form")?.requestSubmit();
    } else if (event.key === "Escape") {
      if (this.letGo()) event.stopPropagation();
      else /** @type {HTMLElement|null|undefined} */ (this.closest("form")?.querySelector("button[type=submit]"))?.focus();
    }
  };
}

/** What Enter itself acts on; an entry that Space acts on leaves Enter to the check. @param {EventTarget|null} target */
function isPressed(target) {
  if (target instanceof HTMLElement && target.dataset.enter === "check") return false;
  return target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement || target instanceof HTMLTextAreaElement;
}

/** @param {any} a @param {any} b */
export function same(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** A region where a widget says what an act has done, for those who do not see it. */
export function Says() {
  return html`<p class="unseen widget-says" role="status"></p>`;
}

/** A tag is defined once, also where two pages' modules meet. @param {string} tag @param {CustomElementConstructor} element */
export function defined(tag, element) {
  if (customElements.get(tag) === undefined) customElements.define(tag, element);
}
