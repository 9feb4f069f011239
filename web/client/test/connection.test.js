// The line: back-off, heartbeat, close codes, acks, commands kept until their reply.

import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../index.js";
import { memoryShelf, MOST_ENTRIES, OutQueue } from "../outqueue.js";
import { backoffMs, reconnects, Refusal } from "../wire.js";
import { ModelServer, settle, VirtualClock } from "./model.js";

function opened(options = {}) {
  const clock = new VirtualClock(3);
  const server = new ModelServer(clock);
  const session = connect({ url: "ws://model/v1/ws", dial: server.dial, clock, page: null, ...options });
  return { clock, server, session };
}

const ITEM = { t: "item", item: "i1", kind: "number", prompt: "p", skills: [], p_success: 0.6, why: "w" };

test("close codes: 40xx and the transport's own come back, 44xx and 1000 do not", () => {
  for (const code of [1001, 1006, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4005, 4008, 4009, 4029]) {
    assert.equal(reconnects(code), true, String(code));
  }
  for (const code of [1000, 1002, 4400, 4401, 4403, 4408, 4409, 4410, 4413, 4426, 4429]) {
    assert.equal(reconnects(code), false, String(code));
  }
});

test("back-off doubles from a quarter of a second to fifteen, with full jitter", () => {
  assert.deepEqual([0, 1, 2, 5, 6, 7, 90].map((n) => backoffMs(n, 1)), [250, 500, 1000, 8000, 15000, 15000, 15000]);
  assert.equal(backoffMs(3, 0), 0);
});

test("dials again until it is let in, and starts over with the shortest delay", async () => {
  const { clock, server, session } = opened();
  server.refuseDials = 0;
  await clock.advance(10);
  server.refuseDials = 5;
  for (const line of server.lines) line.drop(4000);
  assert.equal(session.state.phase, "reconnecting");
  await clock.advance(20_000);
  assert.equal(session.state.phase, "live");
  assert.equal(server.dials, 7);
  assert.equal(session.connection.attempt, 0);
  assert.deepEqual(session.state.resumed, { from: 1, to: 0, mode: "live" });
});

test("a close that says stay away is obeyed", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  for (const line of server.lines) line.drop(4409);
  await clock.advance(60_000);
  assert.deepEqual([session.state.phase, server.dials, session.state.closeCode], ["ended", 1, 4409]);
});

test("a guest whose session is gone comes as a new one, once", async () => {
  const kept = new Map([["tutorstream.session", JSON.stringify({ sid: "s_old", token: "old" })]]);
  const storage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => void kept.set(k, v), removeItem: (k) => void kept.delete(k) };
  const { clock, server, session } = opened({ storage });
  server.before = (line, frame) => {
    if (frame.t !== "hello" || frame.token !== "old") return false;
    line.drop(4401);
    return true;
  };
  await clock.advance(100);
  assert.equal(session.state.phase, "live");
  assert.deepEqual(JSON.parse(kept.get("tutorstream.session")), { sid: "s_model", token: "guest" });
});

test("thirty silent seconds end the line; a ping keeps it and is answered", async () => {
  const { clock, server } = opened();
  await clock.advance(25_000);
  server.ping();
  await clock.advance(25_000);
  assert.equal(server.dials, 1);
  assert.equal(server.heard.some(({ t }) => t === "pong"), true);
  await clock.advance(7_000);
  assert.equal(server.dials > 1, true);
});

test("drain brings the server's own delay", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  for (const line of server.lines) {
    line.say({ t: "drain", after_ms: 5000, reason: "restart" });
    await clock.advance(5);
    line.drop(4001);
  }
  assert.equal(session.state.phase, "restarting");
  await clock.advance(4900);
  assert.equal(server.dials, 1);
  await clock.advance(200);
  assert.equal(server.dials, 2);
});

test("acks go out every sixteen events, or after a quarter of a second", async () => {
  const { clock, server } = opened();
  await clock.advance(10);
  const acks = () => server.heard.filter(({ t }) => t === "ack").map(({ pos }) => pos.me);
  for (let n = 0; n < 16; n += 1) server.append({ t: "ok", re: `x${n}` });
  await clock.advance(5);
  assert.deepEqual(acks(), [16]);
  server.append({ t: "ok", re: "y" });
  await clock.advance(200);
  assert.deepEqual(acks(), [16]);
  await clock.advance(60);
  assert.deepEqual(acks(), [16, 17]);
});

