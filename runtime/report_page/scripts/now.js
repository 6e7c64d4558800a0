// What was the case at the cursor, in words and as the plan in use.

/** Which joints' goals the governor changes at a time, and why. */
function governedAt(time) {
  const found = run.governed.map((stretches) => stretches.find(([from, until]) => from <= time && time < until));
  return found.flatMap((stretch, joint) => (stretch ? [`${run.joints[joint].name}: ${stretch[2]}`] : [])).join(", ");
}

function facts({ time, state, chunk }) {
  const governor = ["governor", governedAt(time) || "passes all goals"];
  if (chunk < 0) return [["supervisor", state], ["chunk", "none followed"], governor];
  const { id, plan, age, refiner, ready, first } = run.chunks[chunk];
  const steps = age === 1 ? "step" : "steps";
  return [
    ["supervisor", state],
    ["chunk", `${id}, from step ${first}, ready ${ready.toFixed(2)} s`],
    ["plan", `${plan}, ${age} ${steps} old as the chunk began`],
    ...(refiner === null ? [] : [["refiner", `${refiner.toFixed(1)} ms`]]),
    governor,
  ];
}

function showNow(now) {
  const list = document.getElementById("now");
  list.replaceChildren(...facts(now).flatMap(([name, words]) => [element("dt", {}, name), element("dd", {}, words)]));
  const shown = document.getElementById("plan-now");
  const chunk = run.chunks[now.chunk];
  shown.replaceChildren();
  if (chunk && run.plans.used[chunk.plan]) shown.append(planGrid(chunk, now.time));
}
