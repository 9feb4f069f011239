// The wire tutorstream.v1 as types. Written by `tutorstream protocol schema --ts`; not by hand.

/**
 * First frame of a connection: who comes, and what it already has. Resume is part of it.
 */
export interface Hello {
  readonly t: "hello";
  readonly token?: string | null;
  readonly sid?: string | null;
  readonly have?: Have[];
  readonly client?: Client;
  readonly window?: number | null;
}

/**
 * How far a client has applied one log; `gen`, `i`: a running generation's next chunk.
 */
export interface Have {
  readonly s: string;
  readonly epoch: string;
  readonly q: number;
  readonly gen?: string | null;
  readonly i?: number | null;
}

/**
 * Who speaks; kept for the operator's statistics only.
 */
export interface Client {
  readonly name?: string;
  readonly version?: string;
}

/**
 * All events up to these positions were applied (log -> q); cumulative.
 */
export interface Ack {
  readonly t: "ack";
  readonly pos: Record<string, number>;
}

/**
 * The client saw a gap: send again what follows `q` of this epoch (q=0: everything).
 */
export interface Sync {
  readonly t: "sync";
  readonly s: string;
  readonly epoch: string;
  readonly q: number;
}

/**
 * A fresh token for the same session; the socket stays.
 */
export interface AuthRefresh {
  readonly t: "auth.refresh";
  readonly id: string;
  readonly token: string;
}

/**
 * Answer to `ping`.
 */
export interface Pong {
  readonly t: "pong";
}

/**
 * A clean leave; a running generation goes on.
 */
export interface Bye {
  readonly t: "bye";
}

/**
 * Begin a lesson; without `course`, the first one the server was given.
 *
 * `locale` is the learner's language (BCP 47): the course speaks it where it can, else its own.
 * Without it the preference of that name counts.
 */
export interface LessonStart {
  readonly t: "lesson.start";
  readonly id: string;
  readonly course?: string | null;
  readonly mode?: "exam" | "peer" | "practice" | "review" | "socratic" | "worked" | null;
  readonly seed?: number | null;
  readonly locale?: string | null;
}

/**
 * Leave this item and take the next one; `skill` asks for a topic.
 */
export interface ItemNext {
  readonly t: "item.next";
  readonly id: string;
  readonly skill?: string | null;
}

/**
 * One answer to the current item; `taken_ms` is the learner's own time on it.
 *
 * With `at` it answers a scaffold or a blank instead: help, never a try at the item.
 */
export interface AnswerSubmit {
  readonly t: "answer.submit";
  readonly id: string;
  readonly item: string;
  readonly response: string | number | unknown[] | Record<string, unknown>;
  readonly taken_ms?: number;
  readonly at?: string | null;
}

/**
 * How would this be read? Ephemeral; never says whether it is right.
 */
export interface AnswerPreview {
  readonly t: "answer.preview";
  readonly item: string;
  readonly response: string | number | unknown[] | Record<string, unknown>;
  readonly at?: string | null;
}

/**
 * What stands in the answer box; newest wins, no reply, given back in the snapshot.
 *
 * With `at` it stands in the box of a scaffold or a blank; each of them has its own newest.
 */
export interface AnswerDraft {
  readonly t: "answer.draft";
  readonly item: string;
  readonly response: string | number | unknown[] | Record<string, unknown>;
  readonly id?: string | null;
  readonly at?: string | null;
}

/**
 * The next hint of the current item, or of the scaffold `at`; assisted, never wrong.
 */
export interface HintRequest {
  readonly t: "hint.request";
  readonly id: string;
  readonly item: string;
  readonly at?: string | null;
}

/**
 * The worked steps of the current item; counts as assisted.
 *
 * With `at` that blank is given up and shown, asked again without it all of them are.
 */
export interface StepsRequest {
  readonly t: "steps.request";
  readonly id: string;
  readonly item: string;
  readonly at?: string | null;
}

/**
 * Ask the tutor; `on_busy` says what to do while another turn runs.
 */
