// The same frames where sockets are blocked: Server-Sent Events down, POST up. This file looks
// like a WebSocket from outside and uses nothing but fetch.

/** @typedef {import("./wire.js").Frame} Frame */

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

  /** @param {string} data */
  async #enter(data) {
    const hello = JSON.parse(data.split("\n", 1)[0] ?? "");
    this.token = hello.token ?? "";
    const answer = await this.#fetch("/sessions", { method: "POST", body: data });
    if (!answer.ok) return this.#fail(answer.status === 401 ? 4401 : 1006);
    const lines = (await answer.text()).split("\n").filter((line) => line !== "");
    const welcome = lines.map((line) => JSON.parse(line)).find(({ t }) => t === "welcome");
    if (welcome === undefined) return this.#fail(1006);
    this.sid = welcome.sid;
    this.token = welcome.token ?? this.token;
    for (const line of lines) this.onmessage?.({ data: line });
    void this.#listen(positionOf(hello, welcome)).catch(() => this.#fail(1006));
  }

  /** @param {string} data */
  async #post(data) {
    const path = `/sessions/${encodeURIComponent(this.sid)}/commands`;
    const answer = await this.#fetch(path, { method: "POST", body: data });
    const said = await answer.text();
    if (answer.status >= 500 || answer.status === 404) return this.#fail(1006);
    if (said.startsWith("{")) this.onmessage?.({ data: said });
  }

  /** @param {string|null} position */
  async #listen(position) {
    const path = `/sessions/${encodeURIComponent(this.sid)}/events`;
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream" };
    if (position !== null) headers["last-event-id"] = position;
    const answer = await this.#fetch(path, { headers });
    if (!answer.ok || answer.body === null) return this.#fail(1006);
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
    // A comment is a sign of life: an empty message resets the heartbeat's deadline.
    this.onmessage?.({ data });
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

  /** @param {number} code */
  #fail(code) {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    this.onclose?.({ code });
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
