// A study room as its members see it, folded from events. This file is pure: the server's snapshot
// has the same form, so a room folded from the stream and one restored from a snapshot agree.

import { turnsAfter, turnsOf } from "./lesson.js";

/** @typedef {import("./wire.js").Frame} Frame */
/** @typedef {import("./lesson.js").Turn} Turn */
/** @typedef {"facilitator"|"member"} Role */
/** @typedef {{name: string, role: string, connections: string[]}} Member */
/** @typedef {{q: number, member: string, name: string, text: string, ts: number}} Say */
/** A turn of the room's tutor; `by` asked for it, at `ts` (ms since 1970, 0 where that is not told). @typedef {Turn & {by: string, ts: number}} RoomTurn */
/** @typedef {{poll: string, round: number, choice: string, confidence: number|null, predicted: number|null}} Vote */
/**
 * What one round came to. `weighted` counts each vote by its confidence. Both are null where too
 * few voted to tell numbers.
 * @typedef {{round: number, n: number, totals: Record<string, number>|null, weighted: Record<string, number>|null}} Round
 */
/**
 * @typedef {object} Reveal
 * @property {string} poll
 * @property {string|null} right id of the right choice
 * @property {(Round|null)[]} rounds
 * @property {number|null} gain Hake's: the share of what could be gained that was
 * @property {string|null} surprising id of the choice more popular than predicted
 * @property {boolean} suppressed too few voted: there are no numbers
 */
/**
 * @typedef {object} Poll
 * @property {string} poll
 * @property {"voting"|"discuss"|"revealed"} phase
 * @property {number} round
 * @property {string} prompt
 * @property {{id: string, text: string}[]} choices
 * @property {number|null} closes_at by the server's clock, in ms since 1970
 * @property {boolean} predict voters say too what share will vote alike
 * @property {number} n votes of this round
 * @property {Reveal|null} reveal
 */
/** @typedef {{id: string, members: string[], reason: string}} Group */
/** @typedef {{id: string, members: string[], state: "invited"|"together"|"declined"|string}} Pair */
/**
 * What only a facilitator is told of the running round; the newest stands.
 * @typedef {{poll: string, round: number, n: number, totals: Record<string, number>|null,
 *   share_right: number|null, confidence: Record<string, number|null>, suggests: string|null}} Totals
 */
/**
 * @typedef {object} Room
 * @property {string} rid
 * @property {string} title
 * @property {string} code
 * @property {{member: string, role: string, vote: Vote|null}} you
 * @property {Record<string, Member>} members by member id; only those who are here
 * @property {Record<string, string>} names of everyone who was ever heard of
 * @property {Say[]} says
 * @property {Poll|null} poll
 * @property {string[]} voted who voted in this round, as far as it was told
 * @property {Record<string, {v: any, by: string}>} board
 * @property {Group[]} groups
 * @property {Pair[]} pairs
 * @property {RoomTurn[]} turns
 * @property {{name: string, gain: number, you: boolean}[]} leader gains in hundredths of mastery
 * @property {Totals|null} totals
 * @property {Record<string, any>} told what a facilitator was told last, by kind of `board`
 */

/** As many as the server keeps, so that a fold and a snapshot agree. */
const SAYS_KEPT = 50;
const TURNS_KEPT = 60;
/** "Guest 9" stands before "Guest 10". */
const ORDER = new Intl.Collator(undefined, { numeric: true });

/** @param {string} rid @returns {Room} */
export function emptyRoom(rid) {
  return {
    rid, title: "", code: "", you: { member: "", role: "member", vote: null }, members: {}, names: {},
    says: [], poll: null, voted: [], board: {}, groups: [], pairs: [], turns: [], leader: [],
    totals: null, told: {},
  };
}

/**
 * The room of a snapshot; what is told beside the log stays until it is told anew.
 * @param {Room} before
 * @param {any} state
 * @param {{gen: string, text: string, next_i: number, status: string}[]} gens
 * @returns {Room}
 */
export function roomOf(before, state, gens) {
  const found = state ?? {};
  const members = found.members ?? {};
  const says = found.says ?? [];
  const poll = found.poll ? pollOf(found.poll) : null;
  const turns = turnsOf(found.turns ?? [], gens).map((turn) => inRoom(turn, found.turns ?? []));
  const kept = sameRound(before.poll, poll);
  return {
    ...before,
    title: found.title ?? before.title,
    code: found.code ?? before.code,
    you: { ...before.you, ...found.you, vote: ofRound(found.you?.vote ?? null, poll) },
    members,
    names: { ...before.names, ...namesOf(says), ...namesOf(entries(members)) },
    says,
    poll,
    voted: poll?.voters ?? (kept ? before.voted : []),
    totals: kept ? before.totals : null,
    board: found.board ?? {},
    groups: found.groups ?? [],
    pairs: found.pairs ?? [],
    turns,
  };
}

