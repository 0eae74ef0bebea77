// What pages do by themselves: parts that refresh, times as the reader's clock shows them, previews, the live tail.
// Every page works without it. Nothing here makes markup from data; what it inserts was escaped by the server.
"use strict";

const two = (number) => String(number).padStart(2, "0");

function localText(date) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function showLocal(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    if ("local" in time.dataset) time.textContent = localText(date);
    else time.title = `${localText(date)} here, ${time.title}`;
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// Parts with data-refresh="seconds" ask for their page again and take its newer part, unless the reader is busy in them.
function busy(part) {
  const inside = document.activeElement;
  const typing = inside && part.contains(inside) && inside.matches("input, select, textarea");
  return document.hidden || typing || part.querySelector("input[type=checkbox]:checked") || String(getSelection());
}

async function refresh(part) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return location.reload();
  const newer = answer.ok && parsed(await answer.text()).getElementById(part.id);
  if (!newer || busy(part)) return part;
  const open = [...part.querySelectorAll("details[id]")].map((details) => [details.id, details.open]);
  const focused = part.contains(document.activeElement) ? focusPath(part) : null;
  showLocal(newer);
  part.replaceWith(newer);
  for (const [id, wasOpen] of open) {
    const details = document.getElementById(id);
    if (details) details.open = wasOpen;
  }
  if (focused !== null) focusable(newer)[focused]?.focus({ preventScroll: true });
  return newer;
}

const focusable = (root) => [...root.querySelectorAll("a[href], button, summary, pre[tabindex]")];
const focusPath = (part) => focusable(part).indexOf(document.activeElement);

async function keepFresh(part) {
  while (part && part.isConnected && part.dataset.refresh) {
    await new Promise((wake) => setTimeout(wake, Number(part.dataset.refresh) * 1000));
    if (busy(part)) continue;
    try {
      part = await refresh(part);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the network is away: the next turn asks again
    }
  }
}

// An action on many jobs: each answer tells how far it is, and has the form of the next chunk until there is none.
const bulk = { stopped: false };

async function workOff(form) {
  let part = form.closest("#bulk");
  bulk.stopped = false;
  goesOn(part, true);
  part.querySelector("[data-stop]").focus();
  while (form && !bulk.stopped) {
    const newer = await chunkDone(form);
    if (!newer) {
      part.querySelector("[data-trouble]").hidden = false;
      break;
    }
    const focused = part.contains(document.activeElement);
    part.replaceWith(newer);
    part = newer;
    form = part.querySelector("form[data-chunks]");
    if (form) goesOn(part, true);
    if (focused) part.querySelector(form ? "[data-stop]" : "[data-back]").focus();
  }
  if (!form) return;
  goesOn(part, false);
  form.querySelector("button").focus();
}

async function chunkDone(form) {
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const newer = answer.ok && parsed(await answer.text()).getElementById("bulk");
    if (newer) history.replaceState(null, "", answer.url);
    return newer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the network is away
    return null;
  }
}

function goesOn(part, does) {
  part.querySelector("form[data-chunks]").hidden = part.querySelector("[data-back]").hidden = does;
  part.querySelector("[data-stop]").hidden = !does;
  if (does) part.querySelector("[data-trouble]").hidden = true;
}

// The live tail: server-sent events; where the server has none to spare, the page's rows every few seconds.
function tail(rows) {
  const state = document.getElementById("tail-state");
  const tell = (text) => { state.hidden = false; state.textContent = text; };
  const source = new EventSource(rows.dataset.tail);
  source.onopen = () => tell("live");
  source.onmessage = (event) => {
    const row = parsed(`<table><tbody>${JSON.parse(event.data)}</tbody></table>`).querySelector("tr");
    if (!row || document.getElementById(row.id)) return;
    showLocal(row);
    rows.prepend(row);
    document.querySelector("[data-until-entries]")?.remove();
    while (rows.rows.length > Number(rows.dataset.most)) rows.lastElementChild.remove();
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    tell("every few seconds");
    rows.dataset.refresh = "5";
    keepFresh(rows);
  };
}

// When a job or schedule will run, while its form is being filled in.
function preview(form) {
  const place = document.getElementById("preview");
  let asked = 0;
  const show = async () => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (["when", "amount", "unit", "at", "offset", "every", "every_unit", "cron", "timezone"].includes(name)) fields.append(name, value);
    }
    const turn = ++asked;
    const answer = await fetch(`${form.dataset.preview}?${fields}`);
    if (turn !== asked || !answer.ok || answer.redirected) return; // redirected: signed out
    const body = parsed(await answer.text()).body;
    showLocal(body);
    place.replaceChildren(...body.childNodes);
  };
  let waiting;
  form.addEventListener("input", (event) => {
    choose(event.target);
    if (event.target.closest(".times")) document.getElementById("when-problem")?.remove(); // the preview tells anew
    clearTimeout(waiting);
    waiting = setTimeout(show, 250);
  });
  if (!document.getElementById("when-problem")) show();
}

// Filling in a time chooses its way of saying when.
function choose(input) {
  const radio = input.closest(".time")?.querySelector("input[type=radio]");
  if (radio && radio !== input) radio.checked = true;
  const at = input.form?.querySelector("input[name=at]");
  const offset = input.form?.querySelector("[data-offset]");
  if (at && offset && at.value) offset.value = offsetOf(new Date(at.value));
}

function offsetOf(date) {
  const minutes = -date.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `booper_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!(await madeWhole(source))) {
    button.textContent = "Not copied: the rest did not come. Try again";
    return;
  }
  getSelection().selectAllChildren(source);
  // Only https and loopback have one; and it may be refused, such as when the rest was long in coming.
  const taken = await navigator.clipboard?.writeText(source.textContent).then(() => true, () => false);
  if (!taken) {
    button.textContent = "Selected: copy it with Ctrl+C";
    return;
  }
  getSelection().removeAllRanges();
  button.textContent = "Copied";
}

// Of a long text the page has the beginning; data-whole says where the rest is.
async function madeWhole(source) {
  if (!source.dataset.whole) return true;
  const answer = await fetch(source.dataset.whole).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) return false; // redirected: signed out
  source.textContent = await answer.text();
  delete source.dataset.whole;
  return true;
}

// What a form's redirect says is said once, and not again when the page is loaded anew.
function forgetNote() {
  const here = new URL(location.href);
  if (!here.searchParams.has("note")) return;
  here.searchParams.delete("note");
  history.replaceState(null, "", here);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-toggle], [data-copy]");
  if (button) "copy" in button.dataset ? copy(button) : toggleTheme();
});
document.addEventListener("click", (event) => {
  if (event.target.matches("[data-stop]")) bulk.stopped = true;
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-chunks]")) return;
  event.preventDefault();
  workOff(event.target);
});
// A checkbox is ticked by the space bar; Enter would send its whole form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) event.preventDefault();
});
document.addEventListener("change", (event) => {
  const all = event.target.dataset.all;
  if (all) for (const box of event.target.form.querySelectorAll(`input[name="${all}"]`)) box.checked = event.target.checked;
});
forgetNote();
showLocal(document);
for (const place of document.querySelectorAll("[data-zone]")) place.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.querySelectorAll("[data-refresh]").forEach(keepFresh);
document.querySelectorAll("[data-tail]").forEach(tail);
document.querySelectorAll("form[data-preview]").forEach(preview);
