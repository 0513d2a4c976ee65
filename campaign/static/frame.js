// In a frame on another site: tells that site the height of the content. Where the frame cannot send forms, a link to the
// appeal's page replaces the form.
if (parent != window) {
  // WordPress puts embeds into a sandbox, and expects messages that repeat the secret in the frame's address.
  const [, secret] = location.hash.match(/secret=([\da-z]{10})$/i) || [];
  const postToWordPress = (message, value) => secret && parent.postMessage({ secret, message, value }, "*");
  // A sandbox without forms fires no submit event, so a form that is never sent shows whether forms are allowed.
  const canSubmit = () => {
    const probe = document.createElement("form");
    let isAllowed = false;
    probe.addEventListener("submit", event => { isAllowed = true; event.preventDefault(); });
    document.body.append(probe);
    probe.requestSubmit();
    probe.remove();
    return isAllowed;
  };
  const replacement = document.querySelector(".instead");
  if (replacement && !canSubmit()) {
    replacement.hidden = false;
    document.getElementById("form").remove();
  }
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("a[href]");
    if (link) postToWordPress("link", link.href);
  });
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    parent.postMessage({ tocsin: height }, "*");
    postToWordPress("height", height);
  }).observe(document.body);
}
