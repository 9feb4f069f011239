// What is asked inside an exercise: its widget, a hint's question on the way, a blank in the worked
// steps. This file keeps what stands in their boxes and draws them; it is fetched when one is there.

import { Inline, Markup, Reading, spoken, Unread } from "../shared/markup.js";
import { VERDICTS, VerdictMark } from "../shared/verdict.js";
import { missing, Question, untouched } from "../shared/widgets/question.js";
import { html, useEffect } from "../vendor/htm-preact.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./page.js").Shown} Shown */
/** @typedef {import("../client/lesson.js").Hint} Hint */
/** @typedef {import("../client/lesson.js").Step} Step */
/** @typedef {import("../client/wire.js").Frame} Frame */
/** What stands in one small box. @typedef {{answer: any, reading: Frame|null, pending: boolean, problem: string}} Box */

export { missing, untouched };

/** A style sheet of its own; drawn without it, were it not to be had. */
const styled = new Promise((resolve) => {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("../shared/widgets/widgets.css", import.meta.url).href });
  for (const end of ["load", "error"]) link.addEventListener(end, resolve);
  document.head.append(link);
});

export class Asides {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Map<string, Box>} by the question's name on the wire */
    this.boxes = new Map();
    this.item = "";
  }

  /** Resolves when a widget can be drawn. */
  static async ready() {
    await styled;
  }

  /** What stands in a box; another exercise's boxes are gone. @param {string} at @returns {Box} */
  box(at) {
    const item = this.page.shown?.item.item ?? "";
    if (item !== this.item) {
      this.boxes.clear();
      this.item = item;
    }
    const answer = this.page.held === null ? (this.page.lesson.sub_drafts[at] ?? null) : null;
    return this.boxes.get(at) ?? { answer, reading: null, pending: false, problem: "" };
  }

  /** @param {string} at @param {Partial<Box>} change */
  put(at, change) {
    this.boxes.set(at, { ...this.box(at), ...change });
    this.page.changed();
  }

  /** @param {string} at @param {any} answer */
  async type(at, answer) {
    const { item } = this;
    this.put(at, { answer, problem: "" });
    this.page.session.draft(item, answer ?? "", at);
    if (typeof answer !== "string" || answer.trim() === "") {
      this.put(at, { reading: null });
      return;
    }
    const reading = await this.page.session.preview(item, answer, at);
    if (reading !== null && this.item === item && this.box(at).answer === answer) this.put(at, { reading });
  }

  /** @param {string} at @param {{kind: string, choices?: any}} ask */
  async check(at, ask) {
    const { item } = this;
    const { answer, pending } = this.box(at);
    const problem = missing(ask, typeof answer === "string" ? answer.trim() : answer);
    if (pending || problem !== "") {
      this.put(at, { problem });
      return;
    }
    this.put(at, { pending: true, problem: "" });
    await this.#did(item, at, this.page.session.submit(item, typeof answer === "string" ? answer.trim() : answer, 0, at));
  }

  /** A hint of the small question itself. @param {string} at */
  hint(at) {
    return this.#did(this.item, at, this.page.session.hint(this.item, at));
  }

  /** What stands in a blank. @param {string} at */
  async giveUp(at) {
    await this.#did(this.item, at, this.page.session.steps(this.item, at));
    /** @type {HTMLElement|null} */ (document.querySelector(`[data-step="${at}"]`))?.focus({ preventScroll: true }); // the button is gone
  }

  /** @param {string} item @param {string} at @param {Promise<Frame>} command */
  async #did(item, at, command) {
    let problem = "";
    try {
      await command;
    } catch (refusal) {
      problem = `${/** @type {any} */ (refusal).message ?? "That did not work."}`;
    }
    this.box(at);
    if (this.item === item) this.put(at, { pending: false, problem });
  }
}

/** The exercise's own widget. @param {{page: Page, shown: Shown}} props */
export function Work({ page, shown }) {
  const { item, solved, feedback } = shown;
  return html`<div class="asked" id="answer" tabindex="-1" aria-describedby="prompt">
    <${Question} key=${item.item} ask=${item} name="Your answer" answer=${page.answer === "" ? null : page.answer} settled=${solved}
      verdicts=${feedback?.parts ?? {}} onAnswer=${(/** @type {any} */ answer) => page.type(answer ?? "")} />
  </div>`;
}

/** Notes beside the answer of an exercise that is worked on a board. @param {{page: Page, shown: Shown}} props */
export function Board({ page, shown }) {
  useEffect(() => void import("../shared/widgets/board-notes.js").then(() => page.changed()), []);
  if (customElements.get("ts-board-notes") === undefined) return null;
  const { seat } = page.visit ?? {};
  return html`<div class="board-beside"><ts-board-notes key=${shown.item.item} widget=${boardOf(shown.item)} name="Your notes"></ts-board-notes>
    ${seat?.room !== undefined && html`<p class="quiet">Your room has a board that all of you write on. <button type="button" class="small" data-act="to-board" onClick=${() => page.show("room")}>Open the room</button></p>`}</div>`;
}

