// A vote as it is shown: the fields, the countdown, bars that are told by length, shape and words.
// This file draws them, for a learner, a facilitator and a wall.

import { html } from "../vendor/htm-preact.js";
import { Inline, Markup } from "./markup.js";

/** @typedef {import("./seat.js").Seat} Seat */
/** @typedef {import("../client/room.js").Poll} Poll */
/** @typedef {import("../client/room.js").Round} Round */
/** One choice's share in one round. @typedef {{n: number, share: number, words: string}} Cell */

/** How sure somebody may say to be, as the wire has it. @type {[number, string][]} */
export const SURE = [[0.2, "Guessing"], [0.6, "Fairly sure"], [1, "Very sure"]];

/** The vote of a room, for one who takes part. @param {{seat: Seat}} props */
export function PollCard({ seat }) {
  const room = seat.room;
  const poll = room?.poll ?? null;
  if (room === undefined || poll === null) return html`<p class="quiet none">No vote is open.</p>`;
  return html`
    <section class=${`poll ${poll.phase}`} aria-label="Vote">
      <${PollHead} poll=${poll} left_ms=${seat.left_ms} />
      <div class="ask-all" dir="auto" id="poll-prompt"><${Markup} text=${poll.prompt} /></div>
      ${poll.phase === "voting" && html`<${Ballot} seat=${seat} poll=${poll} />`}
      ${poll.phase === "discuss" && html`<${Discuss} seat=${seat} poll=${poll} />`}
      ${poll.phase === "revealed" && html`<${Revealed} poll=${poll} mine=${room.you.vote?.choice ?? ""} />`}
      ${poll.phase === "voting" && html`<p class="quiet voters">${votersWords(poll.n)}</p>`}
    </section>`;
}

/** @param {number} n */
export function votersWords(n) {
  return n === 0 ? "Nobody has voted yet." : `${n} ${n === 1 ? "has" : "have"} voted.`;
}

/** @param {{poll: Poll, left_ms: number|null, heading?: "h2"|"h3"}} props */
export function PollHead({ poll, left_ms, heading = "h3" }) {
  return html`<header class="poll-head">
    <${heading}>${phaseWords(poll)}</${heading}>
    ${left_ms !== null && html`<p class="countdown" role="timer" aria-live="off">${clockWords(left_ms)}</p>`}
  </header>`;
}

/** @param {Poll} poll */
export function phaseWords({ phase, round }) {
  if (phase === "discuss") return "Talk it over";
  if (phase === "revealed") return "The result";
  return round > 1 ? "Vote again" : "Vote";
}

