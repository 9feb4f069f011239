// The fallback over a real HTTP server on loopback: hello, stream, commands, refusal, return.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { connect } from "../index.js";

/** The three routes as the protocol's manual has them. */
function routes(state) {
  const welcome = (more) => JSON.stringify({
    t: "welcome", cid: `c${state.streams.length}`, sid: "s_1", node: "n", heartbeat_s: 20, window: 64,
    logs: [{ s: "me", epoch: "e", head: state.log.length, mode: "replay" }], ...more,
  });
  return async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    state.requests.push([request.method, request.url, request.headers, body]);
    if (request.url === "/v1/sessions") {
      response.writeHead(201).end(welcome({ token: "tok" }));
    } else if (request.url === "/v1/sessions/s_1/events") {
      const after = Number((request.headers["last-event-id"] ?? "e.0").split(".")[1]);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${welcome({})}\n\n`);
      for (const event of state.log.slice(after)) response.write(`id: e.${event.q}\ndata: ${JSON.stringify(event)}\n\n`);
      state.streams.push(response);
    } else {
      const commands = body.split("\n").map((line) => JSON.parse(line)).filter(({ t }) => t !== "ack");
      const closed = commands.find(({ item }) => item === "closed");
      if (closed) {
        const err = { t: "err", re: closed.id, code: 108, name: "gone", msg: "closed", temp: false };
        response.writeHead(410).end(JSON.stringify(err));
        return;
      }
      response.writeHead(202).end();
      for (const { id } of commands) {
        say(state, { t: "hint", re: id, item: "i", level: 1, of: 2, text: "über" });
      }
    }
  };
}

function say(state, fields) {
  const event = { s: "me", q: state.log.length + 1, ts: 0, ...fields };
  state.log.push(event);
  const bytes = Buffer.from(`id: e.${event.q}\ndata: ${JSON.stringify(event)}\n\n`);
  const stream = state.streams.at(-1);
  for (const half of [bytes.subarray(0, -9), bytes.subarray(-9)]) stream.write(half);
}

test("without sockets the same session runs over events and posts", async (t) => {
  const state = { requests: [], streams: [], log: [] };
  const server = createServer(routes(state));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `ws://127.0.0.1:${server.address().port}/v1/ws`;
  const session = connect({ url, page: null });
  t.after(() => {
    session.close();
    server.closeAllConnections();
    server.close();
  });
  const live = () => new Promise((resolve) => {
    const stop = session.on("state", ({ phase }) => {
      if (phase === "live") resolve(stop());
    });
  });
  await live();
  assert.equal((await session.hint("i")).text, "über");
  await assert.rejects(session.hint("closed"), { code: 108 });
  const [, , headers] = state.requests.findLast(([, path]) => path.endsWith("/commands"));
  assert.deepEqual([headers.authorization, headers["tutorstream-cid"]], ["Bearer tok", "c0"]);

  state.streams[0].end('event: close\ndata: {"code": 4001, "reason": "drain"}\n\n');
  await live();
  assert.equal(state.requests.findLast(([, path]) => path.endsWith("/events"))[2]["last-event-id"], "e.1");
  assert.deepEqual([session.lesson.hints.length, session.state.resumes], [1, 1]);
});
