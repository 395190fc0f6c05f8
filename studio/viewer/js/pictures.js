// One <img> for each picture, whatever shows it, and the picture's exact pixels.

const shelf = new Map(); // name -> {img, url, edition, pixels}

// The <img> of a picture. It is swapped only when the next one is decoded, so previews do not flicker.
function picture(image) {
  if (!shelf.has(image.name)) {
    const img = make("img", "picture");
    img.draggable = false;
    shelf.set(image.name, { img, url: null, edition: 0, pixels: null });
  }
  const kept = shelf.get(image.name);
  kept.img.alt = image.alt;
  if (kept.url !== image.file.url) load(kept, image.file.url);
  return kept.img;
}

async function load(kept, url) {
  kept.url = url;
  const next = new Image();
  next.src = url;
  await next.decode().catch(() => {}); // the browser then shows the alternative text
  if (kept.url !== url) return;
  kept.img.src = url;
  await kept.img.decode().catch(() => {});
  kept.pixels = null;
  kept.edition += 1;
  refresh();
}

function forget() {
  for (const name of shelf.keys()) if (!find(name)) shelf.delete(name);
}

function ready(image) {
  const kept = shelf.get(image.name);
  return Boolean(kept && kept.img.src && kept.img.complete && kept.img.naturalWidth);
}

// The picture drawn once, pixel for pixel and unscaled, into a canvas of its own size.
function pixels(image) {
  const kept = shelf.get(image.name);
  if (!kept.pixels) {
    const canvas = document.createElement("canvas");
    canvas.width = kept.img.naturalWidth;
    canvas.height = kept.img.naturalHeight;
    kept.pixels = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    kept.pixels.drawImage(kept.img, 0, 0);
  }
  return kept.pixels;
}

// {x, y, rgb} of the pixel that covers a point of the frame.
function pixelAt(image, point) {
  const { canvas } = pixels(image);
  const x = limit(Math.floor(point.x * canvas.width), 0, canvas.width - 1);
  const y = limit(Math.floor(point.y * canvas.height), 0, canvas.height - 1);
  return { x, y, rgb: [...pixels(image).getImageData(x, y, 1, 1).data.slice(0, 3)] };
}
