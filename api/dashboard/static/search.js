// Shows the results of the search box while it is filled in. Uses what booper.js declares.
"use strict";

async function search(form) {
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  form.dataset.latest = address;
  const response = await fetch(address, { headers: FOR_PART }).catch(() => null);
  if (!response || response.redirected || form.dataset.latest !== address) return; // redirected: an ID; Enter goes there
  const newer = parsed(await response.text()).getElementById(form.dataset.search);
  const older = document.getElementById(form.dataset.search);
  if (!newer || !older) return;
  showLocal(newer);
  older.replaceWith(newer);
  history.replaceState(null, "", address);
  newer.querySelectorAll("[data-refresh]").forEach(keepFresh);
}

for (const form of document.querySelectorAll("[data-search]")) {
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 250, form);
  });
  if (location.hash === "#search") form.elements.q.select();
}
