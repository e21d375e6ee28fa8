// Server-sent events by fetch(): EventSource cannot send a token.

const WAITS_S = [0.5, 1, 2, 5, 10, 15];
const SILENCE_S = 45; // the gateway gives a sign of life every 15 s
const MOST_CHARACTERS = 4 << 20;
const ENDS_IT = new Set([401, 403, 404, 406]);

/** What a gateway has refused. */
export class Refused extends Error {
  constructor(status, problem) {
    super(`refused with ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** Ask once. Throws Refused, or TypeError if nobody answers. */
export async function ask(path, { token = "", headers = {}, signal } = {}) {
  const given = token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
  const answer = await fetch(path, { headers: given, signal, cache: "no-store", credentials: "omit" });
  if (answer.ok) return answer;
  throw new Refused(answer.status, await answer.json().catch(() => ({})));
}

/** Takes text in pieces of any length, and gives the events in it. */
export class EventParser {
  #rest = "";
  #id = null;
  #kind = "";
  #data = [];

  /** The events that a piece completes: kind, data, and the newest id so far. */
  take(piece) {
    let text = this.#rest + piece;
    if (text.length > MOST_CHARACTERS) throw new RangeError("an event is too long");
    // A return at the end may be the first half of a line's end.
    const held = text.endsWith("\r") ? "\r" : "";
    text = held ? text.slice(0, -1) : text;
    const lines = text.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + held;
    return lines.map((line) => this.#line(line)).filter((event) => event !== null);
  }

  #line(line) {
    if (line === "") return this.#end();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#kind = value;
    if (name === "data") this.#data.push(value);
    if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #end() {
    const event = { kind: this.#kind || "message", data: this.#data.join("\n"), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#kind = "";
    this.#data = [];
    return isEmpty ? null : event;
  }
}

/**
 * Follow a stream, and take it up again whenever it breaks, until it is closed or refused for good.
 *
 * to.begun(answer): it is there, perhaps again. to.event(kind, value, id): an event.
 * to.broken(wait_s, refused): it is asked for again after that time. to.refused(refused): it is not.
 */
export function follow(path, token, since, to) {
  const closing = new AbortController();
  let last = since;
  let failures = 0;

  async function once() {
    const trying = new AbortController();
    const abort = () => trying.abort();
    closing.signal.addEventListener("abort", abort);
    let watchdog = setTimeout(abort, SILENCE_S * 1000);
    try {
      const headers = { Accept: "text/event-stream" };
      if (last !== null) headers["Last-Event-ID"] = last;
      const answer = await ask(path, { token, headers, signal: trying.signal });
      to.begun?.(answer);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || closing.signal.aborted) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(abort, SILENCE_S * 1000);
        for (const event of parser.take(value)) {
          if (event.kind !== "refused") failures = 0;
          last = event.id ?? last;
          to.event(event.kind, JSON.parse(event.data), event.id);
        }
      }
    } finally {
      clearTimeout(watchdog);
      closing.signal.removeEventListener("abort", abort);
      trying.abort();
    }
  }

  async function run() {
    while (!closing.signal.aborted) {
      let refused = null;
      try {
        await once();
      } catch (problem) {
        if (problem instanceof Refused) refused = problem;
      }
      if (closing.signal.aborted) return;
      if (refused && ENDS_IT.has(refused.status)) return to.refused(refused);
      // Pages that lose one gateway at once should not come back to it at once.
      const wait = WAITS_S[Math.min(failures, WAITS_S.length - 1)] * (0.75 + Math.random() / 2);
      failures += 1;
      to.broken?.(wait, refused);
      await pause(wait, closing.signal);
    }
  }

  run();
  return () => closing.abort();
}

function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
