// Updates the numbers of a page: requests the counts from the API every ten seconds while the page is visible, and after a
// change reloads the part of the page that shows them: text, bars and pictures.
// Without this script the page shows the numbers of its loading.
(() => {
  let root = document.querySelector("[data-live]");
  if (!root) return;
  let lastCounts = null;

  const reload = () => {
    // Trusted Types refuse strings as HTML; they allow a document that a request returns.
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onload = () => {
      const fresh = request.response && request.response.querySelector("[data-live]");
      if (!fresh || fresh.isEqualNode(root)) return;
      const regions = part => [...part.querySelectorAll(".scroll")];
      const focusable = part => [...part.querySelectorAll("a, [tabindex]")];
      const offsets = regions(root).map(region => region.scrollLeft);
      const focused = focusable(root).indexOf(document.activeElement);
      root.replaceWith(fresh);
      root = fresh;
      regions(root).forEach((region, number) => (region.scrollLeft = offsets[number]));
      if (focused >= 0 && focusable(root)[focused]) focusable(root)[focused].focus({ preventScroll: true });
    };
    request.send();
  };

  const compare = ({ counts, updated_at }) => {
    const newCounts = JSON.stringify(counts);
    const shown = [counts.signatures, counts.total, updated_at.slice(0, 10)].join(" ");
    if (shown != root.dataset.shown || (lastCounts && lastCounts != newCounts)) reload();
    lastCounts = newCounts;
  };

  const poll = () => {
    if (document.visibilityState != "visible") return;
    fetch(root.dataset.live).then(answer => answer.ok && answer.json().then(compare)).catch(() => {});
  };
  setInterval(poll, 10000);
  document.addEventListener("visibilitychange", poll);
})();
