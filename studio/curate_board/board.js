// props.value = {opened, seq, measures: [{column, label, unit, help, better, edges, pool, kept, missing, whole, low, high, best, bound}]}.
// The rules live here while they are changed; an answer brings the bars and the bounds that the shares of the best came to.

const board = element.querySelector(".board");
const SVG = "http://www.w3.org/2000/svg";
const SIDES = { low: "lower", high: "upper" };
const ANSWER_MS = 5000; // an answer that takes longer is not waited for
const state = { opened: null, seq: 0, sent: 0, answered: 0, waiting: 0, cards: new Map() };

function draw(tag, attributes) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  return found;
}

const limit = (value, low, high) => Math.min(Math.max(value, low), high);
const said = (value) => (value === null ? "none" : String(Number(value.toPrecision(4))).replace("-", "−"));

// A card: one measure with its rule. `rule` is what the user sees and what is sent.
function newCard(measure) {
  const card = { measure, rule: { low: measure.low, high: measure.high, best: measure.best }, handles: {}, inputs: {} };
  card.root = make("article", "card");
  const heading = make("h4", "", measure.label + { low: " ↓", high: " ↑", neither: "" }[measure.better]);
  const notes = [measure.unit, measure.missing ? measure.missing.toLocaleString() + " without a value" : ""].filter(Boolean);
  if (notes.length) heading.append(" ", make("small", "", notes.join(" · ")));
  const plot = make("div", "plot");
  card.svg = draw("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  plot.append(card.svg);
  for (const side of Object.keys(SIDES)) plot.append(newHandle(card, side, plot));
  const axis = make("div", "axis");
  axis.append(make("span", "", said(ends(measure)[0])), make("span", "", said(ends(measure)[1])));
  card.root.append(heading, plot, axis, newInputs(card), make("p", "help", measure.help));
  return card;
}

const ends = (measure) => [measure.edges[0], measure.edges.at(-1)];

function step(measure) {
  if (measure.whole) return 1;
  const [low, high] = ends(measure);
  return 10 ** Math.floor(Math.log10((high - low) / 100));
}

function rounded(measure, value) {
  return Number((Math.round(value / step(measure)) * step(measure)).toPrecision(10));
}

function newHandle(card, side, plot) {
  const handle = make("div", "handle " + side);
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider");
  handle.setAttribute("aria-label", card.measure.label + ", " + SIDES[side] + " threshold");
  const [low, high] = ends(card.measure);
  handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); event.preventDefault(); });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const beyond = side === "low" ? share <= 0 : share >= 1; // dragged to its end: no threshold
    set(card, side, beyond ? null : rounded(card.measure, low + limit(share, 0, 1) * (high - low)));
  });
  handle.addEventListener("keydown", (event) => press(card, side, event));
  card.handles[side] = handle;
  return handle;
}

function press(card, side, event) {
  const [low, high] = ends(card.measure);
  const home = side === "low" ? low : high;
  const now = card.rule[side] ?? home;
  const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (by) set(card, side, rounded(card.measure, now + by * step(card.measure)));
  else if (event.key === "Home") set(card, side, low);
  else if (event.key === "End") set(card, side, high);
  else if (event.key === "Delete" || event.key === "Backspace") set(card, side, null);
  else return;
  event.preventDefault();
}

function newInputs(card) {
  const row = make("div", "inputs");
  const kinds = { low: "at least", high: "at most" };
  if (card.measure.better !== "neither") kinds.best = "best, in %";
  for (const [name, words] of Object.entries(kinds)) {
    const input = make("input");
    input.type = "number";
    input.step = "any";
    input.setAttribute("aria-label", card.measure.label + ", " + words);
    if (name === "best") Object.assign(input, { min: 0.1, max: 100 });
    input.addEventListener("change", () => {
      const typed = input.value === "" ? null : Number(input.value);
      if (name !== "best") set(card, name, typed);
      else { card.rule.best = typed === null ? null : limit(typed, 0.1, 100) / 100; changed(card); }
    });
    const label = make("label", "", words);
    label.append(input);
    row.append(label);
    card.inputs[name] = input;
  }
  return row;
}

