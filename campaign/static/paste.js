// Sends the HTML of a pasted document with its text: a text area drops lists, tables and the addresses of links.
for (const area of document.querySelectorAll("textarea[data-html]")) {
  const html = document.getElementById(area.dataset.html);
  const most = 1500000;  // characters; the text alone is sent instead of more
  let pasted = "";
  area.addEventListener("paste", event => {
    const rest = area.value.slice(0, area.selectionStart) + area.value.slice(area.selectionEnd);
    const copied = event.clipboardData ? event.clipboardData.getData("text/html") : "";
    pasted = rest.trim() || copied.length > most ? "" : copied;
  });
  // What is typed afterwards is in the text only, so the HTML no longer says the same.
  area.addEventListener("input", event => {
    html.value = event.inputType === "insertFromPaste" ? pasted : "";
    pasted = "";
  });
}
