// Space to work in beside an answer: notes in words, one under the other. This file draws them and
// keeps them in the browser; they are no part of the answer, and nobody judges them.

import { html } from "../../vendor/htm-preact.js";
import { Markup, spoken } from "../markup.js";
import { defined, Says, WidgetElement } from "./element.js";

/** @typedef {{n: number, text: string}} Note */

const NOTE_CHARS = 1000;
const MOST_NOTES = 40;
const KEPT = "tutorstream.notes";

class BoardNotes extends WidgetElement {
  /** @type {Note[]} */
  notes = [];
  /** The note that is written anew, by its number; 0 for a new one. */
  editing = 0;
  writing = "";

  turned() {
    this.notes = recalled(this.item);
    this.editing = 0;
    this.writing = "";
  }

  /** Which exercise the notes belong to. */
  get item() {
    return `${this.widget?.item ?? ""}`;
  }

  letGo() {
    if (this.editing === 0) return false;
    this.editing = 0;
    this.writing = "";
    this.changed();
    return true;
  }

  /** @param {Note[]} notes @param {string} words */
  keep(notes, words) {
    this.notes = notes;
    this.editing = 0;
    this.writing = "";
    kept(this.item, notes);
    this.draw();
    this.say(words);
    this.querySelector("input")?.focus({ preventScroll: true });
  }

  save() {
    const text = this.writing.trim();
    if (text === "") return;
    const { editing, notes } = this;
    const n = Math.max(0, ...notes.map((note) => note.n)) + 1;
    if (editing !== 0) this.keep(notes.map((note) => (note.n === editing ? { n: editing, text } : note)), "Note changed");
    else if (notes.length < MOST_NOTES) this.keep([...notes, { n, text }], "Note added");
    else this.say(`Expected at most ${MOST_NOTES} notes`);
  }

  view() {
    const { notes, editing, writing } = this;
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // the note is put; the answer beside it is not checked
      this.save();
    };
    const edit = (/** @type {Note} */ { n, text }) => {
      this.editing = n;
      this.writing = text;
      this.draw();
      this.querySelector("input")?.focus({ preventScroll: true });
    };
    return html`<section class="widget board-notes" aria-label="Your notes">
      <p class="quiet" dir="auto">Room to think. What you note here is yours and is not checked.</p>
      <ul class="notes" aria-label="Notes">${notes.map((note) => html`
        <li key=${note.n} class=${note.n === editing ? "edited" : ""}><div class="said" dir="auto"><${Markup} text=${note.text} /></div>
          <button type="button" class="small" aria-label=${`Edit note: ${spoken(note.text)}`} onClick=${() => edit(note)}>Edit</button>
          <button type="button" class="small" aria-label=${`Remove note: ${spoken(note.text)}`} onClick=${() => this.keep(notes.filter((one) => one.n !== note.n), "Note removed")}>Remove</button></li>`)}
      </ul>
      <div class="box"><input type="text" dir="auto" aria-label=${editing ? "Edit the note" : "New note"} autocomplete="off" maxlength=${NOTE_CHARS} placeholder=${editing ? "Edit the note" : "Add a note"} value=${writing}
          onInput=${(/** @type {any} */ event) => { this.writing = event.target.value; this.changed(); }} onKeyDown=${key} />
        <button type="button" data-act="note" disabled=${editing === 0 && notes.length >= MOST_NOTES} onClick=${() => this.save()}>${editing ? "Save" : "Add"}</button></div>
      <${Says} />
    </section>`;
  }
}

/** Notes of the newest exercise that had any; those of others are gone. @param {string} item @returns {Note[]} */
function recalled(item) {
  try {
    const { item: of, notes } = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    return of === item && Array.isArray(notes) ? notes.filter((note) => typeof note?.text === "string" && Number.isInteger(note.n)) : [];
  } catch {
    return []; // storage is forbidden here, or holds another's: no notes
  }
}

/** @param {string} item @param {Note[]} notes */
function kept(item, notes) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ item, notes }));
  } catch {
    // storage is forbidden here: the notes last as long as the exercise
  }
}

defined("ts-board-notes", BoardNotes);
