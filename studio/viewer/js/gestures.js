// Mouse, touch and wheel. One pointer drags the divider, the lens or the view; two pinch.

const CLICK_PX = 4; // less movement is a click
const LINE_PX = 16; // of a wheel that counts lines
const WHEEL_RATE = 0.0018;
const PINCH_RATE = 0.01; // a trackpad's pinch arrives as small steps with Ctrl
const touches = new Map(); // pointerId -> {x, y}
let drag = null; // {kind, pane, x, y, moved}

function inPane(event, pane) {
  const box = pane.root.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function dragKind(event) {
  if (state.mode === "slider" && !alone() && (divider.contains(event.target) || state.zoom === null)) return "divider";
  return state.mode === "lens" && event.pointerType !== "mouse" ? "lens" : "pan";
}

function look(event, pane) {
  state.point = pointAt(event.clientX, event.clientY, pane);
  state.pointed = false;
}

function middle() {
  const [a, b] = [...touches.values()];
  return { clientX: (a.x + b.x) / 2, clientY: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
}

stage.addEventListener("pointerdown", (event) => {
  if (!state.images.length || event.button !== 0) return;
  const pane = paneAt(event.clientX, event.clientY) || panes[0];
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  stage.setPointerCapture(event.pointerId);
  if (touches.size === 2) drag = { kind: "pinch", pane, last: middle() };
  if (touches.size !== 1) return;
  drag = { kind: dragKind(event), pane, x: event.clientX, y: event.clientY, moved: false };
  if (drag.kind === "divider") divideAt(event.clientX);
  if (event.pointerType !== "mouse") look(event, pane);
  (drag.kind === "divider" ? divider : stage).focus({ preventScroll: true });
  layout();
  event.preventDefault();
});

stage.addEventListener("pointermove", (event) => {
  if (!state.images.length) return;
  const last = touches.get(event.pointerId);
  if (!last || !drag) {
    if (event.pointerType !== "mouse") return;
    look(event);
    layout();
    return;
  }
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) >= CLICK_PX;
  if (drag.kind === "pinch") pinch();
  else if (drag.kind === "divider") divideAt(event.clientX);
  else if (drag.kind === "pan" && drag.moved) panBy(event.clientX - last.x, event.clientY - last.y);
  if (drag.kind !== "pinch") look(event, drag.pane);
  layout();
});

function pinch() {
  if (touches.size !== 2) return;
  const now = middle();
  zoomBy(now.distance / drag.last.distance, ...inPane(drag.last, drag.pane));
  panBy(now.clientX - drag.last.clientX, now.clientY - drag.last.clientY);
  drag.last = now;
}

function release(event) {
  if (!touches.delete(event.pointerId) || !drag) return;
  const click = event.type === "pointerup" && drag.kind === "pan" && !drag.moved;
  if (touches.size === 0) drag = null;
  else if (touches.size === 1) Object.assign(drag, { kind: "pan", moved: true });
  if (click && state.mode === "flip") flip(1);
  else layout();
}
stage.addEventListener("pointerup", release);
stage.addEventListener("pointercancel", release);

stage.addEventListener("pointerleave", (event) => {
  if (event.pointerType !== "mouse" || state.mode === "lens" || state.pointed || !state.point) return;
  state.point = null;
  layout();
});

// Where there is nothing to zoom out of, the wheel scrolls the page as everywhere.
stage.addEventListener("wheel", (event) => {
  const pane = paneAt(event.clientX, event.clientY);
  if (!state.images.length || !pane) return;
  const at = geometry();
  if (event.deltaY > 0 && !event.ctrlKey && at.scale <= at.fit * 1.0001) return;
  const steps = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
  zoomBy(Math.exp(-steps * (event.ctrlKey ? PINCH_RATE : WHEEL_RATE)), ...inPane(event, pane));
  look(event, pane);
  layout();
  event.preventDefault();
}, { passive: false });

stage.addEventListener("dblclick", (event) => {
  const pane = paneAt(event.clientX, event.clientY);
  if (!pane || state.mode === "flip" || divider.contains(event.target)) return;
  if (state.zoom !== null) return zoomFit();
  const now = factor();
  zoomTo(FACTORS.find((value) => value >= now * 1.9) / devicePixelRatio, ...inPane(event, pane));
});
