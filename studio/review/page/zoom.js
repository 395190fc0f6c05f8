// One photograph: fitted, or at 1, 2, 4 or 8 screen pixels per picture pixel, with panning by drag, touch, wheel and Shift + arrows.

const scroller = document.getElementById("scroller");
const photo = document.getElementById("photo");
const full = document.getElementById("full");
const scale = document.getElementById("scale");
const LEVELS = ["fit", 1, 2, 4, 8];
const PAN_SHARE = 0.25; // of the window, per key press
const DRAG_PX = 4; // less is a click
let level = "fit";

// The point (x, y), shares of the picture, stays where it is in the window, or comes to the middle from "fit".
export function setLevel(next, x = 0.5, y = 0.5) {
  level = next;
  layout();
  scroller.scrollLeft = x * photo.clientWidth - scroller.clientWidth / 2;
  scroller.scrollTop = y * photo.clientHeight - scroller.clientHeight / 2;
}

export function toggle(x, y) {
  setLevel(level === "fit" ? 1 : "fit", x, y);
}

export function step(by) {
  const at = Math.min(Math.max(LEVELS.indexOf(level) + by, 0), LEVELS.length - 1);
  setLevel(LEVELS[at], ...centre());
}

export function pan(dx, dy) {
  scroller.scrollBy({ left: dx * PAN_SHARE * scroller.clientWidth, top: dy * PAN_SHARE * scroller.clientHeight });
}

export function enlarged() {
  return level !== "fit";
}

// Sizes in CSS pixels: one picture pixel is 1 / devicePixelRatio of them at 1:1. "fit" never enlarges.
export function layout() {
  if (!photo.naturalWidth) return;
  const ratio = window.devicePixelRatio;
  const fitted = Math.min(scroller.clientWidth / photo.naturalWidth, scroller.clientHeight / photo.naturalHeight, 1 / ratio);
  const factor = level === "fit" ? fitted : level / ratio;
  photo.style.width = photo.naturalWidth * factor + "px";
  photo.style.height = photo.naturalHeight * factor + "px";
  scroller.dataset.level = level;
  full.setAttribute("aria-pressed", String(level !== "fit"));
  scale.textContent = Math.round(factor * ratio * 100) + " %";
}

function centre() {
  if (level === "fit") return [0.5, 0.5];
  return [
    (scroller.scrollLeft + scroller.clientWidth / 2) / photo.clientWidth,
    (scroller.scrollTop + scroller.clientHeight / 2) / photo.clientHeight,
  ];
}

// A mouse drags; a finger scrolls natively. Without movement both are a click, which toggles 1:1 at that point.
let held = null;
let dragged = false;
scroller.addEventListener("pointerdown", (event) => {
  dragged = false;
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  held = { x: event.clientX, y: event.clientY, left: scroller.scrollLeft, top: scroller.scrollTop };
});
window.addEventListener("pointermove", (event) => {
  if (!held) return;
  const dx = event.clientX - held.x;
  const dy = event.clientY - held.y;
  dragged ||= Math.hypot(dx, dy) > DRAG_PX;
  if (!dragged) return;
  scroller.scrollLeft = held.left - dx;
  scroller.scrollTop = held.top - dy;
});
window.addEventListener("pointerup", () => { held = null; });
photo.addEventListener("click", (event) => {
  if (dragged) return;
  const box = photo.getBoundingClientRect();
  toggle((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
new ResizeObserver(layout).observe(scroller);
