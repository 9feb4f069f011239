// Pairs and groups: a preview for the facilitator, what was told to everyone, who helps whom, who
// talks. This file draws them.

import { learnersOf, nameOf } from "../client/room.js";
import { html } from "../vendor/htm-preact.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("../client/room.js").Room} Room */
/** @typedef {{members: string[], reason: string}} Preview */
/** @typedef {{from: string, to: string, weight: number}} Edge */

const SIZES = [2, 3, 4, 5, 6];
/** The drawing's side, and how far from its middle the names stand, in its own units. */
const SIDE = 320;
const RING = 118;
/** More than so many names in a ring hide each other: then the list alone is shown. */
const DRAWN_MOST = 30;

/** @param {{desk: Desk}} props */
export function Groups({ desk }) {
  const room = desk.room;
  if (room === undefined) return null;
  const names = (/** @type {string[]} */ members) => members.map((id) => nameOf(room, id)).join(", ");
  return html`
    <p class="act-row">
      <button type="button" data-act="pair" onClick=${() => desk.suggestPairs("votes")}>Pairs who voted differently</button>
      <button type="button" data-act="tutors" onClick=${() => desk.suggestPairs("tutors")}>Pairs who can help</button>
    </p>
    <p class="act-row">
      <button type="button" data-act="group" onClick=${() => desk.suggestGroups()}>Suggest groups</button>
      <label class="size">of <select aria-label="Members of a group" onChange=${(/** @type {any} */ event) => { desk.size = Number(event.target.value); desk.changed(); }}>
        ${SIZES.map((n) => html`<option key=${n} value=${n} selected=${n === desk.size}>${n}</option>`)}</select></label>
    </p>
    <${Suggested} desk=${desk} kind="pairs" names=${names} />
    <${Suggested} desk=${desk} kind="groups" names=${names} />
    ${room.pairs.length > 0 && html`<h3>Invited</h3><ul class="sets">${room.pairs.map(({ id, members, state }) => html`<li key=${id}><bdi>${names(members)}</bdi> <span class="tag">${state}</span></li>`)}</ul>`}
    ${room.groups.length > 0 && html`<h3>Groups</h3><ul class="sets">${room.groups.map(({ id, members }) => html`<li key=${id}><bdi>${names(members)}</bdi></li>`)}</ul>`}`;
}

/** @param {{desk: Desk, kind: "pairs"|"groups", names: (members: string[]) => string}} props */
function Suggested({ desk, kind, names }) {
  const told = desk.room?.told[kind];
  const sets = previewOf(told, kind);
  if (sets === null || desk.applied.has(told)) return null;
  if (sets.length === 0) return html`<p class="note-box">No ${kind} can be suggested yet.</p>`;
  return html`<section class="note-box" aria-label=${`Suggested ${kind}`}>
    <p class="quiet">A suggestion, by what is known of them. Nobody has been told of it yet.</p>
    <ul class="sets">${sets.map(({ members, reason }) => html`<li key=${members.join()}><bdi>${names(members)}</bdi>${reason && html` <span class="quiet">${reason}</span>`}
      ${kind === "groups" && html`<label class="opt"><input type="checkbox" checked=${desk.locks.has(members.join())} onChange=${() => desk.turnLock(members)} /> Keep together when groups are suggested anew</label>`}</li>`)}</ul>
    <button type="button" class="primary" data-act=${`apply-${kind}`} onClick=${() => desk.apply(kind, sets)}>${kind === "pairs" ? "Invite these pairs" : "Tell everyone"}</button>
  </section>`;
}

/** @param {any} told @param {"pairs"|"groups"} kind @returns {Preview[]|null} */
function previewOf(told, kind) {
  const sets = told?.[kind];
  if (!Array.isArray(sets)) return null;
  return sets.map((one) => (Array.isArray(one) ? { members: one, reason: "" } : { members: one.members, reason: one.reason ?? "" }));
}

/** Who helped whom, as a list and as a ring; who did neither. @param {{desk: Desk}} props */
export function Help({ desk }) {
  const room = desk.room;
  if (room === undefined) return null;
  return html`<${Balance} room=${room} /><${Network} room=${room} />`;
}

