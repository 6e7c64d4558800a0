// Latencies: one bar a plan or chunk, as high as it took, and for the two systems as wide as well.

/** The value that a share `q` of all do not exceed. */
function quantile(values, q) {
  const ordered = [...values].sort((one, other) => one - other);
  return ordered[Math.max(0, Math.ceil(q * ordered.length) - 1)];
}

/** `events`: [time, value, late?] in order; `span` is how many seconds before `time` a value of 1 begins. */
function addLatency({ title, what, unit, events, span, digits = 1 }) {
  const known = events.filter(([, value]) => value !== null);
  if (!known.length) {
    addUnknown(title, what);
    return;
  }
  const values = known.map(([, value]) => value);
  const [half, most] = [quantile(values, 0.5), quantile(values, 0.99)];
  const spread = `p50 ${half.toFixed(digits)}\np99 ${most.toFixed(digits)}`;
  const strip = addStrip({ title, detail: `${unit}, ${what}`, pixels: 64, low: 0, high: Math.max(quantile(values, 1), 0.1) * 1.12, most: 2 });
  const sides = ([time, value]) => [time - span * value, time, strip.y(value), HEIGHT];
  strip.front.append(boxes("bar", known.filter(([, , late]) => !late).map(sides)));
  strip.front.append(boxes("bar late", known.filter(([, , late]) => late).map(sides)));
  const times = known.map(([time]) => time);
  onTime.push(({ time }) => {
    const at = lastBefore(times, time);
    strip.value.textContent = at < 0 ? `–\n${spread}` : `${values[at].toFixed(digits)} ${unit}${known[at][2] ? ", late" : ""}\n${spread}`;
  });
}

function addUnknown(title, what) {
  const { value, plot } = emptyStrip(title, what, 44);
  value.textContent = "none in this recording";
  plot.style.background = "var(--track)";
}

function addLatencies() {
  const { chunks, plans } = run;
  const used = chunks.filter((chunk) => chunk.used !== null);
  addLatency({ title: "Planner", what: "one call", unit: "ms", span: 0.001, events: plans.ready.map(([time, ms]) => [time, ms]) });
  addLatency({ title: "Refiner", what: "one chunk", unit: "ms", span: 0.001, events: chunks.map((chunk) => [chunk.ready, chunk.refiner, chunk.late]) });
  addLatency({ title: "Refine", what: "observation to chunk", unit: "ms", span: 0.001, events: chunks.map((chunk) => [chunk.ready, chunk.refine, chunk.late]) });
  addLatency({ title: "Picture to command", what: "the first by it", unit: "ms", span: 0.001,
    events: used.map((chunk) => [chunk.used, 1000 * (chunk.used - chunk.captured)]) });
  addLateness();
}

function addLateness() {
  const { t, lateness } = run.commands;
  const high = Math.max(1, quantile(lateness, 1)) * 1.12;
  const strip = addStrip({ title: "Servo tick", detail: "µs late", pixels: 58, low: 0, high, most: 2 });
  strip.front.append(drawn("path", { class: "measured", d: curve(t, lateness, strip.y) }));
  const spread = `p50 ${quantile(lateness, 0.5).toFixed(0)}\np99 ${quantile(lateness, 0.99).toFixed(0)}`;
  onTime.push(({ at }) => { strip.value.textContent = `${lateness[at].toFixed(0)} µs\n${spread}`; });
}
