// The film: one screen a camera, and small pictures along the time axis.

const THUMB_PIXELS = 56;

for (const { frames } of run.film) {
  for (const frame of frames) {
    frame.image = new Image();
    frame.image.src = `data:image/jpeg;base64,${frame.jpeg}`;
    delete frame.jpeg;
  }
}

function frameAt(camera, time) {
  return camera.frames[Math.max(0, lastBefore(camera.times, time))];
}

/** What a picture was used for, in words. */
function usedBy({ chunk, plan }) {
  const used = [...(plan === null ? [] : [`plan ${plan}`]), ...(chunk === null ? [] : [`chunk ${chunk}`])];
  return used.length ? `seen by ${used.join(" and ")}` : "not acted on";
}

/** Draw a picture as soon as it is decoded, unless another one is wanted by then. */
function paint(screen, frame) {
  screen.wanted = frame;
  const draw = () => {
    if (screen.wanted !== frame) return;
    const { naturalWidth, naturalHeight } = frame.image;
    Object.assign(screen.canvas, { width: naturalWidth, height: naturalHeight });
    screen.canvas.getContext("2d").drawImage(frame.image, 0, 0);
    screen.canvas.dataset.time = frame.t;
  };
  if (frame.image.complete) draw();
  else frame.image.addEventListener("load", draw, { once: true });
}

function addScreen(camera) {
  const figure = element("figure", { class: "screen" });
  const canvas = element("canvas", { role: "img", "aria-label": `What the ${camera.name} camera saw` });
  const caption = element("figcaption");
  figure.append(canvas, caption);
  document.getElementById("screens").append(figure);
  const screen = { canvas };
  onTime.push(({ time }) => {
    const frame = frameAt(camera, time);
    if (frame !== screen.wanted) paint(screen, frame);
    caption.textContent = `${camera.name}, ${frame.t.toFixed(2)} s, ${usedBy(frame)}`;
  });
  dragTime(figure, (x) => {
    const box = figure.getBoundingClientRect();
    return run.start + ((x - box.left) / box.width) * (run.end - run.start);
  });
}

function addThumbs(camera) {
  const { plot, value } = emptyStrip(`Film, ${camera.name}`, "camera frames", THUMB_PIXELS);
  const canvas = element("canvas", { class: "thumbs", role: "img", "aria-label": `Pictures of the ${camera.name} camera over time` });
  plot.append(canvas);
  const draw = () => {
    const scale = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: plot.clientWidth * scale, height: THUMB_PIXELS * scale });
    const first = camera.frames[0].image;
    const wide = Math.round((canvas.height * first.naturalWidth) / Math.max(1, first.naturalHeight)) || canvas.width;
    for (let left = 0; left < canvas.width; left += wide) {
      const time = view.from + ((left + wide / 2) / canvas.width) * (view.to - view.from);
      canvas.getContext("2d").drawImage(frameAt(camera, time).image, left, 0, wide - 1, canvas.height);
    }
  };
  Promise.all(camera.frames.map(({ image }) => image.decode().catch(() => undefined))).then(draw);
  onView.push(draw);
  onTime.push(({ time }) => { value.textContent = `frame ${frameAt(camera, time).number}\n${camera.frames.length} in the film`; });
}

function addFilm() {
  for (const camera of run.film.filter(({ frames }) => frames.length)) {
    camera.times = camera.frames.map(({ t }) => t);
    addScreen(camera);
    addThumbs(camera);
  }
}
