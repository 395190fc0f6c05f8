// Several photographs as toggle buttons in a grid; one of them is in the tab order (roving tabindex), arrows move between them.

const list = document.getElementById("tiles");
const selected = document.getElementById("selected");
const chosen = new Set(); // tokens

export function fill(tokens) {
  const was = focused();
  for (const token of [...chosen]) if (!tokens.includes(token)) chosen.delete(token);
  list.replaceChildren(...tokens.map((token, i) => tile(token, i, tokens.length)));
  mark();
  rove(Math.max(tokens.indexOf(was), 0), false);
}

export function choice() {
  return [...buttons()].map((button) => button.dataset.token).filter((token) => chosen.has(token));
}

export function clear() {
  chosen.clear();
  mark();
}

export function selectAll() {
  const tokens = [...buttons()].map((button) => button.dataset.token);
  const every = tokens.every((token) => chosen.has(token));
  for (const token of tokens) every ? chosen.delete(token) : chosen.add(token);
  mark();
}

// The token that has the focus, or had it last.
export function focused() {
  return list.querySelector("button[tabindex='0']")?.dataset.token;
}

export function focus() {
  list.querySelector("button[tabindex='0']")?.focus();
}

// Returns false for a key that does not move.
export function move(key) {
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (by === undefined) return false;
  const at = [...buttons()].findIndex((button) => button.tabIndex === 0) + by;
  if (at >= 0 && at < buttons().length) rove(at, true);
  return true;
}

function buttons() {
  return list.querySelectorAll("button");
}

function tile(token, i, count) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const image = new Image();
  button.type = "button";
  button.dataset.token = token;
  image.alt = `Photograph ${i + 1} of ${count} on this page`;
  image.onerror = () => { image.alt += ", which cannot be shown"; };
  image.src = "thumbnail/" + token;
  button.append(image);
  button.addEventListener("click", () => {
    chosen.has(token) ? chosen.delete(token) : chosen.add(token);
    rove(i, true);
    mark();
  });
  item.append(button);
  return item;
}

function mark() {
  for (const button of buttons()) button.setAttribute("aria-pressed", String(chosen.has(button.dataset.token)));
  selected.textContent = `${chosen.size} of ${buttons().length} selected`;
}

function rove(at, focus) {
  buttons().forEach((button, i) => { button.tabIndex = i === at ? 0 : -1; });
  if (focus) buttons()[at]?.focus();
}
