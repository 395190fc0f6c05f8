// The grid. props.value = {run, axes: [{label, values}], metrics: [{name, label, lower}], branches: [{name, label}],
// cells: [{index, place: [column, row, sheet], title, state, error, images: {branch: {thumb, file, width_px, height_px}}, figures: {which: {metric: value}}}]}.
// A cell keeps its element while the run lasts, so that what arrives moves neither focus nor view. All text goes through textContent.

const grid = element.querySelector(".grid");
const find = (name) => grid.querySelector(name);
const [scroller, table, heat, size, detail] = [".scroller", "table", ".heat", ".size", ".detail"].map(find);
const [sheet, branch, metric, which] = [".sheet", ".branch", ".metric", ".which"].map(find);
const state = { run: null, sheet: 0, cells: new Map(), told: new Map(), x: 0.5, y: 0.5, dragged: false };

// Viridis (Smith and van der Walt, matplotlib, CC0) at each eighth; dark is worse.
const VIRIDIS = [[68, 1, 84], [71, 45, 123], [59, 82, 139], [44, 114, 142], [33, 145, 140], [40, 174, 128], [94, 201, 98], [173, 220, 48], [253, 231, 37]];

function colour(share) {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return VIRIDIS[low].map((level, i) => Math.round(level + (at - low) * (VIRIDIS[low + 1][i] - level)));
}

// Black or white, whichever has more contrast (WCAG 2 relative luminance).
function ink(rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "black" : "white";
}

function options(select, rows) {
  const chosen = select.value;
  if (JSON.stringify(rows) === select.dataset.rows) return;
  select.dataset.rows = JSON.stringify(rows);
  select.replaceChildren(...rows.map(([value, label]) => Object.assign(make("option", "", label), { value })));
  if (rows.some(([value]) => value === chosen)) select.value = chosen;
}

function build(value) {
  const [across, down, third] = value.axes;
  state.cells = new Map();
  state.told = new Map();
  state.sheet = Math.min(state.sheet, third ? third.values.length - 1 : 0);
  find(".third").hidden = !third;
  if (third) {
    find(".third .name").textContent = third.label;
    options(sheet, third.values.map((label, i) => [String(i), label]));
    sheet.value = String(state.sheet);
  }
  find("caption").textContent = across.label + " across" + (down ? ", " + down.label + " down" : "");
  const head = make("tr");
  if (down) head.append(Object.assign(make("th", "corner", down.label), { scope: "col" }));
  across.values.forEach((label) => {
    const th = Object.assign(make("th"), { scope: "col" });
    th.append(make("small", "", across.label), document.createTextNode(label));
    head.append(th);
  });
  find("thead").replaceChildren(head);
  find("tbody").replaceChildren(...(down ? down.values : [""]).map((label, y) => {
    const row = make("tr");
    if (down) {
      const th = Object.assign(make("th"), { scope: "row" });
      th.append(make("span", "", label));
      row.append(th);
    }
    across.values.forEach((_, x) => {
      const td = make("td");
      const cell = value.cells.find((c) => c.place[0] === x && c.place[1] === y && c.place[2] === state.sheet);
      td.append(button(cell));
      row.append(td);
    });
    return row;
  }));
}

function button(cell) {
  const made = Object.assign(make("button", "cell"), { type: "button", tabIndex: cell.place[0] || cell.place[1] ? -1 : 0 });
  made.append(make("img"), make("span", "said"), make("span", "value"));
  made.firstChild.draggable = false;
  made.addEventListener("click", (event) => {
    const drag = state.dragged && event.detail; // a click by key has no detail
    if (drag || !made.classList.contains("done")) return;
    trigger('open', { index: cell.index });
  });
  state.cells.set(cell.index, made);
  return made;
}

function draw() {
  const value = props.value;
  grid.classList.toggle("empty", !value);
  if (!value) return;
  if (value.run !== state.run) {
    Object.assign(state, { run: value.run, sheet: 0, x: 0.5, y: 0.5 });
    build(value);
  }
  options(branch, value.branches.map((row) => [row.name, row.label]));
  options(metric, [["", "none"], ...value.metrics.map((row) => [row.name, row.label + (row.lower ? " ↓" : " ↑")])]);
  const done = value.cells.find((cell) => cell.images);
  const picture = done && done.images[branch.value];
  table.style.setProperty("--shape", picture ? picture.width_px / picture.height_px : 1);
  const colours = scale(value);
  value.cells.forEach((cell) => paint(cell, colours));
  view();
}

// Best and worst of the chosen figure over all sheets.
function scale(value) {
  const row = value.metrics.find((m) => m.name === metric.value);
  const known = row ? value.cells.filter((cell) => number(cell) !== null) : [];
  grid.classList.toggle("hot", heat.getAttribute("aria-pressed") === "true" && !!row);
  heat.disabled = !row;
  const words = find(".legend .words");
  words.textContent = "";
  if (!known.length) return null;
  const sorted = [...known].sort((a, b) => (row.lower ? number(a) - number(b) : number(b) - number(a)));
  const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
  words.textContent = row.label + " of " + which.value + ", " + (row.lower ? "lower" : "higher") + " is better: from " + short(number(worst)) +
    " (" + worst.title + ") to " + short(number(best)) + " (" + best.title + ")";
  find(".ramp").style.background = "linear-gradient(to right, " + VIRIDIS.map((rgb) => "rgb(" + rgb.join(" ") + ")").join(", ") + ")";
  return { best: best.index, low: number(worst), span: number(best) - number(worst) };
}

