// What was the case at the cursor, in words and as the plan in use.

function facts({ state, chunk }) {
  if (chunk < 0) return [["supervisor", state], ["chunk", "none followed"]];
  const { id, plan, age, refiner, ready, first } = run.chunks[chunk];
  const steps = age === 1 ? "step" : "steps";
  return [
    ["supervisor", state],
    ["chunk", `${id}, from control step ${first} on, ready at ${ready.toFixed(2)} s`],
    ["plan", `${plan}, ${age} control ${steps} old when the chunk began`],
    ...(refiner === null ? [] : [["refiner", `${refiner.toFixed(1)} ms`]]),
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