export interface TurnStart {
  readonly t: "turn.start";
  readonly id: string;
  readonly input: string | Action;
  readonly item?: string | null;
  readonly on_busy?: "queue" | "reject" | "replace";
}

/**
 * A button instead of words.
 */
export interface Action {
  readonly action: "example" | "next_step" | "simpler" | "why";
}

/**
 * Stop a turn, named by `gen` or by the id of its `turn.start`; legal before it started.
 *
 * `seen_i` is the last chunk on screen: the conversation remembers only that much.
 */
export interface TurnCancel {
  readonly t: "turn.cancel";
  readonly id: string;
  readonly gen?: string | null;
  readonly cmd?: string | null;
  readonly seen_i?: number | null;
}

/**
 * Change the learning mode.
 */
export interface ModeSet {
  readonly t: "mode.set";
  readonly id: string;
  readonly mode: "exam" | "peer" | "practice" | "review" | "socratic" | "worked";
}

/**
 * Set preferences the learner declares; null removes one.
 */
export interface PrefsSet {
  readonly t: "prefs.set";
  readonly id: string;
  readonly prefs: Record<string, string | number | boolean | null>;
}

/**
 * A one-tap self-report; only ever what the learner says.
 */
export interface MoodReport {
  readonly t: "mood.report";
  readonly id: string;
  readonly mood: "bored" | "fine" | "skip" | "stuck" | "tired";
}

/**
 * Which skills are due for review?
 */
export interface ReviewDue {
  readonly t: "review.due";
  readonly id: string;
}

/**
 * Join a study group and receive its log. `rid` is its id, or the short code on the wall.
 *
 * `token` is a facilitator's; a learner needs none.
 */
export interface RoomJoin {
  readonly t: "room.join";
  readonly id: string;
  readonly rid: string;
  readonly name?: string | null;
  readonly have?: Have | null;
  readonly token?: string | null;
}

/**
 * Leave a study group.
 */
export interface RoomLeave {
  readonly t: "room.leave";
  readonly id: string;
  readonly rid: string;
}

/**
 * One chat message to a room.
 */
export interface RoomSay {
  readonly t: "room.say";
  readonly id: string;
  readonly rid: string;
  readonly text: string;
}

/**
 * Write one place of the room's shared board; null clears it.
 */
export interface RoomBoard {
  readonly t: "room.board";
  readonly id: string;
  readonly rid: string;
  readonly key: string;
  readonly v?: unknown;
}

/**
 * Say that another member's help was of use.
 */
export interface RoomThank {
  readonly t: "room.thank";
  readonly id: string;
  readonly rid: string;
  readonly member: string;
}

/**
 * Answer an invitation to work as a pair.
 */
export interface RoomAccept {
  readonly t: "room.accept";
  readonly id: string;
  readonly rid: string;
  readonly pair: string;
  readonly yes: boolean;
}

/**
 * Open a poll, or with `poll` the second round of one (facilitator).
 *
 * `right` is the place of the right choice, from 0; it is told to nobody before the reveal.
 * `predict`: voters are asked too what share will vote as they do. `item` names an item of a
 * course that is a poll, in place of `prompt`, `choices` and `right`.
 */
export interface RoomPollOpen {
  readonly t: "room.poll.open";
  readonly id: string;
  readonly rid: string;
  readonly prompt?: string;
  readonly choices?: string[];
  readonly seconds?: number | null;
  readonly right?: number | null;
  readonly predict?: boolean;
  readonly poll?: string | null;
  readonly item?: string | null;
}

/**
 * Close the open round, then discuss, or reveal the totals (facilitator).
 *
 * Without `then` the first round is discussed and the second revealed. A poll under discussion
 * may be revealed without a second round.
 */
export interface RoomPollClose {
  readonly t: "room.poll.close";
  readonly id: string;
  readonly rid: string;
  readonly poll: string;
  readonly then?: "discuss" | "reveal" | null;
}

/**
 * One vote; `confidence` and `predicted`, the share that will vote alike, are in [0, 1].
 */
