// While something is at work, its part of the page is fetched anew every two seconds; when it is over, the whole page.
const at = () => document.querySelector('[data-fresh]');
const again = setInterval(async () => {
  if (document.visibilityState !== 'visible') return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-fresh]');
  if (!fresh?.hasAttribute('data-at-work')) { clearInterval(again); location.reload(); return; }
  at().replaceWith(fresh);
}, 2000);
