// props.value = {run, x, y, points: [{index, title, x, y, mix, seeds, front, best, warnings, figures}], failed, finished}.

const front = element.querySelector(".front");
const svg = front.querySelector("svg");
const BOX = { left: 64, right: 620, top: 18, bottom: 306, width: 640, height: 360 };

function svgNode(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  if (text !== undefined) made.textContent = text;
  return made;
}

// Ends a little outside the values, and about four round numbers between them.
function ticked(values) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || 0.1) * 0.12;
  [low, high] = [low - margin, high + margin];
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= raw);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) ticks.push([at, at.toFixed(digits)]);
  return { low, high, ticks };
}

function draw() {
  const value = props.value;
  front.hidden = !value;
  if (!value) return;
  const points = [...value.points].sort((a, b) => b.mix - a.mix);
  front.querySelector(".failed").textContent = value.failed ? value.failed + " settings failed or could not be scored" : "";
  front.querySelector("tbody").replaceChildren(...points.map(row));
  svg.replaceChildren();
  front.querySelector(".points").replaceChildren();
  if (points.length) plot(value, points);
}

function plot(value, points) {
  const [across, up] = [ticked(points.map((p) => p.x)), ticked(points.map((p) => p.y))];
  const x = (v) => BOX.left + ((v - across.low) / (across.high - across.low)) * (BOX.right - BOX.left);
  const y = (v) => BOX.bottom - ((v - up.low) / (up.high - up.low)) * (BOX.bottom - BOX.top);
  across.ticks.forEach(([at, text]) => svg.append(
    svgNode("line", { class: "rule", x1: x(at), x2: x(at), y1: BOX.top, y2: BOX.bottom }),
    svgNode("text", { x: x(at), y: BOX.bottom + 18, "text-anchor": "middle" }, text)));
  up.ticks.forEach(([at, text]) => svg.append(
    svgNode("line", { class: "rule", x1: BOX.left, x2: BOX.right, y1: y(at), y2: y(at) }),
    svgNode("text", { x: BOX.left - 8, y: y(at) + 4, "text-anchor": "end" }, text)));
  svg.append(
    svgNode("text", { x: (BOX.left + BOX.right) / 2, y: BOX.height - 14, "text-anchor": "middle" }, "Fidelity: " + value.x + " →"),
    svgNode("text", { transform: "translate(16 " + (BOX.top + BOX.bottom) / 2 + ") rotate(-90)", "text-anchor": "middle" }, "Quality: " + value.y + " →"));
  const line = points.filter((p) => p.front).sort((a, b) => a.x - b.x);
  if (line.length > 1) svg.append(svgNode("polyline", { class: "line", points: line.map((p) => x(p.x) + "," + y(p.y)).join(" ") }));
  front.querySelector(".points").replaceChildren(...points.map((p) => {
    const made = make("button", "point" + (p.front ? " chosen" : "") + (p.best ? " best" : ""));
    Object.assign(made, { type: "button", title: p.title });
    made.setAttribute("aria-label", "Open " + p.title + ": fidelity " + p.x.toFixed(3) + ", quality " + p.y.toFixed(3));
    made.style.left = (100 * x(p.x)) / BOX.width + "%";
    made.style.top = (100 * y(p.y)) / BOX.height + "%";
    made.addEventListener("click", () => trigger('open', { index: p.index }));
    return made;
  }));
}

function row(p) {
  const [made, first] = [make("tr"), make("td")];
  const open = Object.assign(make("button", "", p.title), { type: "button" });
  open.addEventListener("click", () => trigger('open', { index: p.index }));
  first.append(open, document.createTextNode([p.best ? " · best mix" : "", p.front ? " · on the front" : ""].join("")));
  p.warnings.forEach((warning) => first.append(make("small", "", warning)));
  const numbers = [p.x.toFixed(3), p.y.toFixed(3), p.mix.toFixed(3), p.seeds, p.figures.join(", ")];
  made.append(first, ...numbers.map((text) => make("td", "", text)));
  return made;
}

watch("value", draw);
draw();
