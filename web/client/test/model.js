// A tiny model of the server and of the line between: virtual time, a log, replies kept by id.
// This file is what the client's tests run against; it decides nothing the protocol leaves open.

/** Virtual time: nothing sleeps, timers run in order when time is advanced. */
export class VirtualClock {
  constructor(seed = 1) {
    this.at = 1_000_000;
    this.timers = [];
    this.n = 0;
    this.state = seed >>> 0 || 1;
  }

  now = () => this.at;

  setTimeout = (fn, ms) => {
    const timer = { fn, due: this.at + Math.max(0, ms), n: (this.n += 1) };
    this.timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.timers = this.timers.filter((other) => other !== timer);
  };

  /** xorshift32, so that a failing seed can be run again. */
  random = () => {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return this.state / 2 ** 32;
  };

  async advance(ms) {
    const end = this.at + ms;
    await settle();
    for (;;) {
      this.timers.sort((a, b) => a.due - b.due || a.n - b.n);
      const next = this.timers[0];
      if (next === undefined || next.due > end) break;
      this.timers.shift();
      this.at = Math.max(this.at, next.due);
      next.fn();
      await settle();
    }
    this.at = end;
  }
}

export async function settle() {
  for (let i = 0; i < 4; i += 1) await Promise.resolve();
}

/** One end of a line. `deliver` decides what becomes of each message from the server. */
class Line {
  constructor(server, n) {
    this.server = server;
    this.n = n;
    this.onopen = this.onmessage = this.onclose = this.onerror = null;
    this.up = false;
    this.attached = false;
  }

  /** From the client. */
  send(data) {
    if (!this.up) throw new Error("the client sent on a line that is down");
    for (const frame of data.split("\n")) {
      this.server.heard.push(JSON.parse(frame));
      this.server.clock.setTimeout(() => this.up && this.server.hear(this, JSON.parse(frame)), 1);
    }
  }

  /** To the client. */
  say(frame) {
    this.server.said += 1;
    const copies = this.server.fate(frame, this);
    for (const [late_ms, copy] of copies) {
      this.server.clock.setTimeout(() => {
        if (this.up) this.onmessage?.({ data: JSON.stringify(copy) });
      }, 1 + late_ms);
    }
  }

  drop(code = 1006) {
    if (!this.up) return;
    this.up = this.attached = false;
    this.server.lines.delete(this);
    this.onclose?.({ code });
  }

  close() {
    this.up = this.attached = false;
    this.server.lines.delete(this);
  }
}

export class ModelServer {
  constructor(clock, { retained = Infinity } = {}) {
    this.clock = clock;
    this.epoch = "e1";
    this.log = [];
    this.replies = new Map();
    this.effects = [];
    this.lines = new Set();
    this.heard = [];
    this.retained = retained;
    this.dials = 0;
    this.said = 0;
    this.refuseDials = 0;
    this.sid = "s_model";
    /** What becomes of a frame: a list of [late_ms, frame]; `[]` loses it. */
    this.fate = (frame) => [[0, frame]];
    /** Extra behaviour for a command, before the usual one; true where it was handled. */
    this.before = () => false;
  }

  dial = () => {
    const line = new Line(this, (this.dials += 1));
    this.clock.setTimeout(() => {
      if (this.refuseDials > 0) {
        this.refuseDials -= 1;
        line.onclose?.({ code: 1006 });
        return;
      }
      line.up = true;
      this.lines.add(line);
      line.onopen?.();
    }, 1);
    return line;
  };

  append(fields) {
    const event = { s: "me", q: this.log.length + 1, ts: this.clock.now(), ...fields };
    this.log.push(event);
    for (const line of this.lines) if (line.attached) line.say(event);
    return event;
  }

  hear(line, frame) {
    if (this.before(line, frame)) return;
    if (frame.t === "hello") this.#welcome(line, frame);
    else if (frame.t === "sync") this.#catchUp(line, frame.epoch === this.epoch ? frame.q : 0);
    else if (frame.id !== undefined && frame.t !== "answer.draft") this.#command(line, frame);
  }

