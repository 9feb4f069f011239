// Lines of a program or of a solution, to be put in order and indented; some may belong nowhere.
// This file draws them and gives the lines used, each with its indent.

import { Inline, spoken } from "../markup.js";
import { html } from "../../vendor/htm-preact.js";
import { defined, Says, WidgetElement } from "./element.js";
import { directionOf, dragged, moved, stepOf } from "./lists.js";

/** @typedef {{id: string, text: string}} Line */
/** @typedef {{id: string, indent: number}} Placed */
/** @typedef {{lines: Line[], indent: boolean, most_indent?: number}} Spec */

/** Where the data does not say it. */
const MOST_INDENT = 6;

class Parsons extends WidgetElement {
  /** The line that buttons act on, and that Tab comes to. @type {string|null} */
  current = null;

  turned() {
    this.current = null;
  }

  /** @returns {Placed[]} */
  get placed() {
    return placedOf(this.widget, this.response);
  }

  view() {
    return html`<${Lists} element=${this} spec=${this.widget} />`;
  }

  /** @param {Placed[]} placed */
  put(placed) {
    this.tell(placed.length === 0 ? null : placed);
  }

  /** @param {string} id */
  add(id) {
    if (this.settled) return;
    const last = this.placed.at(-1);
    this.put([...this.placed, { id, indent: last?.indent ?? 0 }]);
    this.focusOn(id);
    this.told(id);
  }

  /** @param {string} id */
  takeOut(id) {
    if (this.settled) return;
    const n = this.placed.findIndex((one) => one.id === id);
    const rest = this.placed.filter((one) => one.id !== id);
    this.put(rest);
    this.focusOn(rest[Math.min(n, rest.length - 1)]?.id ?? id);
    this.say(`${this.words(id)}, taken out`);
  }

  /** @param {string} id @param {number} to */
  move(id, to) {
    const { placed } = this;
    const from = placed.findIndex((one) => one.id === id);
    const place = Math.min(placed.length - 1, Math.max(0, to));
    if (this.settled || from < 0 || from === place) return;
    this.put(moved(placed, from, place));
    this.focusOn(id);
    this.told(id);
  }

  /** @param {string} id @param {number} by */
  indent(id, by) {
    const { widget, placed } = this;
    const most = widget.most_indent ?? MOST_INDENT;
    const one = placed.find((line) => line.id === id);
    if (this.settled || one === undefined || !widget.indent) return;
    const indent = Math.min(most, Math.max(0, one.indent + by));
    this.put(placed.map((line) => (line.id === id ? { id, indent } : line)));
    this.focusOn(id);
    this.told(id);
  }

  /** @param {string} id */
  told(id) {
    const n = this.placed.findIndex((one) => one.id === id);
    const indent = this.placed[n]?.indent ?? 0;
    this.say(`${this.words(id)}, line ${n + 1} of ${this.placed.length}${this.widget.indent ? `, indented ${indent}` : ""}`);
  }

  /** @param {string} id */
  words(id) {
    return spoken(this.textOf(id));
  }

  /** @param {string} id */
  textOf(id) {
    return this.widget.lines.find((/** @type {Line} */ line) => line.id === id)?.text ?? "";
  }

  /** @param {string|undefined} id */
  focusOn(id) {
    if (id === undefined) return;
    this.current = id;
    this.draw();
    /** @type {HTMLElement|null} */ (this.querySelector(`[data-entry="${CSS.escape(id)}"]`))?.focus({ preventScroll: true });
  }
}

/** The lines that were put, where they are lines of this exercise. @param {Spec} widget @param {any} response @returns {Placed[]} */
export function placedOf({ lines }, response) {
  const known = new Set(lines.map(({ id }) => id));
  const told = Array.isArray(response) ? response : [];
  return told.filter((one) => known.delete(one?.id)).map(({ id, indent }) => ({ id, indent: Number(indent) || 0 }));
}

