// The exercise side: prompt, answer box, verdict, hints and steps. This file draws them.

import { Formula, Inline, Markup, Reading, spoken } from "../shared/markup.js";
import { bandInTwenty, inTen, logits, percent } from "../shared/skills.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";
import { VERDICTS } from "./page.js";
import { Bar, Moves, Range } from "./progress.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./page.js").Shown} Shown */
/** @typedef {import("../client/wire.js").Frame} Frame */

/** A press with the pointer must not take the focus from the answer box. @param {Event} event */
export const keepFocus = (event) => event.preventDefault();

/** @param {{page: Page}} props */
export function Card({ page }) {
  const { shown } = page;
  const scroll = useNewestInSight(shown);
  if (shown === null) return html`<${Waiting} page=${page} />`;
  return html`
    <section class="card exercise" aria-label="Exercise">
      <div class="work">
        <${Head} page=${page} shown=${shown} />
        <form class="answer" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); page.check(); }}>
          ${shown.item.choices
            ? html`<${Choices} page=${page} shown=${shown} />`
            : html`<${TextBox} page=${page} shown=${shown} />`}
        </form>
      </div>
      <div class="scroll" role="region" aria-label="Verdict and help" tabindex="0" ref=${scroll}>
        <${Verdict} page=${page} shown=${shown} />
        <${Hints} shown=${shown} />
        <${Steps} shown=${shown} />
      </div>
      <${Acts} page=${page} shown=${shown} />
    </section>`;
}

/**
 * Brings the newest verdict, hint or step into sight, and a new exercise to its top. The focus
 * stays where it is.
 * @param {Shown|null} shown
 */
function useNewestInSight(shown) {
  const scroll = useRef(/** @type {HTMLElement|null} */ (null));
  const verdict = shown?.feedback?.q ?? null;
  const hints = shown?.hints.length ?? 0;
  const steps = shown?.steps?.length ?? 0;
  const show = (/** @type {string} */ newest) =>
    scroll.current?.querySelector(newest)?.scrollIntoView({ block: "nearest" });
  useEffect(() => scroll.current?.scrollTo(0, 0), [shown?.item.item, shown?.solved]);
  useEffect(() => show(".verdict"), [verdict]);
  useEffect(() => show(".hints > :last-child"), [hints]);
  useEffect(() => show(".steps > :last-child"), [steps]);
  return scroll;
}

/** @param {{page: Page}} props */
function Waiting({ page }) {
  const ended = page.session.state.phase === "ended";
  return html`
    <section class="card exercise" aria-label="Exercise" aria-busy=${!ended}>
      <div class="work">
        ${page.problem
          ? html`<p class="problem" role="alert">${page.problem}</p>`
          : html`<p class="quiet">${ended ? "This lesson is not open here any more." : "Choosing your first exercise"}</p>
            <div class="bone wide"></div><div class="bone"></div>`}
      </div>
    </section>`;
}

/** @param {{page: Page, shown: Shown}} props */
function Head({ page, shown }) {
  const { item } = shown;
  return html`
    <header class="item-head">
      <p class="eyebrow">${item.skills.map((/** @type {string} */ id) => html`<span key=${id}>${page.skillTitle(id)}</span>`)}</p>
      <div class="prompt" id="prompt" dir="auto"><${Markup} text=${item.prompt} /></div>
      <${Why} page=${page} item=${item} />
    </header>`;
}

/**
 * Why this exercise: the server's sentence, the chance in words, and on demand what is behind it.
 * @param {{page: Page, item: Frame}} props
 */
function Why({ page, item }) {
  if (!item.why) return null;
  const { whyOpen } = page;
  return html`<div class="why">
    <p><b>Why this one:</b> <${Inline} text=${item.why.replace(/[^.!?]$/, "$&.")} />
      ${Number.isFinite(item.p_success) && html` <span class="odds">Right ${inTen(item.p_success)}.</span>`}
      <button type="button" class="link" data-act="why" aria-expanded=${whyOpen} aria-controls="behind" onPointerDown=${keepFocus}
        onClick=${() => page.turnWhy()}>What is behind this</button></p>
    <div id="behind" hidden=${!whyOpen}>${whyOpen && html`<${Behind} page=${page} item=${item} />`}</div>
  </div>`;
}

