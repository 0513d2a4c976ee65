// Copy buttons beside texts that can be selected by hand as well: shown only if scripts run.
for (const text of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet small";
  button.textContent = text.dataset.copy;
  // Buttons with the same text are told apart by the label of their line.
  const line = text.closest("dd")?.previousElementSibling;
  if (line?.id) button.setAttribute("aria-describedby", line.id);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    button.textContent = text.dataset.copied;
  });
  text.after(button);
}
// The language switch keeps the input that is not yet sent.
const own = document.getElementById("own");
for (const link of own ? document.querySelectorAll(".top nav a") : []) link.addEventListener("click", event => {
  if (!own.elements.words.value.trim() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  own.action = link.pathname;
  own.append(Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "carry" }));
  own.submit();
});
