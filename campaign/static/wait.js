// Reloads while a file is being made; without scripts there is a link.
setTimeout(() => location.reload(), 3000);
