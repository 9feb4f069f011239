// Two lists to be matched: an entry on the left is given one on the right, by pressing one and then
// the other, or in its own list of choices. This file draws them and gives pairs of ids.

import { Inline, spoken } from "../markup.js";
import { html } from "../../vendor/htm-preact.js";
import { defined, Says, WidgetElement } from "./element.js";

/** @typedef {{id: string, text: string}} Entry */
/** @typedef {{left: Entry[], right: Entry[]}} Spec */
/** @typedef {Record<string, string>} Pairs */

class Match extends WidgetElement {
  /** The entry on the left that waits for its partner. @type {string|null} */
  held = null;

  turned() {
    this.held = null;
  }

  letGo() {
    if (this.held === null) return false;
    this.held = null;
    this.changed();
    return true;
  }

  /** @returns {Pairs} */
  get pairs() {
    const { response } = this;
    return response !== null && typeof response === "object" && !Array.isArray(response) ? response : {};
  }

  view() {
    return html`<${Lists} element=${this} spec=${this.widget} />`;
  }

  /** @param {string} left @param {string} right "" takes the pair apart */
  pair(left, right) {
    const { [left]: _, ...rest } = this.pairs;
    const pairs = right === "" ? rest : { ...rest, [left]: right };
    this.held = null;
    this.tell(Object.keys(pairs).length === 0 ? null : pairs);
    const of = this.widget.left.length;
    this.say(`${Object.keys(pairs).length} of ${of} matched`);
  }
}

/** @param {{element: Match, spec: Spec}} props */
function Lists({ element, spec }) {
  const { pairs, held, settled } = element;
  const letter = (/** @type {string} */ id) => letterOf(spec.right.findIndex((one) => one.id === id));
  const hold = (/** @type {string} */ id) => {
    if (settled) return;
    element.held = held === id ? null : id;
    element.changed();
  };
  const give = (/** @type {string} */ id) => {
    if (settled || held === null) return;
    element.pair(held, id);
  };
  const waiting = spec.left.find(({ id }) => id === held);
  return html`<div class="widget match" role="group" aria-label=${element.name}>
    <ul class="left" aria-label="To be matched">
      ${spec.left.map(({ id, text }) => html`<li key=${id} class=${pairs[id] ? "paired" : ""}>
        <button type="button" class=${held === id ? "entry held" : "entry"} data-entry=${id} aria-pressed=${held === id} aria-disabled=${settled} onClick=${() => hold(id)} aria-label=${spoken(text)}><span dir="auto"><${Inline} text=${text} /></span></button>
        <select aria-label=${`Partner of ${spoken(text)}`} disabled=${settled} value=${pairs[id] ?? ""} onChange=${(/** @type {any} */ event) => element.pair(id, event.target.value)}>
          <option value="" selected=${!pairs[id]}>none yet</option>
          ${spec.right.map((right) => html`<option key=${right.id} value=${right.id} selected=${pairs[id] === right.id}>${letter(right.id)}: ${spoken(right.text)}</option>`)}
        </select>
      </li>`)}
    </ul>
    <ul class="right" aria-label="Partners">
      ${spec.right.map(({ id, text }) => {
        const taken = spec.left.filter((left) => pairs[left.id] === id);
        return html`<li key=${id}>
          <button type="button" class=${taken.length > 0 ? "entry taken" : "entry"} data-entry=${id} aria-disabled=${settled || held === null} onClick=${() => give(id)}
            aria-label=${`${letter(id)}: ${spoken(text)}${taken.length > 0 ? `, matched with ${taken.map((left) => spoken(left.text)).join(" and ")}` : ""}`}>
            <b class="letter" aria-hidden="true">${letter(id)}</b><span dir="auto"><${Inline} text=${text} /></span></button></li>`;
      })}
    </ul>
    <p class="quiet" dir="auto">${waiting === undefined ? "Press an entry on the left and then its partner, or choose the partner from the list beside it." : html`Now press the partner of <${Inline} text=${waiting.text} />.`}</p>
    <${Says} />
  </div>`;
}

/** A, B, .. Z, A1, B1, ... @param {number} n */
export function letterOf(n) {
  return `${String.fromCharCode(65 + (n % 26))}${n >= 26 ? Math.floor(n / 26) : ""}`;
}

defined("ts-match", Match);
