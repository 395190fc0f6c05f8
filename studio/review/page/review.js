// The review page. The server knows the session; this shows the next pictures by token and sends verdicts about them.
// All text reaches the page through textContent and attributes, never as markup.

import * as grid from "./grid.js";
import * as zoom from "./zoom.js";

const PRELOAD = 4;
const $ = (id) => document.getElementById(id);
const photo = $("photo");

let state = null;
let current = null; // token of the single view
let shown = false; // the current picture is on the screen, or known to be damaged
let busy = false;
let view = "single";
let thought = 0; // ms on the screen so far
let since = 0; // when it came to the screen, or back to it
const ahead = new Map(); // token -> Image, kept so that the browser keeps it decoded

async function ask(path, body) {
  busy = true;
  try {
    const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, options);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  } catch (error) {
    warn(error instanceof TypeError ? "Not saved: the review program does not answer. Start it again, then reload this page." : error.message);
    return null;
  } finally {
    busy = false;
  }
}

function warn(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function take(next, first) {
  state = next;
  const over = !state.queue.length;
  const { done, total, accepted, rejected } = state;
  $("reviewer").textContent = state.reviewer;
  $("bar").max = total;
  $("bar").value = done;
  $("counts").textContent = `${done} of ${total} · ${accepted} accepted · ${rejected} rejected`;
  $("summary").textContent = `${total} looks: ${accepted} accepted, ${rejected} rejected.`;
  document.title = `${done}/${total} · Review`;
  warn(state.notice);
  $("end").hidden = !over;
  $("single").hidden = over || view !== "single";
  $("grid").hidden = over || view !== "grid";
  for (const id of ["accept", "reject", "toggle"]) $(id).disabled = over;
  for (const button of $("reasons").children) button.disabled = over;
  $("undo").disabled = !done;
  if (over) return;
  grid.fill(state.queue);
  open(state.queue.includes(first) ? first : state.queue[0]);
}

// Shows a picture once it is decoded, so that nothing is decided unseen.
async function open(token) {
  startClock();
  if (token === current && shown) return;
  current = token;
  shown = false;
  delete document.body.dataset.shown;
  const image = load(token);
  let fault = "";
  try { await image.decode(); } catch { fault = await why(token); }
  if (current !== token) return;
  $("fault").textContent = fault;
  $("fault").hidden = !fault;
  $("scroller").hidden = Boolean(fault);
  if (!fault) {
    photo.src = image.src;
    photo.alt = `Photograph to decide about, ${image.naturalWidth} by ${image.naturalHeight} pixels`;
    await photo.decode().catch(() => {}); // another one took its place
    if (current !== token) return;
    zoom.setLevel(zoom.enlarged() ? Number($("scroller").dataset.level) : "fit");
  }
  shown = true;
  document.body.dataset.shown = token;
  startClock();
  preload();
}

async function why(token) {
  const answer = await fetch("picture/" + token).catch(() => null);
  const text = answer && !answer.ok ? (await answer.json()).error : "the browser cannot show it";
  return `This picture cannot be shown: ${text}`;
}

function load(token) {
  if (!ahead.has(token)) {
    const image = new Image();
    image.src = "picture/" + token;
    ahead.set(token, image);
  }
  return ahead.get(token);
}

function preload() {
  const wanted = state.queue.slice(0, PRELOAD + 1);
  for (const token of [...ahead.keys()]) if (!wanted.includes(token) && token !== current) ahead.delete(token);
  for (const token of wanted) load(token);
}

// Time of thought: only while the page is visible.
function startClock() { thought = 0; since = performance.now(); }
function seconds() { return (thought + (document.hidden ? 0 : performance.now() - since)) / 1000; }
document.addEventListener("visibilitychange", () => {
  if (document.hidden) thought += performance.now() - since;
  else since = performance.now();
});

async function decide(verdict, reason = "") {
  if (busy || !state?.queue.length) return;
  const tokens = view === "grid" ? grid.choice() : [current];
  if (view === "single" && !shown) return say("Still loading: nothing is decided unseen");
  if (!tokens.length) return say("Select pictures first: click them, or S for all");
  const next = await ask("decide", { tokens, verdict, reason, seconds: seconds() });
  if (!next) return;
  const what = tokens.length > 1 ? `${tokens.length} pictures ${verdict}ed` : verdict === "accept" ? "Accepted" : "Rejected";
  grid.clear();
  take(next);
  say(`${what}${reason && ": " + reason}. Undo takes it back`, verdict);
  if (view === "grid") grid.focus();
}

async function undo() {
  if (busy) return;
  const next = await ask("undo", {});
  if (!next) return;
  take(next, next.again[0]);
  say(next.again.length ? `Taken back: ${next.again.length === 1 ? "this picture" : next.again.length + " pictures"}` : "Nothing to take back");
}

function show(next) {
  if (!state?.queue.length) return;
  view = document.body.dataset.view = next;
  $("toggle").setAttribute("aria-pressed", String(view === "grid"));
  $("single").hidden = view !== "single";
  $("grid").hidden = view !== "grid";
  startClock();
  zoom.layout();
  if (view === "grid") grid.focus();
}

function openAlone() {
  const token = grid.focused();
  show("single");
  open(token);
}

function say(text, verdict = "") {
  $("said").textContent = text;
  $("said").dataset.verdict = verdict;
}

const KEYS = {
  a: () => decide("accept"),
  r: () => decide("reject"),
  u: undo,
  g: () => show(view === "grid" ? "single" : "grid"),
  z: () => view === "single" && zoom.toggle(),
  "+": () => view === "single" && zoom.step(1),
  "=": () => view === "single" && zoom.step(1),
  "-": () => view === "single" && zoom.step(-1),
  s: () => view === "grid" && grid.selectAll(),
  o: () => view === "grid" && openAlone(),
  "?": () => $("keys").showModal(),
};
const PANS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onArrow(event) {
  if (view === "grid") return grid.move(event.key);
  if (event.shiftKey) return zoom.pan(...PANS[event.key]), true;
  if (event.key === "ArrowRight") return decide("accept"), true;
  if (event.key === "ArrowLeft") return decide("reject"), true;
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (event.key in PANS) {
    const repeats = view === "grid" || event.shiftKey; // moving may repeat, deciding may not
    if ((repeats || !event.repeat) && onArrow(event)) event.preventDefault();
    return;
  }
  if (event.repeat && ["Enter", " "].includes(event.key)) return event.preventDefault(); // a held key would press a button again and again
  const reason = state?.reasons[Number(event.key) - 1];
  const act = reason ? () => decide("reject", reason) : KEYS[event.key.toLowerCase()];
  if (!act || event.repeat) return;
  event.preventDefault();
  act();
});

for (const [id, act] of Object.entries({
  accept: KEYS.a, reject: KEYS.r, undo, toggle: KEYS.g, help: KEYS["?"], all: KEYS.s, full: KEYS.z, in: KEYS["+"], out: KEYS["-"],
})) $(id).addEventListener("click", act);

function fillReasons(reasons) {
  $("reasons").replaceChildren(...reasons.map((reason, i) => {
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    key.textContent = i + 1;
    button.type = "button";
    button.append(key, " " + reason);
    button.setAttribute("aria-keyshortcuts", String(i + 1));
    button.addEventListener("click", () => decide("reject", reason));
    return button;
  }));
}

const begun = await ask("state");
if (begun) {
  fillReasons(begun.reasons);
  take(begun);
}