// A threshold moved past the other one takes it along.
function set(card, side, value) {
  if (card.rule[side] === value) return;
  card.rule[side] = value;
  const other = side === "low" ? "high" : "low";
  const { low, high } = card.rule;
  if (low !== null && high !== null && low > high) card.rule[other] = value;
  changed(card);
}

function changed(card) {
  state.seq += 1;
  show(card);
  send();
}

function send() {
  if (state.sent === state.seq || (state.waiting && performance.now() - state.waiting < ANSWER_MS)) return;
  state.sent = state.seq;
  state.waiting = performance.now();
  const rules = {};
  for (const [column, { rule }] of state.cards) if (rule.low !== null || rule.high !== null || rule.best !== null) rules[column] = rule;
  trigger("rules", { seq: state.seq, rules: JSON.parse(JSON.stringify(rules)) });
  setTimeout(send, ANSWER_MS + 100);
}

function place(measure, value) {
  const [low, high] = ends(measure);
  return limit((value - low) / (high - low), 0, 1) * 100;
}

function show(card) {
  const { measure, rule } = card;
  const top = Math.max(...measure.pool, 1);
  const parts = [];
  measure.pool.forEach((count, i) => {
    const left = place(measure, measure.edges[i]);
    const width = Math.max(place(measure, measure.edges[i + 1]) - left - 0.4, 0.3);
    for (const [name, n] of [["pool", count], ["kept", measure.kept[i]]]) {
      if (n) parts.push(draw("rect", { class: name, x: left, width, y: 100 - (100 * n) / top, height: (100 * n) / top }));
    }
  });
  if (rule.low !== null) parts.push(draw("rect", { class: "out", x: 0, width: place(measure, rule.low), y: 0, height: 100 }));
  if (rule.high !== null) parts.push(draw("rect", { class: "out", x: place(measure, rule.high), width: 100 - place(measure, rule.high), y: 0, height: 100 }));
  if (rule.best !== null && measure.bound !== null) {
    const at = place(measure, measure.bound);
    parts.push(draw("line", { class: "bound", x1: at, x2: at, y1: 0, y2: 100 }));
  }
  parts.push(draw("line", { class: "base", x1: 0, x2: 100, y1: 100, y2: 100 }));
  card.svg.replaceChildren(...parts);
  for (const side of Object.keys(SIDES)) {
    const value = rule[side];
    const handle = card.handles[side];
    const home = ends(measure)[side === "low" ? 0 : 1];
    handle.style.left = place(measure, value ?? home) + "%";
    handle.classList.toggle("off", value === null);
    handle.setAttribute("aria-valuemin", Math.min(ends(measure)[0], value ?? home));
    handle.setAttribute("aria-valuemax", Math.max(ends(measure)[1], value ?? home));
    handle.setAttribute("aria-valuenow", value ?? home);
    handle.setAttribute("aria-valuetext", value === null ? "none" : said(value) + (measure.unit ? " " + measure.unit : ""));
  }
  for (const [name, input] of Object.entries(card.inputs)) {
    if (document.activeElement === input && state.sent !== state.seq) continue;
    const value = name === "best" && rule.best !== null ? Number((100 * rule.best).toPrecision(6)) : rule[name];
    input.value = value === null ? "" : value;
  }
}

function open(value) {
  state.opened = value.opened;
  state.seq = state.sent = state.answered = value.seq;
  state.cards = new Map(value.measures.map((measure) => [measure.column, newCard(measure)]));
  const cards = [...state.cards.values()];
  const ruled = (card) => Object.values(card.rule).some((bound) => bound !== null);
  board.querySelector(".used").replaceChildren(...cards.filter(ruled).map((card) => card.root));
  board.querySelector(".other").replaceChildren(...cards.filter((card) => !ruled(card)).map((card) => card.root));
  board.querySelector(".rest").hidden = cards.every(ruled);
}

function update() {
  const value = props.value;
  board.hidden = !value;
  if (!value) return;
  if (value.opened !== state.opened) open(value);
  state.waiting = 0;
  if (value.seq > 0 && value.seq < state.answered) state.sent = -1; // overtaken by a later answer, whose summary it has replaced: ask again
  state.answered = Math.max(state.answered, value.seq);
  for (const measure of value.measures) {
    const card = state.cards.get(measure.column);
    Object.assign(card.measure, { kept: measure.kept, bound: measure.bound });
    show(card);
  }
  send();
}

watch("value", update);
update();
