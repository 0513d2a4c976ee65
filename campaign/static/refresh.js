// Reloads a part of the page every two seconds while a job runs; then the whole page.
const at = () => document.querySelector('[data-fresh]');
const again = setInterval(async () => {
  if (document.visibilityState !== 'visible') return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-fresh]');
  if (!fresh?.hasAttribute('data-at-work')) { clearInterval(again); location.reload(); return; }
  at().replaceWith(fresh);
}, 2000);
