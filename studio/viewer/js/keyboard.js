// Every key, in the order of the help panel, which is made of this table. They act while the focus is inside the viewer.

const PAN_SHARE = 0.12; // of a pane
const LENS_SHARE = 0.04; // of the view
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const KEYS = [
  ["How to compare", [
    { keys: ["s"], text: "Slider", run: () => setMode("slider") },
    { keys: ["b"], text: "Side by side", run: () => setMode("side") },
    { keys: ["t"], text: "Flip: all in the same place, in turn", run: () => setMode("flip") },
    { keys: ["l"], text: "Lens", run: () => setMode("lens") },
    { keys: ["d"], text: "Difference", run: () => setMode("difference") },
  ]],
  ["Which pictures", [
    { keys: ["1", "…", "9"], text: "This picture: to the left side, to the front, or in and out of those shown", run: (event) => chooseNumber(Number(event.code.slice(-1)), event.shiftKey), when: (event) => /^Digit[1-9]$/.test(event.code) },
    { keys: ["Shift", "1", "…", "9"], text: "To the right side; under the lens" },
    { keys: ["x"], text: "Swap left and right", run: swap },
    { keys: ["Space"], text: "Flip to the next, with Shift to the one before", run: (event) => flip(event.shiftKey ? -1 : 1), when: (event) => event.key === " " && onStage() && state.mode === "flip" },
  ]],
  ["Zoom and move", [
    { keys: ["+"], text: "Zoom in", run: () => zoomStep(true), when: (event) => event.key === "+" || event.key === "=" },
    { keys: ["−"], text: "Zoom out", run: () => zoomStep(false), when: (event) => event.key === "-" || event.key === "_" },
    { keys: ["0"], text: "Fit: the whole picture", run: zoomFit },
    { keys: ["z"], text: "1:1, one picture pixel is one screen pixel", run: zoomWhole },
    { keys: ["←", "↑", "↓", "→"], text: "Move the view, or the lens; on the divider: move it by 1 %, with Shift by 10 %", run: arrow, when: (event) => event.key in ARROWS && onStage() },
    { keys: ["Shift", "←", "↑", "↓", "→"], text: "Move the cross-hair by one pixel, with Ctrl by ten; it is what is read" },
    { keys: ["Home", "End"], text: "On the divider: all right, all left" },
  ]],
  ["View", [
    { keys: ["[", "]"], text: "Less or more: gain of the difference, magnification of the lens", run: (event) => turn(event.key === "]" ? 1 : -1), when: (event) => event.key === "[" || event.key === "]" },
    { keys: ["i"], text: "Labels and scores on or off", run: () => toggleLabels() },
    { keys: ["f"], text: "Full screen on or off", run: () => toggleFull() },
    { keys: ["?"], text: "This panel; Esc closes it", run: () => toggleHelp() },
  ]],
  ["Mouse and touch", [
    { keys: ["Wheel", "Pinch"], text: "Zoom at the pointer" },
    { keys: ["Drag"], text: "Move the view; in the slider, as long as the whole picture is seen, the divider" },
    { keys: ["Double click"], text: "Zoom in there, or back to the whole picture" },
  ]],
];

function onStage() {
  return document.activeElement === stage || document.activeElement === divider;
}

function arrow(event) {
  const [x, y] = ARROWS[event.key];
  const { width_px: width, height_px: height } = frame();
  const at = geometry();
  if (event.shiftKey) movePoint(...[x, y].map((step) => step * (event.ctrlKey ? 10 : 1)));
  else if (state.mode === "lens") {
    const step = (share, size, room) => share * Math.max(1, Math.round((LENS_SHARE * Math.min(size, room)) / at.scale));
    movePoint(step(x, width * at.scale, at.paneWidth), step(y, height * at.scale, at.paneHeight));
  } else panBy(-x * PAN_SHARE * at.paneWidth, -y * PAN_SHARE * at.paneHeight);
}

function turn(step) {
  const range = { lens: magnify, difference: gain }[state.mode];
  if (!range) return;
  range.value = String(Number(range.value) + step);
  range.dispatchEvent(new Event("input"));
  say(range.getAttribute("aria-valuetext") || "");
}

function matches(row, event) {
  if (!row.run) return false;
  return row.when ? row.when(event) : event.key.toLowerCase() === row.keys[0];
}

viewer.addEventListener("keydown", (event) => {
  const typing = event.target.matches("select, input") || helpPanel.open;
  if (typing || event.defaultPrevented || event.altKey || event.metaKey || !state.images.length) return;
  if (event.ctrlKey && !(event.shiftKey && event.key in ARROWS)) return;
  const row = KEYS.flatMap(([, rows]) => rows).find((found) => matches(found, event));
  if (!row || (alone() && KEYS[0][1].includes(row))) return;
  row.run(event);
  event.preventDefault();
});

const helpPanel = viewer.querySelector(".help");
for (const [heading, rows] of KEYS) {
  const group = make("section");
  const list = make("dl");
  for (const { keys, text } of rows) {
    const names = make("dt");
    names.append(...keys.map((key) => (key === "…" ? " … " : make("kbd", "", key))));
    const row = make("div");
    row.append(names, make("dd", "", text));
    list.append(row);
  }
  group.append(make("h3", "", heading), list);
  viewer.querySelector(".groups").append(group);
}
helpPanel.addEventListener("click", (event) => { if (event.target === helpPanel || event.target.closest(".close")) helpPanel.close(); });

function toggleHelp() {
  if (helpPanel.open) helpPanel.close();
  else helpPanel.showModal();
}
