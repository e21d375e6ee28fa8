// The chosen device: its containers and events live, and its jobs.

import { Refused, ask, follow } from "./stream.js";
import { Rows, make, makeRow, put, putTime } from "./table.js";
import * as words from "./words.js";

const MOST_EVENTS = 30;
const SETTLED_MS = 300;
const ASKING = "Asking the device…";
const byId = (id) => document.getElementById(id);

const containers = new Rows(
  byId("containers").tBodies[0],
  () => makeRow(["key", "state", "text", "number", "number", "number"]),
  (row, each) => {
    const usage = each.share_percent === undefined ? ["", ""] : [`${each.share_percent.toFixed(2)} %`, words.bytes(each.peak_memory_bytes)];
    const texts = [each.uid, each.state, each.last_exit || "none", String(each.loops), ...usage];
    texts.forEach((text, at) => put(row.cells[at], text));
    row.dataset.state = each.state;
  },
);

const events = new Rows(
  byId("events"),
  () => {
    const line = make("li");
    line.append(make("time", "quiet"), make("b"), make("span"));
    return line;
  },
  (line, { number, event }) => {
    const [time, name, rest] = line.children;
    const isKnown = event !== null && typeof event === "object";
    if (isKnown && Number.isFinite(event.time_s)) {
      const at = new Date(event.time_s * 1000);
      if (!Number.isNaN(at.getTime())) {
        putTime(time, at.toLocaleTimeString(), words.exact(event.time_s), at.toISOString());
      }
    }
    put(name, isKnown && typeof event.event === "string" ? event.event : `event ${number}`);
    put(rest, words.eventRest(event));
  },
);

const jobs = new Rows(
  byId("jobs").tBodies[0],
  () => {
    const row = makeRow(["", "state", "text", ""]);
    row.cells[0].append(make("time"));
    return row;
  },
  (row, job) => {
    const at = new Date(job.created_s * 1000);
    putTime(row.cells[0].firstChild, at.toLocaleTimeString(), words.exact(job.created_s), at.toISOString());
    put(row.cells[1], job.state);
    put(row.cells[2], job.protected ? "protected from end to end" : `${job.method} ${job.path}`);
    put(row.cells[3], job.code || "none yet");
  },
);

/** Shows one device, until it is closed. */
export class DeviceView {
  #name;
  #token;
  #closing = new AbortController();
  #streams = [];
  #events = [];
  #settling = null;

  constructor(name, token) {
    this.#name = name;
    this.#token = token;
    put(byId("name"), name);
    put(byId("advice"), "");
    byId("sections").hidden = false;
    byId("facts").replaceChildren();
    this.#showContainers([], ASKING);
    this.#showEvents(ASKING);
    this.#showJobs([], "Asking the gateway…");
    this.#followContainers();
    this.#followEvents();
    this.#askJobs();
  }

  /** End all streams. */
  close() {
    this.#closing.abort();
    clearTimeout(this.#settling);
    for (const end of this.#streams) end();
  }

  /** Show what the gateway knows; null if it knows no such device. */
  show(device, presence, heard) {
    put(byId("advice"), device ? words.advice(device) : words.unknown(this.#name));
    byId("sections").hidden = device === null;
    const facts = device
      ? [
          ["Presence", presence],
          ["Last heard", heard],
          ["Protected", device.protected ? "yes, by OSCORE" : "no"],
          ["Groups", device.groups.join(", ") || "none"],
          ["Address", device.base ?? "not known"],
        ]
      : [];
    const list = byId("facts");
    if (list.children.length !== facts.length * 2) {
      list.replaceChildren(...facts.flatMap(() => [make("dt"), make("dd")]));
    }
    facts.flat().forEach((text, at) => put(list.children[at], text));
    const waits = device && device.presence !== "awake";
    for (const id of ["containers-state", "events-state"]) {
      if (waits && byId(id).textContent === ASKING) put(byId(id), "Waiting for the device.");
    }
  }

  /** Something about the device has changed. */
  noteChange() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#askJobs(), SETTLED_MS);
  }

  get #path() {
    return `/devices/${encodeURIComponent(this.#name)}`;
  }

  #followContainers() {
    this.#follow("/tc/c", null, "containers-state", (kind, value) => {
      if (kind !== "state") return;
      const text = value.length ? "" : "No container is loaded. Load one with tinycontainerctl remote load.";
      this.#showContainers(value, text);
    });
  }

  async #followEvents() {
    let newest = null;
    try {
      const answer = await ask(`${this.#path}/tc`, { token: this.#token, signal: this.#closing.signal });
      newest = (await answer.json()).newest_event;
    } catch (problem) {
      if (this.#closing.signal.aborted) return;
    }
    if (newest === 0) this.#showEvents("Nothing has happened yet.");
    const since = String(Math.max(0, (newest ?? 0) - MOST_EVENTS));
    this.#follow("/tc/e", since, "events-state", (kind, value, id) => {
      if (kind === "reset") this.#events = [];
      if (kind === "event") {
        this.#events.unshift({ number: id, event: value });
        this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
        this.noteChange();
      }
      if (kind === "event" || kind === "reset") this.#showEvents(this.#events.length ? "" : "Nothing has happened yet.");
    });
  }

  #follow(below, since, place, take) {
    if (this.#closing.signal.aborted) return;
    const tell = (status, problem) => {
      const { title, text } = words.refusal(status, problem);
      put(byId(place), `${title}. ${text}`);
    };
    const end = follow(this.#path + below, this.#token, since, {
      event: (kind, value, id) => {
        if (kind === "refused") tell(value.status, value);
        else if (kind === "unreadable") tell(502, { detail: String(value) });
        else take(kind, value, id);
      },
      broken: (_wait, refused) => refused && tell(refused.status, refused.problem),
      refused: (refused) => tell(refused.status, refused.problem),
    });
    this.#streams.push(end);
  }

  async #askJobs() {
    try {
      const answer = await ask(`${this.#path}/jobs`, { token: this.#token, signal: this.#closing.signal });
      const found = await answer.json();
      if (this.#closing.signal.aborted) return;
      this.#showJobs(found, found.length ? "" : "You have made no jobs for this device. A request with Prefer: respond-async becomes one.");
    } catch (problem) {
      if (this.#closing.signal.aborted) return;
      if (problem instanceof Refused) {
        const { title, text } = words.refusal(problem.status, problem.problem);
        this.#showJobs([], `${title}. ${text}`);
      }
    }
  }

  #showContainers(found, text) {
    containers.show(found, (each) => each.slot);
    say("containers", found.length, text);
  }

  #showEvents(text) {
    events.show(this.#events, (each) => each.number);
    say("events", this.#events.length, text);
  }

  #showJobs(found, text) {
    jobs.show(found, (each) => each.id);
    say("jobs", found.length, text);
  }
}

function say(what, count, text) {
  byId(what).hidden = count === 0;
  put(byId(`${what}-state`), text);
}
