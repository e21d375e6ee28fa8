// What the page says in words. Nothing here touches the page.

const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "min"],
  [1, "s"],
];

/** A span of time, such as "3 min"; one unit is enough. */
export function span(seconds) {
  const [size, unit] = UNITS.find(([least]) => seconds >= least) ?? UNITS.at(-1);
  const count = Math.max(1, Math.floor(seconds / size));
  const plural = count !== 1 && size >= 3600 ? "s" : "";
  return `${count} ${unit}${plural}`;
}

/** How long ago a time was, given in Unix seconds like now. */
export function ago(time, now) {
  const passed = now - time;
  if (passed < 10) return "just now";
  // Seconds in steps of ten: a page that is looked at for long should not flicker.
  return `${span(passed < 60 ? Math.floor(passed / 10) * 10 : passed)} ago`;
}

/** Unix seconds as the reader's own date and time. */
export function exact(time) {
  return new Date(time * 1000).toLocaleString();
}

/** Whether a device has ever registered or answered. */
export function isNew(device) {
  return device.presence === "gone" && !device.heard_s;
}

/** Kind of presence, for the colour of its mark. */
export function presenceKind(device) {
  return isNew(device) ? "new" : device.presence;
}

/**
 * Presence of a device in words, in two parts: the second is empty unless it sleeps.
 *
 * back: Unix seconds when a sleeping device is expected.
 */
export function presence(device, back, now) {
  if (isNew(device)) return ["never seen", ""];
  if (device.presence !== "asleep") return [device.presence, ""];
  return ["asleep,", back > now ? `back in ${span(back - now)}` : "expected now"];
}

/** What to do about a device that cannot be asked now; empty if it can. */
export function advice(device) {
  if (isNew(device)) {
    return "This device is listed and has never registered. Start it, and have it register with this gateway.";
  }
  if (device.presence === "gone") {
    return "This device is not registered any more. See whether it has power and reaches this gateway; it shows here as soon as it registers again.";
  }
  if (device.presence === "asleep") {
    return "This device sleeps. It shows what is new as soon as it is back; requests with Prefer: respond-async wait for it.";
  }
  return "";
}

/** What to do about a device that is not in the list. */
export function unknown(name) {
  return `No device has the name ${name}, or your token may not see it. Choose one of the list.`;
}

const REFUSALS = {
  401: ["A token is needed", "Give a token that this gateway knows."],
  403: ["This is not allowed", "Ask whoever runs the gateway for the right to read, or use another token."],
  404: ["There is no such device", "It may have another name, or your token may not see it. Choose one of the list."],
  429: ["Asked too often", "Wait a moment; the page asks again by itself."],
  502: ["The device answers what cannot be used", "See whether it runs the right software, and what is between it and the gateway."],
  503: ["The gateway is busy", "Close other pages that look at it, or raise streams in its file; this page asks again by itself."],
  504: ["The device does not answer", "See whether it has power and reaches the gateway; this page asks again by itself."],
};

const DEVICE_REFUSES = ["The device refuses it", "Its file has to give this gateway the right to read."];

/** A refusal in words: what it is, and what to do. */
export function refusal(status, problem) {
  const isOfDevice = status === 403 && problem?.code;
  const [title, todo] = isOfDevice ? DEVICE_REFUSES : REFUSALS[status] ?? ["This did not work", "The page asks again by itself."];
  const detail = typeof problem?.detail === "string" ? problem.detail : "";
  return { title, text: detail ? `${sentence(detail)} ${todo}` : todo };
}

/** A problem as a sentence. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Bytes as people read them. */
export function bytes(count) {
  if (count < 1024) return `${count} B`;
  return count < 1048576 ? `${Math.round(count / 1024)} KiB` : `${(count / 1048576).toFixed(1)} MiB`;
}

const UNSAID = new Set(["event", "time_s", "at_ns"]);

function brief(text) {
  return /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

/** An event of a device in one line, without its name and time. */
export function eventRest(event) {
  if (event === null || typeof event !== "object") return String(event);
  return Object.entries(event)
    .filter(([key, value]) => !UNSAID.has(key) && value !== "" && !(Array.isArray(value) && !value.length))
    .map(([key, value]) => `${key} ${typeof value === "string" ? brief(value) : JSON.stringify(value)}`)
    .join(", ");
}
