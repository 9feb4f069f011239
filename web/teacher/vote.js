// The vote from the facilitator's side: the form, live totals, what they suggest, what comes next.
// This file draws it.

import { learnersOf } from "../client/room.js";
import { Bars, letter, phaseWords, PollHead, Revealed } from "../shared/poll.js";
import { Markup } from "../shared/markup.js";
import { html } from "../vendor/htm-preact.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("../client/room.js").Poll} Poll */
/** @typedef {import("../client/room.js").Totals} Totals */

/** How long a round may be, in seconds; 0 is until it is closed by hand. */
const SECONDS = [0, 30, 60, 90, 120, 180];

/** @type {Record<string, string>} */
const SUGGESTIONS = {
  discuss: "Opinions differ: let them talk it over, then vote again.",
  reveal: "Most are right: reveal, and go on.",
  explain: "Few are right: explain it once more before a second vote.",
};

/** @param {{desk: Desk}} props */
export function Vote({ desk }) {
  const poll = desk.room?.poll ?? null;
  const running = poll !== null && poll.phase !== "revealed";
  return html`<section class="card part vote-desk" aria-labelledby="vote-title">
    <h2 id="vote-title">Vote</h2>
    ${desk.problem && html`<p class="problem" role="alert">${desk.problem}</p>`}
    ${running && html`<${Running} desk=${desk} poll=${poll} />`}
    ${poll?.phase === "revealed" && html`<${Result} poll=${poll} />`}
    ${!running && html`<${NewPoll} desk=${desk} />`}
  </section>`;
}

/** @param {{desk: Desk, poll: Poll}} props */
function Running({ desk, poll }) {
  const totals = desk.room?.totals ?? null;
  const voting = poll.phase === "voting";
  return html`<div class=${`poll ${poll.phase}`}>
    <${PollHead} poll=${poll} left_ms=${desk.seat.left_ms} />
    <div class="ask-all" dir="auto"><${Markup} text=${poll.prompt} /></div>
    <${Live} desk=${desk} poll=${poll} totals=${totals} />
    <p class="act-row">
      ${voting && poll.round === 1 && html`<button type="button" class="primary" data-act="discuss" onClick=${() => desk.close("discuss")}>Close and discuss</button>`}
      ${!voting && poll.round === 1 && html`<button type="button" class="primary" data-act="again" onClick=${() => desk.again()}>Vote again</button>`}
      <button type="button" class=${voting && poll.round > 1 ? "primary" : ""} data-act="reveal" onClick=${() => desk.close("reveal")}>${voting ? "Close and reveal" : "Reveal"}</button>
      ${!voting && html`<button type="button" data-act="pairs" onClick=${() => desk.suggestPairs("votes")}>Suggest pairs</button>`}
    </p>
    ${!voting && poll.round === 1 && html`<${Seconds} id="again-seconds" label="The second vote lasts" value=${desk.seconds} set=${(/** @type {number} */ s) => { desk.seconds = s; desk.changed(); }} />`}
  </div>`;
}

/** Totals that nobody else sees. @param {{desk: Desk, poll: Poll, totals: Totals|null}} props */
function Live({ desk, poll, totals }) {
  const here = desk.room === undefined ? 0 : learnersOf(desk.room).length;
  const n = totals?.n ?? poll.n;
  const round = totals?.totals ? [{ round: 1, n, totals: totals.totals, weighted: null }] : [];
  return html`
    <p class="quiet">${n} of ${here} have voted. The bars are for you alone.</p>
    <${Bars} choices=${poll.choices} rounds=${round} right=${null} />
    <p class="figures-line">
      ${totals?.share_right !== null && totals !== null && html`<b>${Math.round(100 * totals.share_right)} % right</b> `}
      ${sureWords(totals)}</p>
    ${totals?.suggests && n > 0 && html`<p class="note-box suggestion"><b>Suggested:</b> ${SUGGESTIONS[totals.suggests] ?? totals.suggests}</p>`}`;
}

/** @param {Totals|null} totals */
function sureWords(totals) {
  const sure = Object.entries(totals?.confidence ?? {}).filter(([, mean]) => mean !== null && mean !== undefined);
  if (sure.length === 0) return "";
  return `How sure: ${sure.map(([id, mean]) => `${letter(id)} ${Math.round(100 * Number(mean))} %`).join(", ")}`;
}

