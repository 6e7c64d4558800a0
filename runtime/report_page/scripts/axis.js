// The time axis that all strips share: which seconds are in view, and where each of them lies.

const run = JSON.parse(document.getElementById("run-data").textContent);
const MARGIN = 0.01 * Math.max(run.end - run.start, 0.1);
const whole = { from: run.start - MARGIN, to: run.end + MARGIN };
const view = { ...whole };
const onView = [];

function element(kind, attributes = {}, text = "") {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Where a time lies: 0 at the left end of the view, 1 at its right end. */
function share(time) {
  return (time - view.from) / (view.to - view.from);
}

/** The largest of 1, 2, 5 times a power of ten that divides `span` into no more than `most` parts. */
function niceStep(span, most) {
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

/** Round numbers between two ends, at least `least` apart. */
function niceTicks(low, high, most, least = 0) {
  const step = Math.max(niceStep(high - low, most), least);
  const ticks = [];
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + 1e-9 * step; count += 1) ticks.push(count * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** Index of the last of the ascending `times` that is not after `time`; -1 before the first. */
function lastBefore(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function drawAxis() {
  const axis = document.getElementById("ticks");
  const { ticks, digits } = niceTicks(view.from, view.to, Math.max(3, axis.clientWidth / 80));
  axis.replaceChildren(
    ...ticks.map((tick) => element("span", { style: `left: ${100 * share(tick)}%` }, tick.toFixed(digits))),
  );
}

/** Show these seconds, as far as there are any. */
function show(from, to) {
  const span = Math.min(Math.max(to - from, 0.05), whole.to - whole.from);
  view.from = Math.min(Math.max(from, whole.from), whole.to - span);
  view.to = view.from + span;
  drawAxis();
  for (const redraw of onView) redraw();
}
