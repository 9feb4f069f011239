// The exercise side: prompt, answer box, verdict, hints and steps. This file draws them.

import { Formula, Inline, Markup, Reading, spoken, Unread } from "../shared/markup.js";
import { bandInTwenty, inTen, logits, percent } from "../shared/skills.js";
import { given, Mark, VerdictMark, verdictWord } from "../shared/verdict.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";
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
    <section class="card exercise" aria-label="Exercise" dir="auto">
      <div class="work">
        <${Head} page=${page} shown=${shown} />
        <form class="answer" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); page.check(); }}>
          <${AnswerBox} page=${page} shown=${shown} />
        </form>
        ${shown.item.widget?.kind === "board" && html`<${Fetched} page=${page} shown=${shown} view="Board" />`}
      </div>
      <div class="scroll" role="region" aria-label="Verdict and help" tabindex="0" ref=${scroll}>
        <${Verdict} page=${page} shown=${shown} />
        <${Hints} page=${page} shown=${shown} />
        <${Steps} page=${page} shown=${shown} />
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
  if (page.courses?.choosing) return html`<section class="card exercise" id="answer" tabindex="-1" aria-label="Courses"><${page.courses.views.Choice} page=${page} /></section>`;
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
      ${item.media?.map((/** @type {{src: string, alt: string}} */ picture) => html`<img class="picture" key=${picture.src} src=${picture.src} alt=${picture.alt} dir="auto" />`)}
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
    <p dir="auto"><b>Why this one:</b> <${Inline} text=${item.why.replace(/[^.!?]$/, "$&.")} />
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

/** What the exercise is answered in. @param {{page: Page, shown: Shown}} props */
function AnswerBox({ page, shown }) {
  const { choices, widget } = shown.item;
  if (hasWidget(widget)) return html`<${Worked} page=${page} shown=${shown} />`;
  return choices ? html`<${Choices} page=${page} shown=${shown} />` : html`<${TextBox} page=${page} shown=${shown} />`;
}

/** Whether a widget takes the place of the answer box; a board stands beside it. @param {any} widget */
export function hasWidget(widget) {
  return widget !== undefined && widget !== null && widget.kind !== "board";
}

/** A widget and its check. @param {{page: Page, shown: Shown}} props */
function Worked({ page, shown }) {
  const words = shown.solved ? "Enter goes on" : "Esc leaves this for the button";
  return html`<${Fetched} page=${page} shown=${shown} view="Work" />
    <div class="box end"><p class="reading" id="reading"><span class="quiet">${words}</span></p><${CheckButton} page=${page} solved=${shown.solved} /></div>`;
}

/** What is fetched when an exercise needs it. @param {{page: Page, shown: Shown, view: "Work"|"Board"|"OnTheWay"|"Blank", [more: string]: any}} props */
function Fetched({ page, view, ...props }) {
  useEffect(() => void page.fetchMore(), []);
  if (page.more !== null) return html`<${page.more[view]} page=${page} ...${props} />`;
  if (!page.moreMissed) return html`<p class="quiet">Opening</p>`;
  return html`<p class="quiet">This part could not be fetched. <button type="button" class="small" onClick=${() => page.fetchMore()}>Try again</button></p>`;
}

