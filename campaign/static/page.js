// The appeal's page: the language switch keeps input, scroll position and source tag. Without this script it is an
// ordinary link, and the server finds the source tag in the Referer.
// Where page views are counted, the script reports once that the page was visible, without personal data.
(() => {
  const view = document.currentScript.dataset.view;
  const reportView = () => document.visibilityState == "visible" && navigator.sendBeacon(view);
  if (view && !navigator.globalPrivacyControl && navigator.doNotTrack != 1 && !reportView()) document.addEventListener("visibilitychange", reportView, { once: true });
  const form = document.getElementById("form");
  const hasInput = () => form && [...form.elements].some(field => field.type == "checkbox" ? field.checked : field.localName != "button" && field.type != "hidden" && field.value);
  for (const link of document.querySelectorAll(".top nav a")) link.addEventListener("click", event => {
    link.search = location.search;
    if (hasInput() && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      form.action = link.pathname.replace(/\/(sign|form)$/, "") + "/form" + link.search;
      form.submit();
    } else
      link.hash = [...document.querySelectorAll("main [id]")].filter(part => !form?.contains(part) && part.getBoundingClientRect().top < 99).pop()?.id || "";
  });
  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = copy.dataset.done; }));
  }
})();
