// Moves the timeline, keeps it fresh, zooms, and leads from mark to mark by the keyboard. Without it the picture stands
// still and its marks are links all the same. What it inserts was escaped by the server. Uses what booper.js declares.
const FRESH = [".tl-scale", ".tl-moving", ".tl-front", ".tl-empty", ".tl-counts", ".tl-key", ".tl-rows"];
const SWITCHES = ".switch";
const MOVES_MS = 600000; // one animation lasts so long; a refresh begins another
const REMEMBERED = "booper_timeline_held";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const clockText = (date) => localText(date).slice(11, 16);
const dayText = (date) => localText(date).slice(5, 10);

// A text that begins with an instant in UTC, as the server writes it, with that instant in the reader's zone.
function localized(text) {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/.exec(text);
  return match ? localText(new Date(`${match[1]}T${match[2]}Z`)) + text.slice(match[0].length) : text;
}

function showLocalAxis(root) {
  for (const label of root.querySelectorAll(".tl-time")) {
    const date = new Date(Number(label.dataset.at));
    label.textContent = label.textContent.includes(":") ? clockText(date) : dayText(date);
  }
}

// Beside the figure of a card: that of the minute under the pointer, in the reader's zone.
function readSpark(event) {
  const card = event.target.closest?.(".health > li"), spark = card?.querySelector("[data-course]");
  if (!spark) return;
  const say = card.querySelector(".spark-say"), box = spark.getBoundingClientRect(), course = spark.dataset.course.split("|");
  const isOutside = event.type === "pointerout" && !card.contains(event.relatedTarget);
  const place = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  const minute = Math.min(Math.floor(place * course.length), course.length - 1);
  say.textContent = isOutside ? "" : `${clockText(new Date(Number(spark.dataset.first) + minute * 60000))} ${course[minute]}`;
}

class Timeline {
  constructor(figure) {
    this.figure = figure;
    this.plot = figure.querySelector(".tl-plot");
    this.say = figure.querySelector(".tl-say");
    this.pause = figure.querySelector(".tl-pause");
    this.held = sessionStorage.getItem(REMEMBERED) === "1";
    this.plot.tabIndex = 0;
    this.pause.hidden = false;
    this.pause.addEventListener("click", () => this.hold(!this.held));
    figure.addEventListener("click", (event) => this.choose(event));
    this.plot.addEventListener("keydown", (event) => this.press(event));
    this.plot.addEventListener("blur", () => this.mark(null));
    this.plot.addEventListener("pointerover", (event) => this.tell(event.target.closest("a")));
    this.plot.addEventListener("pointerleave", () => this.tell(this.current()));
    calm.addEventListener("change", () => this.move());
    showLocalAxis(figure);
    this.hold(this.held);
    this.keepFresh();
  }

  hold(held) {
    this.held = held;
    sessionStorage.setItem(REMEMBERED, held ? "1" : "0");
    this.pause.setAttribute("aria-pressed", String(held));
    this.figure.classList.toggle("tl-held", held);
    if (!held && this.motion !== undefined) this.refresh(); // what the page brought is fresh
    this.move();
  }

  // Everything goes to the left as time passes; percentages, so that it fits after the window was resized.
  move() {
    const svg = this.plot.querySelector(".tl-moving");
    this.motion?.cancel();
    this.motion = null;
    if (this.held || calm.matches) return;
    const percent = (50 * MOVES_MS) / Number(svg.dataset.eachWay);
    const frames = [{ transform: "translateX(0)" }, { transform: `translateX(-${percent}%)` }];
    this.motion = svg.animate(frames, { duration: MOVES_MS, fill: "forwards" });
  }

  async keepFresh() {
    while (this.figure.isConnected) {
      const svg = this.plot.querySelector(".tl-moving");
      await new Promise((wake) => setTimeout(wake, Number(svg.dataset.refreshS) * 1000));
      if (!this.held && !document.hidden) await this.refresh();
    }
  }