function number(cell) {
  const found = cell.figures && cell.figures[which.value] && cell.figures[which.value][metric.value];
  return found === undefined || found === null ? null : found;
}

function short(value) {
  return Number(value.toPrecision(4)).toString().replace("-", "−");
}

function paint(cell, colours) {
  const box = state.cells.get(cell.index);
  if (!box) return;
  const figure = number(cell);
  const rgb = colours && figure !== null ? colour(colours.span ? (figure - colours.low) / colours.span : 1) : null;
  const shown = cell.images && cell.images[branch.value];
  const key = JSON.stringify([cell.state, cell.error, branch.value, figure, rgb, colours && colours.best, shown && shown.file.url]);
  if (state.told.get(cell.index) === key) return;
  state.told.set(cell.index, key);
  box.className = "cell " + cell.state + (colours && colours.best === cell.index ? " best" : "");
  box.setAttribute("aria-disabled", String(cell.state !== "done"));
  const words = { waiting: "waiting", left: "not run", running: "running …", failed: cell.error, done: "" }[cell.state];
  const [image, said, value] = box.children;
  said.textContent = words;
  said.hidden = !words;
  value.textContent = figure === null ? "" : short(figure);
  box.title = cell.title;
  box.setAttribute("aria-label", cell.title + ": " + (words || (value.textContent ? metricLabel() + " " + value.textContent + ", " : "") + "open in Compare"));
  image.alt = "";
  image.hidden = !shown;
  if (shown) {
    image.dataset.thumb = shown.thumb.url;
    image.dataset.file = shown.file.url;
    image.dataset.width = shown.width_px;
    image.src = wanted(image);
  }
  if (rgb) {
    box.style.setProperty("--heat", "rgb(" + rgb.join(" ") + ")");
    box.style.setProperty("--ink", ink(rgb));
  } else box.style.removeProperty("--heat");
}

function metricLabel() {
  return props.value.metrics.find((row) => row.name === metric.value).label;
}

// The small picture while it suffices, the whole one when drawn larger.
function wanted(image) {
  const px = Number(size.value) * zoom() * devicePixelRatio;
  return px > 384 && Number(image.dataset.width) > 384 ? image.dataset.file : image.dataset.thumb;
}

function zoom() {
  return 2 ** Number(detail.value);
}

function view() {
  const factor = zoom();
  table.style.setProperty("--cell", size.value + "px");
  table.style.setProperty("--zoom", factor);
  table.style.setProperty("--x", 100 * state.x + "%");
  table.style.setProperty("--y", 100 * state.y + "%");
  grid.classList.toggle("zoomed", factor > 1);
  const first = [...state.cells.values()].map((box) => box.firstChild).find((image) => image.dataset.width);
  grid.classList.toggle("near", !!first && Number(size.value) * factor > Number(first.dataset.width));
  size.nextElementSibling.textContent = size.value + " px";
  detail.nextElementSibling.textContent = Number(factor.toFixed(1)) + "×";
  for (const box of state.cells.values()) {
    const image = box.firstChild;
    if (image.dataset.file && image.getAttribute("src") !== wanted(image)) image.src = wanted(image);
  }
}

// dx, dy: how far the pictures move, in CSS pixels.
function pan(dx, dy) {
  const width = Number(size.value) * (zoom() - 1);
  if (width <= 0) return;
  const height = width / Number(table.style.getPropertyValue("--shape"));
  state.x = Math.min(Math.max(state.x - dx / width, 0), 1);
  state.y = Math.min(Math.max(state.y - dy / height, 0), 1);
  view();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
table.addEventListener("keydown", (event) => {
  const step = ARROWS[event.key];
  const box = event.target.closest(".cell");
  if (!step || !box) return;
  event.preventDefault();
  if (event.shiftKey) {
    pan(-40 * step[0], -40 * step[1]);
    return;
  }
  const row = box.closest("tr");
  const rows = [...row.parentNode.children];
  const target = rows[rows.indexOf(row) + step[1]];
  const next = target && target.querySelectorAll(".cell")[[...row.querySelectorAll(".cell")].indexOf(box) + step[0]];
  if (!next) return;
  box.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

let from = null;
table.addEventListener("pointerdown", (event) => {
  state.dragged = false;
  from = zoom() > 1 && event.button === 0 && event.target.closest(".cell") ? { x: event.clientX, y: event.clientY, far: false } : null;
});
table.addEventListener("pointermove", (event) => {
  if (!from || !event.buttons) return;
  const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
  if (!from.far && Math.hypot(dx, dy) < 4) return;
  state.dragged = true;
  from = { x: event.clientX, y: event.clientY, far: true };
  pan(dx, dy);
});
scroller.addEventListener("wheel", (event) => {
  const box = event.target.closest(".cell");
  if (!event.ctrlKey || !box) return;
  event.preventDefault();
  const place = box.getBoundingClientRect();
  if (zoom() === 1) [state.x, state.y] = [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height];
  detail.value = String(Number(detail.value) + (event.deltaY < 0 ? 0.5 : -0.5));
  view();
}, { passive: false });

[size, detail].forEach((range) => range.addEventListener("input", view));
[branch, metric, which].forEach((select) => select.addEventListener("change", draw));
sheet.addEventListener("change", () => {
  state.sheet = Number(sheet.value);
  build(props.value);
  draw();
});
heat.addEventListener("click", () => {
  heat.setAttribute("aria-pressed", String(heat.getAttribute("aria-pressed") !== "true"));
  draw();
});
watch("value", draw);
draw();
