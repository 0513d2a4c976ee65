// Reloads a part of the page every two seconds while a job runs, and the whole page when it has ended.
const currentPart = () => document.querySelector('[data-fresh]');
const timer = setInterval(async () => {
  if (document.visibilityState !== 'visible') return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const newPart = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-fresh]');
  if (!newPart?.hasAttribute('data-at-work')) { clearInterval(timer); location.reload(); return; }
  currentPart().replaceWith(newPart);
}, 2000);