/** @param {{element: Parsons, spec: Spec}} props */
function Lists({ element, spec }) {
  const { placed, settled } = element;
  const dir = directionOf(spec.lines.map(({ text }) => text));
  const unused = spec.lines.filter(({ id }) => !placed.some((one) => one.id === id));
  const current = element.current;
  const tabbed = placed.some(({ id }) => id === current) ? current : placed[0]?.id;
  const tabbedUnused = unused.some(({ id }) => id === current) ? current : unused[0]?.id;
  const at = placed.findIndex(({ id }) => id === tabbed);
  const id = tabbed ?? "";
  /** @type {[string, boolean, () => void][]} */
  const acts = [
    ["Move up", at > 0, () => element.move(id, at - 1)],
    ["Move down", at >= 0 && at < placed.length - 1, () => element.move(id, at + 1)],
    ...(spec.indent ? /** @type {[string, boolean, () => void][]} */ ([
      ["Indent less", (placed[at]?.indent ?? 0) > 0, () => element.indent(id, -1)],
      ["Indent more", at >= 0 && (placed[at]?.indent ?? 0) < (spec.most_indent ?? MOST_INDENT), () => element.indent(id, 1)],
    ]) : []),
    ["Take out", at >= 0, () => element.takeOut(id)],
  ];
  return html`<div class="widget parsons" role="group" aria-label=${element.name}>
    <div class="stack"><p class="stack-name" aria-hidden="true">Lines</p>
      <ul class="entries unused" dir=${dir} aria-label="Lines not used">
        ${unused.map((line, n) => html`<li key=${line.id}><button type="button" class="entry" data-entry=${line.id} aria-disabled=${settled} tabindex=${line.id === tabbedUnused ? 0 : -1}
          aria-label=${`${spoken(line.text)}, not used`} onClick=${() => element.add(line.id)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, element, unused.map((one) => one.id), n)}>
          <span class="code-line" dir="auto"><${Inline} text=${line.text} /></span></button></li>`)}
        ${unused.length === 0 && html`<li class="quiet none">Every line is used.</li>`}
      </ul></div>
    <div class="stack"><p class="stack-name" aria-hidden="true">Your answer</p>
      <ol class="entries used" dir=${dir} aria-label="Your answer">
        ${placed.map((one, n) => html`<li key=${one.id} style=${`--indent:${one.indent}`}><button type="button" class=${one.id === tabbed ? "entry current" : "entry"} data-entry=${one.id} data-enter="check" aria-disabled=${settled} tabindex=${one.id === tabbed ? 0 : -1}
          aria-label=${`${element.words(one.id)}, line ${n + 1} of ${placed.length}${spec.indent ? `, indented ${one.indent}` : ""}`}
          onFocus=${() => { element.current = one.id; element.changed(); }} onKeyDown=${(/** @type {KeyboardEvent} */ event) => key(event, element, placed, n)}
          onPointerDown=${(/** @type {PointerEvent} */ event) => dragged(event, (to) => element.move(one.id, to))}>
          <span class="code-line" dir="auto"><${Inline} text=${element.textOf(one.id)} /></span></button></li>`)}
        ${placed.length === 0 && html`<li class="quiet none">Press a line to put it here.</li>`}
      </ol>
      <div class="movers">${acts.map(([label, can, act]) => html`<button key=${label} type="button" class="small" disabled=${settled || !can} aria-label=${`${label}: ${element.words(id)}`} onClick=${act}>${label}</button>`)}</div>
    </div>
    <p class="quiet" dir="auto">Enter puts a line. In your answer, Ctrl with up and down moves it${spec.indent ? ", left and right indent it" : ""}, Delete takes it out.</p>
    <${Says} />
  </div>`;
}

/** Arrows walk the lines not used. @param {KeyboardEvent} event @param {Parsons} element @param {string[]} ids @param {number} n */
function walk(event, element, ids, n) {
  const step = event.altKey || event.metaKey ? 0 : stepOf(event.key, false, null);
  if (step === 0) return;
  event.preventDefault();
  element.focusOn(ids[Math.min(ids.length - 1, Math.max(0, n + step))]);
}

/** Arrows walk, with Ctrl they move; left and right indent. @param {KeyboardEvent} event @param {Parsons} element @param {Placed[]} placed @param {number} n */
function key(event, element, placed, n) {
  const line = placed[n];
  if (line === undefined || event.altKey || event.metaKey) return;
  const step = stepOf(event.key, false, null);
  const list = event.target instanceof Element ? event.target.closest("ol") : null;
  const onward = list !== null && getComputedStyle(list).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  if (step !== 0) {
    if (event.ctrlKey) element.move(line.id, n + step);
    else element.focusOn(placed[Math.min(placed.length - 1, Math.max(0, n + step))]?.id);
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") element.indent(line.id, event.key === onward ? 1 : -1);
  else if (event.key === "Delete" || event.key === "Backspace") element.takeOut(line.id);
  else return;
  event.preventDefault();
}

defined("ts-parsons", Parsons);
