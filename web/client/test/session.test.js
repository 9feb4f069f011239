// The apply rule on recorded cases, then the same session with the line cut at every frame.

import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../index.js";
import { Replica } from "../session.js";
import { ModelServer, script, settle, VirtualClock } from "./model.js";

const WELCOME = {
  t: "welcome", cid: "c", sid: "s", token: "k", node: "n", heartbeat_s: 20, window: 64,
  logs: [{ s: "me", epoch: "e", head: 0, mode: "live" }],
};

function replica(...frames) {
  const made = new Replica();
  made.hear(WELCOME);
  for (const frame of frames) made.hear(frame);
  return made;
}

const ok = (q, more = {}) => ({ t: "ok", s: "me", q, ts: 0, re: `r${q}`, ...more });
const started = (q) => ({ t: "turn.started", s: "me", q, ts: 0, gen: "g1", cmd: "a", provider: "p", model: "m", source: "llm" });
const delta = (q, a, b, text, span) => ({ t: "delta", s: "me", q, ts: 0, gen: "g1", i: [a, b], text, ...(span ? { span } : {}) });

test("the next number is applied, an old one ignored, a hole asked for once", () => {
  const me = replica(ok(1));
  assert.equal(me.me.q, 1);
  assert.deepEqual(me.hear(ok(1)), { events: [], send: [] });
  assert.deepEqual(me.hear(ok(4)).send, [{ t: "sync", s: "me", epoch: "e", q: 1 }]);
  assert.deepEqual(me.hear(ok(5)), { events: [], send: [] });
  assert.equal(me.hear(ok(2)).events.length, 1);
  assert.deepEqual(me.hear(ok(4)).send, [{ t: "sync", s: "me", epoch: "e", q: 2 }]);
});

test("a merged delta covers its span; one that overlaps what we have is asked for again", () => {
  const me = replica(started(1), delta(2, 0, 0, "a"));
  assert.equal(me.hear(delta(5, 1, 3, "bcd", 3)).events.length, 1);
  assert.equal(me.lesson.turns[0].text, "abcd");
  assert.equal(me.me.q, 5);
  assert.deepEqual(me.hear(delta(7, 3, 5, "def", 3)).send, [{ t: "sync", s: "me", epoch: "e", q: 5 }]);
  assert.equal(me.lesson.turns[0].text, "abcd");
});

test("a restarted turn shows only what follows", () => {
  const me = replica(
    started(1), delta(2, 0, 1, "wrong "),
    { t: "turn.restarted", s: "me", q: 3, ts: 0, gen: "g1", from_i: 2, provider: "builtin", model: "b", reason: "guard.maths" },
    delta(4, 2, 2, "right"),
    { t: "turn.done", s: "me", q: 5, ts: 0, gen: "g1", status: "completed", n: 3, text_sha256: "", ttft_ms: 1 },
  );
  const [turn] = me.lesson.turns;
  assert.deepEqual(
    [turn.text, turn.restarts, turn.status, turn.source, turn.i],
    ["right", 1, "completed", "builtin", 3],
  );
});

test("chunks that do not continue a turn ask for everything", () => {
  const me = replica(started(1), delta(2, 0, 0, "a"));
  assert.deepEqual(me.hear(delta(3, 4, 4, "e")).send, [{ t: "sync", s: "me", epoch: "e", q: 0 }]);
  assert.equal(me.lesson.turns[0].text, "a");
});

test("a snapshot is the state; an older one is not", () => {
  const me = replica(started(1), delta(2, 0, 0, "a"));
  const snapshot = {
    t: "snapshot", s: "me", epoch: "e", q: 9, state: { mode: "exam", turns: [{ gen: "g1", input: "why" }] },
    gens: [{ gen: "g1", text: "abc", next_i: 3, status: "running" }],
  };
  me.hear(snapshot);
  assert.equal(me.me.q, 9);
  assert.deepEqual([me.lesson.mode, me.lesson.turns[0].text], ["exam", "abc"]);
  assert.equal(me.hear(delta(10, 3, 3, "d")).events.length, 1);
  me.hear(snapshot);
  assert.deepEqual([me.me.q, me.lesson.turns[0].text], [10, "abcd"]);
});

test("another epoch applies nothing before its snapshot", () => {
  const me = replica(ok(1), ok(2));
  me.hear({ ...WELCOME, logs: [{ s: "me", epoch: "f", head: 1, mode: "reset" }] });
  assert.equal(me.caughtUp, false);
  assert.deepEqual(me.hear(ok(1)), { events: [], send: [] });
  assert.deepEqual(me.hello("k", {}).have, []);
  me.hear({ t: "snapshot", s: "me", epoch: "f", q: 1, state: {}, gens: [] });
  assert.deepEqual([me.me.epoch, me.me.q, me.caughtUp], ["f", 1, true]);
});

