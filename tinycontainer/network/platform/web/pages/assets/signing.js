// Signs in the page: the key file is read here, its key is imported so that it cannot be exported, and it is never sent.
"use strict";

const KEY_FILE_BYTES = 4096;
const ED25519 = { name: "Ed25519" };

class SigningProblem extends Error {}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest(".sign-here button");
  if (button) signAt(button.closest(".sign-here"));
});

// News can come right before the button is pressed: what was said when the key was chosen is what is signed, or nothing.
document.addEventListener("change", (event) => {
  const place = event.target instanceof Element && event.target.closest(".sign-here");
  const said = place && place.parentElement.closest("[data-seen]");
  if (said) place.dataset.seen = said.dataset.seen;
});

async function signAt(place) {
  const [chosen, said] = [place.querySelector("input"), place.querySelector("[role=status]")];
  if (place.ariaBusy === "true") return;
  place.ariaBusy = "true";
  said.textContent = "Signing...";
  try {
    await sign({ ...place.parentElement.closest("[data-seen]")?.dataset, ...place.dataset }, chosen.files[0]);
    said.textContent = "Signed.";
    if (place.contains(document.activeElement)) document.getElementById("main").focus({ preventScroll: true });
    if (document.documentElement.dataset.live !== "on") location.reload();
  } catch (error) {
    said.textContent = error instanceof SigningProblem ? error.message : "The browser could not do it; sign with the command.";
  } finally {
    chosen.value = "";
    place.ariaBusy = "false";
  }
}

// `seen` is the digest of the claims that were said here; the platform gives no others to sign.
async function sign({ role, bytes, tokens, method, csrf, seen }, file) {
  const key = await importKey(file);
  const fingerprint = await findOwnKey(key, role);
  const { signed, head } = await ask("GET", `${bytes}?key=${fingerprint}${seen ? `&seen=${seen}` : ""}`);
  const signature = await crypto.subtle.sign(ED25519, key, decode(signed));
  const token = new Uint8Array([...decode(head), ...new Uint8Array(signature)]);
  await ask(method, tokens, csrf, { token: btoa(String.fromCharCode(...token)) });
}

async function importKey(file) {
  if (!isSecureContext || !crypto.subtle) refuse("A browser signs only on a page that comes by HTTPS or from this machine.");
  if (!file) refuse("Choose the file of the private key first.");
  if (file.size > KEY_FILE_BYTES) refuse("This file is too long for a key.");
  const der = readPem(await file.text());
  try {
    return await crypto.subtle.importKey("pkcs8", der, ED25519, false, ["sign"]);
  } catch (error) {
    return refuse(error.name === "NotSupportedError" ? "This browser cannot sign with Ed25519." : "This is no Ed25519 key.");
  } finally {
    der.fill(0);
  }
}

function readPem(text) {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)];
  if (blocks.length !== 1) refuse("This is no file with one key in PEM.");
  const [, label, content] = blocks[0];
  if (label === "ENCRYPTED PRIVATE KEY") refuse("This key is encrypted; the command asks for its passphrase.");
  if (label === "PUBLIC KEY") refuse("This is a public key; choose the private one.");
  if (label !== "PRIVATE KEY") refuse("This is no private key in PKCS #8.");
  try {
    return decode(content.replace(/\s/g, ""));
  } catch {
    return refuse("This PEM file is damaged.");
  }
}

// The public half of a key that cannot be exported is found by what it signs. That is told to nobody.
async function findOwnKey(key, role) {
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  const signature = await crypto.subtle.sign(ED25519, key, challenge);
  const { keys } = await ask("GET", "/api/keys");
  for (const each of keys) {
    const known = await crypto.subtle.importKey("raw", decode(each.public), ED25519, false, ["verify"]);
    if (!(await crypto.subtle.verify(ED25519, known, signature, challenge))) continue;
    if (each.withdrawn_s !== null) refuse("This key was withdrawn.");
    if (each.role !== role) refuse(`This is a key of the ${each.role}; here the ${role} signs.`);
    return each.fingerprint;
  }
  return refuse("Your organisation has no such key; an admin makes its public half known first.");
}

async function ask(method, path, csrf, body) {
  const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json", "X-CSRF-Token": csrf }) };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error" });
  } catch {
    refuse("The platform does not answer; try again.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) refuse(`The platform refuses: ${found.detail || answer.status}`);
  return found;
}

function decode(base64) {
  return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
}

function refuse(problem) {
  throw new SigningProblem(problem);
}