  async refresh() {
    const part = this.figure.dataset.part;
    let response;
    try {
      response = await fetch(part, { headers: FOR_PART });
      if (response.redirected) return location.reload(); // signed out
      if (!response.ok || part !== this.figure.dataset.part) return;
      this.take(parsed(await response.text()).getElementById("timeline"));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // no network: the next turn tries again
    }
  }

  // Take the newer part of everything that changes; what was hollow and is filled now pops.
  take(newer) {
    const waited = new Set([...this.plot.querySelectorAll(".tl-ahead [data-key]")].map((mark) => mark.dataset.key));
    const current = this.current()?.dataset.key;
    showLocal(newer);
    showLocalAxis(newer);
    for (const name of [...FRESH, SWITCHES]) this.takePart(name, newer);
    for (const mark of this.plot.querySelectorAll(".tl-dots:not(.tl-ahead) [data-key]")) {
      if (waited.has(mark.dataset.key)) mark.firstElementChild.classList.add("tl-pop");
    }
    if (current) this.plot.querySelector(`[data-key="${current}"]`)?.classList.add("tl-current");
    this.move();
  }

  takePart(name, newer) {
    const olds = [...this.figure.querySelectorAll(name)], news = [...newer.querySelectorAll(name)];
    olds.forEach((old, number) => {
      const focused = old.contains(document.activeElement) && document.activeElement.dataset.name;
      if (news[number]) old.replaceWith(news[number]);
      else old.remove();
      if (focused) news[number]?.querySelector(`[data-name="${focused}"]`)?.focus({ preventScroll: true });
    });
    if (!olds.length) this.plot.append(...news); // the text of an empty timeline comes back
  }

  choose(event) {
    const link = event.target.closest("a[data-part]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.zoomTo(link);
  }

  zoomTo(link) {
    this.figure.dataset.part = link.dataset.part;
    history.replaceState(null, "", link.href);
    this.refresh();
  }

  press(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step !== undefined) this.step(step);
    else if (event.key === "+" || event.key === "=") this.zoom(-1);
    else if (event.key === "-") this.zoom(1);
    else if (event.key === "Enter" && this.current()?.hasAttribute("href")) location.href = this.current().getAttribute("href");
    else if (event.key === "Escape") this.mark(null);
    else return;
    event.preventDefault();
  }

  // The first step goes to the mark nearest to now.
  step(by) {
    const placed = [...this.plot.querySelectorAll(".tl-moving a, .tl-front a")].map((mark) => [mark.getBoundingClientRect(), mark]);
    const box = this.plot.getBoundingClientRect();
    const seen = placed.filter(([own]) => own.right > box.left && own.left < box.right).sort(([a], [b]) => a.left - b.left);
    if (!seen.length) return;
    const at = seen.findIndex(([, mark]) => mark === this.current());
    const middle = box.left + box.width / 2;
    const behind = seen.findIndex(([own]) => own.left >= middle);
    const start = at >= 0 ? at : (behind < 0 ? seen.length : behind) - (by > 0 ? 1 : 0);
    this.mark(seen[Math.min(Math.max(start + by, 0), seen.length - 1)][1]);
  }

  zoom(by) {
    const links = [...this.figure.querySelector(SWITCHES).querySelectorAll("a")];
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    if (links[at + by]) this.zoomTo(links[at + by]);
  }

  current() {
    return this.plot.querySelector(".tl-current");
  }

  mark(link) {
    this.current()?.classList.remove("tl-current");
    link?.classList.add("tl-current");
    this.tell(link);
  }

  tell(link) {
    this.say.textContent = link ? localized(link.querySelector("title")?.textContent || "") : "";
  }
}

for (const name of ["pointermove", "pointerout"]) document.addEventListener(name, readSpark);
document.querySelectorAll("figure.tl").forEach((figure) => new Timeline(figure));
