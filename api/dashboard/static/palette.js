// The search that opens over each page, and the keys. The pages work without it.
// It makes no markup from data; what it inserts was escaped by the server. Uses what booper.js declares.
"use strict";

const palette = document.getElementById("palette");
const shortcuts = document.getElementById("shortcuts");
const SEQUENCE_MS = 1500; // within which the second key of `g j` comes
const TYPING_MS = 150;

const shown = () => [...palette.querySelectorAll("li:not([hidden]) > :is(a, button)")];

// What can be done with the thing that the page shows: the buttons at its head, such as "Run now". They are looked for
// again when one is chosen, because the page may have been refreshed. One that asks first is opened, and asks.
const COMMANDS = "main .head :is(form:not(details form) > button, summary.button, a.button:not(.primary))";
const commands = () => [...document.querySelectorAll(COMMANDS)];

function listCommands() {
  document.getElementById("commands").replaceChildren(...commands().map((button) => commandOf(button.textContent)));
}

function commandOf(text) {
  const item = document.createElement("li"), command = document.createElement("button");
  command.type = "button";
  command.textContent = text;
  command.addEventListener("click", () => run(text));
  item.append(command);
  return item;
}

function run(text) {
  const button = commands().find((each) => each.textContent === text), details = button?.closest("details");
  palette.close();
  if (!details) return button?.click();
  details.open = true;
  details.querySelector("form :is(input:not([type=hidden]), button)").focus();
}

function openPalette() {
  const input = palette.querySelector("input");
  if (!palette.open) palette.showModal();
  listCommands();
  input.select();
  narrow("");
}

// Shows the commands and places whose words contain what was typed.
function narrow(typed) {
  for (const place of palette.querySelectorAll("#commands li, #places li")) {
    place.hidden = !place.textContent.toLowerCase().includes(typed.trim().toLowerCase());
  }
}

let latest = 0;

async function find(typed) {
  const found = document.getElementById("found");
  const number = ++latest;
  if (!typed.trim()) return found.replaceChildren();
  const answer = await fetch(`${found.dataset.results}?${new URLSearchParams({ q: typed, zone: ZONE })}`).catch(() => null);
  if (number !== latest || !answer || !answer.ok || answer.redirected) return; // redirected: signed out
  const list = parsed(`<ul>${await answer.text()}</ul>`).querySelector("ul");
  if (number === latest) found.replaceChildren(...list.children);
}

function move(step) {
  const links = shown();
  const place = links.indexOf(document.activeElement) + step;
  if (place < 0) palette.querySelector("input").focus();
  else links[Math.min(place, links.length - 1)]?.focus();
}

// The address of the place with this key, from the list that is on the page.
const addressOf = (keys) => [...palette.querySelectorAll("#places a")].find((link) => link.querySelector("kbd")?.textContent === keys)?.href;

let pressed = "", pressedAt = 0;

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette();
  }
  if (palette.open || shortcuts.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const before = event.timeStamp - pressedAt < SEQUENCE_MS ? pressed : "";
  [pressed, pressedAt] = [event.key, event.timeStamp];
  const address = addressOf(before === "g" ? `g ${event.key}` : event.key);
  if (event.key === "/") openPalette();
  else if (event.key === "?") shortcuts.showModal();
  else if (address) location.assign(address);
  else return;
  event.preventDefault();
}

if (palette) {
  let waiting;
  document.addEventListener("keydown", onKey);
  palette.addEventListener("input", (event) => {
    narrow(event.target.value);
    clearTimeout(waiting);
    waiting = setTimeout(find, TYPING_MS, event.target.value);
  });
  palette.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); move(step); }
  });
  for (const dialog of [palette, shortcuts]) {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
  for (const link of document.querySelectorAll("[data-open-palette]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); openPalette(); });
  }
}
