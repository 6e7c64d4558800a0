// What the planner said: the tokens that the arm acted on, how old their plan was, and the whole plan at the cursor.

const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const ROW_PIXELS = 17;
const CELL = 30;
const MOST_STEPS_WITH_NUMBERS = 24;
const topToken = run.space
  ? run.space.bins - 1
  : Math.max(1, ...Object.values(run.plans.used).map((plan) => Math.max(...plan.tokens.flat())));

/** Colour of a token: ordered for every eye, and in grey. */
function tokenColour(token) {
  const place = (Math.min(token, topToken) / topToken) * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const mixed = VIRIDIS[below].map((from, part) => from + (VIRIDIS[below + 1][part] - from) * (place - below));
  return `rgb(${mixed.map(Math.round).join(",")})`;
}

function addTokenMap() {
  const rows = run.joints.length;
  const bins = run.space ? `0 dark, ${topToken} bright` : "dark low, bright high";
  const strip = addStrip({ title: "Plan", detail: `tokens, ${bins}`, pixels: ROW_PIXELS * rows + 8, low: 0, high: rows, most: 0 });
  const cells = Array.from({ length: topToken + 1 }, () => []);
  run.chunks.forEach((chunk, index) => (tokensOf(chunk) || []).forEach((row, step) => row.forEach((token, joint) => {
    const [from, until] = stepsOf(index)[step];
    cells[Math.min(token, topToken)].push([from, until, strip.y(rows - joint), strip.y(rows - joint - 1)]);
  })));
  cells.forEach((sides, token) => {
    const path = boxes("cell", sides);
    path.style.fill = tokenColour(token);
    strip.front.append(path);
  });
  const begins = run.chunks.map(({ start }) => `M${start} 0V${HEIGHT}`).join("");
  strip.front.append(drawn("path", { class: "grid", d: begins }));
  onTime.push(({ time, chunk }) => showTokens(strip, time, chunk));
}

function showTokens(strip, time, chunk) {
  const tokens = chunk < 0 ? null : tokensOf(run.chunks[chunk]);
  const row = chunk < 0 ? 0 : Math.floor((time - run.chunks[chunk].start) / run.chunks[chunk].step);
  const here = tokens && tokens[Math.min(Math.max(row, 0), tokens.length - 1)];
  strip.value.replaceChildren(...run.joints.map(({ name }, joint) =>
    element("div", { style: `height: ${ROW_PIXELS}px` }, here ? `${here[joint]}  ${name}` : `–  ${name}`)));
  strip.value.style.padding = "4px 8px";
  strip.value.style.lineHeight = `${ROW_PIXELS}px`;
}

function addPlanAge() {
  const known = run.commands.age.filter((age) => age !== null);
  const most = known.reduce((oldest, age) => Math.max(oldest, age), Math.max(1, run.most_plan_age ?? 0));
  const strip = addStrip({ title: "Plan age", detail: "steps; ● chunk begins", pixels: 64, low: 0, high: most * 1.2, most: 3, least: 1 });
  const { t, age } = run.commands;
  const steps = [];
  for (let from = 0; from < t.length; from += 1) {
    let until = from;
    while (until + 1 < t.length && age[until + 1] === age[from]) until += 1;
    if (age[from] !== null) steps.push([t[from], t[Math.min(until + 1, t.length - 1)], age[from]]);
    from = until;
  }
  strip.front.append(boxes("age-fill", steps.map(([from, until, old]) => [from, until, strip.y(old), HEIGHT])));
  const lines = steps.map(([from, until, old]) => `M${from} ${strip.y(old)}H${until}`).join("");
  strip.front.append(drawn("path", { class: "age", d: lines }));
  const dots = run.chunks.map(({ start, age: began }) => `M${start} ${strip.y(began)}h0`).join("");
  strip.front.append(drawn("path", { class: "chunk-dot", d: dots }));
  if (run.most_plan_age !== null) strip.back.append(level("limit", strip.y(run.most_plan_age), "a chunk begins with no older plan"));
  onTime.push(({ at }) => {
    const bound = run.most_plan_age === null ? "" : `\nat most ${run.most_plan_age}\nas a chunk begins`;
    strip.value.textContent = age[at] === null ? "no plan in use" : `${age[at]} steps${bound}`;
  });
}

/** The plan at the cursor as a grid: what had passed when its chunk began is pale, what the chunk took is framed. */
function planGrid(chunk, time) {
  const { tokens } = run.plans.used[chunk.plan];
  const [left, steps, rows] = [92, tokens.length, run.joints.length];
  const svg = drawn("svg", { viewBox: `0 0 ${left + steps * CELL + 4} ${rows * 18 + 20}`, role: "img", "aria-label": "The plan at the cursor" });
  run.joints.forEach(({ name }, joint) => svg.append(text(left - 8, joint * 18 + 13, name, "dim", "end")));
  tokens.forEach((row, step) => row.forEach((token, joint) => {
    const gone = step < chunk.age ? "gone" : "";
    const cell = drawn("rect", { x: left + step * CELL + 1, y: joint * 18 + 1, width: CELL - 2, height: 16, rx: 2, class: gone });
    cell.style.fill = tokenColour(token);
    svg.append(cell);
    if (steps <= MOST_STEPS_WITH_NUMBERS) svg.append(numberIn(left + (step + 0.5) * CELL, joint * 18 + 13, token, gone));
  }));
  const slice = { x: left + chunk.age * CELL, y: 0, width: chunk.goals.length * CELL, height: rows * 18, rx: 3, class: "slice" };
  svg.append(drawn("rect", slice));
  const here = chunk.age + Math.floor((time - chunk.start) / chunk.step);
  if (here >= 0 && here < steps) svg.append(text(left + (here + 0.5) * CELL, rows * 18 + 14, "▲", "here", "middle"));
  return svg;
}

function text(x, y, words, look, anchor) {
  const made = drawn("text", { x, y, class: look, "text-anchor": anchor });
  made.textContent = words;
  return made;
}

function numberIn(x, y, token, look) {
  const made = text(x, y, token, look, "middle");
  made.style.fill = token / topToken > 0.55 ? "#000" : "#fff";
  return made;
}
