// The entity's page: what is new, rows that unfold at once, the place that Back comes back to.
"use strict";

(() => {
  // New events. The page asks now and then, less often where nobody looks, and never moves what is being read.
  const news = document.getElementById("news");
  const OFTEN = 10_000, SELDOM = 60_000, IDLE = 120_000, GONE = 1_800_000;
  let lastActive = Date.now();
  let wait = OFTEN;
  let timer;

  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch(news.dataset.news, { headers: { "X-Unattended": "yes" }, redirect: "error" });
      wait = answer.ok ? OFTEN : Math.min(wait * 2, SELDOM * 5);
      if (answer.status === 200) {
        const found = await answer.text();
        if (news.innerHTML.trim() !== found.trim()) news.innerHTML = found;
      }
      if (answer.status >= 400 && answer.status < 500) return;
    } catch {
      wait = Math.min(wait * 2, SELDOM * 5);
    }
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    const idle = Date.now() - lastActive;
    if (idle < GONE) timer = setTimeout(ask, idle < IDLE ? wait : Math.max(wait, SELDOM));
  };
  const active = () => {
    const away = Date.now() - lastActive > IDLE;
    lastActive = Date.now();
    if (away) ask();
  };
  if (news?.dataset.news) {
    plan();
    document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
    for (const kind of ["pointerdown", "keydown", "scroll"]) addEventListener(kind, active, { passive: true });
  }

  // Unfold what is on the page; what each event holds is fetched as it comes into view.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-unfold]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const folds = document.querySelectorAll(".timeline > .event > .event-body > details.fold");
    const open = link.dataset.unfold !== "done";
    for (const fold of folds) fold.open = open;
    link.dataset.unfold = open ? "done" : "";
    link.textContent = open ? "Fold all" : "Unfold all";
  });

  // Charts and replays come out of pages with names of their own; the tab's is the entity's.
  document.addEventListener("htmx:beforeSwap", (event) => { event.detail.ignoreTitle = true; });

  // A moment is typed in the reader's own zone.
  for (const input of document.querySelectorAll("input[data-zone]")) {
    input.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  // Whoever has scrolled on to older events comes back to where they were.
  const [arrival] = performance.getEntriesByType("navigation");
  if (arrival?.type !== "navigate" && location.hash) {
    history.scrollRestoration = "manual";
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }
  let settled;
  const note = () => {
    const bar = document.querySelector(".topbar")?.offsetHeight ?? 0;
    const panel = document.getElementById("events")?.getBoundingClientRect();
    if (!panel || document.querySelectorAll(".timeline").length < 2) return;
    const row = document.elementFromPoint(panel.left + panel.width / 2, bar + 24)?.closest(".timeline > .event");
    if (!row) return;
    const place = new URL(location.href);
    for (const name of ["event", "after", "before"]) place.searchParams.delete(name);
    const first = document.querySelector(".timeline > .event");
    if (row === first) return;
    place.searchParams.set("before", String(Number(row.id.split("-")[1]) + 1));
    place.hash = row.id;
    history.scrollRestoration = "manual";
    history.replaceState(history.state, "", place);
  };
  addEventListener("scroll", () => {
    clearTimeout(settled);
    settled = setTimeout(note, 250);
  }, { passive: true });
})();
