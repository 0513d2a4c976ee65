// During a flood the form asks the browser for a little work (a proof of work, altcha's kind) and sends itself again.
// Without this script, or where the page did not come over TLS, the form says how long to wait instead.
(async () => {
  const box = document.querySelector("[data-puzzle]");
  const form = box && box.closest("form");
  if (!form || !window.crypto || !crypto.subtle) return;
  const challenge = JSON.parse(box.dataset.puzzle);
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const bytes = hex => Uint8Array.from(hex.match(/../g), two => parseInt(two, 16));
  const hex = buffer => Array.from(new Uint8Array(buffer), one => one.toString(16).padStart(2, "0")).join("");
  const start = bytes(nonce);
  const work = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: cost };
  const attempt = async counter => {
    const password = new Uint8Array(start.length + 4);
    password.set(start);
    new DataView(password.buffer).setUint32(start.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    return { counter, derivedKey: hex(await crypto.subtle.deriveBits(work, key, keyLength * 8)) };
  };
  box.dataset.working = "";
  for (let counter = 0, solution; !solution; counter += 8) {
    const attempts = await Promise.all(Array.from({ length: 8 }, (_, more) => attempt(counter + more)));
    solution = attempts.find(one => one.derivedKey.startsWith(keyPrefix));
    if (solution) {
      form.elements.proof.value = JSON.stringify({ challenge, solution });
      form.submit();
    }
  }
})();
