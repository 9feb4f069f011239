// An answer as it is given, and its verdict as a shape and a word: for an exercise, a part of one, or
// a question on the way. This file has the words of verdicts, and draws what is small of them.

import { html } from "../vendor/htm-preact.js";

/** @type {Record<string, string>} */
export const VERDICTS = {
  correct: "Right",
  incorrect: "Not yet",
  partial: "Partly right",
  wrong_form: "Right value, another form is asked",
  unreadable: "I could not read that",
};

/** Where a row of a matrix is told apart already, or is no row. */
const PARTED = /[,;&\u060c\u061b]/;
const BARE = /^\S+(\s+\S+)*$/;
const DANGLING = /(^|\s)[-+*/^=](\s|$)/;

/**
 * What was typed, as the server reads it: the lines of a matrix as its rows. Text alone is trimmed.
 * @param {any} typed
 * @param {string} kind of answer
 */
export function given(typed, kind) {
  if (typeof typed !== "string") return typed;
  const text = typed.trim();
  if (kind !== "matrix" || text === "" || /^[[({\\]/.test(text)) return text;
  const rows = text.split(/\n+/).map((line) => line.trim()).filter((line) => line !== "");
  const row = (/** @type {string} */ line) => (PARTED.test(line) || DANGLING.test(line) || !BARE.test(line) ? line : line.split(/\s+/).join(", "));
  return `[${rows.map((line) => `[${row(line)}]`).join(", ")}]`;
}

/** Kinds of answers that are a value, so that "the same value" is how people say it. */
const VALUES = new Set(["number", "fraction", "choice", "multi", "text"]);

/** A verdict in words; what is equal in another form is said as mathematics says it. @param {string} verdict @param {string} kind of answer */
export function verdictWord(verdict, kind) {
  if (verdict === "wrong_form" && !VALUES.has(kind)) return "Equivalent, but not in the form asked";
  return VERDICTS[verdict] ?? verdict;
}

/** The verdict's shape, so that colour is never alone. @param {{verdict: string}} props */
export function Mark({ verdict }) {
  const path = {
    correct: "M5 12.5l4.5 4.5L19 7.5",
    incorrect: "M12 6.5v7M12 17.2v.3",
    partial: "M5 12h14",
    wrong_form: "M6 9.5h12M6 14.5h12",
  }[verdict] ?? "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8M12 17.2v.3";
  return html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d=${path} /></svg>`;
}

/** The shape and the word, in a line. @param {{verdict: string}} props */
export function VerdictMark({ verdict }) {
  return html`<span class=${`verdict-mark ${verdict}`}><${Mark} verdict=${verdict} /><b>${VERDICTS[verdict] ?? verdict}</b></span>`;
}