export interface RoomVote {
  readonly t: "room.vote";
  readonly id: string;
  readonly rid: string;
  readonly poll: string;
  readonly choice: string;
  readonly confidence?: number | null;
  readonly predicted?: number | null;
}

/**
 * One tutor turn that all members of a room see.
 */
export interface RoomAsk {
  readonly t: "room.ask";
  readonly id: string;
  readonly rid: string;
  readonly input: string | Action;
}

/**
 * Watch a class's board (teacher's token).
 */
export interface BoardWatch {
  readonly t: "board.watch";
  readonly id: string;
  readonly class: string;
  readonly have?: Have | null;
}

/**
 * An act of the teacher on the class.
 */
export interface BoardAct {
  readonly t: "board.act";
  readonly id: string;
  readonly class: string;
  readonly act: "apply" | "dismiss" | "group" | "open_poll" | "pair" | "push_item" | "send_hint";
  readonly args?: Record<string, unknown>;
}

/**
 * Typing, cursor: newest wins, may be dropped, no reply.
 */
export interface EphIn {
  readonly t: "eph";
  readonly s: string;
  readonly k: string;
  readonly v?: unknown;
}

/**
 * Answer to `hello`; `token` is a guest's own, to be sent in its later `hello`.
 */
export interface Welcome {
  readonly t: "welcome";
  readonly cid: string;
  readonly sid: string;
  readonly node: string;
  readonly heartbeat_s: number;
  readonly window: number;
  readonly logs: LogHead[];
  readonly token?: string | null;
  readonly expires_at?: number | null;
}

/**
 * Where a log stands and how this connection catches up with it.
 */
export interface LogHead {
  readonly s: string;
  readonly epoch: string;
  readonly head: number;
  readonly mode: "live" | "replay" | "reset" | "snapshot";
}

/**
 * A log's whole state at `q`; live goes on at `q + 1`.
 */
export interface Snapshot {
  readonly t: "snapshot";
  readonly s: string;
  readonly epoch: string;
  readonly q: number;
  readonly state: unknown;
  readonly gens: GenText[];
}

/**
 * A generation as it stands: its text so far and the number of its next chunk.
 */
export interface GenText {
  readonly gen: string;
  readonly text: string;
  readonly next_i: number;
  readonly status: string;
}

/**
 * A refusal: what was expected and what came; `re` is the command's id where it was read.
 */
export interface Err {
  readonly t: "err";
  readonly code: number;
  readonly name: string;
  readonly msg: string;
  readonly temp: boolean;
  readonly re?: string | null;
  readonly retry_ms?: number | null;
}

/**
 * What is left of the learner's limits.
 */
export interface Rate {
  readonly t: "rate";
  readonly limits: RateLimit[];
}

/**
 * One limit and when it is full again.
 */
export interface RateLimit {
  readonly name: string;
  readonly limit: number;
  readonly left: number;
  readonly reset_ms: number;
}

/**
 * The connection reads too slowly; levels 1 to 3.
 */
export interface Lag {
  readonly t: "lag";
  readonly level: number;
  readonly unacked: number;
  readonly unacked_bytes: number;
}

/**
 * The token ends soon.
 */
export interface AuthExpiring {
  readonly t: "auth.expiring";
  readonly in_ms: number;
}

/**
 * The node is leaving: come back after `after_ms`.
 */
export interface Drain {
  readonly t: "drain";
  readonly after_ms: number;
  readonly reason: string;
}

/**
 * Heartbeat with the logs' heads; an idle client finds a gap by it.
 */
export interface Ping {
  readonly t: "ping";
  readonly heads: Record<string, number>;
  readonly ts: number;
}

/**
 * How an answer would be read.
 */
export interface Preview {
  readonly t: "preview";
  readonly item: string;
  readonly read_as: string;
  readonly column?: number | null;
  readonly note?: string | null;
  readonly at?: string | null;
}

/**
 * Typing, cursor of another member.
 */
