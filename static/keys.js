// Single keys: `?` lists them. They do nothing while somebody types, or where they were switched off.
"use strict";

(() => {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const OFF = "hdeadmin-keys-off";
  const choice = dialog.querySelector("[data-keys-choice]");
  const off = () => localStorage.getItem(OFF) === "yes";
  choice.checked = !off();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "no" : "yes"));

  const LEADS = { f: "[data-go=facets]", a: "[data-go=audit]" };
  for (const line of dialog.querySelectorAll("[data-lead]")) line.hidden = !document.querySelector(LEADS[line.dataset.lead]);
  const visible = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;
  const rows = () => [...document.querySelectorAll(".timeline > .event, main tbody tr:has(.row-link), .facet-card")].filter(visible);
  const linkOf = (row) => row.querySelector(".event-seq, .row-link");

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const here = document.activeElement?.closest(".event, tbody tr, .facet-card");
    let place = all.indexOf(here);
    if (place < 0) {
      // From what is on the screen.
      place = all.findIndex((row) => row.getBoundingClientRect().bottom > 80) - (by > 0 ? 1 : 0);
    }
    const row = all[Math.min(Math.max(place + by, 0), all.length - 1)];
    const link = linkOf(row);
    link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const open = () => {
    const row = document.activeElement?.closest(".event, tbody tr, .facet-card");
    const fold = row?.querySelector(".event-body > details");
    if (fold) fold.open = !fold.open;
    else row?.querySelector(".row-link")?.click();
  };

  let lead = "";
  let forget;
  document.addEventListener("keydown", (event) => {
    // On many keyboards a bracket takes AltGr, which reads as Ctrl and Alt, or Option.
    const bracket = event.key === "[" || event.key === "]";
    if (event.metaKey || ((event.ctrlKey || event.altKey) && !bracket) || event.defaultPrevented || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (event.key === "?") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else dialog.showModal();
      return;
    }
    if (off() || document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (lead === "g" && LEADS[key]) {
      event.preventDefault();
      lead = "";
      document.querySelector(LEADS[key])?.click();
      return;
    }
    lead = key === "g" ? "g" : "";
    clearTimeout(forget);
    forget = setTimeout(() => { lead = ""; }, 1500);
    if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "o") open();
    else {
      const marked = key.length === 1 && document.querySelector(`main [data-key="${CSS.escape(key)}"]`);
      if (!marked) return;
      marked.click();
    }
    event.preventDefault();
  });
})();
