// Going back in time: pickers speak the reader's zone, questions offer what fits the field. keys.js steps.
"use strict";

(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  // A moment as `datetime-local` has it, in the reader's zone; to the second it would be that second's last event.
  const local = (ts) => {
    const date = new Date(ts);
    return new Date(ts - date.getTimezoneOffset() * 60000).toISOString().slice(0, ts % 1000 ? 23 : 19);
  };

  const fit = (form) => {
    const field = form.elements.field.selectedOptions[0];
    const choice = form.elements.is;
    const can = field?.dataset.can?.split(" ");
    for (const option of choice.options) option.hidden = option.disabled = Boolean(can) && !can.includes(option.value);
    if (choice.selectedOptions[0]?.disabled) choice.value = [...choice.options].find((option) => !option.disabled)?.value;
    const alone = "alone" in (choice.selectedOptions[0]?.dataset ?? {});
    form.elements.value.hidden = alone;
    form.elements.value.placeholder = field?.dataset.choices ?? (field?.dataset.kind === "number" ? "number" : "value");
  };

  const prepare = (root) => {
    for (const input of root.querySelectorAll("input[data-zone]")) input.value = zone;
    for (const name of root.querySelectorAll("[data-zone-name]")) name.textContent = zone;
    for (const input of root.querySelectorAll("input[data-moment]")) {
      if (!input.value) input.value = local(Number(input.dataset.moment));
    }
    for (const form of root.querySelectorAll("form[data-when]")) fit(form);
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-when]");
    if (form) fit(form);
  });

  // A replay that was cut off stands still, and says so for as long as it does.
  for (const kind of ["responseError", "sendError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, (event) => {
      const walk = event.target.closest?.(".walk");
      if (!walk) return;
      const said = walk.querySelector("[role=status]");
      said.classList.add("walk-stopped");
      said.textContent = "It has stopped: no answer came for the next events. What is done is kept. Go on in a moment.";
    });
  }

  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  prepare(document);
})();