/** The figures the choice rests on. @param {{page: Page, item: Frame}} props */
function Behind({ page, item }) {
  const { target, line, skills } = page.lesson;
  const newest = [...line].reverse();
  const point = newest.find(({ skill }) => skill !== null && item.skills.includes(skill)) ?? newest[0];
  const { theta, sd, skill, items } = point ?? { ...page.lesson, skill: null, items: null };
  return html`<dl class="behind">
    ${target && html`<div><dt>Aimed at</dt><dd>${bandInTwenty(target)} go right <span class="range">${percent(target[0])} to ${percent(target[1])}</span></dd></div>`}
    ${Number.isFinite(item.p_success) && html`<div><dt>Expected here</dt><dd>${percent(item.p_success)}</dd></div>`}
    ${theta !== null && html`<div><dt>Your level</dt><dd>${logits(theta)} ± ${logits(sd ?? 0)} logits${skill && html` <span class="range">on ${page.skillTitle(skill)}</span>`}</dd></div>`}
    ${items && html`<div><dt>Difficulty that fits</dt><dd>${logits(items[0])} to ${logits(items[1])}</dd></div>`}
    ${skills.filter(({ id }) => item.skills.includes(id)).map((one) => html`
      <div key=${one.id}><dt>${one.title}</dt><dd>${percent(one.mastery)} <${Range} interval=${one} /><${Bar} mastery=${one.mastery} low=${one.low} high=${one.high} /></dd></div>`)}
  </dl>`;
}

/**
 * The answer box that this one replaces had the focus and is gone: its place keeps it.
 * @param {string} item
 */
function useKeptFocus(item) {
  const box = useRef(/** @type {HTMLInputElement|null} */ (null));
  useEffect(() => {
    if (document.activeElement === document.body) box.current?.focus({ preventScroll: true });
  }, [item]);
  return box;
}

/** @param {{page: Page, shown: Shown}} props */
function TextBox({ page, shown }) {
  const { solved, item } = shown;
  const box = useKeptFocus(item.item);
  return html`
    <div class="box">
      <label for="answer" class="unseen">Your answer</label>
      <input id="answer" type="text" dir="auto" ref=${box} autocomplete="off" autocapitalize="off"
        spellcheck=${false} enterkeyhint="go" maxlength="300" aria-describedby="prompt reading"
        placeholder=${PLACEHOLDERS[item.kind] ?? "Your answer"}
        readonly=${solved} class=${solved ? "solved" : ""} value=${page.answer}
        onInput=${(/** @type {any} */ event) => page.type(event.target.value)} />
      <${CheckButton} page=${page} solved=${solved} />
    </div>
    <${ReadAs} page=${page} shown=${shown} />`;
}

/** @type {Record<string, string>} */
const PLACEHOLDERS = { number: "A number", fraction: "A number or a fraction such as 3/4" };

/** @param {{page: Page, shown: Shown}} props */
function ReadAs({ page, shown }) {
  const { reading } = page;
  let content = html`<span class="quiet">Enter checks your answer</span>`;
  if (shown.solved) content = html`<span class="quiet">Enter goes on</span>`;
  else if (reading !== null && !reading.read_as) {
    content = html`<span>${reading.note ?? "Not readable yet"}${reading.column ? `, at sign ${reading.column}` : ""}</span>`;
  } else if (reading !== null) {
    content = html`<span>I read: <${Reading} text=${reading.read_as} />${reading.note && html` <span class="quiet">(${reading.note})</span>`}</span>`;
  }
  return html`<p class="reading" id="reading">${content}</p>`;
}

/** @param {{page: Page, shown: Shown}} props */
function Choices({ page, shown }) {
  const { item, solved } = shown;
  const many = item.kind === "multi";
  const first = useKeptFocus(item.item);
  return html`
    <fieldset class="choices" id="answer" tabindex="-1">
      <legend class="unseen">${many ? "Choose all that fit" : "Choose one"}</legend>
      ${item.choices.map((/** @type {{id: string, text: string}} */ choice, /** @type {number} */ n) => html`
        <label key=${choice.id} class="choice">
          <input type=${many ? "checkbox" : "radio"} name="choice" value=${choice.id}
            ref=${n === 0 ? first : undefined} checked=${chosen(page.answer, choice.id)}
            aria-disabled=${solved} aria-label=${spoken(choice.text)}
            onChange=${(/** @type {any} */ event) => page.type(many ? toggled(page.answer, choice.id, event.target.checked) : choice.id)} />
          <span dir="auto"><${Inline} text=${choice.text} /></span>
        </label>`)}
    </fieldset>
    <div class="box end">
      <p class="reading" id="reading"><span class="quiet">${solved ? "Enter goes on" : "Arrow keys choose, Enter checks"}</span></p>
      <${CheckButton} page=${page} solved=${solved} />
    </div>`;
}