export interface EphOut {
  readonly t: "eph";
  readonly s: string;
  readonly k: string;
  readonly v: unknown;
  readonly from: string;
}

/**
 * A command had its effect; `changed` says which.
 */
export interface Ok {
  readonly t: "ok";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly re: string;
  readonly changed?: Record<string, unknown> | null;
  readonly at?: At | null;
  readonly dup?: boolean;
}

/**
 * Where in a log.
 */
export interface At {
  readonly s: string;
  readonly q: number;
}

/**
 * The item to work on next, and why this one.
 */
export interface ItemShown {
  readonly t: "item";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly item: string;
  readonly kind: string;
  readonly prompt: string;
  readonly skills: string[];
  readonly p_success: number;
  readonly why: string;
  readonly choices?: Choice[] | null;
  readonly widget?: unknown;
  readonly hints?: number;
  readonly title?: string | null;
  readonly source?: string | null;
  readonly re?: string | null;
  readonly dup?: boolean;
  readonly media?: Picture[] | null;
}

/**
 * One option; its id is the response.
 */
export interface Choice {
  readonly id: string;
  readonly text: string;
}

/**
 * A picture of an item: its address on this server, and what it shows, in words.
 */
export interface Picture {
  readonly src: string;
  readonly alt: string;
}

/**
 * The verdict on one answer and what it moved.
 *
 * `skills` holds every skill whose mastery moved by a hundredth or more, not the item's alone;
 * `reasons` says in words what moved a skill that was not answered. With `at` the answer was to
 * that scaffold or blank: it is no try at the item and moves nothing. `parts` are the verdicts on
 * an item's several questions. The verdict on a vote in a room comes unasked once its poll is
 * revealed: `re` is then `rid:epoch:q` of the reveal, and the open item stays as it is.
 */
export interface Feedback {
  readonly t: "feedback";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly re: string;
  readonly item: string;
  readonly verdict: "correct" | "incorrect" | "partial" | "unreadable" | "wrong_form";
  readonly read_as: string;
  readonly message: string;
  readonly assisted: boolean;
  readonly skills: SkillMoved[];
  readonly p_expected: number;
  readonly timing: Timing;
  readonly misconception?: string | null;
  readonly attempt?: number;
  readonly done?: boolean;
  readonly reasons?: string[] | null;
  readonly dup?: boolean;
  readonly at?: string | null;
  readonly parts?: Record<string, "correct" | "incorrect" | "partial" | "unreadable" | "wrong_form"> | null;
}

/**
 * Mastery of one skill before and after an answer, in hundredths of [0, 1].
 *
 * Mastery is the chance to get the skill's reference item right; `low` and `high` are the 10 %
 * and 90 % quantiles of what is believed of it after the answer. `mastered` says whether the
 * skill counts as mastered now, `due_at` (ms since 1970) when it is due for review.
 */
export interface SkillMoved {
  readonly id: string;
  readonly before: number;
  readonly after: number;
  readonly low?: number;
  readonly high?: number;
  readonly mastered?: boolean;
  readonly due_at?: number | null;
}

/**
 * Where an answer's time went, in microseconds.
 *
 * `store_us` is the newest finished group commit of the same store: this answer's own commit is
 * still ahead when the frame is made. `total_us` runs from the bytes' arrival to the append.
 */
export interface Timing {
  readonly decode_us: number;
  readonly check_us: number;
  readonly score_us: number;
  readonly store_us: number;
  readonly total_us: number;
}

/**
 * The live difficulty: ability on a skill, its uncertainty and the success band aimed at.
 *
 * `theta` is on `skill`; `items` is the range of item difficulties, in logits like `theta`, that
 * meets the band; `b` is the difficulty of the item just answered, `right` how it went.
 */
export interface Difficulty {
  readonly t: "difficulty";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly theta: number;
  readonly sd: number;
  readonly target: number[];
  readonly step: number;
  readonly reason: string;
  readonly items?: number[] | null;
  readonly skill?: string | null;
  readonly b?: number | null;
  readonly right?: boolean | null;
}