test("answers given while the line is away are sent once each, in order, after the return", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  session.cut(2000);
  const replies = [session.submit("i1", "1", 5), session.submit("i1", "2", 6), session.hint("i1")];
  assert.deepEqual([session.state.phase, session.state.kept, session.state.answers], ["reconnecting", 3, 2]);
  await clock.advance(1990);
  assert.equal(server.dials, 1);
  await clock.advance(100);
  const settled = await Promise.all(replies);
  assert.deepEqual(server.effects.map(({ t, response }) => response ?? t), ["1", "2", "hint.request"]);
  assert.deepEqual(settled.map(({ t }) => t), ["feedback", "feedback", "ok"]);
  assert.equal(session.state.kept, 0);
});

test("a reply lost with the line comes once more, under the same id, with one effect", async () => {
  for (const lost of ["reply", "command"]) {
    const { clock, server, session } = opened();
    await clock.advance(10);
    server.append(ITEM);
    await clock.advance(5);
    const reply = session.submit("i1", "4", 5);
    if (lost === "reply") await clock.advance(1); // the server has it, its reply is on the way
    for (const line of server.lines) line.drop();
    await clock.advance(1000);
    assert.equal((await reply).read_as, "4");
    assert.equal(server.effects.length, 1);
    const ids = server.heard.filter(({ t }) => t === "answer.submit").map(({ id }) => id);
    assert.equal(new Set(ids).size, 1);
  }
});

test("a stored reply for a command sent twice settles it and moves nothing twice", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  const reply = session.submit("i1", "4", 5);
  const command = session.queue.entries.values().next().value.frame;
  session.connection.send([command]);
  await clock.advance(10);
  assert.equal((await reply).re, command.id);
  assert.equal(server.effects.length, 1);
  assert.equal(session.lesson.attempts, 1);
});

test("a temporary refusal is tried again and nothing overtakes; a final one rejects", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  let refusals = 2;
  server.before = (line, frame) => {
    if (frame.t !== "answer.submit" || frame.response !== "a" || refusals === 0) return false;
    refusals -= 1;
    line.say({ t: "err", re: frame.id, code: 129, name: "rate_limited", msg: "", temp: true, retry_ms: 300 });
    return true;
  };
  const first = session.submit("i1", "a");
  await clock.advance(2);
  const second = session.submit("i1", "b");
  await clock.advance(3000);
  await Promise.all([first, second]);
  assert.equal(server.effects.filter(({ response }) => response === "a").length, 1);
  server.before = (line, frame) => {
    if (frame.t === "hint.request") line.say({ t: "err", re: frame.id, code: 108, name: "gone", msg: "all hints are shown", temp: false });
    return frame.t === "hint.request";
  };
  const refused = assert.rejects(session.hint("i1"), (why) => why instanceof Refusal && why.code === 108);
  await clock.advance(10);
  await refused;
  assert.equal(session.state.kept, 0);
});

test("a question the tutor has no room for is refused at once, and no answer waits behind it", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  for (const code of [129, 150]) {
    server.before = (line, { t, id }) => {
      if (t === "turn.start") line.say({ t: "err", re: id, code, name: "n", msg: "m", temp: true, retry_ms: 40_000 });
      return t === "turn.start";
    };
    const asked = session.ask("why?");
    const refused = assert.rejects(asked, (why) => why instanceof Refusal && why.code === code && why.retry_ms === 40_000);
    const judged = session.submit("i1", "5");
    await clock.advance(10);
    await refused;
    assert.equal((await judged).t, "feedback");
    assert.equal(session.state.kept, 0);
  }
  session.close();
});

test("a turn is stopped by its generation and the last chunk here, or by its command before it came", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  const { id } = session.ask("why?");
  void session.cancel({ cmd: id });
  server.append({ t: "turn.started", gen: "g1", cmd: id, provider: "p", model: "m", source: "llm", input: "why?" });
  await clock.advance(5);
  void session.cancel("g1");
  server.append({ t: "delta", gen: "g1", i: [0, 6], text: "abc" });
  await clock.advance(5);
  void session.cancel({ cmd: id });
  void session.cancel("g7");
  await clock.advance(5);
  const sent = server.effects.filter(({ t }) => t === "turn.cancel").map(({ id: _, t: __, ...what }) => what);
  assert.deepEqual(sent, [{ cmd: id }, { gen: "g1", seen_i: -1 }, { gen: "g1", seen_i: 6 }, { gen: "g7" }]);
  session.close();
});

test("the newest budgets are kept with the time they were told at; a new guest has none", async () => {
  const { clock, server, session } = opened();
  const heard = [];
  session.on("rate", ({ limits }) => heard.push(limits));
  await clock.advance(10);
  assert.equal(session.rates, null);
  const limits = [{ name: "tutor.learner.day", limit: 10, left: 4, reset_ms: 5000 }];
  for (const line of server.lines) line.say({ t: "rate", limits });
  await clock.advance(10);
  assert.deepEqual([session.rates.limits, heard], [limits, [limits]]);
  assert.ok(clock.now() - session.rates.at_ms <= 10);
  for (const line of server.lines) line.drop(4401);
  await clock.advance(10);
  assert.equal(session.rates, null);
  session.close();
});