/** @param {{poll: Poll}} props */
function Result({ poll }) {
  return html`<div class="poll revealed"><h3>${phaseWords(poll)}</h3>
    <div class="ask-all" dir="auto"><${Markup} text=${poll.prompt} /></div>
    <${Revealed} poll=${poll} /></div>`;
}

/** @param {{desk: Desk}} props */
function NewPoll({ desk }) {
  const { form } = desk;
  return html`<form class="new-poll" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); desk.open(); }}>
    <h3>New question</h3>
    <${FromCourse} desk=${desk} />
    ${form.item === "" && html`<${Written} desk=${desk} />`}
    <${Seconds} id="seconds" label="The vote lasts" value=${form.seconds} set=${(/** @type {number} */ seconds) => desk.fill({ seconds })} />
    <label class="check"><input type="checkbox" checked=${form.predict} onChange=${(/** @type {any} */ event) => desk.fill({ predict: event.target.checked })} /> Ask too how many will vote alike</label>
    <button class="primary" data-act="open">Open the vote</button>
  </form>`;
}

/** An item of a course in place of a question of one's own. @param {{desk: Desk}} props */
function FromCourse({ desk }) {
  const offered = desk.offered();
  if (offered.length === 0) return null;
  const several = new Set(offered.map(({ course }) => course)).size > 1;
  return html`<p class="choose"><label for="of-course">Ask</label>
    <select id="of-course" onChange=${(/** @type {any} */ event) => desk.fill({ item: event.target.value })}>
      <option value="" selected=${desk.form.item === ""}>a question of your own</option>
      ${offered.map(({ course, item, title }) => html`<option key=${item} value=${item} selected=${item === desk.form.item}>${several ? `${course}: ${title}` : title}</option>`)}
    </select></p>
    ${desk.form.item !== "" && html`<p class="quiet">Question, choices and the right one are the course's. After the reveal a vote counts as an answer in the voter's own lesson.</p>`}`;
}

/** A question of one's own. @param {{desk: Desk}} props */
function Written({ desk }) {
  const { form } = desk;
  return html`
    <label for="prompt">Question</label>
    <input id="prompt" type="text" dir="auto" autocomplete="off" maxlength="1000" value=${form.prompt} onInput=${(/** @type {any} */ event) => desk.fill({ prompt: event.target.value })} />
    <fieldset><legend>Choices; mark the right one, if there is one</legend>
      ${form.choices.map((text, n) => {
        const sign = letter("abcdefghijkl"[n] ?? "");
        return html`<div class="choice-row" key=${n}>
          <input type="radio" name="right" aria-label=${`${sign} is right`} checked=${form.right === n} onChange=${() => desk.fill({ right: n })} />
          <label for=${`choice-${n}`}><b class="letter">${sign}</b><span class="unseen"> choice</span></label>
          <input id=${`choice-${n}`} type="text" dir="auto" autocomplete="off" maxlength="300" value=${text} onInput=${(/** @type {any} */ event) => desk.fillChoice(n, event.target.value)} />
        </div>`;
      })}
      <p class="act-row"><button type="button" class="small" disabled=${!desk.mayAdd} onClick=${() => desk.addChoice()}>One more choice</button>
        <button type="button" class="small" disabled=${!desk.mayRemove} onClick=${() => desk.removeChoice()}>One fewer</button>
        <button type="button" class="small" disabled=${form.right === null} onClick=${() => desk.fill({ right: null })}>None is right</button></p>
    </fieldset>`;
}

/** @param {{id: string, label: string, value: number, set: (seconds: number) => void}} props */
function Seconds({ id, label, value, set }) {
  return html`<p class="choose"><label for=${id}>${label}</label>
    <select id=${id} onChange=${(/** @type {any} */ event) => set(Number(event.target.value))}>
      ${SECONDS.map((s) => html`<option key=${s} value=${s} selected=${s === value}>${s === 0 ? "until you close it" : `${s} seconds`}</option>`)}
    </select></p>`;
}
