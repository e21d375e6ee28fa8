// What every page does beyond showing what it was sent: it stays up to date, and commands can be copied.
"use strict";

const page = document.documentElement;

// News come as the whole page, which is compared with what is shown; only what differs is changed.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (shown) =>
  !(shown instanceof Element && shown.hasAttribute("data-still"));
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, shown) =>
  !(name === "open" && shown instanceof HTMLDetailsElement);

let source = null;
htmx.createEventSource = (address) => {
  source = new EventSource(address);
  return source;
};

function tellLive(isLive) {
  page.dataset.live = isLive ? "on" : "off";
  const place = document.getElementById("live");
  if (place) place.textContent = isLive ? "up to date" : "not up to date: no connection";
}

document.addEventListener("htmx:sseOpen", () => tellLive(true));
document.addEventListener("htmx:sseError", () => tellLive(false));

// Somebody has logged in anew in another tab: what is shown here, and its forms, are of another session.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.detail.lastEventId === page.dataset.session) return;
  event.preventDefault();
  location.reload();
});

// A browser has few connections to a host; a tab that nobody sees takes none.
document.addEventListener("visibilitychange", () => {
  const live = document.querySelector("main[sse-connect]");
  if (!live || !source) return;
  if (document.hidden) {
    source.close();
  } else if (source.readyState === EventSource.CLOSED) {
    const anew = live.cloneNode(true);
    live.replaceWith(anew);
    htmx.process(anew);
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element && event.target.closest("button[data-copies]");
  if (!button) return;
  const code = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

// A file that is too long is told here, before it is sent.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !field.dataset.mostBytes) return;
  const most = Number(field.dataset.mostBytes);
  const isLong = [...field.files].some((file) => file.size > most);
  field.setCustomValidity(isLong ? `This file is longer than ${most} bytes.` : "");
  field.reportValidity();
});
