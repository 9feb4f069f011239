// An exercise of several questions, answered together. This file draws each with its own box and
// verdict, and gives the answers by part.

import { Markup, spoken } from "../markup.js";
import { html } from "../../vendor/htm-preact.js";
import { defined, WidgetElement } from "./element.js";
import { Question } from "./question.js";
import { VerdictMark } from "../verdict.js";

/** @typedef {{id: string, prompt: string, kind: string, choices?: {id: string, text: string}[]|null, widget?: any}} Part */
/** @typedef {Record<string, any>} Answers */

class Parts extends WidgetElement {
  /** @type {Record<string, string>} the verdict on each part, by id */
  #verdicts = {};

  get verdicts() { return this.#verdicts; }
  set verdicts(verdicts) {
    this.#verdicts = verdicts !== null && typeof verdicts === "object" ? verdicts : {};
    this.changed();
  }

  /** @returns {Answers} */
  get answers() {
    const { response } = this;
    return response !== null && typeof response === "object" && !Array.isArray(response) ? response : {};
  }

  /** @param {string} id @param {any} answer */
  answer(id, answer) {
    const { [id]: _, ...rest } = this.answers;
    const blank = answer === null || answer === "" || (Array.isArray(answer) && answer.length === 0);
    const answers = blank ? rest : { ...rest, [id]: answer };
    this.tell(Object.keys(answers).length === 0 ? null : answers);
  }

  view() {
    const { widget, answers, settled, verdicts } = this;
    return html`<ol class="widget parts" aria-label=${this.name}>
      ${widget.parts.map((/** @type {Part} */ part, /** @type {number} */ n) => html`<li key=${part.id} class=${verdicts[part.id] ?? ""}>
        <div class="part-head"><b class="part-number" aria-hidden="true">${n + 1}</b><div class="part-prompt" dir="auto"><${Markup} text=${part.prompt} /></div>
          ${verdicts[part.id] && html`<${VerdictMark} verdict=${verdicts[part.id]} />`}</div>
        <${Question} ask=${part} name=${`Part ${n + 1}: ${spoken(part.prompt)}`} answer=${answers[part.id] ?? null} settled=${settled} onAnswer=${(/** @type {any} */ answer) => this.answer(part.id, answer)} />
      </li>`)}
    </ol>`;
  }
}

defined("ts-parts", Parts);