/** @type {WeakMap<Frame, {kind: string, item: string}>} one object for one exercise, so that its notes stay */
const boards = new WeakMap();

/** @param {Frame} item */
function boardOf(item) {
  const known = boards.get(item) ?? { kind: "board", item: item.item };
  boards.set(item, known);
  return known;
}

/** The question of a hint, with its own box and verdict. @param {{page: Page, shown: Shown, hint: Hint}} props */
export function OnTheWay({ page, shown, hint }) {
  const { scaffold } = hint;
  if (!scaffold?.at || !scaffold.kind) return null;
  const ask = { kind: scaffold.kind, choices: scaffold.choices };
  const hints = shown.subs[scaffold.at]?.hints ?? [];
  return html`<div class="on-the-way">
    ${scaffold.ask !== hint.text && html`<div dir="auto"><${Markup} text=${scaffold.ask} /></div>`}
    <${Small} page=${page} shown=${shown} at=${scaffold.at} ask=${ask} name=${`Question on the way: ${spoken(scaffold.ask)}`} />
    ${hints.map((text, n) => html`<p key=${n} class="small-hint" dir="auto"><b class="count">Hint ${n + 1} of ${scaffold.hints ?? hints.length} for this question</b> <${Inline} text=${text} /></p>`)}
    ${!isOver(shown, scaffold.at) && (scaffold.hints ?? 0) > hints.length && html`<button type="button" class="small" data-act="small-hint" disabled=${shown.solved} onClick=${() => page.asides?.hint(scaffold.at ?? "")}>A hint for this question</button>`}
  </div>`;
}

/** A worked step that the learner fills in. @param {{page: Page, shown: Shown, step: Step, n: number}} props */
export function Blank({ page, shown, step, n }) {
  const { ask } = step;
  if (!ask) return null;
  const words = step.why === "" ? `Step ${n + 1}` : `Step ${n + 1}: ${spoken(step.why)}`;
  return html`<div class="on-the-way blank"><${Small} page=${page} shown=${shown} at=${ask.at} ask=${ask} name=${words}>
    <button type="button" class="small plain" data-act="give-up" aria-label=${`Show step ${n + 1}`} disabled=${shown.solved} onClick=${() => page.asides?.giveUp(ask.at)}>Show it</button>
  <//></div>`;
}

/** @param {Shown} shown @param {string} at */
function isOver(shown, at) {
  return shown.subs[at]?.over === true;
}

/**
 * A small question: a box, its own check, its verdict beside it.
 * @param {{page: Page, shown: Shown, at: string, ask: {kind: string, choices?: any}, name: string, children?: any}} props
 */
function Small({ page, shown, at, ask, name, children }) {
  const { asides } = page;
  if (asides === null) return null;
  const sub = shown.subs[at];
  const over = isOver(shown, at);
  const { answer, reading, pending, problem } = asides.box(at);
  const stands = answer ?? (over || sub?.verdict ? sub?.response : null) ?? null;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (over) toAnswer();
    else void asides.check(at, ask);
  };
  return html`<form class="small-question" data-at=${at} aria-label=${name} onSubmit=${submit}>
    <div class="box">
      <${Question} ask=${ask} name=${name} answer=${stands} settled=${over || shown.solved} onAnswer=${(/** @type {any} */ given) => asides.type(at, given)} />
      ${!over && html`<button type="submit" class="small" data-act="check-small" aria-busy=${pending} disabled=${shown.solved}>Check</button>`}
      ${!over && children}
    </div>
    ${!over && reading !== null && html`<p class="reading">${reading.read_as ? html`I read: <${Reading} text=${reading.read_as} />` : html`<${Unread} reading=${reading} typed=${answer} />`}</p>`}
    <div role="status">${problem ? html`<p class="problem">${problem}</p>` : sub?.verdict && html`<p class="small-verdict" dir="auto">
      <${VerdictMark} verdict=${sub.verdict} /> ${sub.message && html`<span><${Inline} text=${shortened(sub.message, sub.verdict)} /></span>`}</p>`}</div>
    ${over && !shown.solved && html`<button type="button" class="small" data-act="back" onClick=${toAnswer}>Back to the exercise</button>`}
  </form>`;
}

/** A verdict's message without the word that stands before it. @param {string} message @param {string} verdict */
function shortened(message, verdict) {
  const word = VERDICTS[verdict] ?? "";
  return message.toLowerCase().startsWith(word.toLowerCase()) ? message.slice(word.length).replace(/^[.!,:]?\s*/, "") : message;
}

/** To the exercise's own box. */
function toAnswer() {
  const answer = document.getElementById("answer");
  const first = answer?.matches("input, textarea") ? answer : answer?.querySelector("input, textarea, select, button, [tabindex='0']");
  /** @type {HTMLElement|null|undefined} */ (first ?? answer)?.focus();
}
