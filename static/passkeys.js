// Ask the browser for a passkey, then send the form. Each such form stays hidden where passkeys are not known.
"use strict";

(() => {
  if (!window.PublicKeyCredential || !window.webauthnJSON) return;

  const optionsOf = async (form) => {
    const written = form.querySelector("script[type='application/json']");
    if (written) return JSON.parse(written.textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`the console answered ${answer.status}`);
    return (await answer.json()).request_options;
  };

  const ask = async (form) => {
    const options = await optionsOf(form);
    if (form.dataset.passkey !== "create") return window.webauthnJSON.get(options);
    // Kept on the device together with the name, so that it signs in without one.
    const wanted = options.publicKey.authenticatorSelection ??= {};
    wanted.residentKey = "required";
    wanted.requireResidentKey = true;
    return window.webauthnJSON.create(options);
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const problem = form.querySelector("[role='alert']");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      // Not to the listener of hdeadmin.js, which would take a second try for a double click.
      event.stopPropagation();
      problem.hidden = true;
      try {
        form.elements.credential.value = JSON.stringify(await ask(form));
        form.submit();
      } catch (error) {
        const declined = error.name === "NotAllowedError";
        problem.textContent = declined ? "No passkey was given. Try again when you are ready." : `The passkey could not be used: ${error.message}.`;
        problem.hidden = false;
      }
    });
  }
})();
