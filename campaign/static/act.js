// Copy buttons beside texts that can also be selected by hand. They appear only where scripts run.
for (const text of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet small";
  button.textContent = text.dataset.copy;
  // Several buttons have the same text, so the label of its line describes each.
  const label = text.closest("dd")?.previousElementSibling;
  if (label?.id) button.setAttribute("aria-describedby", label.id);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    button.textContent = text.dataset.copied;
  });
  text.after(button);
}
// The language switch sends the text that was typed so far along to the page in the other language.
const editor = document.getElementById("own");
for (const link of editor ? document.querySelectorAll(".top nav a") : []) link.addEventListener("click", event => {
  if (!editor.elements.words.value.trim() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  editor.action = link.pathname;
  editor.append(Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "carry" }));
  editor.submit();
});
