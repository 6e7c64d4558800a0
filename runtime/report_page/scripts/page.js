// Builds the page and listens to keys.

const pictureTimes = [...new Set(run.film.flatMap(({ frames }) => frames.map(({ t }) => t)))].sort((one, other) => one - other);
const steps = pictureTimes.length ? pictureTimes : run.commands.t;

const KEYS = {
  ArrowLeft: ({ shiftKey }) => (shiftKey ? setTime(cursor.time - 1) : jump(steps, false)),
  ArrowRight: ({ shiftKey }) => (shiftKey ? setTime(cursor.time + 1) : jump(steps, true)),
  ",": () => jump(run.commands.t, false),
  ".": () => jump(run.commands.t, true),
  p: () => jump(events.map(([time]) => time), false),
  n: () => jump(events.map(([time]) => time), true),
  Home: () => setTime(run.start),
  End: () => setTime(run.end),
  "+": () => zoom(0.5),
  "-": () => zoom(2),
  0: () => { show(whole.from, whole.to); drawCursor(); },
  " ": () => play(!cursor.playing),
};

function addLegend() {
  const legend = element("div", { class: "legend" });
  const line = (look) => drawn("line", { class: look, x1: 0, x2: 26, y1: 5, y2: 5 });
  const parts = [[line("goal"), "goal"], [line("measured"), "measured"], [line("chunk"), "action chunk at the cursor"],
    [boxes("governed", [[0, 26, 3, 8]]), "goal changed by the governor"], [line("limit"), "end of the range"]];
  if (run.space) parts.push([boxes("bin current", [[0, 26, 0, 10]]), "bin that the planner named"]);
  for (const [sign, words] of parts) {
    const svg = drawn("svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
    const entry = element("span");
    svg.append(sign);
    entry.append(svg, words);
    legend.append(entry);
  }
  for (const words of ["▲ fault", "✕ limit broken", "★ task done"]) legend.append(element("span", {}, words));
  strips.append(legend);
}

function build() {
  Object.assign(scrubber, { min: run.start, max: run.end });
  addFilm();
  addEvents();
  addSuccessLine();
  addLegend();
  run.joints.forEach(addJoint);
  addTokenMap();
  addPlanAge();
  addLatencies();
  listFaults();
  onTime.push(showNow);
}

function listen() {
  scrubber.addEventListener("input", () => setTime(Number(scrubber.value)));
  document.getElementById("play").addEventListener("click", () => play(!cursor.playing));
  document.getElementById("zoom-in").addEventListener("click", () => zoom(0.5));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(2));
  dragTime(strips, (x) => {
    const box = document.getElementById("ticks").getBoundingClientRect();
    return view.from + ((x - box.left) / box.width) * (view.to - view.from);
  });
  document.addEventListener("keydown", (event) => {
    const pressed = KEYS[event.key];
    const own = event.target.closest("button, select") && [" ", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key);
    if (!pressed || own || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    pressed(event);
  });
  window.addEventListener("resize", () => show(view.from, view.to));
}

build();
listen();
show(whole.from, whole.to);
setTime(Math.max(run.start, 0));
document.documentElement.dataset.ready = "true";
