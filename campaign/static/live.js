// Keeps the numbers of a page fresh: asks the counts API every ten seconds while the page is visible, past all caches, and
// after a change reloads the part of the page that shows them: text, bars and pictures.
// Without it the page keeps the numbers from its loading.
(() => {
  let root = document.querySelector("[data-live]");
  if (!root) return;
  let last = null;

  const renew = () => {
    // Trusted Types refuse strings as HTML; a response is allowed.
    const page = new XMLHttpRequest();
    page.open("GET", location.href);
    page.responseType = "document";
    page.onload = () => {
      const fresh = page.response && page.response.querySelector("[data-live]");
      if (!fresh || fresh.isEqualNode(root)) return;
      const regions = part => [...part.querySelectorAll(".scroll")];
      const places = part => [...part.querySelectorAll("a, [tabindex]")];
      const scrolled = regions(root).map(one => one.scrollLeft);
      const focused = places(root).indexOf(document.activeElement);
      root.replaceWith(fresh);
      root = fresh;
      regions(root).forEach((one, number) => (one.scrollLeft = scrolled[number]));
      if (focused >= 0 && places(root)[focused]) places(root)[focused].focus({ preventScroll: true });
    };
    page.send();
  };

  const compare = ({ counts, updated_at }) => {
    const text = JSON.stringify(counts);
    const shown = [counts.signatures, counts.total, updated_at.slice(0, 10)].join(" ");
    if (shown != root.dataset.shown || (last && last != text)) renew();
    last = text;
  };

  const ask = () => {
    if (document.visibilityState != "visible") return;
    fetch(root.dataset.live).then(answer => answer.ok && answer.json().then(compare)).catch(() => {});
  };
  setInterval(ask, 10000);
  document.addEventListener("visibilitychange", ask);
})();
