// The bars above the pictures: mode, zoom, full screen, and which pictures are shown.

const radios = [...viewer.querySelectorAll("[role=radio]")];
const tools = [...viewer.querySelectorAll(".tools button")];
const tool = Object.fromEntries(tools.map((button) => [button.dataset.do, button]));
const picks = Object.fromEntries(SIDES.map((side) => [side, viewer.querySelector(".pick." + side)]));
const chips = viewer.querySelector(".chips");
const WORDS = { // mode -> words beside the two lists, their full names
  slider: { left: ["Left", "Picture on the left"], right: ["Right", "Picture on the right"] },
  difference: { left: ["Of", "First picture"], right: ["and", "Second picture"] },
  lens: { left: ["Under", "Picture under the lens"], right: ["", ""] },
};

const ACTIONS = {
  in: () => zoomStep(true),
  out: () => zoomStep(false),
  fit: zoomFit,
  whole: zoomWhole,
  labels: toggleLabels,
  full: toggleFull,
  help: toggleHelp,
};

for (const button of tools) button.addEventListener("click", () => ACTIONS[button.dataset.do]());
for (const radio of radios) radio.addEventListener("click", () => setMode(radio.dataset.mode));
viewer.querySelector(".swap").addEventListener("click", swap);
for (const side of SIDES) picks[side].addEventListener("change", () => choose(side, picks[side].value));

// One Tab stop for a row of buttons, arrow keys inside it (ARIA Authoring Practices: radio group, toolbar).
function rove(items, follow) {
  items.forEach((item, i) => { item.tabIndex = i ? -1 : 0; });
  for (const item of items) {
    item.addEventListener("focus", () => items.forEach((other) => { other.tabIndex = other === item ? 0 : -1; }));
    item.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const ends = { Home: items[0], End: items.at(-1) }[event.key];
      if (!step && !ends) return;
      const next = ends || items[(items.indexOf(item) + step + items.length) % items.length];
      next.focus();
      if (follow) next.click();
      event.preventDefault();
    });
  }
}
rove(radios, true);
rove(tools, false);

function showChoices() {
  for (const radio of radios) {
    const on = radio.dataset.mode === state.mode;
    radio.setAttribute("aria-checked", String(on));
    if (!radios.includes(document.activeElement)) radio.tabIndex = on ? 0 : -1;
  }
  viewer.querySelector(".hint").textContent = alone() ? "Wheel or pinch zooms." : MODES[state.mode].hint;
  for (const side of SIDES) showPick(side);
  showChips();
}

function showPick(side) {
  const pick = picks[side];
  const labels = state.images.map((image) => image.label).join();
  if (pick.dataset.labels !== labels) {
    pick.replaceChildren(...state.images.map((image) => new Option(image.label, image.name)));
    pick.dataset.labels = labels;
  }
  pick.value = sided(side).name;
  const label = pick.parentElement;
  label.dataset.branch = sided(side).name;
  const words = WORDS[state.mode];
  if (!words) return;
  label.querySelector(".word").textContent = words[side][0];
  pick.setAttribute("aria-label", words[side][1]);
}

// Chips stay the same elements, so that the focus stays on them.
function showChips() {
  while (chips.children.length > state.images.length) chips.lastChild.remove();
  while (chips.children.length < state.images.length) chips.append(newChip(chips.children.length));
  const list = included();
  state.images.forEach((image, i) => {
    const chip = chips.children[i];
    const base = state.mode === "lens" && image === sided("left");
    chip.hidden = base;
    chip.dataset.branch = image.name;
    chip.querySelector(".name").textContent = image.label;
    chip.setAttribute("aria-pressed", String(list.includes(image)));
    chip.classList.toggle("front", state.mode === "flip" && image === front());
  });
}

function newChip(i) {
  const chip = make("button", "chip");
  chip.type = "button";
  chip.append(make("span", "dot"), make("span", "name"));
  chip.addEventListener("click", () => toggle(state.images[i]));
  return chip;
}

function showZoom(at) {
  const now = at.scale * devicePixelRatio;
  viewer.querySelector(".factor").textContent = (now < 0.995 ? Math.round(now * 1000) / 10 : Math.round(now * 100)) + " %";
  tool.fit.setAttribute("aria-pressed", String(state.zoom === null));
  tool.whole.setAttribute("aria-pressed", String(Math.abs(now - 1) < 1e-6));
  stage.classList.toggle("zoomed", state.zoom !== null);
}

function toggleLabels() {
  state.labels = !state.labels;
  viewer.classList.toggle("bare", !state.labels);
  tool.labels.setAttribute("aria-pressed", String(state.labels));
}

// Browsers without the full-screen interface (iPhone) get a viewer that fills the window.
function isFull() {
  return document.fullscreenElement === viewer || viewer.classList.contains("filling");
}

async function toggleFull() {
  if (document.fullscreenElement === viewer) await document.exitFullscreen();
  else if (viewer.classList.contains("filling") || !viewer.requestFullscreen) viewer.classList.toggle("filling");
  else await viewer.requestFullscreen().catch(() => viewer.classList.add("filling"));
  showFull();
}

function showFull() {
  tool.full.setAttribute("aria-pressed", String(isFull()));
  layout();
}
viewer.addEventListener("fullscreenchange", showFull);
viewer.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && viewer.classList.contains("filling") && !helpPanel.open) toggleFull();
});
