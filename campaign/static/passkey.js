// Creates a passkey or proves one, and sends the answer. A form says which in data-passkey, and its options in data-options.
"use strict";
const fromBase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toBase64 = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function decodeOptions(options) {
  const decodeKeys = (keys) => (keys || []).map((key) => ({ ...key, id: fromBase64(key.id) }));
  const decoded = { ...options, challenge: fromBase64(options.challenge) };
  if (options.user) decoded.user = { ...options.user, id: fromBase64(options.user.id) };
  if (options.excludeCredentials) decoded.excludeCredentials = decodeKeys(options.excludeCredentials);
  if (options.allowCredentials) decoded.allowCredentials = decodeKeys(options.allowCredentials);
  return decoded;
}

function encodeCredential(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: toBase64(response.clientDataJSON) };
  if (response.attestationObject) {
    answer.attestationObject = toBase64(response.attestationObject);
    answer.transports = response.getTransports ? response.getTransports() : null;
  } else {
    answer.authenticatorData = toBase64(response.authenticatorData);
    answer.signature = toBase64(response.signature);
    answer.userHandle = response.userHandle ? toBase64(response.userHandle) : null;
  }
  const extensions = JSON.stringify(credential.getClientExtensionResults());
  return { id: credential.id, rawId: toBase64(credential.rawId), type: credential.type, response: answer, extensions };
}

async function sendCredential(form) {
  try {
    const publicKey = decodeOptions(JSON.parse(form.dataset.options));
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
    form.elements.credential.value = JSON.stringify(encodeCredential(credential));
    form.submit();
  } catch {
    form.querySelector("[role=alert]").hidden = false;
  }
}

document.querySelectorAll("form[data-passkey]").forEach(sendCredential);
