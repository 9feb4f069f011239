// Entries to be put in order: dragged, or chosen and moved by keys or buttons. This file draws them
// and gives the ids as they stand.

import { Inline, spoken } from "../markup.js";
import { html } from "../../vendor/htm-preact.js";
import { defined, Says, WidgetElement } from "./element.js";
import { directionOf, dragged, moved, stepOf } from "./lists.js";

/** @typedef {{id: string, text: string}} Token */

class Order extends WidgetElement {
  /** The entry that is held: arrows move it. @type {string|null} */
  held = null;
  /** The entry that Tab comes to. @type {string|null} */
  current = null;

  turned() {
    this.held = this.current = null;
  }

  letGo() {
    if (this.held === null) return false;
    this.held = null;
    this.say("Let go");
    this.changed();
    return true;
  }

  /** @returns {string[]} */
  get ids() {
    return orderOf(this.widget, this.response);
  }

  view() {
    return html`<${Row} element=${this} />`;
  }

  /** @param {string} id @param {number} to a place, from 0 */
  move(id, to) {
    const { ids } = this;
    const from = ids.indexOf(id);
    const place = Math.min(ids.length - 1, Math.max(0, to));
    this.current = id;
    if (from === place || this.settled) return;
    this.tell(moved(ids, from, place));
    this.focusOn(id);
    this.say(`${spoken(this.textOf(id))}, place ${place + 1} of ${ids.length}`);
  }

  /** @param {string} id */
  textOf(id) {
    return this.widget.tokens.find((/** @type {Token} */ token) => token.id === id)?.text ?? "";
  }

  /** @param {string|undefined} id */
  focusOn(id) {
    if (id === undefined) return;
    this.current = id;
    this.draw();
    /** @type {HTMLElement|null} */ (this.querySelector(`[data-entry="${CSS.escape(id)}"]`))?.focus({ preventScroll: true });
  }
}

/** The order so far; where none was made, or it is of other entries, the one they came in. @param {any} widget @param {any} response @returns {string[]} */
export function orderOf(widget, response) {
  const ids = widget.tokens.map((/** @type {Token} */ { id }) => id);
  const whole = Array.isArray(response) && response.length === ids.length && ids.every((/** @type {string} */ id) => response.includes(id));
  return whole ? response : ids;
}

/** @param {{element: Order}} props */
function Row({ element }) {
  const { ids, held, settled } = element;
  const across = element.widget.across === true;
  const current = ids.includes(element.current ?? "") ? element.current : ids[0];
  const at = ids.indexOf(held ?? current ?? "");
  const key = (/** @type {KeyboardEvent} */ event, /** @type {string} */ id) => {
    const n = ids.indexOf(id);
    const list = event.target instanceof Element ? event.target.closest("ol") : null;
    const step = event.altKey || event.metaKey ? 0 : stepOf(event.key, across, list);
    const edge = { Home: 0, End: ids.length - 1 }[event.key];
    if (step === 0 && edge === undefined) return;
    event.preventDefault();
    const to = edge ?? n + step;
    if (event.ctrlKey || held === id) element.move(id, to);
    else element.focusOn(ids[Math.min(ids.length - 1, Math.max(0, to))]);
  };
  const press = (/** @type {string} */ id) => {
    if (settled) return;
    if (held !== null && held !== id) {
      const holding = held;
      element.move(holding, ids.indexOf(id));
      element.held = null;
    } else {
      element.held = held === id ? null : id;
      element.say(element.held === null ? "Let go" : "Held. Arrow keys move it.");
    }
    element.current = id;
    element.changed();
  };
  const buttons = across ? ["Towards the start", "Towards the end"] : ["Move up", "Move down"];
  const name = (/** @type {string} */ id) => spoken(element.textOf(id));
  return html`<div class="widget order" role="group" aria-label=${element.name}>
    <ol class=${across ? "entries across" : "entries"} dir=${directionOf(ids.map((id) => element.textOf(id)))}>
      ${ids.map((id, n) => html`<li key=${id}>
        <button type="button" class=${held === id ? "entry held" : "entry"} data-entry=${id} data-enter="check" aria-pressed=${held === id} aria-disabled=${settled} tabindex=${id === current ? 0 : -1}
          aria-label=${`${name(id)}, place ${n + 1} of ${ids.length}`} onKeyDown=${(/** @type {KeyboardEvent} */ event) => key(event, id)} onClick=${() => press(id)}
          onFocus=${() => { element.current = id; element.changed(); }}
          onPointerDown=${(/** @type {PointerEvent} */ event) => dragged(event, (to) => element.move(id, to))}>
          <span class="grip" aria-hidden="true"></span><span dir="auto"><${Inline} text=${element.textOf(id)} /></span></button>
      </li>`)}
    </ol>
    <div class="movers">
      ${buttons.map((label, n) => html`<button key=${label} type="button" class="small" aria-label=${`${label}: ${name(ids[at] ?? "")}`} disabled=${settled || (n === 0 ? at <= 0 : at >= ids.length - 1)}
        onClick=${() => element.move(ids[at] ?? "", at + (n === 0 ? -1 : 1))}>${label}</button>`)}
      <p class="quiet" dir="auto">Ctrl and an arrow key move an entry; so does dragging, or pressing it and then its place.</p>
    </div>
    <${Says} />
  </div>`;
}

defined("ts-order", Order);
