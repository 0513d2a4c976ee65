// Keeps the numbers of a page fresh: asks the counts API every ten seconds while somebody looks, through all caches.
// Without it the page shows what was true when it was loaded. What words depend on is fetched anew with the page.
(() => {
  const root = document.querySelector("[data-live]");
  if (!root) return;
  const language = document.documentElement.lang;
  const format = new Intl.NumberFormat(language, { numberingSystem: "latn" });
  const plural = new Intl.PluralRules(language);
  const read = (counts, path) => path.split(" ").reduce((at, key) => (at || {})[key], counts) || 0;
  let shown = null;

  const show = ({ counts, updated_at }) => {
    const reload = root.dataset.reload;
    const words = counts => plural.select(counts.signatures);
    if (reload && (Object.keys(counts.by_section).length != reload || updated_at.slice(0, 10) != root.dataset.day ||
        (shown && words(shown) != words(counts)))) return location.reload();
    for (const part of root.querySelectorAll("[data-count]")) {
      const number = read(counts, part.dataset.count) - (part.dataset.less || 0);
      if (part.localName == "progress") part.value = Math.min(part.max, number);
      else part.textContent = format.format(number);
    }
    if (shown && shown.total != counts.total)
      for (const picture of root.querySelectorAll("[data-picture]")) picture.src = picture.src.split("?")[0] + "?" + counts.total;
    shown = counts;
  };

  const ask = () => {
    if (document.visibilityState != "visible") return;
    fetch(root.dataset.live).then(answer => answer.ok && answer.json().then(show)).catch(() => {});
  };
  setInterval(ask, 10000);
  document.addEventListener("visibilitychange", ask);
})();