  #welcome(line, { have }) {
    const mine = have.find(({ s }) => s === "me");
    const head = this.log.length;
    const same = mine?.epoch === this.epoch;
    let mode = "snapshot";
    if (mine !== undefined && !same) mode = "reset";
    else if (same && head - mine.q <= this.retained) mode = head === mine.q ? "live" : "replay";
    line.say({
      t: "welcome", cid: `c${line.n}`, sid: this.sid, token: "guest", node: "n", heartbeat_s: 20,
      window: 64, logs: [{ s: "me", epoch: this.epoch, head, mode }],
    });
    line.attached = true;
    if (mode === "replay") for (const event of this.log.slice(mine.q)) line.say(event);
    else if (mode !== "live") line.say(this.snapshot());
  }

  #catchUp(line, q) {
    if (q > 0 && this.log.length - q <= this.retained) {
      for (const event of this.log.slice(q)) line.say(event);
    } else line.say(this.snapshot());
  }

  snapshot() {
    const { state, gens } = folded(this.log);
    return { t: "snapshot", s: "me", epoch: this.epoch, q: this.log.length, state, gens };
  }

  #command(line, command) {
    const { id, ...body } = command;
    const stored = this.replies.get(id);
    if (stored !== undefined) {
      if (stored.body !== JSON.stringify(body)) {
        line.say({ t: "err", re: id, code: 110, name: "id_reused", msg: "", temp: false });
      } else line.say({ ...stored.reply, dup: true });
      return;
    }
    this.effects.push(command);
    const reply = this.append({ ...this.reply(command), re: id });
    this.replies.set(id, { body: JSON.stringify(body), reply });
  }

  reply(command) {
    if (command.t === "answer.submit") {
      return {
        t: "feedback", item: command.item, verdict: "incorrect", read_as: command.response,
        message: "", assisted: false, skills: [], p_expected: 0.5, attempt: this.effects.length,
        timing: { decode_us: 1, check_us: 1, score_us: 1, store_us: 1, total_us: 5 },
      };
    }
    return { t: "ok", changed: { mode: command.mode ?? "practice" } };
  }

  ping() {
    for (const line of this.lines) {
      if (line.attached) line.say({ t: "ping", heads: { me: this.log.length }, ts: 0 });
    }
  }
}

/** The state a snapshot tells: written again from the protocol's words, not from the client's. */
function folded(log) {
  const state = {
    course: null, mode: "practice", item: null, attempts: 0, hints: [], steps: null, draft: null,
    last_feedback: null, skills: [], theta: null, sd: null, target: null, line: [], turns: [],
    signal: null, prefs: {},
  };
  const next = new Map();
  for (const e of log) {
    const turn = state.turns.find(({ gen }) => gen === e.gen);
    if (e.t === "ok") Object.assign(state, e.changed);
    if (e.t === "item") Object.assign(state, { item: e, attempts: 0, hints: [], steps: null, last_feedback: null });
    if (e.t === "feedback") {
      state.last_feedback = e;
      if (state.item?.item === e.item) state.attempts = e.attempt;
      for (const { id, after, low = 0, high = 1, mastered = false } of e.skills) {
        const now = { mastery: after, low, high, mastered };
        state.skills = state.skills.map((s) => (s.id === id ? { ...s, ...now } : s));
      }
    }
    if (e.t === "difficulty") {
      const { theta, sd, target, items, b, right, skill } = e;
      Object.assign(state, { theta, sd, target });
      if (b !== undefined) state.line = [...state.line, { theta, sd, items, b, right, skill }];
      while (state.line.length > 40) state.line.shift();
    }
    if (e.t === "hint") state.hints = [...state.hints, { level: e.level, of: e.of, text: e.text }];
    if (e.t === "turn.started") {
      state.turns = [...state.turns, {
        gen: e.gen, cmd: e.cmd, input: e.input, text: "", status: "running", reason: null,
        provider: e.provider, model: e.model, source: e.source,
      }];
      next.set(e.gen, 0);
    }
    if (e.t === "delta") {
      turn.text += e.text;
      next.set(e.gen, e.i[1] + 1);
    }
    if (e.t === "turn.restarted") {
      Object.assign(turn, { text: "", provider: e.provider, model: e.model });
      if (e.provider === "builtin") turn.source = "builtin";
      next.set(e.gen, e.from_i);
    }
    if (e.t === "signal") {
      state.signal = e;
      if (e.kind === "safety") state.turns.at(-1).safety = true;
    }
    if (e.t === "turn.done") Object.assign(turn, { status: e.status, reason: e.reason ?? null });
  }
  const gens = state.turns.map(({ gen, text, status }) => ({
    gen, text, status, next_i: next.get(gen),
  }));
  return { state: structuredClone(state), gens };
}

