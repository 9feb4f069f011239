// The same frames where sockets are blocked: Server-Sent Events down, POST up. This file looks
// like a WebSocket from outside and uses nothing but fetch.

/** @typedef {import("./wire.js").Frame} Frame */

/** What a refused request is as a close code; anything else is a lost line. @type {Record<number, number>} */
const CLOSES = { 400: 4400, 401: 4401, 403: 4403, 413: 4413 };

export class SseSocket {
  /** @param {string} url of the WebSocket route, `.../v1/ws` */
  constructor(url) {
    this.base = url.replace(/^ws/, "http").replace(/\/ws$/, "");
    /** @type {(() => void)|null} */
    this.onopen = null;
    /** @type {((message: {data: any}) => void)|null} */
    this.onmessage = null;
    /** @type {((closing: {code: number, reason?: string}) => void)|null} */
    this.onclose = null;
    /** @type {(() => void)|null} */
    this.onerror = null;
    this.sid = "";
    this.cid = "";
    this.token = "";
    this.ended = new AbortController();
    /** Commands go up one after the other, so that none overtakes. */
    this.up = Promise.resolve();
    queueMicrotask(() => this.onopen?.());
  }

  /**
   * The first message opens the session, all others are commands.
   * @param {string} data frames joined by newlines
   */
  send(data) {
    const act = this.sid === "" ? () => this.#enter(data) : () => this.#post(data);
    this.up = this.up.then(act).catch(() => this.#fail(1006));
  }

  close() {
    this.ended.abort();
  }

  /**
   * The hello: who we are. Its welcome is told again by the stream, which says how it catches up.
   * @param {string} data
   */
  async #enter(data) {
    const hello = JSON.parse(data.split("\n", 1)[0] ?? "");
    this.token = hello.token ?? "";
    const answer = await this.#fetch("/sessions", { method: "POST", body: data });
    if (!answer.ok) return this.#fail(CLOSES[answer.status] ?? 1006);
    const welcome = JSON.parse((await answer.text()).split("\n", 1)[0] ?? "");
    this.sid = welcome.sid;
    this.token = welcome.token ?? this.token;
    void this.#listen(positionOf(hello, welcome)).catch(() => this.#fail(1006));
  }

  /** @param {string} data */
  async #post(data) {
    const path = `/sessions/${encodeURIComponent(this.sid)}/commands`;
    /** @type {Record<string, string>} */
    const headers = this.cid === "" ? {} : { "tutorstream-cid": this.cid };
    const answer = await this.#fetch(path, { method: "POST", body: data, headers });
    const said = await answer.text();
    if (said.startsWith("{")) this.onmessage?.({ data: said }); // refusals come at once
    if (answer.status >= 500) this.#fail(1006);
  }

  /** @param {string|null} position */
  async #listen(position) {
    const path = `/sessions/${encodeURIComponent(this.sid)}/events`;
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream" };
    if (position !== null) headers["last-event-id"] = position;
    const answer = await this.#fetch(path, { headers });
    if (!answer.ok || answer.body === null) return this.#fail(CLOSES[answer.status] ?? 1006);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return this.#fail(1006);
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.#dispatch(block);
    }
  }

  /** @param {string} block */
  #dispatch(block) {
    const lines = block.split("\n").filter((line) => line.startsWith("data:"));
    const data = lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
    if (/^event: ?close$/m.test(block)) {
      const { code, reason } = JSON.parse(data);
      this.#fail(code, reason);
    } else if (this.cid === "" && data.includes('"welcome"')) {
      const welcome = JSON.parse(data);
      this.cid = welcome.cid;
      this.onmessage?.({ data: JSON.stringify({ token: this.token, ...welcome }) });
    } else {
      // A comment is a sign of life: an empty message resets the heartbeat's deadline.
      this.onmessage?.({ data });
    }
  }

  /**
   * @param {string} path
   * @param {{method?: string, body?: string, headers?: Record<string, string>}} request
   */
  #fetch(path, { headers, ...request }) {
    return fetch(this.base + path, {
      ...request,
      cache: "no-store",
      signal: this.ended.signal,
      headers: {
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...headers,
      },
    });
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  #fail(code, reason = "") {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    this.onclose?.({ code, reason });
  }
}

/**
 * @param {Frame} hello
 * @param {Frame} welcome
 */
function positionOf(hello, welcome) {
  const have = hello.have.find((/** @type {any} */ log) => log.s === "me");
  const now = welcome.logs.find((/** @type {any} */ log) => log.s === "me");
  return have !== undefined && now?.epoch === have.epoch ? `${have.epoch}.${have.q}` : null;
}
