// All devices, live; and which one is chosen (#/devices/NAME), which filter (?filter=), which token.

import { DeviceView } from "./device.js";
import { follow } from "./stream.js";
import { Rows, make, makeRow, put, putTime } from "./table.js";
import * as words from "./words.js";

const KEPT_AS = "tinycontainer-gateway-token";
const TICK_MS = 5000;
const ROUTE = /^#\/devices\/([^/]+)$/;
const byId = (id) => document.getElementById(id);

const devices = new Map(); // by name: the device, and Unix seconds when it is expected back
let arriving = new Set(); // names that a stream has given since it began
let isComplete = false;
let clockLead_s = 0; // how far the gateway's clock is ahead of this one
let endStream = () => {};
let view = null;
let chosen = null;
let isDrawn = true;
let token = readToken();

const now = () => Date.now() / 1000 + clockLead_s;

const rows = new Rows(
  byId("devices").tBodies[0],
  (entry) => {
    const row = makeRow(["", "presence", "heard", "groups wide", "protected wide", "jobs number"]);
    const name = make("th", "name");
    name.scope = "row";
    const link = make("a", "", entry.device.name);
    link.href = `#/devices/${encodeURIComponent(entry.device.name)}`;
    name.append(link);
    row.cells[0].replaceWith(name);
    row.cells[1].append(make("span", "mark"), make("span"), " ", make("span", "together"));
    row.cells[2].append(make("time"));
    return row;
  },
  (row, { device, back }) => {
    const [name, presence, heard, groups, isProtected, jobs] = row.cells;
    row.dataset.presence = words.presenceKind(device);
    if (device.name === chosen) name.firstChild.setAttribute("aria-current", "true");
    else name.firstChild.removeAttribute("aria-current");
    const [state, expected] = words.presence(device, back, now());
    put(presence.children[1], state);
    put(presence.lastChild, expected);
    if (device.heard_s) {
      const at = new Date(device.heard_s * 1000);
      putTime(heard.firstChild, words.ago(device.heard_s, now()), words.exact(device.heard_s), at.toISOString());
    } else put(heard.firstChild, "never");
    put(groups, device.groups.join(", "));
    put(isProtected, device.protected ? "yes" : "no");
    put(jobs, String(device.jobs));
  },
);

function readToken() {
  try {
    return sessionStorage.getItem(KEPT_AS) ?? "";
  } catch {
    return ""; // a browser may keep nothing
  }
}

function keepToken(text) {
  token = text;
  try {
    if (text) sessionStorage.setItem(KEPT_AS, text);
    else sessionStorage.removeItem(KEPT_AS);
  } catch {
    // Then it is gone with the page.
  }
}

/** Draw soon: many events become one drawing. */
function redraw() {
  if (!isDrawn) return;
  isDrawn = false;
  setTimeout(() => {
    isDrawn = true;
    draw();
  }, 50);
}

