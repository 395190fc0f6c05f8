// The comparison viewer. `element`, `props` and `watch` come from gr.HTML (js_on_load).
// props.value = {run, left, right, images: [{name, label, note, alt, width_px, height_px, file: {url}}]}.
// All text reaches the page through textContent and attributes, never as markup.

const viewer = element.querySelector(".viewer");
const scroller = viewer.querySelector(".scroller");
const canvas = viewer.querySelector(".canvas");
const stage = viewer.querySelector(".stage");
const divider = viewer.querySelector(".divider");
const SIDES = ["left", "right"];
const parts = Object.fromEntries(SIDES.map((side) => [side, {
  pick: viewer.querySelector(".pick." + side),
  picture: viewer.querySelector(".picture." + side),
  tag: viewer.querySelector(".tag." + side),
  label: viewer.querySelector(".side." + side),
}]));

let images = [];
let run = null;
let chosen = {}; // side -> name, set by hand; kept while the run lasts
let position = 0.5; // of the visible stage, 0 = left edge
let zoom = "fit";

function find(name) {
  return images.find((image) => image.name === name);
}

function shown(side) {
  return find(chosen[side]) || find(props.value[side]) || images[0];
}

// A picture is swapped only when the next one is decoded, so previews do not flicker.
async function load(picture, image) {
  if (picture.dataset.url === image.file.url) return;
  picture.dataset.url = image.file.url;
  const next = new Image();
  next.src = image.file.url;
  try { await next.decode(); } catch { return; }
  if (picture.dataset.url === image.file.url) picture.src = next.src;
}

function fillPicks() {
  for (const side of SIDES) {
    const { pick } = parts[side];
    pick.replaceChildren(...images.map((image) => new Option(image.label, image.name)));
    pick.value = shown(side).name;
  }
}

function show() {
  for (const side of SIDES) {
    const image = shown(side);
    const { picture, tag, label } = parts[side];
    picture.alt = image.alt;
    tag.textContent = image.note ? image.label + " · " + image.note : image.label;
    tag.dataset.branch = label.dataset.branch = image.name;
    load(picture, image);
  }
  viewer.classList.toggle("alone", images.length < 2);
  layout();
}

// Size of the canvas on the page; "fit" fills the width, other zooms are screen pixels per picture pixel.
function layout() {
  if (!images.length) return;
  const { width_px: width, height_px: height } = shown("right");
  viewer.dataset.zoom = zoom;
  if (zoom === "fit") {
    const room = parseFloat(getComputedStyle(scroller).maxHeight);
    const fitted = Math.min(stage.clientWidth, (room * width) / height);
    canvas.style.width = fitted + "px";
    canvas.style.height = (fitted * height) / width + "px";
  } else {
    const scale = Number(zoom) / window.devicePixelRatio;
    canvas.style.width = width * scale + "px";
    canvas.style.height = height * scale + "px";
  }
  place();
}

// The divider stands still on the stage; the left picture is cut where the divider lies over the canvas.
function place() {
  const box = stage.getBoundingClientRect();
  const edge = box.left + stage.clientLeft + position * stage.clientWidth;
  const cut = canvas.getBoundingClientRect().right - edge;
  const hidden = images.length < 2 ? 0 : cut;
  parts.left.picture.style.clipPath = "inset(0 " + Math.max(0, hidden) + "px 0 0)";
  divider.style.left = position * 100 + "%";
  divider.setAttribute("aria-valuenow", String(Math.round(position * 100)));
  if (images.length) {
    divider.setAttribute("aria-valuetext", Math.round(position * 100) + " percent " + shown("left").label + ", rest " + shown("right").label);
  }
}

function move(to) {
  position = Math.min(1, Math.max(0, to));
  place();
}

function moveTo(event) {
  const box = stage.getBoundingClientRect();
  move((event.clientX - box.left - stage.clientLeft) / stage.clientWidth);
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
divider.addEventListener("keydown", (event) => {
  if (event.key in STEPS) move(position + (STEPS[event.key] * (event.shiftKey ? 10 : 1)) / 100);
  else if (event.key === "Home") move(0);
  else if (event.key === "End") move(1);
  else return;
  event.preventDefault();
});

stage.addEventListener("pointerdown", (event) => {
  const grabbed = divider.contains(event.target);
  if (images.length < 2 || event.button !== 0 || !(grabbed || zoom === "fit")) return;
  stage.setPointerCapture(event.pointerId);
  moveTo(event);
  divider.focus({ preventScroll: true });
  event.preventDefault();
});
stage.addEventListener("pointermove", (event) => {
  if (stage.hasPointerCapture(event.pointerId)) moveTo(event);
});

for (const side of SIDES) {
  parts[side].pick.addEventListener("change", (event) => {
    chosen[side] = event.target.value;
    show();
  });
}

viewer.querySelector(".swap").addEventListener("click", () => {
  chosen = { left: shown("right").name, right: shown("left").name };
  fillPicks();
  show();
});

const zooms = viewer.querySelectorAll(".zoom button");
for (const button of zooms) {
  button.addEventListener("click", () => {
    zoom = button.dataset.zoom;
    for (const other of zooms) other.setAttribute("aria-pressed", String(other === button));
    layout();
    if (zoom !== "fit") {
      scroller.scrollTo((scroller.scrollWidth - scroller.clientWidth) / 2, (scroller.scrollHeight - scroller.clientHeight) / 2);
      place();
    }
  });
}

function update() {
  const value = props.value;
  images = value ? value.images : [];
  viewer.classList.toggle("empty", images.length === 0);
  if (!images.length) return;
  if (value.run !== run) {
    run = value.run;
    chosen = {};
  }
  fillPicks();
  show();
}

scroller.addEventListener("scroll", place);
new ResizeObserver(layout).observe(stage);
watch("value", update);
update();