/** @param {{page: Page, shown: Shown}} props */
function TextBox({ page, shown }) {
  const { solved, item } = shown;
  const box = useKeptFocus(item.item);
  const Field = LINES[item.kind] ? "textarea" : "input";
  const enter = (/** @type {KeyboardEvent} */ event) => {
    if (Field === "input" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault(); // a new line is Shift and Enter
    page.check();
  };
  return html`
    <div class="box">
      <label for="answer" class="unseen">Your answer</label>
      <${Field} id="answer" type=${Field === "input" ? "text" : undefined} rows=${LINES[item.kind]} dir=${WORDS.has(item.kind) ? "auto" : "ltr"} ref=${box} autocomplete="off" autocapitalize="off"
        spellcheck=${false} enterkeyhint="go" maxlength="300" aria-describedby="prompt reading"
        placeholder=${PLACEHOLDERS[item.kind] ?? "Your answer"}
        readonly=${solved} class=${solved ? "solved" : ""} value=${page.answer} onKeyDown=${enter}
        onInput=${(/** @type {any} */ event) => page.type(event.target.value)} />
      <${CheckButton} page=${page} solved=${solved} />
    </div>
    <${ReadAs} page=${page} shown=${shown} />`;
}

/** @type {Record<string, string>} */
const PLACEHOLDERS = {
  number: "A number",
  fraction: "A number or a fraction such as 3/4",
  expression: "An expression such as 2x + 1",
  equation: "An equation such as x = 3",
  interval: "An interval such as [2, 5)",
  set: "A set such as {1, 2}",
  matrix: "Rows, each on its line: 1, 2",
};
/** Kinds that are written on several lines, and how many are seen at once. @type {Record<string, number>} */
const LINES = { matrix: 3 };
/** Kinds whose answer is words and not mathematics, which runs from left to right. */
const WORDS = new Set(["text"]);

/** @param {{page: Page, shown: Shown}} props */
function ReadAs({ page, shown }) {
  const { reading } = page;
  let content = html`<span class="quiet">Enter checks your answer</span>`;
  if (shown.solved) content = html`<span class="quiet">Enter goes on</span>`;
  else if (reading !== null && !reading.read_as) {
    content = html`<${Unread} reading=${reading} typed=${given(page.answer, shown.item.kind)} />`;
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
  const { kind, widget } = shown.item;
  return html`
    <div key=${feedback.q ?? feedback.item} class=${`verdict ${feedback.verdict}`}>
      <${Mark} verdict=${feedback.verdict} />
      <div class="verdict-words" dir="auto">
        <p><b>${verdictWord(feedback.verdict, kind)}</b>${feedback.verdict === "partial" && html`<${Share} feedback=${feedback} />`}${shown.solved && feedback.assisted && html` <span class="tag">assisted</span>`}</p>
        ${message && !(feedback.parts && PARTS_ALONE.test(message)) && html`<${Markup} text=${message} />`}
        ${widget?.parts && feedback.parts && html`<${PartVerdicts} parts=${widget.parts} verdicts=${feedback.parts} />`}
        <${Moves} page=${page} feedback=${feedback} own=${shown.item.skills} />
      </div>
    </div>`;
}

/** The heading has said it already. */
const VERDICT_WORD = /^(right|correct|not yet|partly right)[.!,:]\s*/i;

/** A message that says no more than the list of parts does. */
const PARTS_ALONE = /^(part \d+: not yet\.\s*)+$/i;

/** How many parts are right; of another kind the message says how much is. @param {{feedback: Frame}} props */
function Share({ feedback }) {
  const each = Object.values(feedback.parts ?? {});
  const right = each.filter((verdict) => verdict === "correct").length;
  return each.length > 0 ? html`<span class="share">, ${right} of ${each.length} parts</span>` : null;
}

/** The verdict on each part, in words; its id is the author's own. @param {{parts: {id: string, prompt: string}[], verdicts: Record<string, string>}} props */
function PartVerdicts({ parts, verdicts }) {
  return html`<ul class="part-verdicts" aria-label="Part by part">${parts.map(({ id, prompt }, n) => verdicts[id] && html`
    <li key=${id}><b class="part-number">Part ${n + 1}</b> <${VerdictMark} verdict=${verdicts[id]} /> <span class="part-asked" dir="auto"><${Inline} text=${prompt} /></span></li>`)}</ul>`;
}

/** What kind of hint it is. @param {import("../client/lesson.js").Hint} hint */
function levelWords({ told, scaffold }) {
  if (told) return ", the answer";
  return scaffold?.at ? ", a question on the way" : "";
}

/** @param {{page: Page, shown: Shown}} props */
function Hints({ page, shown }) {
  if (shown.hints.length === 0) return null;
  return html`<ol class="hints" aria-label="Hints">
    ${shown.hints.map((hint) => html`
      <li key=${hint.level} class=${hint.told ? "told" : ""}><span class="count">Hint ${hint.level} of ${hint.of}${levelWords(hint)}</span><div dir="auto"><${Markup} text=${hint.text} /></div>
        ${hint.scaffold?.at && html`<${Fetched} page=${page} shown=${shown} view="OnTheWay" hint=${hint} />`}</li>`)}
  </ol>`;
}

/** @param {{page: Page, shown: Shown}} props */
function Steps({ page, shown }) {
  if (shown.steps === null) return null;
  return html`<ol class="steps" aria-label="Worked steps">
    ${shown.steps.map((step, n) => html`
      <li key=${n} data-step=${step.ask?.at} tabindex=${step.ask ? -1 : undefined}><div class="show">${step.show !== "" && html`<${Show} text=${step.show} />`}
        ${isAsked(page, step) && html`<${Fetched} page=${page} shown=${shown} view="Blank" step=${step} n=${n} />`}</div>${step.why && html`<div class="because" dir="auto"><${Inline} text=${step.why} /></div>`}</li>`)}
  </ol>`;
}

/** A blank stays where it was filled here, with its verdict. @param {Page} page @param {import("../client/lesson.js").Step} step */
function isAsked(page, { ask, show }) {
  return ask !== undefined && ask !== null && (show === "" || (page.asides?.box(ask.at).answer ?? null) !== null);
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
        <button type="button" data-act="steps" onPointerDown=${keepFocus} onClick=${() => page.steps()} disabled=${solved || (steps !== null && !page.hasBlanks)}>${page.hasBlanks ? "Show the blanks" : "Show steps"}</button>
        ${!solved && html`<button type="button" data-act="skip" class="plain" onPointerDown=${keepFocus} onClick=${() => page.next()}>Skip</button>`}
      </div>
      <p class="quiet note" dir="auto">Hints cost no points; they count as assisted</p>
    </div>`;
}
