// The one cursor: whoever moves it moves it for all.

const onTime = [];
const cursor = { time: run.start, chunk: undefined, playing: false };
const stateTimes = run.states.map(([from]) => from);
const scrubber = document.getElementById("scrubber");

function setTime(wanted) {
  cursor.time = Math.min(Math.max(wanted, run.start), run.end);
  if (share(cursor.time) < 0 || share(cursor.time) > 1) {
    const half = (view.to - view.from) / 2;
    show(cursor.time - half, cursor.time + half);
  }
  drawCursor();
}

function drawCursor() {
  const { time } = cursor;
  const chunk = chunkAt(time);
  const at = Math.max(0, lastBefore(run.commands.t, time));
  const state = run.states[Math.max(0, lastBefore(stateTimes, time))][1];
  document.getElementById("cursor").style.setProperty("--x", share(time));
  document.getElementById("clock").textContent = `${time.toFixed(2)} s`;
  scrubber.value = time;
  scrubber.setAttribute("aria-valuetext", `${time.toFixed(2)} seconds`);
  for (const tell of onTime) tell({ time, at, chunk, state, changed: chunk !== cursor.chunk });
  cursor.chunk = chunk;
}

/** Dragging on `target` moves the cursor; `timeAt` maps the pointer's x to a time. */
function dragTime(target, timeAt) {
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    target.setPointerCapture(event.pointerId);
    setTime(timeAt(event.clientX));
  });
  target.addEventListener("pointermove", (event) => {
    if (target.hasPointerCapture(event.pointerId)) setTime(timeAt(event.clientX));
  });
}

function play(on) {
  cursor.playing = on;
  const button = document.getElementById("play");
  button.textContent = on ? "❚❚" : "▶";
  button.setAttribute("aria-label", on ? "Pause" : "Play");
  if (!on) return;
  if (cursor.time >= run.end) setTime(run.start);
  let last = performance.now();
  const advance = (now) => {
    if (!cursor.playing) return;
    setTime(cursor.time + ((now - last) / 1000) * Number(document.getElementById("speed").value));
    last = now;
    if (cursor.time >= run.end) play(false);
    else requestAnimationFrame(advance);
  };
  requestAnimationFrame(advance);
}

/** The next of `times` after the cursor, or the last before it. */
function jump(times, forward) {
  const found = forward
    ? times.find((time) => time > cursor.time + 1e-6)
    : times.filter((time) => time < cursor.time - 1e-6).pop();
  if (found !== undefined) setTime(found);
}

function zoom(factor) {
  const left = cursor.time - share(cursor.time) * (view.to - view.from) * factor;
  show(left, left + (view.to - view.from) * factor);
  drawCursor();
}
