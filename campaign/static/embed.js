// To be pasted into a page: <script async src="https://…/embed.js" data-appeal="NAME"></script>
// Inserts the appeal's form (or data-kind="counter") below itself, in data-lang, data-theme="light|dark|auto".
(() => {
  const script = document.currentScript;
  const { appeal, kind = "form", theme = "auto", lang = "", title = "Tocsin", via = location.hostname.replaceAll(".", "-") } = script.dataset;
  const base = new URL(".", script.src);
  const address = new URL("embed/" + encodeURIComponent(appeal), base);
  address.search = new URLSearchParams({ kind, theme, lang, via });
  const frame = document.createElement("iframe");
  frame.src = address;
  frame.title = title;
  frame.style.cssText = `display:block;width:100%;max-width:32rem;border:0;height:${kind == "form" ? 900 : 260}px`;
  script.after(frame);
  addEventListener("message", ({ source, origin, data }) => {
    if (source == frame.contentWindow && origin == base.origin && data && data.tocsin > 0)
      frame.style.height = Math.min(data.tocsin, 5000) + "px";
  });
})();
