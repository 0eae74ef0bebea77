// Refreshes parts of pages, shows times in local time, previews schedules, and streams the log.
// Every page works without it. It makes no markup from data; what it inserts was escaped by the server.
"use strict";

const two = (number) => String(number).padStart(2, "0");
const FOR_PART = { Accept: "text/html", "Booper-Part": "1" }; // without the menu and what else surrounds the parts
const BADGE_MS = 30_000;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function localText(date) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

// With "time" the date is left out of what is today: many rows would repeat it.
function shownTime(date, form) {
  const text = localText(date);
  return form === "time" && date.toDateString() === new Date().toDateString() ? text.slice(11) : text;
}

function showLocal(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    if ("local" in time.dataset) time.textContent = shownTime(date, time.dataset.local);
    else time.title = `${localText(date)} here, ${time.title}`;
  }
  for (const place of root.querySelectorAll("[data-zone]")) place.textContent = ZONE;
  for (const field of root.querySelectorAll("[data-zone-name]")) field.value = ZONE; // in which the form's times are
  for (const input of root.querySelectorAll("input[data-instant]")) {
    const date = new Date(input.dataset.instant);
    if (isNaN(date)) continue;
    input.value = localText(date).replace(" ", "T");
    input.dataset.shown = input.value;
  }
}

// A time that was left as it is goes back as its instant: in an hour that comes twice, its local text means the first.
function sendInstants(event) {
  for (const input of event.target.querySelectorAll("input[data-shown]")) {
    if (input.value === input.dataset.shown) event.formData.set(input.name, input.dataset.instant);
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

// A part with data-refresh="seconds" loads its page again and takes the new part, unless the reader is busy in it.
function busy(part) {
  const inside = document.activeElement;
  const held = "tail" in part.dataset && document.getElementById("hold").ariaPressed === "true";
  const typing = inside && part.contains(inside) && inside.matches("input, select, textarea");
  const begun = part.querySelector("input[type=checkbox]:checked, details[open] input:not([type=hidden])");
  return document.hidden || held || typing || begun || String(getSelection());
}

// Says that what the page shows is no longer current, and since when; hides it when the server answers again.
let reachedAt = new Date();

function showReach(reached, isFailing = false) {
  if (reached) reachedAt = new Date();
  const banner = document.getElementById("unreachable");
  if (!banner) return;
  const text = isFailing ? banner.dataset.failing : banner.dataset.text;
  if (!reached) banner.textContent = text.replace("{time}", localText(reachedAt).slice(11));
  banner.hidden = reached;
}

// A page without a part that refreshes asks whether the server is there.
async function watchReach() {
  while (true) {
    await new Promise((wake) => setTimeout(wake, 10_000));
    if (document.hidden || document.querySelector("[data-refresh]")) continue;
    await fetch(document.body.dataset.alive).then((answer) => showReach(answer.ok, true), () => showReach(false));
  }
}

// The menu of a page that stays open, or that comes back from the browser's history, has the badge of then.
async function refreshBadge() {
  const badge = document.getElementById("failing");
  const response = badge && !document.hidden && (await fetch(badge.dataset.badge, { headers: FOR_PART }).catch(() => null));
  if (response && response.ok && !response.redirected) badge.replaceChildren(...parsed(await response.text()).getElementById("failing").childNodes);
}

// Parts of one page that refresh at the same time load it once.
const underWay = new Map();

function load(address) {
  if (!underWay.has(address)) underWay.set(address, loaded(address).finally(() => underWay.delete(address)));
  return underWay.get(address);
}

async function loaded(address) {
  const response = await fetch(address, { headers: FOR_PART });
  return { response, text: await response.text() };
}

async function refresh(part) {
  const { response, text } = await load(location.href);
  showReach(response.status < 500, true);
  if (response.redirected && new URL(response.url).pathname.endsWith("/sign-in")) return location.reload();
  const newer = response.ok && parsed(text).getElementById(part.id);
  if (!newer || busy(part)) return part;
  const open = [...part.querySelectorAll("details[id]")].map((details) => [details.id, details.open]);
  const focused = part.contains(document.activeElement) ? focusPath(part) : null;
  showLocal(newer);
  if ("tail" in part.dataset) takePlace(part, newer);
  part.replaceWith(newer);
  for (const [id, wasOpen] of open) {
    const details = document.getElementById(id);
    if (details) details.open = wasOpen;
  }
  if (focused !== null) focusable(newer)[focused]?.focus({ preventScroll: true });
  return newer;
}

// The rows of a log for which no stream is left: the page does not say that they are to be refreshed again.
function takePlace(rows, newer) {
  newer.dataset.refresh = rows.dataset.refresh;
  if (newer.rows.length) document.querySelector("[data-until-entries]")?.remove();
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
      if (!(error instanceof TypeError)) throw error;
      showReach(false); // the next turn tries again
    }
  }
}

// Keeps new entries back while somebody reads.
function holdButton(release) {
  const button = document.getElementById("hold");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isHeld = button.ariaPressed !== "true";
    button.ariaPressed = String(isHeld);
    if (!isHeld) release();
  });
  return button;
}

// The live log: server-sent events; when the server has no stream left, the page's rows every few seconds.
function tail(rows) {
  const state = document.getElementById("tail-state");
  const showState = (text) => { state.hidden = false; state.textContent = text; };
  const source = new EventSource(rows.dataset.tail);
  const waiting = [];
  const insert = (row) => {
    if (document.getElementById(row.id)) return;
    rows.prepend(row);
    document.querySelector("[data-until-entries]")?.remove();
    while (rows.rows.length > Number(rows.dataset.most)) rows.lastElementChild.remove();
  };
  const hold = holdButton(() => waiting.splice(0).forEach(insert));
  source.onopen = () => showState("live");
  source.onmessage = (event) => {
    const row = parsed(`<table><tbody>${JSON.parse(event.data)}</tbody></table>`).querySelector("tr");
    if (!row) return;
    showLocal(row);
    if (hold.ariaPressed !== "true") return insert(row);
    waiting.push(row);
    waiting.splice(0, waiting.length - Number(rows.dataset.most)); // as many as the list shows
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    showState("refreshes every few seconds");
    rows.dataset.refresh = "5";
    keepFresh(rows);
  };
}

