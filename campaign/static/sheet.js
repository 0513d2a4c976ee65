// The form for a sheet's rows: Enter goes to the next row's name. Without this script, Enter sends the form.
document.querySelector('.rows')?.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.target.tagName !== 'INPUT') return;
  event.preventDefault();
  const next = document.getElementById('name-' + (Number(event.target.id.split('-')[1]) + 1));
  (next || document.querySelector('[name=more]') || event.target).focus();
});
