// One strip: a name with units and ticks, a plot over the time axis, and the value at the cursor.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const strips = document.getElementById("strips");

function drawn(kind, attributes = {}, title = "") {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (title) made.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: title }));
  return made;
}

/** A strip without a drawing: {strip, plot, ticks, value}. */
function emptyStrip(title, detail, pixels) {
  const strip = element("div", { class: "strip", style: `--height: ${pixels}px` });
  const name = element("div", { class: "name" }, title);
  if (detail) name.append(element("small", {}, detail));
  const plot = element("div", { class: "plot" });
  const ticks = element("div", { class: "ticks" });
  const value = element("div", { class: "value" });
  strip.append(name, plot, ticks, value);
  strips.append(strip);
  return { strip, plot, ticks, value };
}

/** A strip with a drawing whose x is seconds and whose y runs from `low` to `high`; `y` maps a value into it. */
function addStrip({ title, detail, pixels, low, high, most = 3, least = 0 }) {
  const parts = emptyStrip(title, detail, pixels);
  const svg = drawn("svg", { preserveAspectRatio: "none", role: "img", "aria-label": `${title}, ${detail}` });
  const layers = { back: drawn("g"), front: drawn("g"), now: drawn("g") };
  svg.append(layers.back, layers.front, layers.now);
  parts.plot.append(svg);
  const y = (value) => HEIGHT - ((value - low) / (high - low)) * HEIGHT;
  const zoom = () => svg.setAttribute("viewBox", `${view.from} 0 ${view.to - view.from} ${HEIGHT}`);
  onView.push(zoom);
  zoom();
  if (most) addTicks(parts.ticks, layers.back, y, niceTicks(low, high, most, least));
  return { ...parts, ...layers, y };
}

function addTicks(column, back, y, { ticks, digits }) {
  for (const tick of ticks) {
    const place = y(tick);
    if (place >= 4 && place <= 99) {
      column.append(element("span", { style: `top: ${place}%` }, tick.toFixed(digits)));
    }
    back.append(level("grid", place));
  }
}

/** A line over the whole run at the height `place`. */
function level(look, place, title = "") {
  return drawn("line", { class: look, x1: whole.from, x2: whole.to, y1: place, y2: place }, title);
}

/** A path through (times[i], y(values[i])); null breaks it. */
function curve(times, values, y) {
  const parts = [];
  let pen = "M";
  for (let index = 0; index < times.length; index += 1) {
    if (values[index] === null) {
      pen = "M";
    } else {
      parts.push(`${pen}${times[index]} ${y(values[index]).toFixed(2)}`);
      pen = "L";
    }
  }
  return parts.join("");
}

/** Filled boxes as one path, for there may be many: [from, until, top, bottom] each. */
function boxes(look, sides) {
  const outline = ([from, until, top, bottom]) => `M${from} ${top.toFixed(2)}H${until}V${bottom.toFixed(2)}H${from}z`;
  return drawn("path", { class: look, d: sides.map(outline).join("") });
}
