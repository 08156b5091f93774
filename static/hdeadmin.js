// What pages do more quickly or kindly with JavaScript; each works without it.
"use strict";

(() => {
  const all = (root, selector) =>
    [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];

  // Times: the server writes them in its own zone; show the reader's, with UTC on hover and how long ago.
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  // In figures: "yesterday" would be wrong of what is 30 hours old and of two days ago.
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "always" });
  const now = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const units = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const ago = (date) => {
    const seconds = Math.round((date - Date.now()) / 1000);
    // Rounded in the unit below, there is one of this: 59 minutes and 40 seconds are an hour, 40 minutes are not.
    const place = units.findIndex(([, size], place) => Math.abs(seconds) >= size - (units[place + 1]?.[1] ?? 0) / 2);
    const [unit, size] = units[place < 0 ? units.length - 1 : place];
    return (seconds ? relative : now).format(Math.sign(seconds) * Math.round(Math.abs(seconds) / size), unit);
  };
  const showTimes = (root) => {
    for (const time of all(root, "time[datetime]")) {
      const date = new Date(time.dateTime);
      if (time.dataset.utc || Number.isNaN(date.valueOf())) continue;
      time.dataset.utc = date.toISOString().replace("T", " ").replace("Z", " UTC");
      time.textContent = local.format(date);
      time.title = `${time.dataset.utc} · ${ago(date)}`;
      const note = time.nextElementSibling;
      if (note?.matches("[data-ago]")) note.textContent = `· ${ago(date)}`;
    }
  };

  // An error's page has a heading, and the answer the request's id; a part of a page shows them in passing.
  const failure = (xhr) => {
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    const heading = page.querySelector(".problem h1")?.textContent ?? `The server answered ${xhr.status}`;
    const wait = Number(xhr.getResponseHeader("Retry-After"));
    const next = wait > 0 ? `Try again in ${wait} ${wait === 1 ? "second" : "seconds"}.` : "Reload the page to see more.";
    const id = xhr.getResponseHeader("X-Request-ID");
    return `${heading}. ${next}${id ? ` Request ${id}.` : ""}`;
  };

  const say = (text) => {
    const toast = document.createElement("div");
    toast.className = "notice danger";
    toast.textContent = text;
    document.getElementById("toasts")?.append(toast);
    setTimeout(() => toast.remove(), 8000);
  };

  const textAt = async (url) => {
    const answer = await fetch(url, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    return answer.text();
  };

  const prepare = (root) => {
    showTimes(root);
    for (const button of all(root, "[data-copy], [data-copy-url]")) button.hidden = !navigator.clipboard;
  };

  const chooseTheme = (button) => {
    document.documentElement.dataset.theme = button.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `hdeadmin_theme=${button.value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    for (const other of button.form.querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const quick = event.key === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (quick || (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey)) {
      const search = document.getElementById("search");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key === "Escape") {
      for (const open of document.querySelectorAll("details.popover[open]")) {
        open.open = false;
        open.querySelector("summary").focus();
      }
    }
  });

  // What a popover asks for is typed at once; elsewhere the letters would be single keys of the page.
  // It opens in the click itself, since its own toggle comes after letters that are waiting already.
  document.addEventListener("click", (event) => {
    const popover = event.target.closest("details.popover > summary")?.parentElement;
    if (!popover || popover.open) return;
    event.preventDefault();
    popover.open = true;
    popover.querySelector("textarea")?.focus();
  });

  document.addEventListener("click", async (event) => {
    for (const open of document.querySelectorAll("details.popover[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
    const copy = event.target.closest("[data-copy], [data-copy-url]");
    if (copy) {
      try {
        await navigator.clipboard.writeText(copy.dataset.copy ?? (await textAt(copy.dataset.copyUrl)));
        copy.dataset.name ??= copy.getAttribute("aria-label");
        copy.setAttribute("aria-label", "Copied");
        copy.classList.add("copied");
        setTimeout(() => {
          copy.classList.remove("copied");
          copy.setAttribute("aria-label", copy.dataset.name);
        }, 1500);
      } catch {
        say("It could not be copied.");
      }
    }
  });

  // A number is shown in groups of three; a copy of it alone gives the digits that are stored.
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    const text = String(selection).trim();
    const number = [...document.querySelectorAll("[data-digits]")].find(
      (shown) => shown.textContent === text && selection.containsNode(shown, true),
    );
    if (!number) return;
    event.clipboardData.setData("text/plain", number.dataset.digits);
    event.preventDefault();
  });

  document.addEventListener("submit", (event) => {
    if (event.submitter?.name === "theme") {
      event.preventDefault();
      chooseTheme(event.submitter);
      return;
    }
    // Whoever clicks twice sends once. The operation id would see to it too.
    // A download leaves the page as it is, to be asked for again.
    if (event.target.method === "post" && !("again" in event.target.dataset)) {
      if (event.target.dataset.sent) event.preventDefault();
      event.target.dataset.sent = "yes";
      event.submitter?.setAttribute("aria-busy", "true");
    }
  });
  // A page that comes back from the browser's memory may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });

  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  for (const kind of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(kind, () => say("The server did not answer. Try again in a moment."));
  }
  document.addEventListener("htmx:responseError", (event) => {
    say(failure(event.detail.xhr));
  });
  // A session that has ended answers with the sign-in page, which must not land inside another.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.endsWith("/login/")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  prepare(document);
})();