/** @param {any} answer @param {string} id */
function chosen(answer, id) {
  return Array.isArray(answer) ? answer.includes(id) : answer === id;
}

/** @param {any} answer @param {string} id @param {boolean} on */
function toggled(answer, id, on) {
  const rest = (Array.isArray(answer) ? answer : []).filter((other) => other !== id);
  return on ? [...rest, id] : rest;
}

/** @param {{page: Page, solved: boolean}} props */
function CheckButton({ page, solved }) {
  return html`<button type="submit" class="primary" data-act="check" onPointerDown=${keepFocus}
    aria-busy=${page.pending !== null}>${solved ? "Next" : "Check"}</button>`;
}

/** @param {{page: Page, shown: Shown}} props */
function Verdict({ page, shown }) {
  const { feedback } = shown;
  const away = page.pending !== null && page.session.state.phase !== "live";
  if (page.problem) return html`<p class="problem" role="alert">${page.problem}</p>`;
  if (away) return html`<p class="verdict kept"><b>Kept.</b> It is checked as soon as the line is back.</p>`;
  if (feedback === null) return null;
  const message = (feedback.message ?? "").replace(VERDICT_WORD, "");
  return html`
    <div key=${feedback.q ?? feedback.item} class=${`verdict ${feedback.verdict}`}>
      <${Mark} verdict=${feedback.verdict} />
      <div class="verdict-words" dir="auto">
        <p><b>${VERDICTS[feedback.verdict] ?? feedback.verdict}</b>${shown.solved && feedback.assisted && html` <span class="tag">assisted</span>`}</p>
        ${message && html`<${Markup} text=${message} />`}
        <${Moves} page=${page} feedback=${feedback} own=${shown.item.skills} />
      </div>
    </div>`;
}

/** The heading has said it already. */
const VERDICT_WORD = /^(right|correct|not yet)[.!,:]\s*/i;

/** The verdict's shape, so that colour is never alone. @param {{verdict: string}} props */
function Mark({ verdict }) {
  const path = {
    correct: "M5 12.5l4.5 4.5L19 7.5",
    incorrect: "M12 6.5v7M12 17.2v.3",
    partial: "M5 12h14",
    wrong_form: "M6 9.5h12M6 14.5h12",
  }[verdict] ?? "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8M12 17.2v.3";
  return html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>`;
}

/** @param {{shown: Shown}} props */
function Hints({ shown }) {
  if (shown.hints.length === 0) return null;
  return html`<ol class="hints" aria-label="Hints">
    ${shown.hints.map(({ level, of, text }) => html`
      <li key=${level}><span class="count">Hint ${level} of ${of}</span><div dir="auto"><${Markup} text=${text} /></div></li>`)}
  </ol>`;
}

/** @param {{shown: Shown}} props */
function Steps({ shown }) {
  if (shown.steps === null) return null;
  return html`<ol class="steps" aria-label="Worked steps">
    ${shown.steps.map(({ show, why }, n) => html`
      <li key=${n}><div class="show"><${Show} text=${show} /></div>${why && html`<div class="because"><${Inline} text=${why} /></div>`}</li>`)}
  </ol>`;
}

/** @param {{text: string}} props */
function Show({ text }) {
  return /[$\s]/.test(text) || !/[\\=^]/.test(text) ? html`<${Inline} text=${text} />` : html`<${Formula} tex=${text} />`;
}

/** @param {{page: Page, shown: Shown}} props */
function Acts({ page, shown }) {
  const { hints, solved, steps } = shown;
  const of = shown.item.hints ?? 0;
  const left = of - hints.length;
  const label = of === 0 ? "No hints here" : left > 0 ? `Hint ${hints.length + 1}/${of}` : `All ${of} hints shown`;
  return html`
    <div class="acts">
      <div class="act-row">
        <button type="button" data-act="hint" onPointerDown=${keepFocus} onClick=${() => page.hint()} disabled=${solved || left <= 0}>${label}</button>
        <button type="button" data-act="steps" onPointerDown=${keepFocus} onClick=${() => page.steps()} disabled=${solved || steps !== null}>Show steps</button>
        ${!solved && html`<button type="button" data-act="skip" class="plain" onPointerDown=${keepFocus} onClick=${() => page.next()}>Skip</button>`}
      </div>
      <p class="quiet note">Hints cost no points; they count as assisted</p>
    </div>`;
}