/** @type {Record<string, (room: Room, event: Frame) => Partial<Room>>} */
const RULES = {
  presence: (room, { joins, leaves, names }) => present(room, joins, leaves, names),
  "room.event": (room, event) => KINDS[event.kind]?.(room, event.data ?? {}, event) ?? {},
  "turn.started": (room, event) => spoken(room, event),
  delta: (room, event) => spoken(room, event),
  "turn.restarted": (room, event) => spoken(room, event),
  "turn.done": (room, event) => spoken(room, event),
};

/** @type {Record<string, (room: Room, data: any, event: Frame) => Partial<Room>>} */
const KINDS = {
  say: ({ says, names }, { member, name, text }, { q, ts }) => ({
    says: [...says, { q, member, name, text, ts }].slice(-SAYS_KEPT),
    names: { ...names, [member]: name },
  }),
  poll: ({ poll, you, voted, totals }, data) => {
    const next = { ...pollOf(data), reveal: poll?.poll === data.poll ? (poll?.reveal ?? null) : null };
    const goesOn = sameRound(poll, next);
    if (goesOn && poll !== null) next.n = poll.n;
    return {
      poll: next, voted: goesOn ? voted : [], totals: goesOn ? totals : null,
      you: { ...you, vote: you.vote?.poll === next.poll ? you.vote : null },
    };
  },
  vote_count: ({ poll, voted }, { poll: of, round, n, voters }) => {
    if (poll === null || poll.poll !== of || poll.round !== round) return {};
    return { poll: { ...poll, n }, voted: [...new Set([...voted, ...(voters ?? [])])] };
  },
  reveal: ({ poll }, data) => {
    if (poll === null || poll.poll !== data.poll) return {};
    return { poll: { ...poll, phase: "revealed", closes_at: null, reveal: revealOf(data) } };
  },
  board: ({ board }, { key, v, by }) => {
    const { [key]: _, ...rest } = board;
    return { board: v === null || v === undefined ? rest : { ...board, [key]: { v, by } } };
  },
  group: ({ groups, pairs }, data) => ({
    groups: data.groups ?? groups,
    pairs: data.pairs ? paired(pairs, data.pairs) : pairs,
  }),
};

/**
 * The room after one durable event; the argument is left as it was.
 * @param {Room} room
 * @param {Frame} event
 * @returns {Room}
 */
export function folded(room, event) {
  const rule = RULES[event.t];
  return rule === undefined ? room : { ...room, ...rule(room, event) };
}

/**
 * The room after an event without a place (`q` 0): it settles a command, or replaces what was told.
 * @param {Room} room
 * @param {Frame} event
 * @returns {Room}
 */
export function replaced(room, event) {
  if (event.t === "ok") return event.changed?.rid ? joined(room, event.changed) : room;
  if (event.t === "board") return { ...room, told: { ...room.told, [event.kind]: event.data ?? null } };
  if (event.t !== "room.event") return room;
  if (event.kind === "leader") return { ...room, leader: event.data?.rows ?? [] };
  return event.kind === "vote_count" ? { ...room, ...counted(room, event.data ?? {}) } : room;
}

/**
 * The room after the own vote was taken.
 * @param {Room} room
 * @param {{poll: string, round: number, choice: string, confidence?: number|null, predicted?: number|null}} vote
 * @returns {Room}
 */
export function withVote(room, { poll, round, choice, confidence = null, predicted = null }) {
  return { ...room, you: { ...room.you, vote: { poll, round, choice, confidence, predicted } } };
}

/** The name of a member, or what stands for it until it is heard. @param {Room} room @param {string} member */
export function nameOf(room, member) {
  return room.members[member]?.name || room.names[member] || "A member";
}

/** Members who are here and take part, sorted by name. @param {Room} room */
export function learnersOf(room) {
  return byName(room).filter(({ role }) => role !== "facilitator");
}

/** Facilitators who are here, sorted by name; a wall is one of them. @param {Room} room */
export function leadersOf(room) {
  return byName(room).filter(({ role }) => role === "facilitator");
}

