// The divider of the slider: it stands still on the stage; the left picture is cut where it lies.

const DIVIDER_STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

function cut(at) {
  if (state.mode !== "slider" || alone()) return;
  const edge = state.position * at.paneWidth;
  const hidden = Math.max(0, at.left + at.width - edge);
  const left = panes[0].layers.find((layer) => layer.classList.contains("left"));
  left.style.clipPath = "inset(0 " + hidden + "px 0 0)";
  divider.style.left = edge + "px";
  const percent = Math.round(state.position * 100);
  divider.setAttribute("aria-valuenow", String(percent));
  divider.setAttribute("aria-valuetext", percent + " percent " + sided("left").label + ", rest " + sided("right").label);
}

function divide(position) {
  state.position = limit(position, 0, 1);
  layout();
}

function divideAt(clientX) {
  const box = stage.getBoundingClientRect();
  divide((clientX - box.left - stage.clientLeft) / stage.clientWidth);
}

divider.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in DIVIDER_STEPS) divide(state.position + (DIVIDER_STEPS[event.key] * (event.shiftKey ? 10 : 1)) / 100);
  else if (event.key === "Home") divide(0);
  else if (event.key === "End") divide(1);
  else return;
  event.preventDefault();
});
