// During a flood the form asks the browser for a proof of work, as ALTCHA defines it. This script computes it and sends the
// form again. Without it, or where the page did not come over TLS, the form says how long to wait instead.
(async () => {
  const box = document.querySelector("[data-puzzle]");
  const form = box && box.closest("form");
  if (!form || !window.crypto || !crypto.subtle) return;
  const challenge = JSON.parse(box.dataset.puzzle);
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const fromHex = hex => Uint8Array.from(hex.match(/../g), digits => parseInt(digits, 16));
  const toHex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");
  const nonceBytes = fromHex(nonce);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: fromHex(salt), iterations: cost };
  const attempt = async counter => {
    const password = new Uint8Array(nonceBytes.length + 4);
    password.set(nonceBytes);
    new DataView(password.buffer).setUint32(nonceBytes.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    return { counter, derivedKey: toHex(await crypto.subtle.deriveBits(derivation, key, keyLength * 8)) };
  };
  box.dataset.working = "";
  for (let counter = 0, solution; !solution; counter += 8) {
    const attempts = await Promise.all(Array.from({ length: 8 }, (_, offset) => attempt(counter + offset)));
    solution = attempts.find(result => result.derivedKey.startsWith(keyPrefix));
    if (solution) {
      form.elements.proof.value = JSON.stringify({ challenge, solution });
      form.submit();
    }
  }
})();