// Shows when a job or schedule would run and be tried again, and what would make it elsewhere, while its form is filled in.
const TIMES = ["when", "amount", "unit", "at", "offset", "every", "every_unit", "cron", "timezone"];
const RETRIES = ["max_attempts", "backoff"];

function preview(form) {
  const commands = form.querySelector("[data-commands]");
  const latest = new Map();
  const show = async (id, address, options) => {
    const place = document.getElementById(id), number = (latest.get(id) || 0) + 1;
    if (!place) return; // a form in JSON has no previews
    latest.set(id, number);
    const response = await fetch(address, options).catch(() => null);
    if (number !== latest.get(id) || !response || !response.ok || response.redirected) return; // redirected: signed out
    const body = parsed(await response.text()).body;
    showLocal(body);
    place.replaceChildren(...body.childNodes);
  };
  const chosen = (names) => new URLSearchParams([...new FormData(form)].filter(([name]) => names.includes(name)));
  const showTimes = () => show("preview", `${form.dataset.preview}?${chosen(TIMES)}`);
  const showOthers = () => {
    show("retries", `${form.dataset.retries}?${chosen(RETRIES)}`);
    if (commands.open) show("snippets", commands.dataset.commands, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  };
  let waiting;
  form.addEventListener("input", (event) => {
    choose(event.target);
    if (event.target.closest(".times")) document.getElementById("when-problem")?.remove(); // the preview shows it again
    clearTimeout(waiting);
    waiting = setTimeout(() => { showTimes(); showOthers(); }, 250);
  });
  commands.hidden = false;
  commands.addEventListener("toggle", showOthers);
  chooseTyped(form);
  if (!document.getElementById("when-problem")) showTimes();
  showOthers();
}

// What was typed before this script came counts too, unless a time was chosen by hand since.
function chooseTyped(form) {
  if (!form.querySelector("input[name=when]:checked")?.defaultChecked) return;
  for (const input of form.querySelectorAll(".time input:not([type=radio])")) {
    if (input.value !== input.defaultValue) choose(input);
  }
}

// Filling in a time selects its radio button.
function choose(input) {
  const radio = input.closest(".time")?.querySelector("input[type=radio]");
  if (radio && radio !== input) radio.checked = true;
  const at = input.form?.querySelector("input[name=at]");
  const offset = input.form?.querySelector("[data-offset]");
  if (at && offset && at.value && (input === at || !offset.value)) offset.value = offsetOf(new Date(at.value));
}

function offsetOf(date) {
  const minutes = -date.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

// Without this the form sends the choice, and the page is loaded again.
function chooseTheme(button) {
  if (button.value) document.documentElement.dataset.theme = button.value;
  else delete document.documentElement.dataset.theme;
  document.cookie = `booper_theme=${button.value}; path=/; max-age=31536000; samesite=strict`;
  for (const each of button.form.elements) if (each.name === "theme") each.setAttribute("aria-pressed", each === button);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!(await loadWhole(source))) {
    button.textContent = "Not copied: loading failed. Try again";
    return;
  }
  getSelection().selectAllChildren(source);
  // The clipboard exists on https and loopback only, and the browser may refuse it, such as after a slow load.
  const copied = await navigator.clipboard?.writeText(source.textContent).then(() => true, () => false);
  if (!copied) {
    button.textContent = "Selected. Press Ctrl+C";
    return;
  }
  getSelection().removeAllRanges();
  button.textContent = "Copied";
}

// The page holds the beginning of a long text; data-whole is the address of the whole text.
async function loadWhole(source) {
  if (!source.dataset.whole) return true;
  const response = await fetch(source.dataset.whole).catch(() => null);
  if (!response || !response.ok || response.redirected) return false; // redirected: signed out
  source.textContent = await response.text();
  delete source.dataset.whole;
  return true;
}

// The note after a form is shown once, and not again when the page is reloaded.
function forgetNote() {
  const here = new URL(location.href);
  if (!here.searchParams.has("note")) return;
  here.searchParams.delete("note");
  history.replaceState(null, "", here);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-themes] button, [data-copy]");
  if (!button) return;
  if ("copy" in button.dataset) return copy(button);
  event.preventDefault();
  chooseTheme(button);
});
// The space bar ticks a checkbox. Enter would send the whole form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[type=checkbox]")) event.preventDefault();
});
document.addEventListener("change", (event) => {
  const all = event.target.dataset.all;
  if (all) for (const box of event.target.form.querySelectorAll(`input[name="${all}"]`)) box.checked = event.target.checked;
});
document.addEventListener("formdata", sendInstants);
forgetNote();
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
showLocal(document);
document.querySelectorAll("[data-refresh]").forEach(keepFresh);
if (document.body.dataset.alive) watchReach();
setInterval(refreshBadge, BADGE_MS);
addEventListener("pageshow", (event) => { if (event.persisted) refreshBadge(); });
document.querySelectorAll("[data-tail]").forEach(tail);
for (const input of document.querySelectorAll("[data-default-zone]")) input.defaultValue ||= ZONE; // not typed: it chooses no time
document.querySelectorAll("form[data-preview]").forEach(preview);