function draw() {
  const wanted = byId("filter").value.trim().toLowerCase().split(/\s+/);
  const all = [...devices.values()].sort((one, other) => (one.device.name < other.device.name ? -1 : 1));
  const shown = all.filter(({ device }) => {
    const text = [device.name, ...device.groups, words.presenceKind(device) === "new" ? "never seen" : device.presence].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  rows.show(shown, (entry) => entry.device.name);
  byId("devices").hidden = shown.length === 0;
  byId("unchosen").hidden = chosen !== null || all.length === 0;
  const many = all.length === 1 ? "1 device" : `${all.length} devices`;
  put(byId("count"), !isComplete && !all.length ? "" : shown.length === all.length ? many : `${shown.length} of ${many}`);
  drawEmpty(all.length, shown.length);
  drawChosen();
}

function drawEmpty(all, shown) {
  const place = byId("empty");
  const text = shown
    ? ""
    : all
      ? "No device fits this filter."
      : isComplete
        ? "No device is here yet. List one in the gateway's file, or let it register; it shows here as soon as it does."
        : "Asking the gateway…";
  if (place.firstChild?.textContent === text || (!text && !place.firstChild)) return;
  place.replaceChildren();
  if (!text) return;
  place.append(make("p", "", text));
  if (all) {
    const clear = make("button", "", "Clear the filter");
    clear.addEventListener("click", () => setFilter(""));
    place.append(clear);
  }
}

function drawChosen() {
  if (view === null) return;
  const entry = devices.get(chosen);
  if (!entry) {
    if (isComplete) view.show(null);
    return;
  }
  const { device, back } = entry;
  const heard = device.heard_s ? `${words.ago(device.heard_s, now())} (${words.exact(device.heard_s)})` : "never";
  view.show(device, words.presence(device, back, now()).join(" "), heard);
}

function take(kind, value) {
  if (kind === "device") {
    const isFirst = !devices.has(value.name);
    devices.set(value.name, { device: value, back: value.back_s === null ? 0 : now() + value.back_s });
    arriving.add(value.name);
    // What is chosen can come later than the page; until then its streams are refused.
    if (value.name === chosen && isFirst && isComplete) route();
    else if (value.name === chosen) view?.noteChange();
  }
  if (kind === "gone") devices.delete(value.name);
  if (kind === "complete") {
    // What was here before the stream broke, and did not come again, is gone.
    for (const name of devices.keys()) if (!arriving.has(name)) devices.delete(name);
    isComplete = true;
  }
  redraw();
}

function begin() {
  end();
  byId("entry").hidden = true;
  byId("notice").hidden = true;
  byId("main").hidden = false;
  byId("forget").hidden = !token;
  put(byId("connection"), "Connecting…");
  endStream = follow("/devices", token, null, {
    begun(answer) {
      arriving = new Set();
      const date = Date.parse(answer.headers.get("date") ?? "");
      clockLead_s = Number.isNaN(date) ? 0 : (date - Date.now()) / 1000;
      // The header has whole seconds; less than two say nothing.
      if (Math.abs(clockLead_s) < 2) clockLead_s = 0;
      byId("notice").hidden = true;
      put(byId("connection"), "Live");
      document.body.dataset.connection = "live";
    },
    event: take,
    broken(wait, refused) {
      document.body.dataset.connection = "broken";
      put(byId("connection"), wait < 3 ? "Connecting again…" : "The gateway is not reached. Trying again…");
      if (refused) notify(refused);
    },
    refused(refused) {
      end();
      document.body.dataset.connection = "broken";
      put(byId("connection"), "Not connected");
      if (refused.status === 401) askToken();
      else notify(refused);
    },
  });
  route();
}

function end() {
  endStream();
  endStream = () => {};
  closeView();
}

function notify(refused) {
  const { title, text } = words.refusal(refused.status, refused.problem);
  put(byId("notice-title"), title);
  put(byId("notice-text"), text);
  byId("notice").hidden = false;
  if (!devices.size) byId("main").hidden = true;
}

function askToken() {
  if (token) put(byId("entry-problem"), "This gateway does not know the token. Give another one.");
  keepToken("");
  devices.clear();
  isComplete = false;
  draw();
  byId("forget").hidden = true;
  byId("main").hidden = true;
  byId("entry").hidden = false;
  byId("token").focus();
}

function closeView() {
  view?.close();
  view = null;
}

/** Show the device that the address names. */
function route({ isByReader = false } = {}) {
  const found = ROUTE.exec(location.hash);
  let name = null;
  try {
    name = found && decodeURIComponent(found[1]);
  } catch {
    // An address that somebody has mangled names none.
  }
  const before = chosen;
  closeView();
  chosen = name;
  byId("chosen").hidden = name === null;
  document.body.classList.toggle("has-chosen", name !== null);
  document.title = name === null ? "Devices" : `${name} - Devices`;
  if (name !== null) view = new DeviceView(name, token);
  draw();
  if (!isByReader) return;
  if (name !== null) byId("name").focus();
  else [...byId("devices").tBodies[0].rows].find((row) => row.cells[0].textContent === before)?.cells[0].firstChild.focus();
}

function setFilter(text) {
  byId("filter").value = text;
  const address = new URL(location.href);
  if (text) address.searchParams.set("filter", text);
  else address.searchParams.delete("filter");
  history.replaceState(null, "", address);
  draw();
}

byId("filter").value = new URL(location.href).searchParams.get("filter") ?? "";
byId("filter").addEventListener("input", (event) => setFilter(event.target.value));
byId("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token").value.trim());
  byId("token").value = "";
  begin();
});
byId("forget").addEventListener("click", () => {
  end();
  keepToken("");
  devices.clear();
  isComplete = false;
  begin();
});
addEventListener("hashchange", () => {
  if (!byId("main").hidden) route({ isByReader: true });
});
// A browser opens few connections to a host; a page that nobody looks at leaves them to others.
document.addEventListener("visibilitychange", () => {
  if (!byId("entry").hidden) return;
  if (document.hidden) end();
  else begin();
});
setInterval(() => document.hidden || draw(), TICK_MS);
begin();