/**
 * One level of an item's hint ladder; with `at` a hint of that scaffold.
 *
 * `told`: it says the answer, so the item counts as assisted and its skill comes again.
 */
export interface Hint {
  readonly t: "hint";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly item: string;
  readonly level: number;
  readonly of: number;
  readonly text: string;
  readonly scaffold?: Scaffold | null;
  readonly re?: string | null;
  readonly dup?: boolean;
  readonly at?: string | null;
  readonly told?: boolean;
}

/**
 * The small question of a hint: `kind` says what is taken; `hints` it has of its own.
 *
 * Where nothing is taken there is no `at`.
 */
export interface Scaffold {
  readonly ask: string;
  readonly at?: string | null;
  readonly kind?: string | null;
  readonly choices?: Choice[] | null;
  readonly hints?: number;
}

/**
 * The worked steps of an item.
 */
export interface Steps {
  readonly t: "steps";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly item: string;
  readonly steps: Step[];
  readonly re?: string | null;
  readonly dup?: boolean;
}

/**
 * One worked step and why it is taken; one that asks has no `show` until it is answered.
 */
export interface Step {
  readonly show?: string;
  readonly why?: string;
  readonly ask?: Blank | null;
}

/**
 * What a worked step asks: the answer is given with this `at`.
 */
export interface Blank {
  readonly at: string;
  readonly kind: string;
  readonly choices?: Choice[] | null;
}

/**
 * A generation exists: who speaks, and which command asked; in a room, `by` which member.
 */
export interface TurnStarted {
  readonly t: "turn.started";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly gen: string;
  readonly cmd: string;
  readonly provider: string;
  readonly model: string;
  readonly source: "builtin" | "llm";
  readonly input?: string | null;
  readonly item?: string | null;
  readonly dup?: boolean;
  readonly by?: string | null;
}

/**
 * Chunks a..b of a generation's text.
 */
export interface Delta {
  readonly t: "delta";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly gen: string;
  readonly i: [number, number];
  readonly text: string;
  readonly span?: number;
}

/**
 * A provider failed in mid-answer: what is shown is the text of chunks from `from_i` on.
 */
export interface TurnRestarted {
  readonly t: "turn.restarted";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly gen: string;
  readonly from_i: number;
  readonly provider: string;
  readonly model: string;
  readonly reason: string;
}

/**
 * The one end of a generation; `n` counts all chunks, `text_sha256` is of what is shown.
 */
export interface TurnDone {
  readonly t: "turn.done";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly gen: string;
  readonly status: "cancelled" | "completed" | "failed" | "incomplete" | "lost" | "superseded";
  readonly n: number;
  readonly text_sha256: string;
  readonly ttft_ms: number;
  readonly reason?: string | null;
  readonly usage?: Usage | null;
  readonly cost_usd?: number | null;
}

/**
 * Tokens of all attempts of a turn.
 */
export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly cached_in?: number;
  readonly estimated?: boolean;
}

/**
 * Something was earned, and why.
 */
export interface Reward {
  readonly t: "reward";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly kind: string;
  readonly points: number;
  readonly reason: string;
  readonly achievement?: string | null;
}

/**
 * What was seen in the work, and what is offered.
 */
export interface Signal {
  readonly t: "signal";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly kind: string;
  readonly level: number;
  readonly reasons: string[];
  readonly offer?: string | null;
}

/**
 * The skills that are due for review, the one most likely forgotten first.
 */
export interface Review {
  readonly t: "review";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly due: Due[];
  readonly re?: string | null;
  readonly dup?: boolean;
}

/**
 * A skill that is due, since when (ms since 1970), and the chance it is still recalled.
 */
export interface Due {
  readonly skill: string;
  readonly at: number;
  readonly retrievability: number;
  readonly next_interval?: NextInterval | null;
  readonly reason?: string;
}

/**
 * Whole days until a skill comes back, by how its review goes now.
 */
