// Asks the browser for a passkey and sends its answer; a form chooses with data-passkey and data-options.
"use strict";
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function asked(options) {
  const listed = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));
  const ready = { ...options, challenge: bytes(options.challenge) };
  if (options.user) ready.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) ready.excludeCredentials = listed(options.excludeCredentials);
  if (options.allowCredentials) ready.allowCredentials = listed(options.allowCredentials);
  return ready;
}

function given(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    answer.attestationObject = text(response.attestationObject);
    answer.transports = response.getTransports ? response.getTransports() : null;
  } else {
    answer.authenticatorData = text(response.authenticatorData);
    answer.signature = text(response.signature);
    answer.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  const extensions = JSON.stringify(credential.getClientExtensionResults());
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: answer, extensions };
}

async function use(form) {
  try {
    const publicKey = asked(JSON.parse(form.dataset.options));
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
    form.elements.credential.value = JSON.stringify(given(credential));
    form.submit();
  } catch {
    form.querySelector("[role=alert]").hidden = false;
  }
}

document.querySelectorAll("form[data-passkey]").forEach(use);
