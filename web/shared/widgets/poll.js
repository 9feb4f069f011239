// One choice of several, as a vote has it. In a lesson it is answered alone; in a room somebody who
// leads may ask it of everyone. This file draws the choices.

import { Inline, spoken } from "../markup.js";
import { html } from "../../vendor/htm-preact.js";
import { defined, WidgetElement } from "./element.js";

/** @typedef {{id: string, text: string}} Choice */
let made = 0;

class Poll extends WidgetElement {
  /** The group of its radio buttons. */
  group = `poll-${(made += 1)}`;

  view() {
    const { widget, response, settled } = this;
    const choose = (/** @type {string} */ id) => {
      if (settled) this.draw(); // a choice made after the verdict springs back
      else this.tell(id);
    };
    return html`<fieldset class="widget choices"><legend class="unseen">${this.name}</legend>
      ${(widget.choices ?? []).map((/** @type {Choice} */ { id, text }) => html`<label key=${id} class="choice">
        <input type="radio" name=${this.group} value=${id} checked=${response === id} aria-disabled=${settled} aria-label=${spoken(text)} onChange=${() => choose(id)} />
        <span dir="auto"><${Inline} text=${text} /></span></label>`)}
      <p class="quiet poll-note" dir="auto">Here you answer alone. In a room the same question can be a vote${widget.anonymous === true ? "; nobody sees who chose what" : ""}.</p>
    </fieldset>`;
  }
}

defined("ts-poll", Poll);
