// The search box of every page: a combobox over what the server finds. Without it the form leads to a page of results.
"use strict";

(() => {
  const box = document.getElementById("search");
  const palette = document.getElementById("palette");
  if (!box || !palette) return;

  // What is listed is not for what stands in the box until its own answer has come.
  let stale = true;
  const options = () => [...palette.querySelectorAll("[role=option]")];
  const active = () => palette.querySelector("[aria-selected=true]");

  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    if (!option) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  };

  const show = (open) => {
    palette.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  };

  const move = (step) => {
    const all = options();
    if (!all.length) return;
    const place = all.indexOf(active());
    choose(all[(place + step + all.length) % all.length] ?? all[0]);
  };

  box.addEventListener("input", () => {
    stale = true;
    choose(null);
    if (!box.value.trim()) show(false);
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !palette.hidden) {
      show(false);
      event.preventDefault();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !stale) {
      event.preventDefault();
      if (palette.hidden) show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (!active() && step < 0) choose(options().at(-1));
      else move(step);
    } else if (event.key === "Enter" && !stale && !palette.hidden && active()) {
      event.preventDefault();
      active().click();
    }
  });

  box.addEventListener("focus", () => {
    if (!stale && box.value.trim()) show(true);
  });
  box.form.addEventListener("focusout", (event) => {
    if (!box.form.contains(event.relatedTarget)) show(false);
  });
  // A press on an option must not take the focus from the box before it is a click.
  palette.addEventListener("mousedown", (event) => event.preventDefault());

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === palette && event.detail.xhr.status === 429) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== palette || !box.value.trim()) return;
    stale = false;
    show(document.activeElement === box);
    choose(options()[0]);
  });
})();
