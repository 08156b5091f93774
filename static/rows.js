// Lists by keyboard: j and k go from row to row; Enter opens the row, since its link has the focus.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const links = [...document.querySelectorAll("[data-rows] .row-link")];
  if (!links.length) return;
  const place = links.indexOf(document.activeElement?.closest?.("[data-row]")?.querySelector(".row-link"));
  const next = place < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(place + step, 0), links.length - 1);
  event.preventDefault();
  links[next].focus();
});
