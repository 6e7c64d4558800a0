// What happened: the supervisor's states as bands, faults, broken limits and success as signs to jump to.

const placed = [];

/** All that can be jumped to, in order: [time, sign, look, words]. */
const events = [
  ...run.states.map(([time, state]) => [time, "", "", state]),
  ...run.faults.map(([time, kind, reaction]) => [time, "▲", "fault", `${kind}: ${reaction}`]),
  ...run.breaks.map((time) => [time, "✕", "fault", "a command outside the robot's limits"]),
  ...(run.success === null ? [] : [[run.success, "★", "success", "the task is seen to be done"]]),
].sort((one, other) => one[0] - other[0]);

/** Put a sign at a time, or a band between two; what lies before the view's left end is cut off, not moved. */
function place(made, from, until) {
  const left = until === undefined ? share(from) : Math.max(0, share(from));
  made.style.left = `${100 * left}%`;
  if (until !== undefined) made.style.width = `${100 * Math.max(0, share(until) - left)}%`;
  made.hidden = left > 1 || left < 0 || share(until ?? from) < 0;
}

function addEvents() {
  const { plot, value } = emptyStrip("Supervisor", "states and events", 52);
  run.states.forEach(([from, state], index) => {
    const until = index + 1 < run.states.length ? run.states[index + 1][0] : run.end;
    const band = element("span", { class: `state ${state.replace(/[^a-z]/g, "")}`, title: `${state}, from ${from.toFixed(2)} s` }, state);
    placed.push(() => place(band, from, until));
    plot.append(band);
  });
  for (const [time, sign, look, words] of events.filter(([, sign]) => sign)) {
    const mark = element("button", { class: `event ${look}`, type: "button", title: words, "aria-label": `${words}, at ${time.toFixed(2)} s` }, sign);
    mark.addEventListener("click", () => setTime(time));
    placed.push(() => place(mark, time));
    plot.append(mark);
  }
  onView.push(() => placed.forEach((again) => again()));
  onTime.push(({ state }) => { value.textContent = state; });
}

function addSuccessLine() {
  if (run.success === null) return;
  const line = element("div", { class: "cursor success" });
  strips.append(line);
  placed.push(() => {
    line.style.setProperty("--x", share(run.success));
    line.hidden = share(run.success) < 0 || share(run.success) > 1;
  });
}

function listFaults() {
  const list = document.getElementById("faults");
  for (const [time, kind, reaction] of run.faults) {
    const button = element("button", { type: "button" });
    button.append(element("time", {}, `${time.toFixed(2)} s`), element("span", {}, `${kind}: ${reaction}`));
    button.addEventListener("click", () => setTime(time));
    const line = element("li");
    line.append(button);
    list.append(line);
  }
}
