// The difference of two pictures as a heat-map: per pixel the mean of |R - R'|, |G - G'| and |B - B'|, in levels of 0 to 255,
// times the gain. Colours: magma (Smith and van der Walt, matplotlib, CC0), at each sixteenth.

const MAGMA = [
  [0, 0, 4], [10, 8, 34], [29, 17, 71], [54, 16, 107], [81, 18, 124], [106, 28, 129], [131, 38, 129], [156, 46, 127], [183, 55, 121],
  [208, 65, 111], [231, 82, 99], [245, 107, 92], [252, 137, 97], [254, 167, 114], [254, 196, 136], [253, 226, 163], [252, 253, 191],
];
const HEAT_COLOURS = Uint8ClampedArray.from({ length: 256 * 4 }, (_, i) => heatColour((i >> 2) / 255, i & 3));
const heatCanvas = make("canvas", "picture heat");
heatCanvas.setAttribute("role", "img");
const gain = viewer.querySelector(".gain");
let compared = null; // {key, width, height, levels, mean, largest, psnr}

function heatColour(share, channel) {
  if (channel === 3) return 255;
  const at = share * (MAGMA.length - 1);
  const low = Math.min(Math.floor(at), MAGMA.length - 2);
  return MAGMA[low][channel] + (at - low) * (MAGMA[low + 1][channel] - MAGMA[low][channel]);
}

function gainTimes() {
  return 2 ** Number(gain.value);
}

// On the grid of the larger picture; of the smaller one the nearest pixel counts.
function difference(a, b) {
  const [one, two] = [a, b].map((image) => {
    const { canvas } = pixels(image);
    return { width: canvas.width, height: canvas.height, data: pixels(image).getImageData(0, 0, canvas.width, canvas.height).data };
  });
  const { width, height } = one.width >= two.width ? one : two;
  const levels = new Float32Array(width * height);
  let [sum, squares, largest] = [0, 0, 0];
  for (let y = 0, i = 0; y < height; y++) {
    const [rowOne, rowTwo] = [one, two].map((side) => Math.floor(((y + 0.5) * side.height) / height) * side.width);
    for (let x = 0; x < width; x++, i++) {
      const p = 4 * (rowOne + Math.floor(((x + 0.5) * one.width) / width));
      const q = 4 * (rowTwo + Math.floor(((x + 0.5) * two.width) / width));
      const red = Math.abs(one.data[p] - two.data[q]);
      const green = Math.abs(one.data[p + 1] - two.data[q + 1]);
      const blue = Math.abs(one.data[p + 2] - two.data[q + 2]);
      levels[i] = (red + green + blue) / 3;
      sum += levels[i];
      squares += red * red + green * green + blue * blue;
      largest = Math.max(largest, red, green, blue);
    }
  }
  const psnr = 10 * Math.log10((255 * 255 * 3 * levels.length) / squares);
  return { width, height, levels, mean: sum / levels.length, largest, psnr };
}

function drawHeat() {
  const sides = SIDES.map(sided);
  const done = sides.every(ready);
  const stats = viewer.querySelector(".stats");
  heatCanvas.hidden = !done;
  if (!done) return;
  const key = sides.map((image) => image.name + " " + shelf.get(image.name).edition).join(" ");
  if (!compared || compared.key !== key) compared = { key, ...difference(...sides) };
  paintHeat(compared);
  const { mean, largest, psnr, width, height } = compared;
  stats.textContent = "Mean " + mean.toFixed(2) + " · largest " + largest + (largest ? " · PSNR " + psnr.toFixed(2) + " dB" : " · identical");
  const others = sides.filter((image) => image.width_px !== width || image.height_px !== height);
  if (others.length) stats.textContent += " · sizes differ, nearest pixels compared";
  heatCanvas.setAttribute("aria-label", "Difference of " + sides.map((image) => image.label).join(" and ") + ". " + stats.textContent);
}

function paintHeat({ width, height, levels }) {
  const times = gainTimes();
  if (heatCanvas.width !== width || heatCanvas.height !== height) Object.assign(heatCanvas, { width, height });
  const painted = new ImageData(width, height);
  const colours = new Uint32Array(HEAT_COLOURS.buffer);
  const out = new Uint32Array(painted.data.buffer);
  for (let i = 0; i < levels.length; i++) out[i] = colours[Math.min(255, Math.round(levels[i] * times))];
  heatCanvas.getContext("2d").putImageData(painted, 0, 0);
  viewer.querySelector(".for-difference .times").textContent = times + "×";
  viewer.querySelector(".legend .top").textContent = times === 1 ? "255" : "≥ " + Math.round(2550 / times) / 10;
  gain.setAttribute("aria-valuetext", times + " times");
}

gain.addEventListener("input", () => drawHeat());
viewer.querySelector(".ramp").getContext("2d").putImageData(new ImageData(HEAT_COLOURS, 256, 1), 0, 0);
