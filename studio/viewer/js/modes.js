// What each mode puts into panes. A pane has layers (an <img>, or the heat-map) and labels on them.

const MODES = {
  slider: {
    label: "Slider",
    hint: "Drag, or use the arrow keys. Wheel or pinch zooms.",
    panes: () => [alone() ? shown("right") : { layers: SIDES.toReversed().map((side) => [sided(side), side]) }],
    read: () => (alone() ? [sided("right")] : SIDES.map(sided)),
  },
  side: {
    label: "Side by side",
    hint: "Zoom and move one picture, and the others follow.",
    panes: () => included().map((image) => ({ layers: [[image, "left"]] })),
    read: included,
  },
  flip: {
    label: "Flip",
    hint: "Click, or press Space, for the next picture.",
    panes: () => [{ layers: [[front(), "left"]] }],
    read: included,
  },
  lens: {
    label: "Lens",
    hint: "The lens shows the other pictures at this place.",
    panes: () => [shown("left")],
    read: () => [sided("left"), ...lensed()],
  },
  difference: {
    label: "Difference",
    hint: "Mean of the absolute differences of R, G and B.",
    panes: () => [{ layers: [], labels: SIDES.map((side) => [sided(side), side]), heat: true }],
    read: () => SIDES.map(sided),
  },
};

const panes = [newPane()];
const paneBox = viewer.querySelector(".panes");
paneBox.append(panes[0].root);

function shown(side) {
  return { layers: [[sided(side), side]] };
}

function newPane() {
  const root = make("div", "pane");
  const pane = { root, layers: [], layerBox: make("div", "layers"), labelBox: make("div", "labels"), mark: make("div", "mark") };
  pane.mark.hidden = true;
  root.append(pane.layerBox, pane.mark, pane.labelBox);
  return pane;
}

function setMode(mode) {
  state.mode = state.wanted = mode;
  show();
  const first = chips.querySelector("[aria-pressed=true]:not([hidden])");
  if (first) chips.scrollLeft = first.offsetLeft - chips.offsetLeft - 6; // of chips wider than a phone
  say(MODES[mode].label);
}

// Builds the panes of the mode; what is already in place stays.
function show() {
  viewer.dataset.mode = state.mode;
  MODES[state.mode].read().forEach(picture); // the read-out, the lens and the heat-map need pictures that no pane has
  const wanted = MODES[state.mode].panes();
  while (panes.length > wanted.length) panes.pop().root.remove();
  while (panes.length < wanted.length) paneBox.append(panes[panes.push(newPane()) - 1].root);
  wanted.forEach((content, i) => fill(panes[i], content));
  showChoices();
  if (state.mode === "difference") drawHeat();
  layout();
}

function fill(pane, { layers, labels = layers, heat }) {
  pane.layers = layers.map(([image, side]) => {
    const img = picture(image);
    img.className = "picture " + side;
    img.style.clipPath = "";
    return img;
  });
  if (heat) pane.layers = [heatCanvas];
  const same = pane.layers.length === pane.layerBox.children.length && pane.layers.every((layer, i) => layer === pane.layerBox.children[i]);
  if (!same) pane.layerBox.replaceChildren(...pane.layers);
  pane.labelBox.replaceChildren(...labels.map(([image, side]) => caption(image, side)));
}

// Label, note and scores of a picture; lies over it.
function caption(image, side) {
  const box = make("div", "caption " + side);
  box.dataset.branch = image.name;
  const tag = make("span", "tag " + side, image.label);
  if (image.note) tag.append(make("span", "note", " · " + image.note));
  box.append(tag);
  if (image.scores.length) {
    const list = make("ul", "marks");
    for (const score of image.scores) {
      const row = make("li", score.better ? "better" : "");
      row.append(make("span", "", score.label + " "), make("b", "", score.text));
      if (score.better) row.append(make("span", "tick", "better"));
      list.append(row);
    }
    box.append(list);
  }
  return box;
}

// Columns and rows that show the pictures largest.
function grid() {
  const { width_px: width, height_px: height } = frame();
  let best = { scale: 0 };
  for (let columns = 1; columns <= panes.length; columns++) {
    const rows = Math.ceil(panes.length / columns);
    const scale = Math.min(stage.clientWidth / columns / width, stage.clientHeight / rows / height);
    if (scale > best.scale * 1.02) best = { scale, columns, rows };
  }
  paneBox.style.gridTemplate = "repeat(" + best.rows + ", minmax(0, 1fr)) / repeat(" + best.columns + ", minmax(0, 1fr))";
}

// A picture was decoded: whatever is made of its pixels is made again.
function refresh() {
  if (state.mode === "difference") drawHeat();
  layout();
}

function paneAt(clientX, clientY) {
  return panes.find((pane) => {
    const box = pane.root.getBoundingClientRect();
    return clientX >= box.left && clientX < box.right && clientY >= box.top && clientY < box.bottom;
  });
}

function flip(step) {
  const list = included();
  const at = list.indexOf(front()) + step;
  state.chosen.front = list[(at + list.length) % list.length].name;
  show();
  say(front().label);
}

// The number keys: the n-th picture to the left side, with Shift to the right one, to the front, or in and out of those shown.
function chooseNumber(n, shifted) {
  const image = state.images[n - 1];
  if (!image) return;
  if (state.mode === "slider" || state.mode === "difference") choose(shifted ? "right" : "left", image.name);
  else if (state.mode === "lens" && shifted) choose("left", image.name);
  else if (state.mode === "flip") {
    if (!included().includes(image)) toggle(image);
    state.chosen.front = image.name;
    show();
    say(image.label);
  } else toggle(image);
}

function choose(side, name) {
  state.chosen[side] = name;
  show();
  say((side === "left" ? "Left: " : "Right: ") + find(name).label);
}

function toggle(image) {
  const names = included().map((other) => other.name);
  const next = names.includes(image.name) ? names.filter((name) => name !== image.name) : [...names, image.name];
  if (!next.length) return; // the last one stays
  state.chosen.shown = next;
  show();
}

function swap() {
  const [left, right] = SIDES.map((side) => sided(side).name);
  Object.assign(state.chosen, { left: right, right: left });
  show();
}