test("commands outlive the page and keep their ids; old ones are dropped after seven days", async () => {
  const shelf = memoryShelf();
  const { clock, server, session } = opened({ shelf });
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  session.cut(1e9);
  void session.submit("i1", "7", 5);
  session.close();
  const kept = await shelf.all();
  assert.equal(kept.length, 1);
  await shelf.put({ ...kept[0], id: "ancient", at_ms: clock.now() - 8 * 24 * 3600 * 1000 });

  const again = connect({ url: "ws://model/v1/ws", dial: server.dial, clock, page: null, shelf });
  await clock.advance(50);
  assert.deepEqual(server.effects.map(({ id }) => id), [kept[0].id]);
  assert.deepEqual(await shelf.all(), []);
  again.close();
});

test("an answer older than the server's memory is not sent once its item has its verdict", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  session.cut(700_000);
  const late = assert.rejects(session.submit("i1", "7"), { code: 108 });
  server.append({ ...ITEM, item: "i2" });
  await clock.advance(701_000);
  await late;
  assert.deepEqual(server.effects, []);
});

test("a full queue refuses and drops nothing; a long one goes out under the server's limit", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  session.cut(1000);
  const replies = Array.from({ length: MOST_ENTRIES }, (_, n) => session.submit("i", String(n)));
  await assert.rejects(session.submit("i", "one too many"), { code: 107 });
  await clock.advance(1100);
  assert.equal(server.effects.length <= 24, true);
  await clock.advance(20_000);
  await Promise.all(replies);
  assert.deepEqual(server.effects.map(({ response }) => Number(response)), Array.from({ length: MOST_ENTRIES }, (_, n) => n));
});

test("readings: ten a second at most, the newest wins, none while away", async () => {
  const { clock, server, session } = opened();
  server.before = (line, frame) => {
    if (frame.t === "answer.preview") line.say({ t: "preview", item: frame.item, read_as: frame.response });
    return frame.t === "answer.preview";
  };
  await clock.advance(10);
  const asked = ["1", "12", "12/", "12/5"].map((text) => session.preview("i1", text));
  await clock.advance(250);
  assert.deepEqual((await Promise.all(asked)).map((p) => p?.read_as ?? null), ["1", null, null, "12/5"]);
  session.cut(1e6);
  assert.equal(await session.preview("i1", "3"), null);
});

test("drafts: one a second, the newest wins, again after a return", async () => {
  const { clock, server, session } = opened();
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  for (const text of ["1", "12", "123"]) session.draft("i1", text);
  await clock.advance(1100);
  const drafts = () => server.heard.filter(({ t }) => t === "answer.draft").map(({ response }) => response);
  assert.deepEqual(drafts(), ["1", "123"]);
  session.cut(500);
  session.draft("i1", "1234");
  await clock.advance(2000);
  assert.deepEqual(drafts(), ["1", "123", "1234"]);
  for (const text of ["1", "15"]) session.draft("i1", text, "hint.2");
  session.draft("i1", "7", "step.1");
  session.draft("i0", "late", "step.2");
  await clock.advance(1100);
  assert.deepEqual(server.heard.filter(({ t }) => t === "answer.draft").slice(3), [
    { t: "answer.draft", item: "i1", response: "1", at: "hint.2" },
    { t: "answer.draft", item: "i1", response: "15", at: "hint.2" },
    { t: "answer.draft", item: "i1", response: "7", at: "step.1" },
  ]);
});

test("events can be read in a for-await loop", async () => {
  const { clock, server, session } = opened();
  const seen = [];
  const reading = (async () => {
    for await (const event of session) seen.push(event.t);
  })();
  await clock.advance(10);
  server.append(ITEM);
  await clock.advance(5);
  session.close();
  await settle();
  await reading;
  assert.deepEqual(seen.slice(0, 3), ["welcome", "snapshot", "item"]);
});

test("the queue's own order survives a shelf that answers late", async () => {
  const clock = new VirtualClock(1);
  const shelf = memoryShelf();
  const queue = new OutQueue(shelf, clock);
  await shelf.put({ id: "old", sid: "s", n: 1, at_ms: clock.now() - 5, frame: { t: "item.next", id: "old" } });
  void queue.push({ t: "item.next", id: "new" }, "s");
  await queue.restore("s");
  assert.deepEqual(queue.due().frames.map(({ id }) => id), ["old", "new"]);
});
