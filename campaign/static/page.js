// The appeal's page: the language switch keeps input, scroll position and the link's source tag.
// Without it the switch is an ordinary link, and the server finds the source in the Referer.
// Where views are counted it reports once to this site that the page was shown, without personal data.
(() => {
  const view = document.currentScript.dataset.view;
  const tell = () => document.visibilityState == "visible" && navigator.sendBeacon(view);
  if (view && !navigator.globalPrivacyControl && navigator.doNotTrack != 1 && !tell()) document.addEventListener("visibilitychange", tell, { once: true });
  const form = document.getElementById("form");
  const typed = () => form && [...form.elements].some(one => one.type == "checkbox" ? one.checked : one.localName != "button" && one.type != "hidden" && one.value);
  for (const link of document.querySelectorAll(".top nav a")) link.addEventListener("click", event => {
    link.search = location.search;
    if (typed() && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      form.action = link.pathname.replace(/\/(sign|form)$/, "") + "/form" + link.search;
      form.submit();
    } else
      link.hash = [...document.querySelectorAll("main [id]")].filter(one => !form?.contains(one) && one.getBoundingClientRect().top < 99).pop()?.id || "";
  });
  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = copy.dataset.done; }));
  }
})();
