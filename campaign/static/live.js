// Keeps the numbers of a page fresh: asks the counts API every ten seconds while somebody looks, through all caches, and
// where they have changed takes the part that shows them from the page anew: words, bars and pictures go with the numbers.
// Without it the page shows what was true when it was loaded.
(() => {
  let root = document.querySelector("[data-live]");
  if (!root) return;
  let last = null;

  const renew = () => {
    // Trusted Types let no string become a page; an answer may be one.
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