export interface NextInterval {
  readonly wrong: number;
  readonly assisted: number;
  readonly right: number;
  readonly easy: number;
}

/**
 * One event of a class's board.
 */
export interface Board {
  readonly t: "board";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly kind: "alert" | "calibration" | "curve" | "groups" | "network" | "pairs" | "spend" | "talk" | "tile";
  readonly data?: unknown;
}

/**
 * One event of a room.
 */
export interface RoomEvent {
  readonly t: "room.event";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly kind: "board" | "group" | "leader" | "poll" | "reveal" | "say" | "vote_count";
  readonly data?: unknown;
}

/**
 * Who came and who went, by member with its connections; `names` are of those who came.
 */
export interface Presence {
  readonly t: "presence";
  readonly s: string;
  readonly q: number;
  readonly ts: number;
  readonly joins: Record<string, string[]>;
  readonly leaves: Record<string, string[]>;
  readonly names?: Record<string, Named> | null;
}

/**
 * What others see of a member.
 */
export interface Named {
  readonly name: string;
  readonly role?: "facilitator" | "member";
}

/**
 * Whatever a client may say.
 */
export type ClientMessage =
  | Hello
  | Ack
  | Sync
  | AuthRefresh
  | Pong
  | Bye
  | LessonStart
  | ItemNext
  | AnswerSubmit
  | AnswerPreview
  | AnswerDraft
  | HintRequest
  | StepsRequest
  | TurnStart
  | TurnCancel
  | ModeSet
  | PrefsSet
  | MoodReport
  | ReviewDue
  | RoomJoin
  | RoomLeave
  | RoomSay
  | RoomBoard
  | RoomThank
  | RoomAccept
  | RoomPollOpen
  | RoomPollClose
  | RoomVote
  | RoomAsk
  | BoardWatch
  | BoardAct
  | EphIn;

/**
 * Whatever a server may say.
 */
export type ServerMessage =
  | Welcome
  | Snapshot
  | Err
  | Rate
  | Lag
  | AuthExpiring
  | Drain
  | Ping
  | Preview
  | EphOut
  | Ok
  | ItemShown
  | Feedback
  | Difficulty
  | Hint
  | Steps
  | TurnStarted
  | Delta
  | TurnRestarted
  | TurnDone
  | Reward
  | Signal
  | Review
  | Board
  | RoomEvent
  | Presence;

/**
 * What a server says with a place in a log.
 */
export type DurableMessage =
  | Ok
  | ItemShown
  | Feedback
  | Difficulty
  | Hint
  | Steps
  | TurnStarted
  | Delta
  | TurnRestarted
  | TurnDone
  | Reward
  | Signal
  | Review
  | Board
  | RoomEvent
  | Presence;

/**
 * The numbers in `Err.code`.
 */
export type ErrCode =
  | 100
  | 101
  | 102
  | 103
  | 104
  | 105
  | 106
  | 107
  | 108
  | 109
  | 110
  | 111
  | 112
  | 113
  | 114
  | 115
  | 116
  | 120
  | 129
  | 150
  | 151
  | 152
  | 153;

/**
 * The names in `Err.name`.
 */
export type ErrName =
  | "internal"
  | "bad_frame"
  | "unknown_type"
  | "unauthorized"
  | "forbidden"
  | "token_expired"
  | "not_found"
  | "busy"
  | "gone"
  | "too_large"
  | "id_reused"
  | "not_member"
  | "room_full"
  | "unsupported_version"
  | "moved"
  | "out_of_order"
  | "closed"
  | "budget_spent"
  | "rate_limited"
  | "overloaded"
  | "provider_timeout"
  | "provider_failed"
  | "store_unavailable";

/**
 * The wire's own close codes.
 */
export type CloseCode =
  | 4000
  | 4001
  | 4002
  | 4003
  | 4005
  | 4008
  | 4009
  | 4029
  | 4400
  | 4401
  | 4403
  | 4408
  | 4409
  | 4410
  | 4413
  | 4426
  | 4429;