test("a ping shows a gap an idle client would not see", () => {
  const me = replica(ok(1));
  assert.deepEqual(me.hear({ t: "ping", heads: { me: 3 }, ts: 0 }).send, [
    { t: "pong" }, { t: "sync", s: "me", epoch: "e", q: 1 },
  ]);
});

test("a stored reply that comes again moves nothing and reaches its sender", () => {
  const me = replica(ok(1), ok(2));
  const heard = me.hear(ok(1, { dup: true }));
  assert.deepEqual([heard.events, heard.repeated.re], [[], "r1"]);
});

test("hello names each log's place and the running turn's next chunk", () => {
  const me = replica(started(1), delta(2, 0, 4, "abcde"));
  assert.deepEqual(me.hello("k", { name: "n", version: "v" }), {
    t: "hello", token: "k", sid: "s", have: [{ s: "me", epoch: "e", q: 2, gen: "g1", i: 5 }],
    client: { name: "n", version: "v" },
  });
});

/** Run a 300-frame script; `trouble(server, said)` may cut the line or change a frame's fate. */
async function run(trouble, { seed = 7, retained = Infinity, events = script(300, new VirtualClock(99).random) } = {}) {
  const clock = new VirtualClock(seed);
  const server = new ModelServer(clock, { retained });
  trouble(server, clock);
  const session = connect({ url: "ws://model/v1/ws", dial: server.dial, clock, page: null });
  const heard = [];
  session.on("*", (event) => typeof event.q === "number" && event.t !== "snapshot" && heard.push(event.q));
  await clock.advance(20);
  for (const event of events) {
    server.append(event);
    await clock.advance(2);
  }
  for (let k = 0; k < 300 && session.state.seq < server.log.length; k += 1) {
    await clock.advance(20_000);
    server.ping();
  }
  await clock.advance(40);
  const result = { lesson: session.lesson, state: session.state, heard, server };
  session.close();
  await settle();
  return result;
}

function plain(lesson) {
  return { ...lesson, turns: lesson.turns.map(({ restarts: _, ...turn }) => turn) };
}

const steadyDice = (server, clock) => {
  clock.random = () => 0.5;
  return server;
};

test("cut at every frame boundary of a 300-frame script: the final state is the uncut run's", async () => {
  const uncut = await run(steadyDice);
  assert.equal(uncut.lesson.turns.length > 8, true);
  assert.equal(uncut.heard.length, 300);
  for (let at = 1; at <= uncut.server.said; at += 1) {
    const cut = await run((server, clock) => {
      steadyDice(server, clock);
      server.fate = (frame, line) => {
        if (server.said === at) clock.setTimeout(() => line.drop(), 0); // the frame itself is lost
        return [[0, frame]];
      };
    });
    const restored = at <= 2; // nothing was kept yet: the return is a first coming, by snapshot
    const same = restored ? plain : (lesson) => lesson;
    assert.deepEqual(same(cut.lesson), same(uncut.lesson), `cut at frame ${at}`);
    if (!restored) assert.deepEqual(cut.heard, uncut.heard, `cut at frame ${at}`);
    assert.equal(cut.server.dials, 2);
  }
});

test("with a short retention the return is by snapshot and still nothing is lost", async () => {
  const uncut = await run(steadyDice);
  for (let at = 3; at <= 300; at += 9) {
    const cut = await run((server, clock) => {
      steadyDice(server, clock);
      server.fate = (frame, line) => {
        if (server.said === at) clock.setTimeout(() => line.drop(), 0);
        return [[0, frame]];
      };
    }, { retained: 5 });
    assert.deepEqual(plain(cut.lesson), plain(uncut.lesson), `cut at frame ${at}`);
  }
});

test("frames lost, doubled, late and lines cut at random: equal to the uncut run", async () => {
  const uncut = await run(steadyDice);
  for (let seed = 1; seed <= 60; seed += 1) {
    const faulty = await run((server, clock) => {
      const dice = new VirtualClock(seed * 7919).random;
      server.fate = (frame, line) => {
        const roll = dice();
        if (roll < 0.05 && frame.t !== "welcome") return [];
        if (roll < 0.12) return [[0, frame], [Math.floor(dice() * 9), frame]];
        if (roll < 0.2 && frame.t !== "welcome") return [[Math.floor(dice() * 9), frame]];
        if (roll < 0.22) clock.setTimeout(() => line.drop(), 1);
        return [[0, frame]];
      };
    }, { seed, retained: seed % 2 ? Infinity : 20 });
    assert.deepEqual(plain(faulty.lesson), plain(uncut.lesson), `seed ${seed}`);
    assert.deepEqual(faulty.heard, [...faulty.heard].sort((a, b) => a - b), `seed ${seed}: order`);
    assert.equal(new Set(faulty.heard).size, faulty.heard.length, `seed ${seed}: applied twice`);
  }
});
