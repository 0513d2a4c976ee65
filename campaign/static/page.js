// The appeal's page: the language switch takes along what was typed, where one reads, and the source of the link.
// Without it the switch is an ordinary link, and the server finds the source in the Referer.
(() => {
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
