// Reloads the page while a file is being made. Without scripts, the page has a link that does.
setTimeout(() => location.reload(), 3000);