/** @param {number} left_ms */
export function clockWords(left_ms) {
  const s = Math.ceil(left_ms / 1000);
  return s <= 0 ? "closing" : s < 60 ? `${s} s left` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} left`;
}

/** @param {{seat: Seat, poll: Poll}} props */
function Ballot({ seat, poll }) {
  const { ballot, isVoted } = seat;
  if (ballot === null) return null;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    void seat.vote();
  };
  const first = poll.round > 1 && seat.room?.you.vote ? seat.room.you.vote : null;
  return html`<form class="ballot" onSubmit=${send}>
    ${first && first.round < poll.round && html`<p class="quiet">Your first vote was ${letter(first.choice)}.</p>`}
    <fieldset class="choices"><legend class="unseen">Your vote</legend>
      ${poll.choices.map(({ id, text }) => html`
        <label key=${id} class="choice"><input type="radio" name="vote" value=${id} checked=${ballot.choice === id}
          onChange=${() => seat.fill({ choice: id })} /><b class="letter">${letter(id)}</b><span dir="auto"><${Inline} text=${text} /></span></label>`)}
    </fieldset>
    <fieldset class="steps-of"><legend>How sure?</legend>
      ${SURE.map(([value, words]) => html`
        <label key=${words} class="step"><input type="radio" name="sure" checked=${ballot.confidence === value}
          onChange=${() => seat.fill({ confidence: value })} /><span>${words}</span></label>`)}
    </fieldset>
    ${poll.predict && html`<p class="predict"><label for="predicted">Out of 100, how many will vote as you do?</label>
      <input id="predicted" type="number" min="0" max="100" step="1" inputmode="numeric"
        value=${ballot.predicted === null ? "" : Math.round(100 * ballot.predicted)} onInput=${(/** @type {any} */ event) => seat.fill({ predicted: shareOf(event.target.value) })} /></p>`}
    ${seat.refusedAt("poll") && html`<p class="problem" role="alert">${seat.refusedAt("poll")}</p>`}
    <div class="box end">
      <p class="quiet">${isVoted ? `You voted ${letter(ballot.choice)}. You may change it until the vote closes.` : ""}</p>
      <button class="primary" data-act="vote" aria-disabled=${isVoted} aria-busy=${seat.voting}>${isVoted ? "Voted" : seat.room?.you.vote?.round === poll.round ? "Change vote" : "Vote"}</button>
    </div>
  </form>`;
}

/** @param {string} text from 0 to 100 @returns {number|null} */
function shareOf(text) {
  const value = Number(text);
  return text === "" || Number.isNaN(value) ? null : Math.min(100, Math.max(0, value)) / 100;
}

/** @param {{seat: Seat, poll: Poll}} props */
function Discuss({ seat, poll }) {
  const mine = seat.room?.you.vote?.choice ?? "";
  return html`<ul class="said-choices">${poll.choices.map(({ id, text }) => html`
      <li key=${id} class=${id === mine ? "mine" : ""}><b class="letter">${letter(id)}</b><span dir="auto"><${Inline} text=${text} /></span>${id === mine && html`<span class="tag">your vote</span>`}</li>`)}
    </ul>
    ${seat.refusedAt("poll") && html`<p class="problem" role="alert">${seat.refusedAt("poll")}</p>`}
    <p class="note-box">Find somebody who chose another answer. Say why you chose yours, and hear why they chose theirs. Then you vote again.</p>`;
}

/** The result, once it may be seen. @param {{poll: Poll, mine?: string}} props */
export function Revealed({ poll, mine = "" }) {
  const reveal = poll.reveal;
  if (reveal === null) return null;
  const rounds = told(reveal.rounds);
  return html`
    <${Bars} choices=${poll.choices} rounds=${rounds} right=${reveal.right} mine=${mine} />
    ${reveal.suppressed && html`<p class="quiet">Where fewer than 5 voted no numbers are shown.</p>`}
    ${gainWords(reveal.gain) && html`<p class="gain">${gainWords(reveal.gain)}</p>`}
    ${reveal.surprising && reveal.surprising !== reveal.right && html`<p class="quiet">More chose ${letter(reveal.surprising)} than was expected.</p>`}`;
}

/** The rounds of which numbers are told. @param {(Round|null)[]} rounds @returns {Round[]} */
export function told(rounds) {
  return rounds.filter((round) => round !== null && round.totals !== null).map((round) => /** @type {Round} */ (round));
}

/** Hake's gain in words. @param {number|null} gain */
export function gainWords(gain) {
  if (gain === null) return "";
  const percent = Math.round(100 * Math.abs(gain));
  if (gain > 0) return `Talking helped: ${percent} % of what was missing to all right was gained.`;
  return gain < 0 ? "After talking fewer were right than before." : "As many were right before talking as after.";
}

/**
 * Bars of every round under each choice: the first hollow, the second full.
 * @param {{choices: Poll["choices"], rounds: Round[], right: string|null, mine?: string}} props
 */
export function Bars({ choices, rounds, right, mine = "" }) {
  return html`<ul class="bars">${choices.map(({ id, text }) => html`
    <li key=${id} class=${id === right ? "right" : ""}>
      <p><b class="letter">${letter(id)}</b><span dir="auto"><${Inline} text=${text} /></span>
        ${id === right && html`<span class="tag good"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8.500l3.500 3.500L13 5" /></svg>right</span>`}
        ${id === mine && html`<span class="tag">your vote</span>`}</p>
      ${rounds.map((round) => {
        const { share, words } = cellOf(round, id);
        return html`<div key=${round.round} class=${`vote-bar round-${round.round}`}>
          ${rounds.length > 1 && html`<span class="round-name">${round.round === 1 ? "before" : "after"}</span>`}
          <span class="length" aria-hidden="true"><i style=${`--share: ${share}`}></i></span><span class="figures">${words}</span></div>`;
      })}
    </li>`)}</ul>`;
}

/** @param {Round} round @param {string} choice @returns {Cell} */
export function cellOf({ n, totals }, choice) {
  const votes = totals?.[choice] ?? 0;
  const share = n > 0 ? votes / n : 0;
  return { n: votes, share, words: `${votes} of ${n} (${Math.round(100 * share)} %)` };
}

/** A choice's sign: its id is a small letter. @param {string} id */
export function letter(id) {
  return id.toUpperCase();
}
