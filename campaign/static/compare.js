// The comparison of document and result: Shift ticks all lines up to the last one, and the fields offer to take what is
// ticked. Without this script, the list above the lines moves them.
const ticks = [...document.querySelectorAll('.marked-lines [name=lines]')];
let last = null;
const show = () => {
  const any = ticks.some(tick => tick.checked);
  for (const button of document.querySelectorAll('button.here')) button.hidden = !any;
};
for (const tick of ticks) tick.addEventListener('click', (event) => {
  if (event.shiftKey && last) {
    const [from, to] = [ticks.indexOf(last), ticks.indexOf(tick)].sort((a, b) => a - b);
    for (const between of ticks.slice(from, to + 1)) between.checked = tick.checked;
  }
  last = tick;
  show();
});
show();
