// What the viewer shows, in one place. All files of this folder are joined into one function (studio/viewer/__init__.py), which
// gr.HTML or an exported page calls with `element`, `props` and `watch`.
// props.value = {run, left, right, images: [{name, label, note, alt, width_px, height_px, scores: [{label, text, better}], file: {url}}]}.
// All text reaches the page through textContent and attributes, never as markup.

const viewer = element.querySelector(".viewer");
const stage = viewer.querySelector(".stage");
const divider = viewer.querySelector(".divider");
const SIDES = ["left", "right"];

const state = {
  images: [], // of props.value
  run: null,
  mode: "slider",
  wanted: "slider", // the mode asked for; a single picture is always shown as in the slider
  chosen: {}, // left, right, front: a name; shown: names. Set by hand, kept while the run lasts
  position: 0.5, // of the divider, 0 = left edge of the stage
  zoom: null, // CSS pixels per pixel of the frame; null = the whole frame fits
  centre: { x: 0.5, y: 0.5 }, // of the view, as shares of the frame
  point: null, // what is read and what the lens shows, as shares of the frame
  pointed: false, // the point was set by a key, so it is marked
  labels: true,
};

function find(name) {
  return state.images.find((image) => image.name === name);
}

// The picture of the left or right side.
function sided(side) {
  return find(state.chosen[side]) || find(props.value[side]) || state.images[0];
}

// The pictures of the modes that show any number: by default the two sides.
function included() {
  const names = state.chosen.shown || SIDES.map((side) => sided(side).name);
  const found = state.images.filter((image) => names.includes(image.name));
  return found.length ? found : [sided("left")];
}

// The picture on top in flip mode.
function front() {
  return included().find((image) => image.name === state.chosen.front) || included()[0];
}

function alone() {
  return state.images.length < 2;
}

// The frame is the largest picture; smaller ones are drawn over all of it, so that the same place lies on the same place.
function frame() {
  return state.images.reduce((best, image) => (image.width_px > best.width_px ? image : best));
}

function limit(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// For screen readers.
function say(text) {
  viewer.querySelector(".spoken").textContent = text;
}
