// The lens: for each other picture a magnified square of the same place, in a strip about the point.

const LENS_PX = 184;
const lensBox = viewer.querySelector(".lenses");
const magnify = viewer.querySelector(".magnify");

function lensed() {
  return included().filter((image) => image !== sided("left"));
}

function magnification() {
  return 2 ** Number(magnify.value);
}

function drawLenses(at) {
  const others = state.mode === "lens" ? lensed().filter(ready) : [];
  lensBox.hidden = !others.length;
  if (!others.length) return;
  viewer.querySelector(".for-lens .times").textContent = magnification() + "×";
  while (lensBox.children.length > others.length) lensBox.lastChild.remove();
  while (lensBox.children.length < others.length) lensBox.append(newLens());
  const size = Math.floor(Math.min(LENS_PX, Math.max(LENS_PX * 0.7, at.paneWidth * 0.4), (at.paneWidth - 16) / others.length - 6, at.paneHeight * 0.7));
  const point = state.point || state.centre;
  others.forEach((image, i) => drawLens(lensBox.children[i], image, point, size, at.scale * magnification()));
  const left = at.left + point.x * at.width - lensBox.offsetWidth / 2;
  const top = at.top + point.y * at.height - size / 2;
  const x = limit(left, 4, Math.max(4, at.paneWidth - lensBox.offsetWidth - 4));
  const y = limit(top, 4, Math.max(4, at.paneHeight - lensBox.offsetHeight - 4));
  lensBox.style.transform = "translate(" + x + "px, " + y + "px)";
}

function newLens() {
  const lens = make("figure", "lens");
  lens.append(make("canvas"), make("figcaption"));
  lens.firstChild.setAttribute("role", "img");
  return lens;
}

// `scale`: CSS pixels of the lens per pixel of the frame.
function drawLens(lens, image, point, size, scale) {
  const [canvas, label] = lens.children;
  canvas.width = canvas.height = Math.round(size * devicePixelRatio);
  canvas.style.width = canvas.style.height = size + "px";
  canvas.setAttribute("aria-label", image.alt + ", magnified");
  label.textContent = image.label;
  lens.dataset.branch = image.name;
  const source = shelf.get(image.name).img;
  const own = (scale * frame().width_px) / source.naturalWidth; // CSS pixels per pixel of this picture
  const [width, height] = [canvas.width / devicePixelRatio / own, canvas.height / devicePixelRatio / own];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = own * devicePixelRatio < 2;
  const x = point.x * source.naturalWidth - width / 2;
  const y = point.y * source.naturalHeight - height / 2;
  context.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
}

magnify.addEventListener("input", () => layout());
