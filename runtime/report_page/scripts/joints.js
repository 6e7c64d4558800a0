// Each joint's goal and measurement, behind them the planner's bins, before them the chunk at the cursor.

const chunkIndex = new Map(run.chunks.map((chunk, index) => [chunk.id, index]));

/** When each goal of a chunk is due, as [from, until] of its control step; a later chunk ends an earlier one. */
function stepsOf(index) {
  const chunk = run.chunks[index];
  const next = run.chunks[index + 1];
  return chunk.goals.map((_, row) => {
    const from = chunk.start + row * chunk.step;
    const until = from + chunk.step;
    return [from, next ? Math.min(until, Math.max(next.start, from)) : until];
  });
}

/** Index of the chunk that the arm followed at a time; -1 if none. */
function chunkAt(time) {
  const at = lastBefore(run.commands.t, time);
  const id = at < 0 ? null : run.commands.chunk[at];
  return chunkIndex.get(id) ?? -1;
}

/** The tokens that a chunk was refined from: [H_chunk][D], or null if its plan is not in the recording. */
function tokensOf(chunk) {
  const plan = run.plans.used[chunk.plan];
  return plan ? plan.tokens.slice(chunk.age, chunk.age + chunk.goals.length) : null;
}

/** The bins that the planner named for a joint in a chunk's steps, as sides of boxes. */
function binSides(index, joint, y) {
  const tokens = run.space && tokensOf(run.chunks[index]);
  if (!tokens) return [];
  const { low, high, bins } = run.space;
  const edge = (count) => y(low[joint] + ((high[joint] - low[joint]) * count) / bins);
  const known = stepsOf(index).slice(0, tokens.length);
  return known.map(([from, until], row) => [from, until, edge(tokens[row][joint] + 1), edge(tokens[row][joint])]);
}

function jointRange(joint) {
  const values = [...run.commands.goal[joint], ...run.commands.measured[joint]];
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const room = Math.max(0.12 * (high - low), 1);
  return { low: low - room, high: high + room };
}

function addJoint({ name, low, high }, joint) {
  const range = jointRange(joint);
  const strip = addStrip({ title: name, detail: "degrees", pixels: 92, ...range });
  const { y, back, front } = strip;
  back.append(boxes("bin", run.chunks.flatMap((_, index) => binSides(index, joint, y))));
  for (const [limit, title] of [[low, "lower end of the range"], [high, "upper end of the range"]]) {
    if (limit !== null && limit > range.low && limit < range.high) back.append(level("limit", y(limit), title));
  }
  front.append(boxes("governed", run.governed[joint].map(([from, until]) => [from, until, 96, 100])));
  front.append(drawn("path", { class: "measured", d: curve(run.commands.t, run.commands.measured[joint], y) }));
  front.append(drawn("path", { class: "goal", d: curve(run.commands.t, run.commands.goal[joint], y) }));
  onTime.push((now) => showJoint(strip, joint, now));
}

function showJoint(strip, joint, { at, chunk, changed }) {
  const [goal, measured] = [run.commands.goal[joint][at], run.commands.measured[joint][at]];
  strip.value.replaceChildren(
    element("span", { style: "color: var(--goal)" }, `goal ${goal.toFixed(1)}°\n`),
    element("span", { style: "color: var(--measured)" }, `is ${measured.toFixed(1)}°\n`),
    element("span", { style: "color: var(--dim)" }, `off by ${(goal - measured).toFixed(1)}°`),
  );
  if (!changed) return;
  strip.now.replaceChildren();
  if (chunk < 0) return;
  const { start, step, goals } = run.chunks[chunk];
  const times = goals.map((_, row) => start + (row + 1) * step);
  const dots = times.map((time, row) => `M${time} ${strip.y(goals[row][joint])}h0`).join("");
  const line = curve(times, goals.map((row) => row[joint]), strip.y);
  strip.now.append(boxes("bin current", binSides(chunk, joint, strip.y)));
  strip.now.append(drawn("path", { class: "chunk", d: line }), drawn("path", { class: "chunk-dot", d: dots }));
}
