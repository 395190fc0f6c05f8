// Position and R, G, B of the pixel at the point, of every picture that the mode compares.

const readout = viewer.querySelector(".readout");

function showReading() {
  const list = MODES[state.mode].read();
  const place = cell("Pixel", null);
  const cells = list.map((image) => cell(image.label, image.name));
  const change = state.mode === "difference" && !alone() ? cell("Difference", null) : null;
  if (state.point) {
    const { width_px: width, height_px: height } = frame();
    place.value.textContent = Math.floor(state.point.x * width) + ", " + Math.floor(state.point.y * height);
    list.forEach((image, i) => { if (ready(image)) fillCell(cells[i], image); });
    if (change && compared && list.every(ready)) change.value.textContent = levelAt(state.point).toFixed(2);
  }
  readout.replaceChildren(...[place, ...cells, change].filter(Boolean).map((found) => found.root));
}

function cell(label, name) {
  const root = make("div", name === null ? "fact" : "");
  const value = make("dd", "", "–");
  const term = make("dt");
  if (name !== null) term.append(make("i", "swatch"));
  term.append(make("span", "", label));
  root.dataset.picture = name === null ? "" : name;
  root.append(term, value);
  return { root, value };
}

function fillCell({ root, value }, image) {
  const { rgb } = pixelAt(image, state.point);
  value.textContent = rgb.join(" ");
  root.querySelector(".swatch").style.background = "rgb(" + rgb.join(" ") + ")";
}

function levelAt(point) {
  const x = Math.floor(point.x * compared.width);
  const y = Math.floor(point.y * compared.height);
  return compared.levels[y * compared.width + x];
}

function readingText() {
  return [...readout.children].map((root) => root.textContent.trim().replace(/(\D)(\d|–)/, "$1: $2")).join("; ");
}
