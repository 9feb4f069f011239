// Limited Markdown with formulas, as text nodes and KaTeX output only. This file is the one door
// by which course, tutor and learner text reaches the page; no HTML, link or image passes it.

import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";

/** @typedef {{kind: "text"|"math"|"display"|"code"|"strong"|"em", text: string}} Span */

const INLINE =
  /\\\$|\$\$([^$]+)\$\$|\$([^$\n]+)\$|`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*/g;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBERED = /^\s*\d+[.)]\s+(.*)$/;

/**
 * @param {string} text
 * @returns {Span[]}
 */
export function spans(text) {
  /** @type {Span[]} */
  const found = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) found.push({ kind: "text", text: text.slice(at, match.index) });
    found.push(spanOf(match));
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ kind: "text", text: text.slice(at) });
  return found;
}

/**
 * @param {RegExpMatchArray} match
 * @returns {Span}
 */
function spanOf([whole, display, math, code, strong, em]) {
  if (display !== undefined) return { kind: "display", text: display.trim() };
  if (math !== undefined) return { kind: "math", text: math };
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", text: strong };
  if (em !== undefined) return { kind: "em", text: em };
  return { kind: "text", text: whole.slice(1) };
}

/** A formula; its MathML is what assistive technology reads. @param {{tex: string, display?: boolean}} props */
export function Formula({ tex, display = false }) {
  const at = useRef(/** @type {HTMLElement|null} */ (null));
  useLayoutEffect(() => {
    const katex = /** @type {any} */ (globalThis).katex;
    if (at.current === null) return;
    if (katex === undefined) at.current.textContent = tex;
    else {
      katex.render(tex, at.current, {
        displayMode: display, output: "htmlAndMathml", throwOnError: false, trust: false,
        strict: "ignore", maxExpand: 200, maxSize: 20,
      });
    }
  }, [tex, display]);
  return html`<span class=${display ? "formula display" : "formula"} dir="ltr" ref=${at}></span>`;
}

/** One line of text with its formulas. @param {{text: string}} props */
export function Inline({ text }) {
  return html`${spans(text).map((span) => inline(span))}`;
}

/** @param {Span} span */
function inline({ kind, text }) {
  if (kind === "text") return text;
  if (kind === "code") return html`<code>${text}</code>`;
  if (kind === "strong") return html`<strong><${Inline} text=${text} /></strong>`;
  if (kind === "em") return html`<em><${Inline} text=${text} /></em>`;
  return html`<${Formula} tex=${text} display=${kind === "display"} />`;
}

/** Paragraphs and lists. @param {{text: string}} props */
export function Markup({ text }) {
  return html`${blocks(text).map((block, n) => {
    if (block.kind === "p") return html`<p key=${n}><${Inline} text=${block.lines.join("\n")} /></p>`;
    const items = block.lines.map((line) => html`<li><${Inline} text=${line} /></li>`);
    return block.kind === "ul" ? html`<ul key=${n}>${items}</ul>` : html`<ol key=${n}>${items}</ol>`;
  })}`;
}

/**
 * @param {string} text
 * @returns {{kind: "p"|"ul"|"ol", lines: string[]}[]}
 */
export function blocks(text) {
  /** @type {{kind: "p"|"ul"|"ol", lines: string[]}[]} */
  const found = [];
  let open = false;
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      open = false;
      continue;
    }
    const bullet = BULLET.exec(line);
    const numbered = NUMBERED.exec(line);
    const kind = bullet ? "ul" : numbered ? "ol" : "p";
    const content = bullet?.[1] ?? numbered?.[1] ?? line;
    const last = found.at(-1);
    if (open && last?.kind === kind) last.lines.push(content);
    else found.push({ kind, lines: [content] });
    open = true;
  }
  return found;
}

/** Signs of a formula that is still open; with more it is none. */
const OPEN_MOST = 160;
const OPEN_FORMULA = /(?<!\\)\$\$?[^$]*$/;
const PROSE = /(^|[\s$])[A-Za-z]{3,}/;
const BARE_LIST_MARK = /(^|\n)[ \t]*([-*•]|\d+[.)])[ \t]*$/;
const HALF_CLOSED = /(?<!\*)\*\*[^*\n]+\*$/;
/** A mark that opens, and what it encloses so far. @type {[RegExp, string][]} */
const OPEN_MARKS = [
  [/`([^`\n]*)$/, "`"],
  [/\*\*([^*\n]*)$/, "**"],
  [/(?<![^\s(])\*([^*\s][^*\n]*|)$/, "*"],
];

/**
 * A text that is still being written, as far as its end can be drawn: an open formula and a bare
 * list mark wait for the rest, open emphasis is closed for now.
 * @param {string} text
 */
export function edged(text) {
  if (HALF_CLOSED.test(text)) return `${text}*`;
  const last = spans(text).at(-1);
  if (last?.kind !== "text") return text;
  const from = text.length - last.text.length;
  const formula = OPEN_FORMULA.exec(text);
  if (formula !== null && formula.index >= from && isOpen(formula[0])) return text.slice(0, formula.index);
  const list = BARE_LIST_MARK.exec(text);
  if (list !== null) return text.slice(0, list.index);
  for (const [mark, closing] of OPEN_MARKS) {
    const open = mark.exec(text.slice(from));
    if (open === null) continue;
    const before = text.slice(0, from + open.index);
    return open[1] ? `${before}${closing}${open[1].trimEnd()}${closing}` : before;
  }
  return text;
}

/** @param {string} formula */
function isOpen(formula) {
  const oneLine = formula.startsWith("$$") || !formula.includes("\n");
  return oneLine && formula.length <= OPEN_MOST && !PROSE.test(formula);
}

/** What a screen reader is told: the words without marks. @param {string} text */
export function spoken(text) {
  return text
    .replace(/\\d?frac\{([^{}]*)\}\{([^{}]*)\}/g, "$1/$2")
    .replace(/\\(cdot|times)/g, " times ")
    .replace(/[$*`\\{}]/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** How an answer was read: LaTeX where it has any, plain otherwise. @param {{text: string}} props */
export function Reading({ text }) {
  if (text.includes("$")) return html`<${Inline} text=${text} />`;
  if (/[\\^_{}]/.test(text)) return html`<${Formula} tex=${text} />`;
  return html`<span class="plain-reading">${text}</span>`;
}

/** What could not be read, with the place marked. @param {{reading: {note?: string|null, column?: number|null}, typed: any}} props */
export function Unread({ reading, typed }) {
  return html`<span>${reading.note ?? "Not readable yet"}</span> <${Column} typed=${typed} column=${reading.column ?? null} />`;
}

/** What was typed, the sign that could not be read marked; the end, where something is missing there. @param {{typed: any, column: number|null}} props */
function Column({ typed, column }) {
  if (column === null || typeof typed !== "string") return null;
  const signs = [...typed];
  const at = Math.min(signs.length, Math.max(0, column - 1));
  return html`<span class="unseen">, at sign ${column}</span><code class="typed-back" dir="ltr" aria-hidden="true">${signs.slice(0, at).join("")}<mark>${signs[at] ?? " "}</mark>${signs.slice(at + 1).join("")}</code>`;
}
