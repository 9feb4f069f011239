// A small question with its own box: a part of an exercise, a question on the way, a blank in worked
// steps. This file draws the box that its kind asks for; a widget is fetched when one is asked for.

import { Inline, spoken } from "../markup.js";
import { html, useEffect, useState } from "../../vendor/htm-preact.js";

/** @typedef {{kind: string, choices?: {id: string, text: string}[]|null, widget?: any}} Asked */
/**
 * @typedef {object} Props
 * @property {Asked} ask
 * @property {string} name what it is, aloud
 * @property {any} answer null for none
 * @property {boolean} settled it can no longer be changed
 * @property {(answer: any) => void} onAnswer
 * @property {Record<string, string>} [verdicts] on the parts, by id
 */

/** Signs of an answer, as the server takes them. */
export const ANSWER_CHARS = 300;
/** @type {Record<string, string>} */
export const PLACEHOLDERS = {
  number: "A number",
  fraction: "A number or a fraction such as 3/4",
  expression: "An expression such as 2x + 1",
  equation: "An equation such as x = 3",
  interval: "An interval such as [2, 5)",
  set: "A set such as {1, 2}",
  matrix: "Rows such as [[1, 2], [3, 4]]",
  text: "In words",
};

/** Tags of widgets and the modules that define them. @type {Record<string, [string, () => Promise<any>]>} */
const WIDGETS = {
  "number-line": ["ts-number-line", () => import("./number-line.js")],
  "slider-plot": ["ts-slider-plot", () => import("./slider-plot.js")],
  order: ["ts-order", () => import("./order.js")],
  match: ["ts-match", () => import("./match.js")],
  parsons: ["ts-parsons", () => import("./parsons.js")],
  parts: ["ts-parts", () => import("./parts.js")],
  poll: ["ts-poll", () => import("./poll.js")],
  board: ["ts-board-notes", () => import("./board-notes.js")],
};

/** Whether a widget is drawn here in place of a box; a board stands beside one. @param {any} widget */
export function replacesBox(widget) {
  return widget !== null && widget !== undefined && widget.kind in WIDGETS && widget.kind !== "board";
}

/** A question's box. @param {Props} props */
export function Question(props) {
  const { widget, choices } = props.ask;
  if (replacesBox(widget)) return html`<${Widget} ...${props} widget=${widget.kind === "poll" ? { ...widget, choices } : widget} />`;
  return choices ? html`<${Choices} ...${props} />` : html`<${Box} ...${props} />`;
}

/**
 * A widget, or that it is on its way.
 * @param {Props & {widget: any}} props
 */
export function Widget({ widget, name, answer, settled, onAnswer, verdicts }) {
  const [tag, load] = WIDGETS[widget.kind] ?? ["", () => Promise.reject(new TypeError(`expected a widget known here, came ${widget.kind}`))];
  const [, redraw] = useState(0);
  const [missed, setMissed] = useState(false);
  const known = customElements.get(tag) !== undefined;
  const fetch = () => {
    setMissed(false);
    load().then(() => redraw((n) => n + 1), () => setMissed(true));
  };
  useEffect(() => {
    if (!known) fetch();
  }, [tag]);
  if (known) return html`<${tag} key=${tag} widget=${widget} response=${answer} settled=${settled} name=${name} verdicts=${verdicts} onresponse=${(/** @type {CustomEvent} */ event) => onAnswer(event.detail)} />`;
  if (!missed) return html`<p class="quiet" dir="auto">Opening</p>`;
  return html`<p class="quiet" dir="auto">This part could not be fetched. <button type="button" class="small" onClick=${fetch}>Try again</button></p>`;
}

/** @param {Props} props */
function Box({ ask, name, answer, settled, onAnswer }) {
  return html`<input type="text" dir=${ask.kind === "text" ? "auto" : "ltr"} class=${settled ? "solved" : ""} autocomplete="off" autocapitalize="off" spellcheck=${false} enterkeyhint="go"
    maxlength=${ANSWER_CHARS} aria-label=${name} placeholder=${PLACEHOLDERS[ask.kind] ?? "Your answer"} readonly=${settled} value=${answer ?? ""}
    onInput=${(/** @type {any} */ event) => onAnswer(event.target.value)} />`;
}

let groups = 0;

/** @param {Props} props */
function Choices({ ask, name, answer, settled, onAnswer }) {
  const [group] = useState(() => `question-${(groups += 1)}`);
  const [, redraw] = useState(0);
  const many = ask.kind === "multi";
  const chosen = (/** @type {string} */ id) => (Array.isArray(answer) ? answer.includes(id) : answer === id);
  const choose = (/** @type {string} */ id, /** @type {boolean} */ on) => {
    if (settled) redraw((n) => n + 1); // a choice made after the verdict springs back
    else if (!many) onAnswer(id);
    else onAnswer([...(Array.isArray(answer) ? answer : []).filter((other) => other !== id), ...(on ? [id] : [])]);
  };
  return html`<fieldset class="choices"><legend class="unseen">${name}</legend>
    ${ask.choices?.map(({ id, text }) => html`<label key=${id} class="choice">
      <input type=${many ? "checkbox" : "radio"} name=${group} value=${id} checked=${chosen(id)} aria-disabled=${settled} aria-label=${spoken(text)} onChange=${(/** @type {any} */ event) => choose(id, event.target.checked)} />
      <span dir="auto"><${Inline} text=${text} /></span></label>`)}
  </fieldset>`;
}

/**
 * What is answered where the learner moved nothing: the order and the sliders as they stand. Null
 * where something has to be done first.
 * @param {any} widget
 */
export async function untouched(widget) {
  if (widget?.kind === "order") return widget.tokens.map((/** @type {{id: string}} */ { id }) => id);
  if (widget?.kind === "slider-plot") return (await import("./slider-plot.js")).started(widget);
  return null;
}

/** What is missing of an answer before it can be checked; "" where nothing is. @param {Asked} ask @param {any} answer */
export function missing({ widget, choices }, answer) {
  const none = answer === null || answer === undefined || answer === "" || (Array.isArray(answer) && answer.length === 0);
  if (widget?.kind === "match") {
    const left = widget.left.length - Object.keys(answer || {}).length;
    return left > 0 ? `Match every entry first: ${left} ${left === 1 ? "has" : "have"} no partner yet.` : "";
  }
  if (widget?.kind === "parts") {
    const left = widget.parts.filter((/** @type {{id: string}} */ { id }) => answer?.[id] === undefined || answer[id] === "").length;
    return left > 0 ? `Answer every part first: ${left} ${left === 1 ? "is" : "are"} still empty.` : "";
  }
  if (!none) return "";
  if (widget?.kind === "number-line") return "Put something on the line first.";
  if (widget?.kind === "parsons") return "Put a line into your answer first.";
  return choices ? "Choose an answer first." : "Write an answer first.";
}