/** @param {{room: Room}} props */
function Balance({ room }) {
  const talk = room.told.talk;
  if (!talk) return html`<p class="quiet">Who talks is shown once enough was said.</p>`;
  const silent = (talk.silent ?? []).map((/** @type {string} */ id) => nameOf(room, id));
  const nudge = reasonWords(talk.nudge);
  return html`<h3>Talk</h3>
    ${nudge && html`<p class="note-box">${nudge}</p>`}
    ${typeof talk.gini === "number" && html`<p class="quiet">Share of talk: ${talk.gini < 0.3 ? "even" : talk.gini <= 0.6 ? "somewhat uneven" : "very uneven"} (Gini ${talk.gini.toFixed(2)}).</p>`}
    ${silent.length > 0 && html`<p>Have not spoken lately: <bdi>${silent.join(", ")}</bdi></p>`}`;
}

/** @param {any} reason */
function reasonWords(reason) {
  return typeof reason === "string" ? reason : (reason?.text ?? "");
}

/** @param {{room: Room}} props */
function Network({ room }) {
  const network = room.told.network;
  if (!network) return html`<h3>Help</h3><p class="quiet">Nobody has thanked anybody yet.</p>`;
  if (network.hidden) return html`<h3>Help</h3><p class="quiet">Shown from 8 learners on.</p>`;
  const edges = edgesOf(network);
  const isolates = (network.isolates ?? []).map((/** @type {string} */ id) => nameOf(room, id));
  return html`<h3>Help</h3>
    ${edges.length > 0 && html`<${Ring} room=${room} edges=${edges} />`}
    <ul class="sets" aria-label="Who helped whom">${edges.map(({ from, to, weight }) => html`
      <li key=${`${from} ${to}`}><bdi>${nameOf(room, from)}</bdi> helped <bdi>${nameOf(room, to)}</bdi> <span class="tag">${weight} ${weight === 1 ? "time" : "times"}</span></li>`)}</ul>
    ${isolates.length > 0 && html`<p>Neither gave nor got help: <bdi>${isolates.join(", ")}</bdi></p>`}`;
}

/** @param {any} network @returns {Edge[]} */
function edgesOf(network) {
  return (network.edges ?? [])
    .map((/** @type {any} */ edge) => (Array.isArray(edge) ? { from: edge[0], to: edge[1], weight: edge[2] } : edge))
    .sort((/** @type {Edge} */ a, /** @type {Edge} */ b) => b.weight - a.weight);
}

/** @param {{room: Room, edges: Edge[]}} props */
function Ring({ room, edges }) {
  const ids = [...new Set([...learnersOf(room).map(({ id }) => id), ...edges.flatMap(({ from, to }) => [from, to])])];
  if (ids.length > DRAWN_MOST) return null;
  const most = Math.max(...edges.map(({ weight }) => weight));
  const at = new Map(ids.map((id, n) => {
    const angle = (2 * Math.PI * n) / ids.length - Math.PI / 2;
    return [id, { x: SIDE / 2 + RING * Math.cos(angle), y: SIDE / 2 + RING * Math.sin(angle) }];
  }));
  return html`<svg class="ring" viewBox=${`0 0 ${SIDE} ${SIDE}`} role="img" aria-label="Who helped whom; the list below says the same">
    <defs><marker id="tip" viewBox="0 0 8 8" refX="14" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0l8 4-8 4z" /></marker></defs>
    ${edges.map(({ from, to, weight }) => {
      const [a, b] = [at.get(from), at.get(to)];
      return a && b && html`<line key=${`${from} ${to}`} x1=${a.x} y1=${a.y} x2=${b.x} y2=${b.y} stroke-width=${1 + (2.5 * weight) / most} marker-end="url(#tip)" />`;
    })}
    ${[...at].map(([id, { x, y }]) => html`<g key=${id}><circle cx=${x} cy=${y} r="6" /><text x=${x} y=${y + (y < SIDE / 2 ? -11 : 20)}>${nameOf(room, id)}</text></g>`)}
  </svg>`;
}