/** @param {Room} room @returns {(Member & {id: string})[]} */
function byName(room) {
  return entries(room.members)
    .sort((a, b) => ORDER.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
}

/** @param {Record<string, Member>} members */
function entries(members) {
  return Object.entries(members).map(([id, member]) => ({ id, ...member }));
}

/** @param {{id?: string, member?: string, name: string}[]} told */
function namesOf(told) {
  return Object.fromEntries(told.map(({ id, member, name }) => [id ?? member, name]));
}

/**
 * Joins before leaves: a connection in both has gone.
 * @param {Room} room
 * @param {Record<string, string[]>} joins
 * @param {Record<string, string[]>} leaves
 * @param {Record<string, any>|undefined} told names of those who joined, where they are told
 */
function present({ members, names, you }, joins, leaves, told) {
  const next = { ...members };
  const known = { ...names };
  for (const [id, cids] of Object.entries(joins ?? {})) {
    const { name = known[id] ?? "", role } = personOf(told?.[id]);
    if (name) known[id] = name;
    const had = next[id];
    next[id] = {
      name: name || (had?.name ?? ""),
      role: role ?? had?.role ?? (id === you.member ? you.role : "member"),
      connections: [...new Set([...(had?.connections ?? []), ...cids])],
    };
  }
  for (const [id, cids] of Object.entries(leaves ?? {})) {
    const had = next[id];
    if (had === undefined) continue;
    const connections = had.connections.filter((cid) => !cids.includes(cid));
    if (connections.length > 0) next[id] = { ...had, connections };
    else delete next[id];
  }
  return { members: next, names: known };
}

/** @param {any} told @returns {{name?: string, role?: string}} */
function personOf(told) {
  return typeof told === "string" ? { name: told } : (told ?? {});
}

/** @param {any} data @returns {Poll & {voters?: string[]}} */
function pollOf(data) {
  return {
    poll: data.poll, phase: data.phase, round: data.round ?? 1, prompt: data.prompt ?? "",
    choices: data.choices ?? [], closes_at: data.closes_at ?? null, predict: data.predict === true,
    n: data.n ?? 0, reveal: data.reveal ? revealOf(data.reveal) : null,
    ...(data.voters ? { voters: data.voters } : {}),
  };
}

/** @param {any} data @returns {Reveal} */
function revealOf(data) {
  return {
    poll: data.poll, right: data.right ?? null, rounds: data.rounds ?? [], gain: data.gain ?? null,
    surprising: data.surprising ?? null, suppressed: data.suppressed === true,
  };
}

/** @param {Poll|null} a @param {Poll|null} b */
function sameRound(a, b) {
  return a !== null && b !== null && a.poll === b.poll && a.round === b.round;
}

/** @param {any} vote @param {Poll|null} poll @returns {Vote|null} */
function ofRound(vote, poll) {
  if (vote === null || poll === null) return null;
  const { poll: of = poll.poll, round = poll.round, choice, confidence = null, predicted = null } = vote;
  return of === poll.poll ? { poll: of, round, choice, confidence, predicted } : null;
}

/** Pairs told one by one take the place of those known under their ids. @param {Pair[]} pairs @param {Pair[]} told */
function paired(pairs, told) {
  const ids = new Set(told.map(({ id }) => id));
  return [...pairs.filter(({ id }) => !ids.has(id)), ...told];
}

/** @param {Room} room @param {any} data @returns {Partial<Room>} */
function counted({ poll, voted }, data) {
  if (poll === null || poll.poll !== data.poll || poll.round !== data.round) return {};
  const { n = 0, totals = null, share_right = null, confidence = {}, suggests = null } = data;
  return {
    totals: { poll: data.poll, round: data.round, n, totals, share_right, confidence: confidence ?? {}, suggests },
    voted: [...new Set([...voted, ...(data.voters ?? [])])],
  };
}

/** @param {Room} room @param {any} changed @returns {Room} */
function joined(room, { title, code, member, role }) {
  const you = { ...room.you, member: member ?? room.you.member, role: role ?? room.you.role };
  return { ...room, title: title ?? room.title, code: code ?? room.code, you };
}

/** @param {Room} room @param {Frame} event */
function spoken({ turns }, event) {
  const next = turnsAfter(turns, event).slice(-TURNS_KEPT);
  return { turns: next.map((turn) => (turn.gen === event.gen ? inRoom(turn, turns, event) : /** @type {RoomTurn} */ (turn))) };
}

/**
 * A turn with who asked for it and when.
 * @param {Turn} turn
 * @param {any[]} known
 * @param {Frame} [event]
 * @returns {RoomTurn}
 */
function inRoom(turn, known, event) {
  const had = known.find(({ gen }) => gen === turn.gen);
  const began = event?.t === "turn.started" ? event : undefined;
  return { ...turn, by: had?.by ?? began?.by ?? "", ts: had?.ts ?? began?.ts ?? 0 };
}
