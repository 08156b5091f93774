// Ask the browser for a passkey, then send the form. A form that is one way of several stays hidden where passkeys are
// not known, the others say so; none can be sent before this has run, as it would be sent without a passkey.
"use strict";

(() => {
  const known = window.PublicKeyCredential && window.webauthnJSON;

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
    const problem = form.querySelector("[role='alert']");
    if (!known) {
      problem.textContent = "This browser knows no passkeys.";
      problem.hidden = false;
      continue;
    }
    form.hidden = false;
    form.querySelector("[type='submit']").disabled = false;
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