/** A script of `length` events as a lesson would make them: items, answers, turns, a restart. */
export function script(length, random) {
  const events = [{
    t: "ok", re: "first",
    changed: {
      course: { id: "c", title: "C" }, theta: 0, sd: 1, target: [0.7, 0.8], line: [],
      skills: [
        { id: "a", title: "A", mastery: 0.2, low: 0.1, high: 0.4, mastered: false, requires: [] },
        { id: "b", title: "B", mastery: 0.1, low: 0, high: 0.3, mastered: false, requires: ["a"] },
      ],
    },
  }];
  const item = (n) => ({ t: "item", item: `i${n}`, kind: "number", prompt: `p${n}`, skills: ["a"], p_success: 0.6, why: "w" });
  events.push(item(0));
  let gens = 0;
  while (events.length < length) {
    const n = events.length;
    const roll = random();
    if (roll < 0.2) events.push(item(n));
    else if (roll < 0.3) {
      const open = events.findLast(({ t }) => t === "item").item;
      events.push({ t: "feedback", re: `x${n}`, item: open, verdict: "correct", read_as: "1", message: "m", assisted: false, skills: [move("a", random), move("b", random)], p_expected: 0.5, attempt: 1, timing: { total_us: 1 } });
      events.push(live(random));
    } else if (roll < 0.4) events.push({ t: "hint", item: "i0", level: n, of: 900, text: `h${n}` });
    else {
      gens += 1;
      turn(events, `g${gens}`, random);
    }
  }
  return events.slice(0, length);
}

/** As the wire has it: what holds its default (low 0, high 1, not mastered) is left out. */
function move(id, random) {
  const [low, high] = [Math.max(0, random() - 0.3), Math.min(1, random() + 0.3)];
  return {
    id, before: 0, after: random(), ...(low === 0 ? {} : { low }), ...(high === 1 ? {} : { high }),
    ...(random() < 0.5 ? { mastered: true } : {}),
  };
}

/** The live difficulty; now and then of an answer that is no point of the line. */
function live(random) {
  const theta = random() * 4 - 2;
  const event = { t: "difficulty", theta, sd: random(), target: [0.7, 0.8], step: 0.1, reason: "r" };
  if (random() < 0.2) return event;
  return { ...event, items: [theta - 1.4, theta - 0.8], b: random() * 4 - 2, right: random() < 0.7, skill: "a" };
}

function turn(events, gen, random) {
  events.push({ t: "turn.started", gen, cmd: `ask-${gen}`, provider: "p", model: "m", source: "llm", input: "why" });
  if (random() < 0.1) events.push({ t: "signal", kind: "safety", level: 2, reasons: ["what you wrote"] });
  let i = 0;
  const chunks = 4 + Math.floor(random() * 12);
  for (let k = 0; k < chunks; k += 1) {
    const width = 1 + Math.floor(random() * 3);
    events.push({ t: "delta", gen, i: [i, i + width - 1], text: `${gen}:${i} ` });
    i += width;
    if (random() < 0.08) {
      events.push({ t: "turn.restarted", gen, from_i: i, provider: "builtin", model: "b", reason: "r" });
    }
  }
  events.push({ t: "turn.done", gen, status: "completed", n: i, text_sha256: "", ttft_ms: 1 });
}
