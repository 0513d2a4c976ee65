// Reports a file that is too large before it is sent, because sending 100 MB takes minutes.
for (const input of document.querySelectorAll("input[type=file][data-most]")) input.addEventListener("change", () => {
  const isLarge = [...input.files].some(file => file.size > Number(input.dataset.most));
  input.setCustomValidity(isLarge ? input.dataset.large : "");
  if (isLarge) input.reportValidity();
});
