// Zoom and pan, the same in every pane. Scales are CSS pixels per pixel of the frame; factors are screen pixels.

const MAX_FACTOR = 64;
const FACTORS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, MAX_FACTOR];

// Where the frame lies in a pane (all panes are of one size), in CSS pixels.
function geometry() {
  const { width_px: width, height_px: height } = frame();
  const paneWidth = panes[0].root.clientWidth;
  const paneHeight = panes[0].root.clientHeight;
  const fit = Math.min(paneWidth / width, paneHeight / height);
  const scale = state.zoom === null ? fit : state.zoom;
  const whole = Math.abs(scale * devicePixelRatio - Math.round(scale * devicePixelRatio)) < 1e-6;
  const round = (value) => (whole ? Math.round(value * devicePixelRatio) / devicePixelRatio : value); // pixels on pixels
  return {
    fit, scale, paneWidth, paneHeight, width: width * scale, height: height * scale,
    left: round(paneWidth / 2 - state.centre.x * width * scale),
    top: round(paneHeight / 2 - state.centre.y * height * scale),
  };
}

function factor() {
  return geometry().scale * devicePixelRatio;
}

// The frame fills the pane or lies in its middle.
function settle() {
  const at = geometry();
  for (const [axis, size, room] of [["x", at.width, at.paneWidth], ["y", at.height, at.paneHeight]]) {
    const half = room / 2 / size;
    state.centre[axis] = size <= room ? 0.5 : limit(state.centre[axis], half, 1 - half);
  }
}

// To `scale`, with the point of the frame at (x, y) of a pane staying there.
function zoomTo(scale, x, y) {
  const before = geometry();
  const low = Math.min(before.fit, 1 / devicePixelRatio);
  const next = limit(scale, low, MAX_FACTOR / devicePixelRatio);
  const ratio = next / before.scale;
  state.zoom = next === before.fit ? null : next;
  state.centre.x = (before.paneWidth / 2 - x + (x - before.left) * ratio) / (before.width * ratio);
  state.centre.y = (before.paneHeight / 2 - y + (y - before.top) * ratio) / (before.height * ratio);
  layout();
}

// Out no further than to the whole frame, unless 1:1 is smaller and was asked for.
function zoomBy(times, x, y) {
  const { scale, fit } = geometry();
  zoomTo(Math.max(scale * times, Math.min(scale, fit)), x, y);
}

// The next of FACTORS up or down, about the marked point or the middle.
function zoomStep(up) {
  const now = factor();
  const next = up ? FACTORS.find((value) => value > now * 1.001) : FACTORS.findLast((value) => value < now * 0.999);
  zoomBy((next || now) / now, ...anchor());
}

function zoomFit() {
  state.zoom = null;
  layout();
}

function zoomWhole() {
  zoomTo(1 / devicePixelRatio, ...anchor());
}

function anchor() {
  const at = geometry();
  if (!state.pointed) return [at.paneWidth / 2, at.paneHeight / 2];
  return [at.left + state.point.x * at.width, at.top + state.point.y * at.height];
}

// Moves the pictures by CSS pixels.
function panBy(x, y) {
  const at = geometry();
  state.centre.x -= x / at.width;
  state.centre.y -= y / at.height;
  layout();
}

// Moves the marked point by pixels of the frame; the view follows.
function movePoint(x, y) {
  const { width_px: width, height_px: height } = frame();
  const from = state.point || state.centre;
  const column = limit(Math.floor(from.x * width) + x, 0, width - 1);
  const row = limit(Math.floor(from.y * height) + y, 0, height - 1);
  state.point = { x: (column + 0.5) / width, y: (row + 0.5) / height };
  state.pointed = true;
  const at = geometry();
  for (const [axis, size, room] of [["x", at.width, at.paneWidth], ["y", at.height, at.paneHeight]]) {
    const reach = (room / 2 - 8) / size; // 8 px inside the pane
    if (size > room) state.centre[axis] = limit(state.centre[axis], state.point[axis] - reach, state.point[axis] + reach);
  }
  layout();
  say(readingText());
}

// A point of the page as shares of the frame; null outside of it. `pane`: where a drag began.
function pointAt(clientX, clientY, pane = paneAt(clientX, clientY)) {
  if (!pane) return null;
  const at = geometry();
  const box = pane.root.getBoundingClientRect();
  const x = (clientX - box.left - at.left) / at.width;
  const y = (clientY - box.top - at.top) / at.height;
  return x >= 0 && x < 1 && y >= 0 && y < 1 ? { x, y } : null;
}

// Puts everything where state says.
function layout() {
  if (!state.images.length) return;
  const shape = frame();
  stage.style.setProperty("--shape", shape.width_px + " / " + shape.height_px);
  grid();
  settle();
  const at = geometry();
  for (const pane of panes) {
    for (const layer of pane.layers) place(layer, at);
    mark(pane, at);
  }
  cut(at);
  showZoom(at);
  drawLenses(at);
  showReading();
}

// Not smoothed from two screen pixels per picture pixel on, and at exactly one.
function place(layer, at) {
  Object.assign(layer.style, {
    width: at.width + "px",
    height: at.height + "px",
    transform: "translate(" + at.left + "px, " + at.top + "px)",
  });
  const own = (at.width * devicePixelRatio) / (layer.naturalWidth || layer.width);
  layer.style.imageRendering = own >= 2 || Math.abs(own - 1) < 1e-6 ? "pixelated" : "auto";
}

// The outline of the pixel that is read: always when keys set it, else when pixels are large or another pane shows the pointer.
function mark(pane, at) {
  const { width_px: width, height_px: height } = frame();
  const wanted = state.point && (state.pointed || at.scale >= 8 || panes.length > 1);
  pane.mark.hidden = !wanted;
  if (!wanted) return;
  const size = Math.max(at.scale, 9);
  const x = at.left + ((Math.floor(state.point.x * width) + 0.5) / width) * at.width;
  const y = at.top + ((Math.floor(state.point.y * height) + 0.5) / height) * at.height;
  Object.assign(pane.mark.style, { width: size + "px", height: size + "px", transform: "translate(" + (x - size / 2) + "px, " + (y - size / 2) + "px)" });
}
